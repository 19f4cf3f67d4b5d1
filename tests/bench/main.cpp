// The benchmarks, as one program: bench [--only PART] [--quick] [--markdown] [--directory DIR].

#include "tests/bench/bench.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <thread>

namespace bench {

namespace {

std::vector<benchmark>& registry() {
  static std::vector<benchmark> result;
  return result;
}

/// "2.41M", "60.1k", "78.3": three digits that matter.
std::string figure(double x) {
  if (x >= 1e6)
    return fmt::format("{:.2f}M", x / 1e6);
  if (x >= 1e4)
    return fmt::format("{:.1f}k", x / 1e3);
  return x >= 100 ? fmt::format("{:.0f}", x) : fmt::format("{:.1f}", x);
}

std::string processor() {
  std::ifstream in{"/proc/cpuinfo"};
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("model name"))
      return line.substr(line.find(':') + 2);
  return "an unknown processor";
}

void print(const result& x, bool markdown) {
  const auto value = figure(x.value) + " " + x.unit;
  const auto ceiling = x.ceiling > 0 ? figure(x.ceiling) + ": " + x.of : "-";
  const auto share = x.ceiling > 0 ? fmt::format("{:.2f}", ratio(x)) : "-";
  if (markdown)
    fmt::print("| {} | {} | {} | {} |\n", x.what, value, share, ceiling);
  else
    fmt::print("{:<52} {:>18} {:>6}   {}\n", x.what, value, share, ceiling);
  std::fflush(stdout);
}

}  // namespace

registration::registration(std::string_view name, results (*run)(const options& x)) {
  registry().push_back({name, run});
}

const std::vector<benchmark>& all() {
  return registry();
}

double ratio(const result& x) noexcept {
  return x.smaller_is_better ? x.ceiling / x.value : x.value / x.ceiling;
}

double median(std::vector<double> x) {
  return percentile(std::move(x), 0.5);
}

double percentile(std::vector<double> x, double share) {
  std::sort(x.begin(), x.end());
  return x[static_cast<std::size_t>(share * static_cast<double>(x.size() - 1))];
}

namespace {

double one_rate(double units, const std::function<void()>& work, double seconds) {
  const auto begin = clock::now();
  double done = 0;
  double took = 0;
  do {
    work();
    done += units;
    took = seconds_since(begin);
  } while (took < seconds);
  return done / took;
}

}  // namespace

double rate(double units, const std::function<void()>& work, double seconds) {
  std::vector<double> samples;
  for (int i = 0; i < 5; ++i)
    samples.push_back(one_rate(units, work, seconds));
  return median(samples);
}

std::pair<double, double> rates(double units, const std::function<void()>& ours,
                                const std::function<void()>& ceiling, double seconds) {
  std::vector<double> first;
  std::vector<double> second;
  for (int i = 0; i < 5; ++i) {
    first.push_back(one_rate(units, ours, seconds));
    second.push_back(one_rate(units, ceiling, seconds));
  }
  return {median(first), median(second)};
}

}  // namespace bench

int main(int argc, char** argv) {
  bench::options options;
  std::string only;
  bool markdown = false;
  options.program = TIMENODE_PROGRAM;
  options.directory = std::filesystem::temp_directory_path().string();
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto value = [&] { return i + 1 < argc ? std::string{argv[++i]} : std::string{}; };
    if (argument == "--quick")
      options.quick = true;
    else if (argument == "--markdown")
      markdown = true;
    else if (argument == "--only")
      only = value();
    else if (argument == "--directory")
      options.directory = value();
    else if (argument == "--program")
      options.program = value();
    else {
      std::fprintf(stderr, "usage: bench [--only PART] [--quick] [--markdown] [--directory DIR]\n"
                           "             [--program TIMENODE]\nparts:");
      for (const auto& x : bench::all())
        std::fprintf(stderr, " %s", std::string{x.name}.c_str());
      std::fprintf(stderr, "\n");
      return 2;
    }
  }
  const auto now = std::time(nullptr);
  char date[32];
  std::strftime(date, sizeof(date), "%Y-%m-%d", std::gmtime(&now));
  utsname system{};
  uname(&system);
  fmt::print("{}, {} threads, {} {}, {}{}\n\n", bench::processor(),
             std::thread::hardware_concurrency(), system.sysname, system.release, date,
             options.quick ? ", quick" : "");
  if (markdown)
    fmt::print("| what | measured | ratio | ceiling |\n|---|---|---|---|\n");
  else
    fmt::print("{:<52} {:>18} {:>6}   {}\n", "WHAT", "MEASURED", "RATIO", "CEILING");
  int ran = 0;
  for (const auto& x : bench::all())
    if (only.empty() || x.name.find(only) != std::string_view::npos) {
      ++ran;
      for (const auto& y : x.run(options))
        bench::print(y, markdown);
    }
  if (ran == 0)
    std::fprintf(stderr, "no part is called %s\n", only.c_str());
  return ran == 0;
}
