#include "actors/peer_claims.hpp"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

namespace timenode::sync {

namespace {

/// The smallest time that an answer is taken to need, so that short answers weigh something even
/// where there is no distance.
constexpr auto least_latency = in_ns(std::chrono::milliseconds{50});

/// In which group of peers one is asked, lowest first.
std::uint32_t rank_of(const peer_record& x) noexcept {
  constexpr std::uint32_t good = 0, unproven_dialed = 1, slow_or_unproven = 2, failing = 3;
  if (const auto failures = x.silences + x.refusals; failures > 0)
    return failing + std::min(failures, 8u);
  if (x.answered)
    return x.latency < first_hedge_delay ? good : slow_or_unproven;
  return x.direction == link_direction::outbound ? unproven_dialed : slow_or_unproven;
}

}  // namespace

monotonic_ns rest_after(std::uint32_t failures) noexcept {
  const auto doublings = std::min(failures > 0 ? failures - 1 : 0u, 10u);
  return std::min(first_rest << doublings, max_rest);
}

// -- peers that come and go -----------------------------------------------------------

void peer_claims::up(const ip_address& ip, link_direction direction, monotonic_ns now) {
  auto& x = peers_[ip];
  x.direction = direction;
  x.doubted = x.doubted || x.silences + x.refusals > 0 || doubts_.contains(ip, now);
  doubts_.erase(ip);
  if (std::exchange(x.silences, 0) > 0)
    forget_bests();
  x.answered = false;
  x.latency = 0;
  x.outstanding = 0;
  x.window = max_asks_per_peer;
  x.next_poll = now;
  soonest_poll_ = std::min(soonest_poll_, now);
  if (x.refusals == 0)
    x.rests_until = 0;
}

void peer_claims::down(const ip_address& ip, monotonic_ns now) {
  const auto i = peers_.find(ip);
  if (i == peers_.end())
    return;
  if (i->second.doubted || i->second.silences + i->second.refusals > 0)
    doubts_.insert(ip, now, now + doubt_lasts);
  peers_.erase(i);
  forget_bests();
}

// -- what they say ----------------------------------------------------------------------

void peer_claims::give_credit(peer_record& x, monotonic_ns now) noexcept {
  if (x.aside || now < x.rests_until)
    return;
  x.rests_until = 0;
  if (x.credit == x.claim)
    return;
  x.credit = x.claim;
  forget_bests();
}

/// It has none from `height` on.
void peer_claims::limit_credit(peer_record& x, std::uint64_t height) noexcept {
  const auto most = height > 0 ? height - 1 : 0;
  if (x.credit <= most)
    return;
  x.credit = most;
  forget_bests();
}

void peer_claims::forget_bests() noexcept {
  best_credit_.reset();
  best_trusted_.reset();
}

void peer_claims::height_is(const ip_address& ip, std::uint64_t height, monotonic_ns now) {
  if (auto* x = at(ip)) {
    x->claimed = true;
    x->claim = height;
    limit_credit(*x, height + 1);
    give_credit(*x, now);
    if (height < polled_tip_)
      poll_within_minute(*x, now);  // it is behind, which may soon be over
  }
}

void peer_claims::poll_within_minute(peer_record& x, monotonic_ns now) noexcept {
  x.next_poll = std::min(x.next_poll, now + random_.jitter(poll_interval, poll_jitter));
  soonest_poll_ = std::min(soonest_poll_, x.next_poll);
}

void peer_claims::at_least(const ip_address& ip, std::uint64_t height, monotonic_ns now) {
  if (auto* x = at(ip)) {
    x->claimed = true;
    x->claim = std::max(x->claim, height);
    give_credit(*x, now);
  }
}

// -- how they do ------------------------------------------------------------------------

void peer_claims::asked(const ip_address& ip) {
  if (auto* x = at(ip)) {
    ++x->outstanding;
    x->last_asked = ++asks_;
  }
}

void peer_claims::released(const ip_address& ip, std::uint32_t count) {
  if (auto* x = at(ip))
    x->outstanding -= std::min(x->outstanding, count);
}

void peer_claims::delivered(const ip_address& ip, std::uint64_t delivered, std::uint64_t wanted,
                            monotonic_ns elapsed, monotonic_ns now) {
  auto* x = at(ip);
  if (!x || delivered == 0)
    return;
  const auto share = static_cast<double>(wanted) / static_cast<double>(delivered);
  const auto sample =
      static_cast<monotonic_ns>(static_cast<double>(std::max(elapsed, least_latency)) * share);
  x->latency = x->answered ? (3 * x->latency + sample) / 4 : sample;
  x->answered = true;
  if (std::exchange(x->doubted, false))
    forget_bests();
  if (elapsed < max_ask_life / 3) {
    x->window = std::min(x->window + 1, max_asks_per_peer);
    x->range = std::min(x->range * 2, max_blocks_per_ask);
  }
  if (std::exchange(x->silences, 0) > 0) {
    forget_bests();
    if (x->refusals == 0)
      x->rests_until = 0;  // it rested only because it was slow
  }
  give_credit(*x, now);
}

void peer_claims::rest(peer_record& x, std::uint64_t height, monotonic_ns duration,
                       monotonic_ns now) noexcept {
  forget_bests();  // who rests has just failed
  limit_credit(x, height);
  x.rests_until = std::max(x.rests_until, now + duration);
  x.window = 1;  // on probation: it gets more as it delivers
  // A claim after that moment counts: ask for one.
  x.next_poll = x.rests_until;
  soonest_poll_ = std::min(soonest_poll_, x.next_poll);
}

void peer_claims::silent(const ip_address& ip, std::uint64_t height, monotonic_ns now) {
  auto* x = at(ip);
  if (!x)
    return;
  limit_credit(*x, height);
  if (now < x->rests_until)
    return;
  // Perhaps its line is thin: ask for less.
  x->range = std::max<std::uint64_t>(x->range / 2, 1);
  rest(*x, height, rest_after(++x->silences), now);
}

void peer_claims::refused(const ip_address& ip, std::uint64_t height, monotonic_ns now) {
  auto* x = at(ip);
  if (!x)
    return;
  limit_credit(*x, height);
  if (now >= x->rests_until)
    rest(*x, height, rest_after(++x->refusals), now);
}

void peer_claims::wronged(const ip_address& ip, std::uint64_t height, monotonic_ns now) {
  if (auto* x = at(ip)) {
    ++x->refusals;
    rest(*x, height, max_rest, now);
  }
}

void peer_claims::set_aside(const ip_address& ip, bool aside, monotonic_ns now) {
  auto* x = at(ip);
  if (!x || x->aside == aside)
    return;
  x->aside = aside;
  if (aside) {
    limit_credit(*x, 0);
    return;
  }
  // What it was rested for was being on another branch.
  x->refusals = 0;
  x->rests_until = 0;
  forget_bests();
  give_credit(*x, now);
}

void peer_claims::nobody_aside(monotonic_ns now) {
  for (const auto& [ip, x] : peers_)
    set_aside(ip, false, now);
}

void peer_claims::useful(const ip_address& ip) {
  if (auto* x = at(ip); x && std::exchange(x->refusals, 0) > 0)
    forget_bests();
}

// -- questions --------------------------------------------------------------------------

std::optional<ip_address> peer_claims::choose(std::uint64_t height,
                                              std::span<const ip_address> except) const {
  using key = std::tuple<std::uint32_t, std::uint32_t, std::uint64_t>;
  std::optional<ip_address> best;
  if (best_credit() < height)
    return best;  // as most of the time: we have what there is
  key best_key;
  for (const auto& [ip, x] : peers_) {
    if (x.credit < height || x.outstanding >= x.window)
      continue;
    const auto candidate = key{rank_of(x), x.outstanding, x.last_asked};
    if (best && candidate >= best_key)
      continue;
    if (std::find(except.begin(), except.end(), ip) != except.end())
      continue;
    best = ip;
    best_key = candidate;
  }
  return best;
}

std::vector<ip_address> peer_claims::due_polls(std::uint64_t tip, monotonic_ns now) {
  std::vector<ip_address> result;
  const auto turns = turns_of(peers_.size(), heights_in_turn);
  const auto is_with_us = [tip](const peer_record& x) {
    return x.claimed && x.claim + blocks_unheard_of >= tip && x.credit == x.claim;
  };
  // Who had what we have may be behind now, which some of them are asked soon.
  if (std::exchange(polled_tip_, tip) != tip)
    for (auto& [_, x] : peers_)
      if (x.claim < tip &&
          (!is_with_us(x) || random_.below(static_cast<std::uint64_t>(turns)) == 0))
        poll_within_minute(x, now);
  if (now < soonest_poll_)
    return result;
  const auto someone_due =
      std::ranges::any_of(peers_, [now](const auto& x) { return x.second.next_poll <= now; });
  soonest_poll_ = std::numeric_limits<monotonic_ns>::max();
  for (auto& [ip, x] : peers_) {
    // What a peer says before its rest is over gives it no credit.
    const auto soon = someone_due && x.next_poll <= now + asked_together && x.rests_until <= now;
    if (x.next_poll <= now || soon) {
      const auto turn = is_with_us(x) ? turns : 1;
      x.next_poll =
          now + random_.jitter(poll_interval * turn, turn > 1 ? turn_jitter : poll_jitter);
      result.push_back(ip);
    }
    soonest_poll_ = std::min(soonest_poll_, x.next_poll);
  }
  return result;
}

std::optional<monotonic_ns> peer_claims::next_poll() const {
  return peers_.empty() ? std::nullopt : std::optional{soonest_poll_};
}

std::uint64_t peer_claims::best_credit() const noexcept {
  if (!best_credit_) {
    best_credit_ = 0;
    for (const auto& [_, x] : peers_)
      best_credit_ = std::max(*best_credit_, x.credit);
  }
  return *best_credit_;
}

std::uint64_t peer_claims::best_trusted() const noexcept {
  if (!best_trusted_) {
    best_trusted_ = 0;
    for (const auto& [_, x] : peers_)
      if (is_trusted(x))
        best_trusted_ = std::max(*best_trusted_, x.credit);
  }
  return *best_trusted_;
}

bool peer_claims::is_trusted(const peer_record& x) noexcept {
  return x.silences + x.refusals == 0 && !x.doubted;
}

std::uint64_t peer_claims::believed_above(std::uint64_t height,
                                          std::span<const ip_address> of) const noexcept {
  return static_cast<std::uint64_t>(std::ranges::count_if(of, [&](const auto& ip) {
    const auto* x = find(ip);
    return x && x->credit > height && is_trusted(*x);
  }));
}

std::uint64_t peer_claims::best_proven() const noexcept {
  std::uint64_t result = 0;
  for (const auto& [_, x] : peers_)
    if (x.answered && is_trusted(x))
      result = std::max(result, x.credit);
  return result;
}

std::uint64_t peer_claims::with_credit(std::uint64_t height) const noexcept {
  if (best_credit() < height)
    return 0;
  return static_cast<std::uint64_t>(
      std::ranges::count_if(peers_, [height](const auto& x) { return x.second.credit >= height; }));
}

std::uint64_t peer_claims::with_claim() const noexcept {
  return static_cast<std::uint64_t>(
      std::count_if(peers_.begin(), peers_.end(), [](const auto& x) { return x.second.claimed; }));
}

const peer_record* peer_claims::find(const ip_address& ip) const {
  const auto i = peers_.find(ip);
  return i == peers_.end() ? nullptr : &i->second;
}

peer_record* peer_claims::at(const ip_address& ip) {
  const auto i = peers_.find(ip);
  return i == peers_.end() ? nullptr : &i->second;
}

}  // namespace timenode::sync
