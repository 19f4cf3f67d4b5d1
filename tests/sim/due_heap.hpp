#pragma once

// Things in order of virtual time; those of one moment in the order in which they came, so that a run replays.

#include "messages/link_types.hpp"

#include <boost/heap/d_ary_heap.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace sim {

/// A heap of small keys beside what they stand for: what a step moves is 24 bytes, and a parent's children share a line or two
/// of the cache. A network of 100 has some 20,000 things to come.
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
    heap_.push({at, order_++, slot});
  }

  /// When the first is due; none when there is none.
  std::optional<timenode::monotonic_ns> next() const {
    return heap_.empty() ? std::nullopt : std::optional{heap_.top().at};
  }

  /// Takes the first out. There must be one.
  T take_first() {
    const auto slot = heap_.top().slot;
    heap_.pop();
    free_.push_back(slot);
    return std::exchange(things_[slot], T{});
  }

  bool empty() const noexcept { return heap_.empty(); }
  std::size_t size() const noexcept { return heap_.size(); }

  /// Drops all. What one of them held may add others while it goes: those are dropped, too.
  void clear() {
    while (!heap_.empty()) {
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

  boost::heap::d_ary_heap<key, boost::heap::arity<4>, boost::heap::compare<later>> heap_;
  std::vector<T> things_;
  std::vector<std::uint32_t> free_;  ///< Places in `things_`.
  std::uint64_t order_ = 0;
};

}  // namespace sim
