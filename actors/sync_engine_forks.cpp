// The third part of the sync engine: other branches than ours. What to do about them is decided in
// fork_repair.hpp; here its questions go out and its answers come in.

#include "actors/sync_engine.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace timenode {

namespace {

/// How long the keeper may take to change over: some 3,000 blocks to undo, apply and sync.
constexpr auto switch_patience = to_ns(std::chrono::seconds{60});

encoded_line line_of(const wire::message& x) {
  return {wire::encode_shared(x)};
}

}  // namespace

// -- what peers show ------------------------------------------------------------------------

void sync_engine_state::on_other_branch(const ip_address& ip, std::uint64_t height,
                                        const hash256& hash) {
  const auto now = monotonic_now(*self_);
  plan_.other_branch(ip, height + 1, now);
  plan_.set_aside(ip, true, now);
  forks_.suspect(ip, height, hash);
}

void sync_engine_state::on_our_branch(const ip_address& ip) {
  plan_.set_aside(ip, false, monotonic_now(*self_));
}

/// A peer told which block it has. True when there may be something to do about it.
bool sync_engine_state::hash_came(const ip_address& ip, const wire::block_hash_response& x) {
  const auto now = monotonic_now(*self_);
  const auto was_quiet = forks_.quiet() && !plan_.peers().find(ip)->aside;
  switch (forks_.hash_came(ip, x.height, x.hash, now)) {
  case sync::hash_comparison::nothing:
    break;
  case sync::hash_comparison::same:
    on_our_branch(ip);
    break;
  case sync::hash_comparison::differs:
    plan_.set_aside(ip, true, now);
    return true;
  }
  return !was_quiet;
}

// -- what is done about it ------------------------------------------------------------------

void sync_engine_state::repair_forks(monotonic_ns now) {
  if (!masternodes_)
    forks_.masternodes({}, now);  // nobody knows any
  auto step = forks_.step(context_.unix_now(), now);
  const auto send_to = [this](const ip_address& ip, const wire::message& x) {
    if (const auto i = peers_.find(ip); i != peers_.end())
      self_->send(i->second.connection, line_of(x));
  };
  for (const auto& x : step.questions)
    send_to(x.peer, wire::get_block_hash{x.height});
  for (const auto& x : step.ranges)
    send_to(x.peer, wire::get_block_range{x.first, x.last});
  if (step.list_masternodes)
    ask_for_masternodes();
  for (const auto& x : step.notes)
    if (const auto left_out = fork_lines_.take(now))
      spdlog::log(x.warning ? spdlog::level::warn : spdlog::level::info, "sync: {}{}", x.text,
                  *left_out > 0 ? fmt::format(" ({} more lines about forks left out)", *left_out)
                                : "");
  if (step.reorganise)
    waiting_branch_ = std::move(step.reorganise);
}

void sync_engine_state::ask_for_masternodes() {
  if (!masternodes_)
    return;
  self_->request(masternodes_, caf::infinite, atom::believed_v)
      .then(
          [this](const std::vector<masternode_entry>& list) {
            forks_.masternodes(list, monotonic_now(*self_));
            drive();
          },
          [](const caf::error&) {});  // the case goes on without after its deadline
}

/// Gives the branch to the keeper as soon as that has done what it has.
void sync_engine_state::start_switch() {
  if (!waiting_branch_ || keeper_phase_ != keeper_phase::ready)
    return;
  settle(pipeline_.reset(pipeline_.tip(), "another branch is taken over"));
  plan_.forget_waiting();
  enter(keeper_phase::switching, switch_patience);
  const auto turn = keeper_turn_;
  self_
      ->request(keeper_, caf::infinite, atom::apply_v,
                std::move(*std::exchange(waiting_branch_, std::nullopt)))
      .then(
          [this, turn](const apply_reply& reply) {
            if (turn == keeper_turn_)
              on_switched(reply);
          },
          [this, turn](const caf::error&) {
            if (turn == keeper_turn_)
              keeper_overdue();
          });
}

void sync_engine_state::on_switched(const apply_reply& reply) {
  const auto now = monotonic_now(*self_);
  if (reply.storage_failed) {
    rest_keeper();
  } else {
    keeper_rests_ = 0;
    enter(keeper_phase::ready, 0);
  }
  settle(pipeline_.reset(reply.tip, {}));
  if (const auto bad = forks_.switched(reply, now))
    report(*bad);
  if (reply.applied > 0) {
    ++switches_;
    plan_.nobody_aside(now);
    // Those who were as wrong as we were learn of it at once.
    if (gossip_)
      if (auto top = chain_->block_at(reply.tip.height))
        self_->send(gossip_, atom::flood_v, wire::message{wire::block_announcement{top}});
  }
  drive();
}

/// The tip is another one, without the engine's doing or without its knowing.
void sync_engine_state::tip_moved(const chain_tip& from) {
  if (!forks_.repairing() && chain_->hash_at(from.height) == from.hash)
    return;  // our chain grew
  const auto now = monotonic_now(*self_);
  waiting_branch_.reset();
  forks_.chain_changed(now);
  plan_.nobody_aside(now);
}

// -- for those who want to know -------------------------------------------------------------

fork_snapshot sync_engine_state::forks_snapshot(monotonic_ns now) const {
  fork_snapshot result;
  const auto census = forks_.census();
  result.phase = forks_.phase_text();
  result.same = census.same;
  result.behind = census.behind;
  result.differ = census.differ;
  result.unknown = census.unknown;
  result.switches = switches_;
  for (const auto& x : forks_.branches().all()) {
    auto& y = result.branches.emplace_back();
    y.first = x.first;
    y.fork_height = x.fork_height;
    y.height = x.height;
    y.tip = x.tip;
    y.state = to_text(x.state);
    y.why = x.why;
    y.votes_ours = x.votes.ours;
    y.votes_theirs = x.votes.theirs;
    y.votes_others = x.votes.others;
    y.votes_none = x.votes.none;
    y.electorate = x.electorate;
    y.peers = x.peers;
    if (!x.peers.empty())
      y.next_look_ms = std::max<monotonic_ns>(x.next_look - now, 0) / 1'000'000;
  }
  return result;
}

}  // namespace timenode
