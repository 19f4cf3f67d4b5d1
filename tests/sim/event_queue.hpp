#pragma once

// What is still to happen, in order of virtual time.

#include "messages/link_types.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace sim {

using timenode::monotonic_ns;

inline constexpr monotonic_ns millisecond = 1'000'000;
inline constexpr monotonic_ns second = 1'000'000'000;
inline constexpr monotonic_ns minute = 60 * second;
inline constexpr monotonic_ns hour = 60 * minute;

/// Something that events happen to. Kept alive by its events.
class event_target {
 public:
  virtual ~event_target() = default;
  /// `what` is the number that the event was made with.
  virtual void happen(std::uint32_t what) = 0;
};

/// Events by time; those of one moment in the order in which they were made, so that a run replays.
class event_queue {
 public:
  void add(monotonic_ns at, std::shared_ptr<event_target> target, std::uint32_t what) {
    heap_.push_back({at, order_++, std::move(target), what});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }

  /// Calls `run` at that moment.
  void add(monotonic_ns at, std::function<void()> run) {
    add(at, std::make_shared<closure>(std::move(run)), 0);
  }

  std::optional<monotonic_ns> next() const {
    return heap_.empty() ? std::nullopt : std::optional{heap_.front().at};
  }

  /// Lets the first event happen. There must be one.
  void run_first() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    // Out of the heap before it happens: it may add others.
    const auto first = std::move(heap_.back());
    heap_.pop_back();
    ++happened_;
    first.target->happen(first.what);
  }

  /// Drops all that is to come. What an event held may make new ones while it goes: those are dropped too.
  void clear() {
    while (!heap_.empty()) {
      const auto gone = std::exchange(heap_, {});
    }
  }

  std::size_t size() const noexcept { return heap_.size(); }
  /// Events that have happened.
  std::uint64_t happened() const noexcept { return happened_; }

 private:
  struct event {
    monotonic_ns at;
    std::uint64_t order;
    std::shared_ptr<event_target> target;
    std::uint32_t what;
  };

  struct closure final : event_target {
    explicit closure(std::function<void()> f) : run{std::move(f)} {}
    void happen(std::uint32_t) override { run(); }
    std::function<void()> run;
  };

  static bool later(const event& x, const event& y) noexcept {
    return x.at != y.at ? x.at > y.at : x.order > y.order;
  }

  std::vector<event> heap_;
  std::uint64_t order_ = 0;
  std::uint64_t happened_ = 0;
};

}  // namespace sim
