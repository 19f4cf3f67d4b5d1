#pragma once

// What the benchmarks share: a registry of them, timing, and the table that they print. Each gives its
// figure together with a ceiling that was measured in the same run, on the same data: the same work done
// by nothing but what it cannot be done without. Figures of different runs drift with the machine; the
// ratio says how much of what is possible is there.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

using clock = std::chrono::steady_clock;

struct options {
  bool quick = false;     ///< Shorter, for seeing that they work.
  std::string program;    ///< The timenode to run.
  std::string directory;  ///< For databases: on the disk that a node would use.
};

/// A line of the table.
struct result {
  std::string what;
  double value = 0;
  std::string unit;    ///< "blocks/s", "us", "bytes", ...
  double ceiling = 0;  ///< In the same unit; 0: none.
  std::string of;      ///< What the ceiling is.
  bool smaller_is_better = false;
};

/// How much of the ceiling is reached; above 1 when the figure beats it.
double ratio(const result& x) noexcept;

using results = std::vector<result>;

struct benchmark {
  std::string_view name;
  results (*run)(const options& x);
};

/// Registers a benchmark at the start of the program.
class registration {
 public:
  registration(std::string_view name, results (*run)(const options& x));
};
const std::vector<benchmark>& all();

/// Keeps the compiler from leaving out what gives a value.
template <class T>
void keep(const T& x) {
  asm volatile("" : : "g"(&x) : "memory");
}

inline double seconds_since(clock::time_point x) {
  return std::chrono::duration<double>(clock::now() - x).count();
}

/// Runs `work`, which does `units` units of something, again and again for about `seconds`, five times, and
/// gives the median of units per second.
double rate(double units, const std::function<void()>& work, double seconds = 0.3);

/// The median; the list is sorted. Not of an empty list.
double median(std::vector<double> x);
double percentile(std::vector<double> x, double share);

/// Two functions, one round of each in turn, so that a machine that changes its speed changes both. Gives
/// the medians of their rates.
std::pair<double, double> rates(double units, const std::function<void()>& ours,
                                const std::function<void()>& ceiling, double seconds = 0.3);

}  // namespace bench
