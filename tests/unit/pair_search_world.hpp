#pragma once

// What the steps of pair_search_model.hpp do.

#include "tests/unit/pair_search_model.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace test::pair_search {

/// The seed after which SplitMix64 yields `wanted` first: its last steps backwards.
inline std::uint64_t seed_for(draw x) noexcept {
  // 0.2 s above, or 0.1 s below, a multiple of every range that the rules draw from.
  constexpr std::uint64_t second = 1'000'000'000;
  constexpr std::uint64_t ranges = 3'496'147'200 * second;
  // Pauses of the side that dials, with their longest for peers that were met and others; waits of the other side, 24 s to as
  // long as these; and the two graces of a tie, the longest being 10 s.
  static_assert([] {
    for (const std::uint64_t range :
         {1, 2, 4, 8, 16, 32, 45, 64, 128, 256, 300, 12, 21, 40, 104, 232, 276, 10})
      if (ranges % (range * second) != 0)
        return false;
    return true;
  }());
  constexpr auto low = std::uint64_t{200'000'000};
  constexpr auto high = std::numeric_limits<std::uint64_t>::max() / ranges * ranges - 100'000'000;
  auto z = x == draw::low ? low : high;
  z = z ^ (z >> 31) ^ (z >> 62);
  z *= 0x319642b2d24d8ec3;
  z = z ^ (z >> 27) ^ (z >> 54);
  z *= 0x96de1b173f119089;
  z = z ^ (z >> 30) ^ (z >> 60);
  return z - 0x9e3779b97f4a7c15;
}

inline std::size_t up_ends(const node_pair& p, std::size_t side) {
  return static_cast<std::size_t>(std::ranges::count_if(
      p.connections, [side](const connection& c) { return c.ends[side].state == end_state::up; }));
}

inline bool told_of_end(const connection& c, std::size_t side) {
  return std::ranges::any_of(
      c.to[side], [](const in_flight& x) { return x.what == word::fin || x.what == word::reset; });
}

inline world::world(const scenario& s)
    : scenario_{&s}, nodes_(s.nodes), crashes_{s.crashes}, losses_{s.losses} {
  for (std::uint8_t a = 0; a < s.nodes; ++a)
    for (auto b = static_cast<std::uint8_t>(a + 1); b < s.nodes; ++b) {
      auto& p = pairs_.emplace_back();
      p.node = {a, b};
      p.machine.emplace_back(s.rules[a], s.roles[a][b], 0);
      p.machine.emplace_back(s.rules[b], s.roles[b][a], 0);
    }
}

// -- talking to a machine -------------------------------------------------------------------------

template <class Call>
void world::tell(node_pair& p, std::size_t side, Call call) {
  auto& machine = p.machine[side];
  const auto dial_before = machine.dial_at();
  const auto settle_before = machine.settle_at();
  machine.reseed(seed_for(drawn_));
  const auto actions = call(machine);
  drew_ = drew_ || (machine.dial_at() && machine.dial_at() != dial_before) ||
          (machine.settle_at() && machine.settle_at() != settle_before);
  carry_out(p, side, actions);
}

inline void world::carry_out(node_pair& p, std::size_t side, const net::link_actions& actions) {
  for (const auto& x : actions) {
    if (std::holds_alternative<net::do_dial>(x)) {
      dial(p, side);
    } else if (const auto* closed = std::get_if<net::do_close>(&x)) {
      close(p, side, *closed);
    } else if (const auto* probe = std::get_if<net::do_probe>(&x)) {
      say("node " + std::to_string(p.node[side]) + " probes " + std::to_string(probe->link));
      const auto c = std::ranges::find(p.connections, probe->link, &connection::id);
      c->ends[side].probing = true;
      c->to[1 - side].push_back({word::ping});
    } else if (std::holds_alternative<net::do_peer_down>(x)) {
      say("node " + std::to_string(p.node[side]) + " has no connection any more");
      if (fault_free() && !scenario_->may_collide)
        fail("without any fault a pair lost its last connection");
    }
  }
}

inline void world::dial(node_pair& p, std::size_t side) {
  const auto id = ++last_id_;
  say("node " + std::to_string(p.node[side]) + " dials: connection " + std::to_string(id));
  connection c;
  c.id = id;
  c.dialer = static_cast<std::uint8_t>(side);
  c.ends[side].state = end_state::connecting;
  c.ends[side].due = now_ + connect_ticks;
  if (!scenario_->unreachable[p.node[side]][p.node[1 - side]])
    c.to[1 - side].push_back({word::syn});
  p.connections.push_back(std::move(c));
  tell(p, side, [&](peer_link& m) { return m.dial_started(id, now_ns()); });
}

inline void world::close(node_pair& p, std::size_t side, const net::do_close& x) {
  say("node " + std::to_string(p.node[side]) + " closes " + std::to_string(x.link) + ": " +
      x.reason);
  const auto c = std::ranges::find(p.connections, x.link, &connection::id);
  auto& mine = c->ends[side];
  mine.state = end_state::closed;
  mine.age = 0;
  mine.due = 0;
  c->to[1 - side].push_back({word::fin});
  if (x.cause != link_end::duplicate)
    return;
  mine.tie_lost = true;
  const auto stays = std::ranges::any_of(p.connections, [side](const connection& y) {
    return y.ends[side].state == end_state::up && !y.ends[1 - side].tie_lost;
  });
  if (!stays) {
    collided_ = true;
    if (!scenario_->may_collide)
      fail("both sides closed a connection as the duplicate of the other one: the pair lost both");
  }
}

// -- steps ----------------------------------------------------------------------------------------

inline void world::deliver(node_pair& p, std::size_t index, std::size_t side) {
  auto& c = p.connections[index];
  const auto id = c.id;
  const auto what = c.to[side].front().what;
  c.to[side].erase(c.to[side].begin());
  const auto& node = nodes_[p.node[side]];
  if (!node.host_up)
    return;
  const auto answer = [&](word x) { c.to[1 - side].push_back({x}); };
  auto& mine = c.ends[side];
  if (what == word::syn && node.up) {
    mine.state = end_state::handshaking;
    mine.due = now_ + handshake_ticks;
    answer(word::syn_ack);
    tell(p, side, [&](peer_link& m) { return m.accepted(id, now_ns()); });
    return;
  }
  if (what == word::fin || what == word::reset) {
    if (mine.live())
      end(p, c, side,
          what == word::fin                     ? link_end::closed_by_peer
          : mine.state == end_state::connecting ? link_end::connect_failed
                                                : link_end::connection_lost);
    return;
  }
  if (!mine.live()) {
    if (c.ends[1 - side].live())
      answer(word::reset);
    return;
  }
  if (what == word::syn_ack && mine.state == end_state::connecting) {
    mine.state = end_state::handshaking;
    mine.due = now_ + handshake_ticks;
    p.machine[side].connected(id);
    answer(word::handshake);
  } else if ((what == word::handshake || what == word::ack) &&
             mine.state == end_state::handshaking) {
    mine.state = end_state::up;
    mine.due = 0;
    if (what == word::handshake)
      answer(word::ack);
    tell(p, side, [&](peer_link& m) { return m.handshaken(id, now_ns()); });
    // Both send their `Version` right behind what ends the handshake for them.
    if (scenario_->introduced)
      answer(word::version);
  } else if (what == word::version) {
    const auto role = (*scenario_->introduced)[p.node[side]][p.node[1 - side]];
    tell(p, side, [&](peer_link& m) { return m.set_role(role, now_ns()); });
  } else if (what == word::ping) {
    answer(word::pong);
  }
  // Telling may have added a connection: no reference from before holds.
  auto& now_mine = p.connections[index].ends[side];
  if (now_mine.state == end_state::up && std::exchange(now_mine.probing, false))
    tell(p, side, [&](peer_link& m) { return m.alive(id, now_ns()); });
}

inline void world::end(node_pair& p, connection& c, std::size_t side, link_end cause) {
  auto& mine = c.ends[side];
  mine.state = end_state::closed;
  mine.age = 0;
  mine.due = 0;
  const auto failures = p.machine[side].failures();
  const auto lost_tie = cause == link_end::closed_by_peer && c.ends[1 - side].tie_lost;
  const auto id = c.id;
  tell(p, side, [&](peer_link& m) { return m.closing(id, cause, {}, now_ns()); });
  if (lost_tie && fault_free() && !scenario_->may_collide && p.machine[side].failures() > failures)
    fail("a lost tie was counted as a failure");
}

inline void world::fire(node_pair& p, connection& c, std::size_t side) {
  auto& mine = c.ends[side];
  if (mine.state == end_state::connecting) {
    c.to[1 - side].push_back({word::reset});
    end(p, c, side, link_end::connect_failed);
  } else if (mine.state == end_state::handshaking && c.dialer == side) {
    // The deployed daemon may keep silent and is a peer all the same.
    mine.state = end_state::up;
    mine.due = 0;
    const auto id = c.id;
    tell(p, side, [&](peer_link& m) { return m.handshaken(id, now_ns()); });
  } else if (mine.state == end_state::handshaking) {
    c.to[1 - side].push_back({word::fin});
    end(p, c, side, link_end::handshake_timeout);
  } else if (nodes_[p.node[1 - side]].host_up) {
    mine.due = 0;
    c.to[side].push_back({word::reset});  // what a host says of a connection that it does not know
  } else if (++mine.silent_pings >= pings_until_dead) {
    end(p, c, side, link_end::peer_dead);
  } else {
    mine.due = now_ + ping_ticks;
  }
}

inline void world::start(std::size_t node) {
  nodes_[node].up = nodes_[node].host_up = nodes_[node].started = true;
  turn_ = 0;
  if (scenario_->wants[node])
    for (auto& p : pairs_)
      for (std::size_t side = 0; side < 2; ++side)
        if (p.node[side] == node)
          tell(p, side, [this](peer_link& m) { return m.want(now_ns(), scenario_->steadfast); });
}

inline void world::crash(std::size_t node, bool host) {
  --crashes_;
  turn_ = 0;
  nodes_[node].up = false;
  nodes_[node].host_up = !host;
  nodes_[node].down_since = now_;
  for (auto& p : pairs_)
    for (std::size_t side = 0; side < 2; ++side) {
      if (p.node[side] != node)
        continue;
      const auto other = p.node[1 - side];
      p.machine[side] = peer_link{scenario_->rules[node], scenario_->roles[node][other], 0};
      for (auto& c : p.connections) {
        auto& mine = c.ends[side];
        if (host)
          c.to[side].clear();
        else if (mine.live())
          c.to[1 - side].push_back(
              {word::reset});  // the kernel closes what the process leaves behind
        if (mine.state != end_state::none) {
          mine = {};
          mine.state = end_state::gone;
        }
      }
    }
}

inline void world::advance(ticks by) {
  now_ += by;
  turn_ = 0;
  for (auto& p : pairs_) {
    for (auto& c : p.connections)
      for (std::size_t side = 0; side < 2; ++side) {
        for (auto& x : c.to[side])
          ++x.age;
        if (c.ends[side].state == end_state::closed)
          ++c.ends[side].age;
      }
    for (std::size_t side = 0; side < 2; ++side)
      if (up_ends(p, side) > 1)
        p.overlap[side] += by;
  }
}

inline ticks world::take(const step& x, std::string* log) {
  log_ = log;
  drawn_ = x.drawn;
  drew_ = collided_ = false;
  ticks went_by = 0;
  say(describe(x));
  auto& p = pairs_[x.kind == step_kind::start || x.kind == step_kind::crash ||
                           x.kind == step_kind::crash_host || x.kind == step_kind::advance
                       ? 0
                       : x.pair];
  switch (x.kind) {
  case step_kind::start:
    start(x.pair);
    break;
  case step_kind::crash:
  case step_kind::crash_host:
    crash(x.pair, x.kind == step_kind::crash_host);
    break;
  case step_kind::deliver:
    deliver(p, x.index, x.side);
    break;
  case step_kind::told_gone: {
    // As the registry: the connection's own report first, then the end of its actor.
    auto& c = p.connections[x.index];
    c.ends[x.side].state = end_state::gone;
    const auto id = c.id;
    tell(p, x.side, [&](peer_link& m) { return m.closing(id, link_end::duplicate, {}, now_ns()); });
    tell(p, x.side, [&](peer_link& m) { return m.gone(id, now_ns()); });
    break;
  }
  case step_kind::end_timer:
    fire(p, p.connections[x.index], x.side);
    break;
  case step_kind::early_ping:
    p.connections[x.index].to[x.side].push_back({word::reset});
    break;
  case step_kind::machine_timer:
    tell(p, x.side, [this](peer_link& m) { return m.tick(now_ns()); });
    break;
  case step_kind::break_both:
  case step_kind::break_one: {
    --losses_;
    auto& c = p.connections[x.index];
    for (std::size_t side = 0; side < 2; ++side) {
      c.to[side].clear();
      if (x.kind == step_kind::break_both || side == x.side)
        c.to[side].push_back({word::reset});
    }
    break;
  }
  case step_kind::pass:
    ++turn_;
    break;
  case step_kind::advance:
    went_by = next_advance();
    advance(went_by);
    break;
  }
  tidy();
  check();
  log_ = nullptr;
  return went_by;
}

}  // namespace test::pair_search
