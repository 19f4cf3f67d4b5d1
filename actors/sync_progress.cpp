#include "actors/sync_progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace timenode::sync {

namespace {

constexpr monotonic_ns second_ns = in_ns(std::chrono::seconds{1});

double seconds(monotonic_ns x) noexcept {
  return static_cast<double>(x) / static_cast<double>(second_ns);
}

}  // namespace

void sync_progress::applied(std::uint64_t count, monotonic_ns now) {
  if (!first_applied_)
    first_applied_ = now;
  total_ += count;
  const auto number = now / second_ns;
  auto& slot = seconds_[static_cast<std::size_t>(number % window_seconds)];
  if (slot.number != number)
    slot = {number, 0};
  slot.blocks += count;
}

double sync_progress::blocks_per_second(monotonic_ns now) const {
  if (!first_applied_)
    return 0;
  const auto number = now / second_ns;
  std::uint64_t blocks = 0;
  for (const auto& x : seconds_)
    if (x.number > number - window_seconds && x.number <= number)
      blocks += x.blocks;
  // Right after the start the window is as long as there was time, but never so short that it says
  // nothing.
  const auto age =
      std::clamp(seconds(now - *first_applied_), 1.0, static_cast<double>(window_seconds));
  return static_cast<double>(blocks) / age;
}

std::int64_t sync_progress::eta_seconds(const progress_point& at, monotonic_ns now) const {
  if (at.target <= at.height)
    return 0;
  const auto rate = blocks_per_second(now);
  if (rate <= 0)
    return -1;
  return static_cast<std::int64_t>(std::ceil(static_cast<double>(at.target - at.height) / rate));
}

std::optional<std::string> sync_progress::line(const progress_point& at, monotonic_ns now) {
  const auto grew = at.height != height_;
  const auto from = height_;
  if (grew || at.target <= at.height) {
    height_since_ = now;
    height_ = at.height;
  }
  if (at.target <= at.height) {
    behind_since_.reset();
    if (!episode_)
      return std::nullopt;
    const auto done = *episode_;
    episode_.reset();
    const auto blocks = at.height - std::min(at.height, done.from);
    const auto time = seconds(now - done.began);
    if (at.height < done.goal)
      return fmt::format(
          "at height {} ({} blocks in {:.1f} s); who claimed to have up to {} does not "
          "deliver now",
          at.height, blocks, time, done.goal);
    return fmt::format("caught up at height {} ({} blocks in {:.1f} s)", at.height, blocks, time);
  }
  if (!behind_since_) {
    behind_since_ = now;
    height_since_ = now;
  }
  if (episode_)
    episode_->goal = std::max(episode_->goal, at.target);
  // Only blocks that came make it true that we are behind: a claim alone may be a lie.
  if (!episode_ && grew && at.target - from > worth_a_line && total_ > 0) {
    episode_ = {*behind_since_, from, at.target, now};
    return fmt::format("{} blocks behind, asking {} peer{}", at.target - from, at.peers,
                       at.peers == 1 ? "" : "s");
  }
  if (now - height_since_ >= stall &&
      (!last_stall_line_ || now - *last_stall_line_ >= stall_interval)) {
    last_stall_line_ = now;
    return fmt::format("no block for {:.0f} s at height {} although {} peers claim to have up to "
                       "{}; asking on. If this stays: connect to other peers (addnode)",
                       seconds(now - height_since_), at.height, at.peers, at.target);
  }
  if (!episode_ || now - episode_->last_line < line_interval)
    return std::nullopt;
  episode_->last_line = now;
  const auto eta = eta_seconds(at, now);
  return fmt::format("at height {} of {}, {:.0f} blocks/s{}", at.height, at.target,
                     blocks_per_second(now),
                     eta < 0 ? std::string{} : fmt::format(", {} s to go", eta));
}

}  // namespace timenode::sync
