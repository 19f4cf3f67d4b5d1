#pragma once

// A queue that is mostly empty or short: of which a simulated network has tens of thousands.

#include <boost/container/small_vector.hpp>

#include <cstddef>
#include <utility>

namespace sim {

/// First in, first out. Short ones use the same few bytes again and again, and the shortest those beside what they belong to, unlike
/// a deque, whose blocks each push and each pop of a long run would walk through, a new line of the cache every time.
template <class T>
class fifo {
 public:
  void push(T x) { things_.push_back(std::move(x)); }

  /// Takes the oldest out. There must be one.
  T take() {
    auto result = std::move(things_[first_]);
    if (++first_ == things_.size()) {
      clear();
    } else if (first_ >= kept && 2 * first_ >= things_.size()) {
      // Each thing is moved once for each that was taken: half of them are, when they are.
      things_.erase(things_.begin(), things_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
    return result;
  }

  T& front() noexcept { return things_[first_]; }
  bool empty() const noexcept { return things_.empty(); }
  std::size_t size() const noexcept { return things_.size() - first_; }
  auto begin() const noexcept { return things_.begin() + static_cast<std::ptrdiff_t>(first_); }
  auto end() const noexcept { return things_.end(); }

  /// Keeps the memory of a short queue, for the next one.
  void clear() noexcept {
    first_ = 0;
    things_.clear();
    if (things_.capacity() > kept)
      things_.shrink_to_fit();
  }

 private:
  static constexpr std::size_t kept = 64;

  boost::container::small_vector<T, 2> things_;
  std::size_t first_ = 0;  ///< Those before it are taken. Never all of them.
};

}  // namespace sim
