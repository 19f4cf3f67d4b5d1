#include "actors/sync_plan.hpp"

#include <algorithm>
#include <utility>

namespace timenode::sync {

// -- peers ----------------------------------------------------------------------------

void sync_plan::peer_up(const ip_address& ip, link_direction direction, monotonic_ns now) {
  asks_.release(ip, true, now);
  claims_.up(ip, direction, now);
}

void sync_plan::peer_down(const ip_address& ip, monotonic_ns now) {
  asks_.release(ip, false, now);
  claims_.down(ip, now);
}

// -- what peers say -------------------------------------------------------------------

std::size_t sync_plan::blocks_came(const ip_address& ip, std::span<const block_ptr> blocks,
                                   const plan_position& position, monotonic_ns now) {
  const auto found =
      blocks.empty() ? asks_.answered_empty(ip) : asks_.answered(ip, blocks.front()->header.height);
  if (!found)
    return 0;
  const auto& request = found->request;
  if (!found->late)
    claims_.released(ip);
  const auto front = buffer_.first_missing(position.next);
  auto first_hole = request.first;
  const auto before = buffer_.blocks();
  if (const auto count = keep(request, blocks, position, first_hole); count > 0) {
    claims_.delivered(ip, count, request.count(), now - request.asked_at, now);
    judge_hedging(request, front);
    // Short is no refusal: answers are cut at 4 MiB. What is missing below a block that came is a
    // hole.
    if (first_hole > std::min(blocks.back()->header.height, request.last))
      return buffer_.blocks() > before ? buffer_.blocks() - before : 0;
  }
  claims_.refused(ip, first_hole, now);
  return buffer_.blocks() > before ? buffer_.blocks() - before : 0;
}

/// Puts the blocks that were asked for and are still wanted into the buffer. Returns how many of
/// the asked ones came; `first_hole` becomes the lowest asked height that did not.
std::size_t sync_plan::keep(const ask& request, std::span<const block_ptr> blocks,
                            const plan_position& position, std::uint64_t& first_hole) {
  sourced_blocks wanted;
  std::size_t count = 0;
  std::size_t bytes = 0;
  std::uint64_t above = 0;  // the height that the next one must have at least
  for (const auto& x : blocks) {
    const auto height = x->header.height;
    if (!request.covers(height) || height < above)
      continue;
    ++count;
    above = height + 1;
    if (height == first_hole)
      ++first_hole;
    const auto size = memory_of(*x);
    bytes += size;
    if (height >= position.next)
      wanted.push_back({x, request.peer, size});
  }
  if (count > 0) {
    const auto mean = bytes / count;
    block_bytes_ = std::max(mean, (3 * block_bytes_ + mean) / 4);
  }
  buffer_.insert(std::move(wanted), position.busy_bytes);
  return count;
}

void sync_plan::judge_hedging(const ask& answered, std::uint64_t front) {
  if (!answered.covers(front))
    return;
  const auto hedged = front_.height == front && front_.steps > 0;
  if (hedged && answered.hedge)
    hedge_delay_ = first_hedge_delay;  // it paid
  else if (hedged)
    hedge_delay_ = std::min(2 * hedge_delay_, max_hedge_delay);  // they are slow, not gone
  else
    hedge_delay_ = std::max(hedge_delay_ / 2, first_hedge_delay);
}

// -- what became of blocks --------------------------------------------------------------

void sync_plan::other_branch(const ip_address& ip, std::uint64_t height, monotonic_ns now) {
  buffer_.drop_from(ip);
  claims_.released(ip, asks_.release(ip, false, now));
  claims_.refused(ip, height, now);
}

void sync_plan::set_aside(const ip_address& ip, bool aside, monotonic_ns now) {
  if (aside) {
    buffer_.drop_from(ip);
    claims_.released(ip, asks_.release(ip, false, now));
  }
  claims_.set_aside(ip, aside, now);
}

void sync_plan::refused(const ip_address& ip, std::uint64_t height, monotonic_ns now) {
  other_branch(ip, height, now);
}

void sync_plan::wronged(const ip_address& ip, std::uint64_t height, monotonic_ns now) {
  buffer_.drop_from(ip);
  claims_.released(ip, asks_.release(ip, false, now));
  claims_.wronged(ip, height, now);
}

// -- what to do ---------------------------------------------------------------------------

plan_step sync_plan::step(const plan_position& position, monotonic_ns now) {
  plan_step result;
  buffer_.drop_below(position.next);
  expire(now);
  const auto front = buffer_.first_missing(position.next);
  watch_front(front);
  if (!position.paused) {
    hedge_front(front, now, result);
    fill_gaps(position, front, now, result);
  }
  set_hedge_due();
  result.polls = claims_.due_polls(position.next - 1, now);
  return result;
}

void sync_plan::expire(monotonic_ns now) {
  for (const auto& x : asks_.expire(now)) {
    claims_.released(x.peer);
    claims_.silent(x.peer, x.first, now);
    if (x.covers(front_.height))
      hedge_delay_ = first_hedge_delay;  // gone, not slow
  }
}

void sync_plan::watch_front(std::uint64_t front) {
  if (front_.height != front)
    front_ = {front, 0, 0};
  set_hedge_due();
}

void sync_plan::hedge_front(std::uint64_t front, monotonic_ns now, plan_step& out) {
  const auto covering = asks_.covering(front);
  if (covering.empty() || front_.due == 0)
    return;
  if (now < front_.due)
    return;
  std::vector<ip_address> asked;
  for (const auto* x : covering)
    asked.push_back(x->peer);
  // Each time twice as many are asked for half as much: what the silent ones waste stays small.
  constexpr std::uint32_t most_steps = 7;
  const auto steps = std::min(front_.steps, most_steps);
  const auto size = std::max<std::uint64_t>(max_blocks_per_ask >> steps, 1);
  auto sent = 0u;
  for (; sent < 1u << steps && asks_.has_room(); ++sent) {
    const auto peer = claims_.choose(front, asked);
    if (!peer)
      break;
    const auto last =
        std::min({front + size - 1, covering.front()->last, claims_.find(*peer)->credit});
    asked.push_back(*peer);
    send(*peer, front, last, true, now, out);
  }
  if (sent == 0)
    return;  // nobody has room: tried again as soon as anything changes
  ++front_.steps;
  front_.due = now + hedge_delay_;
}

/// The first hedge is due after the oldest request for the front; later ones are timed by
/// `hedge_front`.
void sync_plan::set_hedge_due() {
  const auto covering = asks_.covering(front_.height);
  if (covering.empty()) {
    front_.due = 0;
  } else if (front_.due == 0) {
    const auto oldest =
        std::min_element(covering.begin(), covering.end(),
                         [](const ask* x, const ask* y) { return x->asked_at < y->asked_at; });
    front_.due = (*oldest)->asked_at + hedge_delay_;
  }
}

std::vector<height_range> sync_plan::gaps(std::uint64_t front, std::uint64_t last) const {
  std::vector<height_range> taken;
  buffer_.list(front, taken);
  asks_.list(front, taken);
  std::sort(taken.begin(), taken.end());
  std::vector<height_range> result;
  auto next = front;
  for (const auto& [x, y] : taken) {
    if (x > last)
      break;
    if (x > next)
      result.emplace_back(next, x - 1);
    next = std::max(next, y + 1);
  }
  if (next <= last)
    result.emplace_back(next, last);
  return result;
}

void sync_plan::fill_gaps(const plan_position& position, std::uint64_t front, monotonic_ns now,
                          plan_step& out) {
  const auto best = target();
  const auto end = std::min(best, position.next + max_blocks_ahead - 1);
  if (front > end || !claims_.choose(front, {}))
    return;  // nothing is missing, or everybody who has it is busy
  const auto used = position.busy_bytes + buffer_.bytes() + asks_.blocks() * block_bytes_;
  auto room = used < max_bytes_ ? (max_bytes_ - used) / block_bytes_ : 0;  // in blocks
  for (auto [first, gap_end] : gaps(front, end))
    while (first <= gap_end) {
      const auto at_front = first == front;
      const auto peer = claims_.choose(first, {});
      if (!peer || asks_.size() + asks_for_hedges >= max_asks || (!at_front && room == 0))
        return;
      const auto& record = *claims_.find(*peer);
      auto last = std::min({gap_end, first + record.range - 1, record.credit});
      if (!at_front)
        last = std::min(last, first + room - 1);
      room -= std::min(room, last - first + 1);
      send(*peer, first, last, false, now, out);
      if (best - first < race_blocks)
        if (const auto rival = claims_.choose(first, std::span{&*peer, 1}); rival)
          send(*rival, first, std::min(last, claims_.find(*rival)->credit), false, now, out);
      first = last + 1;
    }
}

void sync_plan::send(const ip_address& peer, std::uint64_t first, std::uint64_t last, bool hedge,
                     monotonic_ns now, plan_step& out) {
  asks_.add({peer, first, last, now, now + max_ask_life, hedge});
  claims_.asked(peer);
  out.requests.push_back({peer, first, last});
}

std::optional<monotonic_ns> sync_plan::next_deadline(monotonic_ns now) const {
  auto result = claims_.next_poll();
  const auto consider = [&](std::optional<monotonic_ns> x) {
    if (x && (!result || *x < *result))
      result = x;
  };
  consider(asks_.next_expiry());
  // One that is overdue waits for a peer with room, not for time.
  if (front_.due > now)
    consider(front_.due);
  return result;
}

}  // namespace timenode::sync
