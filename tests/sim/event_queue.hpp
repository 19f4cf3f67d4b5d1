#pragma once

// What is still to happen, in order of virtual time.

#include "tests/sim/calendar_queue.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

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
  /// An event will happen to it soon: what that needs may be fetched into the cache. The object itself is there.
  virtual void approach(nearness) const noexcept {}
};

/// Events by time; those of one moment in the order in which they were made, so that a run replays.
class event_queue {
 public:
  void add(monotonic_ns at, std::shared_ptr<event_target> target, std::uint32_t what) {
    events_.add(at, {std::move(target), what});
  }

  /// Calls `run` at that moment.
  void add(monotonic_ns at, std::function<void()> run) {
    add(at, std::make_shared<closure>(std::move(run)), 0);
  }

  std::optional<monotonic_ns> next() const { return events_.next(); }

  /// Lets the first event happen. There must be one.
  void run_first() {
    // Out of the queue before it happens: it may add others.
    const auto first = events_.take_first();
    ++happened_;
    first.target->happen(first.what);
  }

  /// Drops all that is to come.
  void clear() { events_.clear(); }

  std::size_t size() const noexcept { return events_.size(); }
  /// Events that have happened.
  std::uint64_t happened() const noexcept { return happened_; }

 private:
  struct event {
    std::shared_ptr<event_target> target;
    std::uint32_t what = 0;

    void approach(nearness how) const noexcept {
      constexpr std::size_t typical_size = 640;  // of a connection, which most are
      if (how == nearness::far)
        fetch_shared(target.get(), typical_size);
      else
        target->approach(how);
    }
  };

  struct closure final : event_target {
    explicit closure(std::function<void()> f) : run{std::move(f)} {}
    void happen(std::uint32_t) override { run(); }
    std::function<void()> run;
  };

  /// Nearly all is due within the 5 s of a dial or the latency of a path.
  static constexpr std::size_t pages = 512;

  calendar_queue<event, pages> events_;
  std::uint64_t happened_ = 0;
};

}  // namespace sim
