#include "net/peer_link.hpp"

#include "net/backoff.hpp"

#include <algorithm>
#include <utility>

namespace timenode::net {

namespace {

constexpr bool live(const peer_link::link& x) noexcept {
  return x.phase != link_phase::closing;
}

constexpr bool established(const peer_link::link& x) noexcept {
  return x.phase == link_phase::established;
}

/// Ends that say nothing against the peer or the way to it: no backoff follows.
constexpr bool blameless(link_end cause) noexcept {
  return cause == link_end::duplicate || cause == link_end::shutdown;
}

/// A peer that dials us, or stayed for a while, is up: our own dials begin anew with a pause of some seconds. Not at
/// none, for what it does could make us dial it as often.
constexpr std::uint32_t failures_of_one_there = 3;

}  // namespace

peer_link::peer_link(const peer_link_rules& rules, pair_role role, std::uint64_t seed)
    : rules_{&rules}, role_{role}, random_{seed} {}

// -- what the registry tells ------------------------------------------------------------------

link_actions peer_link::want(monotonic_ns now, bool steadfast) {
  const auto limit = longest_pause();
  steadfast_ = steadfast_ || steadfast;
  if (!std::exchange(wanted_, true) || (dial_at_ && longest_pause() < limit))
    schedule_dial(now);
  return tick(now);
}

link_actions peer_link::dial_now(monotonic_ns) {
  link_actions out;
  if (live_links() > 0)
    return out;
  dial_at_.reset();
  not_before_ = 0;
  waited_in_vain_ = false;  // nobody waited for this one
  out.push_back(do_dial{});
  return out;
}

link_actions peer_link::unwant(monotonic_ns) {
  wanted_ = false;
  dial_at_.reset();
  return {};
}

link_actions peer_link::postpone(monotonic_ns at) {
  if (wanted_)
    dial_at_ = at;
  return {};
}

link_actions peer_link::end_pause(monotonic_ns now) {
  not_before_ = 0;
  if (dial_at_)
    schedule_dial(now);
  return {};
}

link_actions peer_link::set_role(pair_role role, monotonic_ns now) {
  if (std::exchange(role_, role) == role)
    return tick(now);
  if (dial_at_)
    schedule_dial(now);
  // A wait between two connections was for what we held ourselves for: by another rule another one goes, at another
  // time. Else the side that has become the elected one would let the other side wait for the longest of draws.
  if (settle_at_) {
    settle_at_.reset();
    settle(now);
  }
  return tick(now);
}

link_actions peer_link::dial_started(link_id id, monotonic_ns) {
  links_.push_back({id, link_direction::outbound, link_phase::connecting, 0, 0});
  return {};
}

void peer_link::connected(link_id id) {
  if (auto* x = find(id); x && x->phase == link_phase::connecting)
    x->phase = link_phase::handshaking;
}

link_actions peer_link::accepted(link_id id, monotonic_ns) {
  const auto under_way = std::ranges::count_if(links_, [](const link& x) {
    return x.direction == link_direction::inbound && x.phase == link_phase::handshaking;
  });
  links_.push_back({id, link_direction::inbound, link_phase::handshaking, 0, 0});
  failures_ = std::min(failures_, failures_of_one_there);
  link_actions out;
  if (static_cast<std::size_t>(under_way) >= rules_->max_handshakes)
    drop(links_.back(), link_end::refused, "too many handshakes under way from this address", out);
  return out;
}

link_actions peer_link::handshaken(link_id id, monotonic_ns now) {
  link_actions out;
  auto* x = find(id);
  if (!x || !live(*x) || established(*x))
    return out;
  x->phase = link_phase::established;
  x->established_at = now;
  met_ = true;
  dial_at_.reset();
  if (x->direction == link_direction::outbound) {
    reached_ = true;
    out.push_back(do_report_dial{true, 0, {}});
    their_dials_fail_ = their_dials_fail_ || waited_in_vain_;
  } else {
    their_dials_fail_ = false;
  }
  waited_in_vain_ = false;
  auto* old = primary_ ? find(*primary_) : nullptr;
  if (!old) {
    primary_ = id;
    out.push_back(do_peer_up{id});
    return out;
  }
  if (rules_->drop_second_seen) {
    drop(*x, link_end::duplicate, "seen second", out);
    return out;
  }
  // Whoever dials believes that there is no connection. If ours is old, the peer may have lost it without
  // our noticing (a restart, a cut line): it has to prove that it lives before anything else is decided.
  const auto may_be_lost = [&](const link& y) {
    return y.id != id && established(y) &&
           (y.direction == link_direction::inbound ||
            now - y.established_at > rules_->duplicate_grace);
  };
  if (x->direction == link_direction::inbound && may_be_lost(*old)) {
    // All that are older, not one after the other: who dials and shakes hands again and again would keep the more of
    // them the longer he does.
    for (auto& y : links_)
      if (y.probe_deadline == 0 && may_be_lost(y)) {
        y.probe_deadline = now + rules_->probe_wait;
        out.push_back(do_probe{y.id});
      }
  } else {
    settle(now);
  }
  return out;
}

link_actions peer_link::alive(link_id id, monotonic_ns now) {
  link_actions out;
  auto* x = find(id);
  if (!x || !established(*x) || std::exchange(x->probe_deadline, 0) == 0)
    return out;
  // The old one lives. Of two that the peer dialed, the newer goes; else the rule decides.
  for (auto& other : links_) {
    if (other.id == id || !established(other))
      continue;
    if (other.direction == x->direction)
      drop(other, link_end::duplicate, "the peer's older connection lives", out);
    else
      settle(now);
  }
  return out;
}

link_actions peer_link::closing(link_id id, link_end cause, const std::string& reason,
                                monotonic_ns now) {
  link_actions out;
  auto* x = find(id);
  if (!x || !live(*x))
    return out;
  const auto was_established = established(*x);
  const auto lived = now - x->established_at;
  x->phase = link_phase::closing;
  x->probe_deadline = 0;
  choose_primary(out);
  if (!primary_ || !other_established(*primary_))
    settle_at_.reset();
  decide_rest(now, out);
  if (live_links() > 0 || blameless(cause)) {
    // A lost tie is success; nor does a failed dial count while the peer is there by another way.
    if (live_links() == 0 && !dial_at_)
      schedule_dial(now);
    return out;
  }
  if (was_established && lived >= rules_->stable_after) {
    failures_ = 0;
    note_error(reason, now);
  } else if (was_established || x->direction == link_direction::outbound) {
    if (was_established && lived >= rules_->lasting_after)
      failures_ = std::min(failures_, failures_of_one_there);
    ++failures_;
    note_error(reason, now);
    if (x->direction == link_direction::outbound)
      out.push_back(do_report_dial{false, failures_, reason});
  }
  if (cause == link_end::operator_request)
    not_before_ = now + rules_->operator_pause;
  const auto before = dial_at_;
  schedule_dial(now);
  // Who dials and hangs up again and again must not put off our own dial each time.
  if (before && dial_at_ && !was_established && x->direction == link_direction::inbound)
    dial_at_ = std::max(std::min(*before, *dial_at_), not_before_);
  return out;
}

link_actions peer_link::gone(link_id id, monotonic_ns now) {
  link_actions out;
  if (auto* x = find(id); x && live(*x))
    out = closing(id, link_end::internal_error, "the connection's actor failed", now);
  std::erase_if(links_, [id](const link& x) { return x.id == id; });
  // After a connection that we dropped ourselves, and that left none: go on from here.
  if (live_links() == 0 && !dial_at_)
    schedule_dial(now);
  return out;
}

link_actions peer_link::tick(monotonic_ns now) {
  link_actions out;
  for (auto& x : links_)
    if (established(x) && x.probe_deadline != 0 && x.probe_deadline <= now)
      drop(x, link_end::peer_dead, "silent while the peer opened a new connection", out);
  if (settle_at_ && *settle_at_ <= now) {
    settle_at_.reset();
    // Two established connections of different directions: the one that the elected side dialed stays. With
    // our own IP unknown we give up the one that we dialed, after a wait of random length, so that two
    // nodes in that state do not both do it.
    const auto keep =
        role_ == pair_role::we_dial ? link_direction::outbound : link_direction::inbound;
    // The one that was to stay may have ended meanwhile, and left two of the other direction.
    const auto kept = std::ranges::any_of(
        links_, [keep](const link& x) { return established(x) && x.direction == keep; });
    for (auto& x : links_)
      if (kept && established(x) && x.direction != keep)
        drop(x, link_end::duplicate, "the other connection of this pair stays", out);
  }
  decide_rest(now, out);
  if (not_before_ <= now)
    not_before_ = 0;
  if (dial_at_ && *dial_at_ <= now) {
    dial_at_.reset();
    if (wanted_ && live_links() == 0) {
      waited_in_vain_ = !we_should_dial();
      out.push_back(do_dial{});
    }
  }
  return out;
}

// -- what it knows ------------------------------------------------------------------------------

std::optional<monotonic_ns> peer_link::next_deadline() const {
  std::optional<monotonic_ns> result;
  const auto consider = [&result](std::optional<monotonic_ns> at) {
    if (at && (!result || *at < *result))
      result = at;
  };
  consider(dial_at_);
  consider(settle_at_);
  if (not_before_ != 0)
    consider(not_before_);
  for (const auto& x : links_)
    if (x.probe_deadline != 0)
      consider(x.probe_deadline);
  return result;
}

std::string_view peer_link::state_name() const noexcept {
  if (primary_)
    return other_established(*primary_) ? "resolving-duplicate" : "established";
  for (const auto& x : links_)
    if (x.phase == link_phase::handshaking)
      return "handshaking";
  for (const auto& x : links_)
    if (x.phase == link_phase::connecting)
      return "dialing";
  if (dial_at_) {
    if (!we_should_dial())
      return "waiting-for-their-dial";
    return failures_ > 0 ? "backing-off" : "dialing";
  }
  return links_.empty() ? "unknown" : "closing";
}

std::string peer_link::rule() const {
  switch (role_) {
  case pair_role::we_dial:
    return "our IP is the higher one: we dial";
  case pair_role::unknown:
    return "our own IP is not known: either side may dial";
  case pair_role::they_dial:
    break;
  }
  return their_dials_fail_ ? "their IP is the higher one, but their dials do not reach us: we dial"
                           : "their IP is the higher one: they dial, and we after 30 s without";
}

std::string peer_link::next_step() const {
  if (primary_ && other_established(*primary_))
    return std::ranges::any_of(links_, [](const link& x) { return x.probe_deadline != 0; })
               ? "the older connection is given up unless it answers by then"
           : role_ == pair_role::we_dial || role_ == pair_role::they_dial
               ? "of the two connections the one stays that the higher IP dialed; the other is "
                 "closed then"
               : "of the two connections the one that we dialed is closed then, if the peer does "
                 "not close one before";
  if (primary_)
    return "stays connected; it is pinged every 30 s and given up when nothing at all came for 90 "
           "s";
  for (const auto& x : links_) {
    if (x.phase == link_phase::handshaking)
      return "the handshake has 10 s";
    if (x.phase == link_phase::connecting)
      return "the connect has 5 s";
  }
  if (dial_at_)
    return we_should_dial() ? "we dial then" : "we dial then, if they have not";
  if (!links_.empty())
    return "its socket closes";
  return wanted_ ? "we dial" : "nothing: we do not want it connected, but it may dial us";
}

// -- how it decides -----------------------------------------------------------------------------

bool peer_link::we_should_dial() const noexcept {
  return role_ != pair_role::they_dial || their_dials_fail_;
}

peer_link::link* peer_link::find(link_id id) noexcept {
  const auto i = std::ranges::find(links_, id, &link::id);
  return i == links_.end() ? nullptr : &*i;
}

std::size_t peer_link::live_links() const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(links_, live));
}

const peer_link::link* peer_link::other_established(link_id id) const noexcept {
  for (const auto& x : links_)
    if (x.id != id && established(x))
      return &x;
  return nullptr;
}

void peer_link::schedule_dial(monotonic_ns now) {
  dial_at_.reset();
  if (!wanted_ || live_links() > 0)
    return;
  const auto limit = backoff_limit_ns(failures_, longest_pause());
  auto least = monotonic_ns{0};
  auto most = limit;
  if (!we_should_dial()) {
    // Their dial is waited for in any case; the backoff of our own may make it longer.
    const auto wait = static_cast<double>(rules_->their_dial_wait);
    least = static_cast<monotonic_ns>(wait * (1 - rules_->their_dial_jitter));
    most = std::max(limit, static_cast<monotonic_ns>(wait * (1 + rules_->their_dial_jitter)));
  }
  dial_at_ = now + least +
             static_cast<monotonic_ns>(random_.below(static_cast<std::uint64_t>(most - least)));
  dial_at_ = std::max(*dial_at_, not_before_);
}

monotonic_ns peer_link::longest_pause() const noexcept {
  const auto is_there = steadfast_ || reached_ || (met_ && failures_ < rules_->patience_unreached);
  return is_there ? rules_->longest_backoff_met : rules_->longest_backoff;
}

void peer_link::note_error(const std::string& reason, monotonic_ns now) {
  last_error_ = reason;
  last_error_at_ = now;
}

void peer_link::settle(monotonic_ns now) {
  if (settle_at_)
    return;
  // The random part breaks the symmetry of two nodes that both hold themselves for the elected one, which a
  // wrong `external_address` can bring about.
  switch (role_) {
  case pair_role::we_dial:
    settle_at_ =
        now + rules_->elected_grace +
        static_cast<monotonic_ns>(random_.below(static_cast<std::uint64_t>(rules_->elected_grace)));
    break;
  case pair_role::they_dial:
    settle_at_ = now + rules_->duplicate_grace;
    break;
  case pair_role::unknown:
    settle_at_ = now + rules_->duplicate_grace +
                 static_cast<monotonic_ns>(
                     random_.below(static_cast<std::uint64_t>(2 * rules_->duplicate_grace)));
    break;
  }
}

/// Of three connections one has gone: begins to decide between the two that are left, if nothing does yet. (A peer
/// that restarts in the middle of a tie leaves two dead connections and dials a third.)
void peer_link::decide_rest(monotonic_ns now, link_actions& out) {
  auto* old = primary_ ? find(*primary_) : nullptr;
  const auto* other = old ? other_established(old->id) : nullptr;
  if (!other || settle_at_ || std::ranges::any_of(links_, &link::probe_deadline))
    return;
  if (old->direction != other->direction)
    return settle(now);
  old->probe_deadline = now + rules_->probe_wait;
  out.push_back(do_probe{old->id});
}

void peer_link::drop(link& x, link_end cause, std::string reason, link_actions& out) {
  x.phase = link_phase::closing;
  x.probe_deadline = 0;
  out.push_back(do_close{x.id, cause, std::move(reason)});
  choose_primary(out);
  if (!primary_ || !other_established(*primary_))
    settle_at_.reset();
}

void peer_link::choose_primary(link_actions& out) {
  if (primary_)
    if (const auto* x = find(*primary_); x && established(*x))
      return;
  const auto next = std::ranges::find_if(links_, established);
  if (next != links_.end()) {
    primary_ = next->id;
    out.push_back(do_peer_up{next->id});
  } else if (std::exchange(primary_, std::nullopt)) {
    out.push_back(do_peer_down{});
  }
}

}  // namespace timenode::net
