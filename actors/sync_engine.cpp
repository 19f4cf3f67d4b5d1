#include "actors/sync_engine.hpp"

#include "actors/invariants.hpp"
#include "actors/metrics.hpp"
#include "chain/genesis.hpp"
#include "chain/hashes.hpp"
#include "chain/validation.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace timenode {

namespace {

/// A peer that is behind us is shown our tip no more often: less than the time between two questions for its height.
constexpr auto tip_shown_every = sync::poll_interval / 2;

flood_judgement ignored(std::string reason) {
  return {flood_verdict::ignore, std::move(reason)};
}

}  // namespace

sync_engine_state::sync_engine_state(sync_engine_actor::pointer self, node_context context,
                                     chain_keeper_actor keeper,
                                     std::vector<block_checker_actor> checkers,
                                     std::shared_ptr<const chain::chain_reader> chain,
                                     violation_taker_actor registry, std::size_t max_waiting_bytes)
    : self_{self}, context_{std::move(context)}, keeper_{std::move(keeper)},
      checkers_{std::move(checkers)}, chain_{std::move(chain)}, registry_{std::move(registry)},
      plan_{max_waiting_bytes, context_.seed ^ self->id()}, pipeline_{chain_->tip(),
                                                                      checkers_.size()},
      forks_{*chain_, checkers_.size(), context_.seed ^ self->id(), max_waiting_bytes},
      progress_{pipeline_.tip().height}, height_question_{
                                             wire::encode_shared(wire::get_block_height{})} {}

sync_engine_actor::behavior_type sync_engine_state::make_behavior() {
  self_->send(keeper_, atom::subscribe_v, tip_listener_actor{self_});
  return {
      [this](atom::attach, const gossip_actor& flooder) { gossip_ = flooder; },
      [this](atom::attach, const masternode_list_actor& list) { masternodes_ = list; },
      [this](atom::progress) { return progress_so_far(); },
      [this](atom::progress, const std::vector<ip_address>& of) {
        auto result = progress_so_far();
        result.ahead = plan_.peers().believed_above(result.height, of);
        return result;
      },
      [this](atom::snapshot) { return snapshot(); },
      // -- peer listener
      [this](atom::peer_up, const peer_info& info, const peer_connection_actor& connection) {
        peer_up(info, connection);
      },
      [this](atom::peer_down, const ip_address& ip) { peer_down(ip); },
      // -- peer messages
      [this](const ip_address& ip, const wire::message& x) { take(ip, x); },
      // -- judge
      [this](atom::judge, const ip_address& ip, const wire::message& x) { return judge(ip, x); },
      // -- tip listener
      [this](atom::tip, const chain_tip& tip) { on_tip(tip); },
      // -- sleeper
      [this](atom::wake, std::uint64_t token) {
        if (alarm_.accept(token))
          wake();
      },
  };
}

// -- peers ------------------------------------------------------------------------------

void sync_engine_state::peer_up(const peer_info& info, const peer_connection_actor& connection) {
  const auto now = monotonic_now(*self_);
  peers_[info.ip] = {info.link, connection, 0};
  plan_.peer_up(info.ip, info.direction, now);
  forks_.peer_up(info.ip, info.direction, now);
  drive();
}

void sync_engine_state::peer_down(const ip_address& ip) {
  const auto now = monotonic_now(*self_);
  peers_.erase(ip);
  plan_.peer_down(ip, now);
  forks_.peer_down(ip, now);
  drive();
}

std::uint64_t sync_engine_state::capped(std::uint64_t height) const {
  const auto& genesis = *chain::genesis_block(context_.network).block;
  return sync::cap_claim(height, genesis.header.timestamp, context_.unix_now(),
                         context_.rules.block_time);
}

void sync_engine_state::take(const ip_address& ip, const wire::message& x) {
  if (!peers_.contains(ip))
    return;  // it has gone meanwhile
  const auto now = monotonic_now(*self_);
  if (const auto* height = std::get_if<wire::block_height_response>(&x)) {
    if (!height_came(ip, capped(height->height), now))
      return;  // the same as before, as most of these are
  } else if (const auto* blocks = std::get_if<wire::blocks_response>(&x)) {
    blocks_came(ip, blocks->blocks);
  } else if (const auto* range = std::get_if<wire::block_range_response>(&x)) {
    // Only blocks of other branches are asked for in this way, so that no answer is taken for another.
    forks_.blocks_came(ip, range->blocks, context_.unix_now(), now);
  } else if (const auto* hash = std::get_if<wire::block_hash_response>(&x)) {
    if (!hash_came(ip, *hash))
      return;
  } else {
    return;  // nothing that this engine asks for
  }
  drive();
}

void sync_engine_state::blocks_came(const ip_address& ip, std::span<const block_ptr> blocks) {
  plan_.blocks_came(ip, blocks, position(), monotonic_now(*self_));
}

/// A peer named its height. True when that is news.
bool sync_engine_state::height_came(const ip_address& ip, std::uint64_t height, monotonic_ns now) {
  const auto before = *plan_.peers().find(ip);
  plan_.height_is(ip, height, now);
  const auto& after = *plan_.peers().find(ip);
  if (height < pipeline_.tip().height && after.direction == link_direction::outbound)
    show_tip(ip, now);
  if (before.claimed && before.claim == after.claim && before.credit == after.credit)
    return false;
  claims_changed(ip);
  return true;
}

/// A deployed node asks for heights only where it dialed. One whose address is such that it dials nobody learns that it is
/// behind only when a block is announced to it, and that may take ten minutes.
void sync_engine_state::show_tip(const ip_address& ip, monotonic_ns now) {
  auto& x = peers_.at(ip);
  if (x.tip_shown_at != 0 && now - x.tip_shown_at < tip_shown_every)
    return;
  x.tip_shown_at = now;
  if (const auto top = chain_->block_at(pipeline_.tip().height))
    self_->send(x.connection, encoded_line{wire::encode_shared(wire::block_announcement{top})});
}

void sync_engine_state::claims_changed(const ip_address& ip) {
  if (const auto* x = plan_.peers().find(ip))
    forks_.height_is(ip, x->claim, monotonic_now(*self_));
}

// -- announced blocks ---------------------------------------------------------------------

caf::result<flood_judgement> sync_engine_state::judge(const ip_address& ip,
                                                      const wire::message& x) {
  const auto* announcement = std::get_if<wire::block_announcement>(&x);
  if (!announcement || !announcement->block)
    return ignored("not an announced block");
  plan_.at_least(ip, capped(announcement->block->header.height), monotonic_now(*self_));
  claims_changed(ip);
  auto result = judge_block(ip, announcement->block);
  drive();
  return result;
}

caf::result<flood_judgement> sync_engine_state::judge_block(const ip_address& ip,
                                                            const block_ptr& x) {
  const auto& header = x->header;
  if (header.height <= pipeline_.tip().height) {
    if (have(header)) {
      if (header.height == pipeline_.tip().height)
        on_our_branch(ip);
      return ignored("we have it");
    }
    on_other_branch(ip, header.height, chain::block_hash(header));
    return ignored("another block than ours at this height");
  }
  if (header.height < pipeline_.next_height())
    return ignored("a block of this height is being applied");
  if (header.height > pipeline_.next_height())
    return ignored("blocks before it are missing");
  if (!pipeline_.links(*x)) {
    if (pipeline_.empty())
      on_other_branch(ip, header.height - 1, header.previous_hash);
    return ignored("its parent is unknown");
  }
  on_our_branch(ip);
  const auto latest = context_.unix_now() + chain::max_future_seconds;
  if (header.timestamp > latest)
    return ignored("its timestamp is too far ahead of our clock");
  if (!pipeline_.has_room() || keeper_phase_ == keeper_phase::asking_tip)
    return ignored("too busy to judge it");
  const auto token = ++last_token_;
  pipeline_.add({{x, ip, sync::memory_of(*x)}}, latest, token);
  auto promise = self_->make_response_promise<flood_judgement>();
  verdicts_.emplace(token, promise);
  return promise;
}

bool sync_engine_state::have(const block_header& header) const {
  const auto hash = chain::block_hash(header);
  const auto& tip = pipeline_.tip();
  return header.height == tip.height ? hash == tip.hash : hash == chain_->hash_at(header.height);
}

// -- time -----------------------------------------------------------------------------------

void sync_engine_state::wake() {
  const auto now = monotonic_now(*self_);
  std::vector<check_id> overdue;
  for (const auto& [id, at] : check_deadlines_)
    if (at <= now)
      overdue.push_back(id);
  for (const auto& [whose, run] : overdue)
    check_lost(whose, run);
  if (keeper_phase_ != keeper_phase::ready && keeper_deadline_ <= now)
    keeper_overdue();
  else
    drive();
}

void sync_engine_state::arm(monotonic_ns now) {
  auto next = plan_.next_deadline(now);
  const auto consider = [&](monotonic_ns x) {
    if (!next || x < *next)
      next = x;
  };
  if (keeper_phase_ != keeper_phase::ready)
    consider(keeper_deadline_);
  if (checks_from_ > now)
    consider(checks_from_);
  for (const auto& [_, at] : check_deadlines_)
    consider(at);
  if (const auto at = forks_.next_deadline(now))
    consider(*at);
  if (next)
    alarm_.set(self_, context_.ticker, *next);
}

void sync_engine_state::send(const sync::plan_step& step) {
  const auto to = [this](const ip_address& ip, encoded_line line) {
    if (const auto i = peers_.find(ip); i != peers_.end())
      self_->send(i->second.connection, std::move(line));
  };
  for (const auto& ip : step.polls)
    to(ip, height_question_);
  for (const auto& x : step.requests)
    to(x.peer, encoded_line{wire::encode_shared(wire::get_blocks{x.first, x.last})});
}

void sync_engine_state::log_progress(monotonic_ns now) {
  const auto at = progress();
  if (context_.metrics)
    context_.metrics->sync_target(std::max(plan_.trusted_target(), at.height));
  if (const auto line = progress_.line(at, now))
    spdlog::info("sync: {}", *line);
}

sync::plan_position sync_engine_state::position() const {
  const auto can_store =
      keeper_phase_ == keeper_phase::ready || keeper_phase_ == keeper_phase::applying;
  return {pipeline_.next_height(), pipeline_.bytes(), !can_store};
}

sync::progress_point sync_engine_state::progress() const {
  const auto height = pipeline_.tip().height;
  return {height, plan_.target(), plan_.peers().with_credit(height + 1)};
}

std::string sync_engine_state::state_text() const {
  if (keeper_phase_ == keeper_phase::resting)
    return "storage-failed";
  if (keeper_phase_ == keeper_phase::asking_tip)
    return "waiting-for-storage";
  if (forks_.repairing())
    return "changing-branch";
  if (plan_.peers().best_proven() > pipeline_.tip().height)
    return "syncing";
  if (plan_.trusted_target() > pipeline_.tip().height)
    return std::string{
        sync_state_asking};  // nobody who says that there is more has delivered any yet
  if (plan_.target() > pipeline_.tip().height)
    return "retrying";  // only peers that have not kept their claims say that there is more
  return plan_.peers().with_claim() == 0 ? "waiting-for-peers" : "idle";
}

sync_progress sync_engine_state::progress_so_far() const {
  const auto now = monotonic_now(*self_);
  const auto at = progress();
  sync_progress result;
  result.state = state_text();
  result.height = at.height;
  result.target = std::max(plan_.trusted_target(), at.height);
  result.peers = plan_.peers().all().size();
  result.outstanding = plan_.asks().size();
  result.buffered_blocks = plan_.buffer().blocks() + pipeline_.next_height() - at.height - 1;
  result.buffered_bytes = plan_.buffer().bytes() + pipeline_.bytes() + forks_.bytes();
  result.blocks_per_second = progress_.blocks_per_second(now);
  result.eta_seconds = progress_.eta_seconds({result.height, result.target, 0}, now);
  result.ahead = static_cast<std::uint64_t>(std::ranges::count_if(
      plan_.peers().all(), [&at](const auto& known) { return known.second.claim > at.height; }));
  return result;
}

sync_snapshot sync_engine_state::snapshot() const {
  sync_snapshot result{progress_so_far(), {}, {}};
  for (const auto& [ip, x] : plan_.peers().all())
    result.claims.emplace(ip, x.claim);
  result.forks = forks_snapshot(monotonic_now(*self_));
  return result;
}

}  // namespace timenode
