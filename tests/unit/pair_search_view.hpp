#pragma once

// What can happen next in a state, what a state is called, and what must hold in it.

#include "tests/unit/pair_search_world.hpp"

#include <cstdio>

namespace test::pair_search {

// -- time
// -------------------------------------------------------------------------------------------

/// Ticks from now until a machine is asked for what is due at `deadline`; not below 0.
inline ticks world::until(monotonic_ns deadline) const noexcept {
  const auto left = deadline - now_ns();
  return left <= 0 ? 0 : static_cast<ticks>((left + tick - 1) / tick);
}

/// An established end whose other end is gone, and nothing on its way says so.
inline bool world::orphan(const node_pair&, const connection& c, std::size_t side) const {
  return c.ends[side].state == end_state::up && !c.ends[1 - side].live() && !told_of_end(c, side);
}

/// Something of this pair has to happen before time can go on.
inline bool world::must_move(const node_pair& p) const {
  const auto late = [this](const in_flight& x) { return x.age >= scenario_->max_delay; };
  for (const auto& c : p.connections)
    for (std::size_t side = 0; side < 2; ++side) {
      const auto& x = c.ends[side];
      if (std::ranges::any_of(c.to[side], late) || (x.due != 0 && x.due <= now_) ||
          (x.state == end_state::closed && x.age >= scenario_->max_delay))
        return true;
    }
  return std::ranges::any_of(p.machine, [this](const peer_link& m) {
    const auto at = m.next_deadline();
    return at && until(*at) == 0;
  });
}

/// By how much time goes on if nothing else happens: to the next moment at which something does; 0:
/// not at all.
inline ticks world::next_advance() const {
  constexpr auto never = std::numeric_limits<ticks>::max();
  auto result = never;
  for (const auto& x : nodes_)
    if (!x.up)
      result = std::min(
          result, x.down_since + (x.started ? scenario_->max_down : scenario_->max_start) - now_);
  for (const auto& p : pairs_) {
    if (must_move(p))
      return 0;
    for (const auto& c : p.connections)
      for (std::size_t side = 0; side < 2; ++side) {
        if (!c.to[side].empty() || c.ends[side].state == end_state::closed)
          result = std::min(result, 1);
        if (c.ends[side].due != 0)
          result = std::min(result, c.ends[side].due - now_);
      }
    for (std::size_t side = 0; side < 2; ++side) {
      const auto& m = p.machine[side];
      if (const auto at = m.next_deadline())
        result = std::min(result, until(*at));
      if (faults_over())
        continue;
      // What a fault does depends on the age of what it hits.
      const auto& rules = scenario_->rules[p.node[side]];
      for (const auto& x : m.links())
        if (x.phase == link_phase::established)
          for (const auto age :
               {rules.duplicate_grace + tick, rules.lasting_after, rules.stable_after})
            if (const auto left = until(x.established_at + age))
              result = std::min(result, left);
    }
  }
  return result == never ? 0 : result;
}

// -- what can happen
// --------------------------------------------------------------------------------

inline bool world::faults_over() const {
  return crashes_ == 0 && losses_ == 0;
}

inline void world::steps_of(std::size_t pair, std::vector<step>& out) const {
  const auto& p = pairs_[pair];
  const auto add = [&](step_kind kind, std::size_t index, std::size_t side) {
    out.push_back({kind, static_cast<std::uint8_t>(pair), static_cast<std::uint8_t>(index),
                   static_cast<std::uint8_t>(side), draw::low});
  };
  for (std::size_t i = 0; i < p.connections.size(); ++i) {
    const auto& c = p.connections[i];
    for (std::size_t side = 0; side < 2; ++side) {
      const auto& x = c.ends[side];
      if (!c.to[side].empty())
        add(step_kind::deliver, i, side);
      if (x.state == end_state::closed)
        add(step_kind::told_gone, i, side);
      if (x.due != 0 && x.due <= now_)
        add(step_kind::end_timer, i, side);
      else if (orphan(p, c, side) && nodes_[p.node[1 - side]].host_up)
        add(step_kind::early_ping, i, side);
    }
    if (losses_ > 0 && c.ends[0].live() && c.ends[1].live()) {
      add(step_kind::break_both, i, 0);
      add(step_kind::break_one, i, 0);
      add(step_kind::break_one, i, 1);
    }
  }
  for (std::size_t side = 0; side < 2; ++side)
    if (const auto at = p.machine[side].next_deadline(); at && until(*at) == 0)
      add(step_kind::machine_timer, 0, side);
}

inline std::vector<step> world::steps() const {
  std::vector<step> out;
  const auto last = pairs_.size() - 1;
  if (scenario_->pairs_in_turn) {
    steps_of(turn_, out);
    if (turn_ < last && (crashes_ > 0 || !must_move(pairs_[turn_])))
      out.push_back({step_kind::pass, turn_, 0, 0, draw::low});
  } else {
    for (std::size_t i = 0; i < pairs_.size(); ++i)
      steps_of(i, out);
  }
  for (std::uint8_t i = 0; i < nodes_.size(); ++i)
    if (!nodes_[i].up) {
      out.push_back({step_kind::start, i, 0, 0, draw::low});
    } else if (crashes_ > 0) {
      out.push_back({step_kind::crash, i, 0, 0, draw::low});
      out.push_back({step_kind::crash_host, i, 0, 0, draw::low});
    }
  if ((!scenario_->pairs_in_turn || turn_ == last) && next_advance() > 0)
    out.push_back({step_kind::advance, 0, 0, 0, draw::low});
  return out;
}

inline std::size_t world::drawer(const step& x) const {
  return x.kind == step_kind::start || x.kind == step_kind::crash || x.kind == step_kind::crash_host
             ? x.pair
             : pairs_[x.pair].node[x.side];
}

// -- names
// -------------------------------------------------------------------------------------------

/// Hashes numbers one after the other.
class hasher {
 public:
  template <class T>
  void add(T x) noexcept {
    state_ ^= static_cast<std::uint64_t>(x);
    state_ = random_source{state_}();
  }
  std::uint64_t value() const noexcept { return state_; }

 private:
  std::uint64_t state_ = 0;
};

inline std::uint64_t world::key() const {
  hasher h;
  h.add(crashes_ * 100 + losses_ * 10 + turn_);
  for (const auto& x : nodes_)
    h.add(x.up ? 1 : 2 + 2 * x.host_up + 4 * x.started + 8 * (now_ - x.down_since));
  for (const auto& p : pairs_) {
    h.add(p.connections.size());
    for (const auto& c : p.connections) {
      h.add(c.dialer);
      for (std::size_t side = 0; side < 2; ++side) {
        const auto& x = c.ends[side];
        h.add(static_cast<int>(x.state) + 8 * x.probing + 16 * x.tie_lost + 32 * x.age +
              1024 * x.silent_pings);
        h.add(x.due == 0 ? -1 : x.due - now_);
        h.add(c.to[side].size());
        for (const auto& y : c.to[side])
          h.add(static_cast<int>(y.what) + 16 * y.age);
      }
    }
    for (std::size_t side = 0; side < 2; ++side) {
      const auto& m = p.machine[side];
      const auto stable = scenario_->rules[p.node[side]].stable_after;
      const auto index = [&p](link_id id) {
        return std::ranges::find(p.connections, id, &connection::id) - p.connections.begin();
      };
      h.add(p.overlap[side]);
      // With more failures nothing changes any more: the pause is the longest then. (Until there are `patience_unreached`, which this
      // search does not get to: who was never reached is dialed less then.)
      const auto most_failures = scenario_->steadfast ? 7u : 10u;
      h.add(m.wanted() + 2 * m.their_dials_fail() + 4 * std::min(m.failures(), most_failures));
      h.add(m.met() + 2 * m.waited_in_vain() + 4 * static_cast<int>(m.role()));
      h.add(m.primary() ? index(*m.primary()) : -1);
      h.add(m.dial_at() ? until(*m.dial_at()) : -1);
      h.add(m.settle_at() ? until(*m.settle_at()) : -1);
      for (const auto& x : m.links()) {
        h.add(index(x.id) * 4 + static_cast<int>(x.phase));
        if (x.phase == link_phase::established)
          h.add(std::min(now_ns() - x.established_at, stable));
        h.add(x.probe_deadline != 0 ? until(x.probe_deadline) : -1);
      }
    }
  }
  return h.value();
}

inline std::string world::describe(const step& x) const {
  const auto node = [](std::size_t i) { return "node " + std::to_string(i); };
  const auto& p = pairs_[std::min<std::size_t>(x.pair, pairs_.size() - 1)];
  const auto at = node(p.node[x.side]);
  const auto* c = x.index < p.connections.size() ? &p.connections[x.index] : nullptr;
  const auto id = c ? "connection " + std::to_string(c->id) : std::string{};
  constexpr const char* words[]{"syn",  "syn-ack", "Handshake", "Ack",  "Version",
                                "ping", "pong",    "fin",       "reset"};
  switch (x.kind) {
  case step_kind::start:
    return node(x.pair) + " starts";
  case step_kind::crash:
    return node(x.pair) + " crashes";
  case step_kind::crash_host:
    return node(x.pair) + " crashes with its host";
  case step_kind::deliver:
    return id + ": " + words[static_cast<std::size_t>(c->to[x.side].front().what)] + " reaches " +
           at;
  case step_kind::told_gone:
    return id + ": its socket is gone at " + at;
  case step_kind::end_timer:
    return id + ": its timer fires at " + at;
  case step_kind::early_ping:
    return id + ": a ping of " + at + " finds nobody";
  case step_kind::machine_timer:
    return at + ": a deadline of the pair is due";
  case step_kind::break_both:
    return id + " breaks, and both ends are told";
  case step_kind::break_one:
    return id + " breaks, and only " + at + " is told";
  case step_kind::pass:
    return "the next pair's turn";
  case step_kind::advance:
    return "time passes";
  }
  return "?";
}

inline void world::say(const std::string& what) {
  if (!log_)
    return;
  char time[32];
  std::snprintf(time, sizeof time, "%7.1f s  ", static_cast<double>(now_) / ticks_a_second);
  *log_ += time + what + '\n';
}

// -- what must hold
// -----------------------------------------------------------------------------------

inline bool world::settled() const {
  return std::ranges::all_of(pairs_, [](const node_pair& p) {
    if (p.connections.size() != 1)
      return false;
    const auto& c = p.connections[0];
    for (std::size_t side = 0; side < 2; ++side) {
      const auto& m = p.machine[side];
      if (c.ends[side].state != end_state::up || !c.to[side].empty() || m.primary() != c.id ||
          m.links().size() != 1 || m.next_deadline())
        return false;
    }
    return true;
  });
}

inline bool world::everyone_up() const {
  return std::ranges::all_of(nodes_, &node_state::up);
}

/// Forgets connections that are over, and sets the timers of ends that are alone.
inline void world::tidy() {
  for (auto& p : pairs_) {
    std::erase_if(p.connections, [](const connection& c) {
      const auto over = [&c](std::size_t side) {
        const auto state = c.ends[side].state;
        return state == end_state::gone ||
               (state == end_state::none &&
                std::ranges::none_of(c.to[side],
                                     [](const in_flight& x) { return x.what == word::syn; }));
      };
      return over(0) && over(1);
    });
    for (auto& c : p.connections)
      for (std::size_t side = 0; side < 2; ++side) {
        auto& x = c.ends[side];
        if (x.state != end_state::up)
          continue;
        if (!orphan(p, c, side))
          x.due = 0;
        else if (x.due == 0)
          x.due = now_ + ping_ticks;
      }
    for (std::size_t side = 0; side < 2; ++side)
      if (up_ends(p, side) < 2)
        p.overlap[side] = 0;
  }
}

inline void world::fail(std::string what) {
  say("VIOLATION: " + what);
  if (violation_.empty())
    violation_ = std::move(what);
}

inline void world::check() {
  for (const auto& p : pairs_)
    for (std::size_t side = 0; side < 2; ++side) {
      const auto& m = p.machine[side];
      const auto& rules = scenario_->rules[p.node[side]];
      // A probe, then the longest wait before a tie is settled, and the ticks that the roundings
      // cost.
      const auto settle = m.role() == pair_role::we_dial     ? 2 * rules.elected_grace
                          : m.role() == pair_role::they_dial ? rules.duplicate_grace
                                                             : 3 * rules.duplicate_grace;
      const auto longest = static_cast<ticks>((rules.probe_wait + settle) / tick) + 2;
      if (p.overlap[side] > longest)
        fail("two connections were established for longer than the grace");
      const auto established =
          std::ranges::count(m.links(), link_phase::established, &peer_link::link::phase);
      if (static_cast<std::size_t>(established) != up_ends(p, side))
        fail("the machine and the connections disagree about what is established");
      if (m.primary().has_value() != (established > 0))
        fail("a peer with an established connection is not up, or the other way round");
      if (m.links().size() > 6)
        fail("connections of one pair pile up");
    }
}

}  // namespace test::pair_search
