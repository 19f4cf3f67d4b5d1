#pragma once

// Things in order of virtual time; those of one moment in the order in which they came, so that a run replays.

#include "messages/link_types.hpp"

#include <boost/heap/d_ary_heap.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace sim {

/// Has the memory from there on brought into the cache, so many bytes of it. Any address will do.
inline void fetch(const void* from, std::size_t bytes) noexcept {
  constexpr std::size_t line = 64;
  for (std::size_t i = 0; i < bytes; i += line)
    __builtin_prefetch(static_cast<const char*>(from) + i);
}

/// How near a thing has come, for what it needs to be in the cache by its turn: each step looks at what the one before brought.
/// A network of 100 takes 100 MB and more, of which a step of the simulation touches some fifty places anywhere.
enum class nearness : std::uint8_t { far, near, next };

/// A heap of small keys beside what they stand for: what a step moves is 24 bytes, and a parent's children share a line or two
/// of the cache. A network of 100 has some 20,000 things to come. The nearest stand in a row beside it. `T::approach` is told of
/// things that come near, by most of them; it must not change anything.
template <class T>
class due_heap {
 public:
  void add(timenode::monotonic_ns at, T x) {
    auto slot = static_cast<std::uint32_t>(things_.size());
    if (free_.empty()) {
      things_.push_back(std::move(x));
    } else {
      slot = free_.back();
      free_.pop_back();
      things_[slot] = std::move(x);
    }
    const auto added = key{at, order_++, slot};
    if (count_ == 0 || later{}(added, near_[0])) {
      heap_.push(added);
      return;
    }
    if (count_ == near_.size()) {
      heap_.push(near_[0]);
      std::copy(near_.begin() + 1, near_.end(), near_.begin());
      --count_;
    }
    auto i = count_++;
    for (; i > 0 && later{}(added, near_[i - 1]); --i)
      near_[i] = near_[i - 1];
    near_[i] = added;
  }

  /// When the first is due; none when there is none.
  std::optional<timenode::monotonic_ns> next() const {
    return count_ > 0      ? std::optional{near_[count_ - 1].at}
           : heap_.empty() ? std::nullopt
                           : std::optional{heap_.top().at};
  }

  /// Takes the first out. There must be one.
  T take_first() {
    if (count_ <= refilled_at)
      refill();
    const auto slot = near_[--count_].slot;
    free_.push_back(slot);
    tell(far_ahead, nearness::far);
    tell(near_ahead, nearness::near);
    tell(next_ahead, nearness::next);
    return std::exchange(things_[slot], T{});
  }

  bool empty() const noexcept { return count_ == 0 && heap_.empty(); }
  std::size_t size() const noexcept { return count_ + heap_.size(); }

  /// Drops all. What one of them held may add others while it goes: those are dropped, too.
  void clear() {
    while (!empty()) {
      count_ = 0;
      heap_.clear();
      free_.clear();
      const auto gone = std::exchange(things_, {});
    }
  }

 private:
  struct key {
    timenode::monotonic_ns at;
    std::uint64_t order;
    std::uint32_t slot;
  };
  struct later {
    bool operator()(const key& x, const key& y) const noexcept {
      return x.at != y.at ? x.at > y.at : x.order > y.order;
    }
  };

  /// A step takes a microsecond or two, and memory a tenth of one: three steps ahead is early, and a row of twelve is short enough to
  /// be kept in order by moving.
  static constexpr std::size_t row = 12;
  static constexpr std::size_t refilled_at = 8;
  static constexpr std::size_t far_ahead = 6;
  static constexpr std::size_t near_ahead = 4;
  static constexpr std::size_t next_ahead = 2;

  void refill() {
    std::array<key, row> more;
    std::size_t taken = 0;
    for (; count_ + taken < row && !heap_.empty(); ++taken) {
      more[taken] = heap_.top();
      heap_.pop();
      __builtin_prefetch(&things_[more[taken].slot]);
    }
    std::copy_backward(near_.begin(), near_.begin() + static_cast<std::ptrdiff_t>(count_),
                       near_.begin() + static_cast<std::ptrdiff_t>(count_ + taken));
    std::reverse_copy(more.begin(), more.begin() + static_cast<std::ptrdiff_t>(taken),
                      near_.begin());
    count_ += taken;
  }

  /// The thing that comes after so many others has come that near.
  void tell(std::size_t ahead, nearness how) const {
    if (count_ > ahead)
      things_[near_[count_ - 1 - ahead].slot].approach(how);
  }

  boost::heap::d_ary_heap<key, boost::heap::arity<4>, boost::heap::compare<later>> heap_;
  std::array<key, row> near_;  ///< The first `count_` things of all, the last of them first.
  std::size_t count_ = 0;
  std::vector<T> things_;
  std::vector<std::uint32_t> free_;  ///< Places in `things_`.
  std::uint64_t order_ = 0;
};

}  // namespace sim
