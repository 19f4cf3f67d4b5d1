#include "actors/sync_engine.hpp"

#include "actors/metrics.hpp"
#include "chain/genesis.hpp"
#include "chain/hashes.hpp"
#include "chain/hex.hpp"
#include "chain/validation.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace timenode {

namespace {

/// How long a check of at most `sync::max_run_blocks` may take: 500 blocks full of signatures need some 3 s of
/// a core (limits page: 15,000 signatures/s).
constexpr auto check_patience = to_ns(std::chrono::seconds{30});
/// How long a store batch may take; a disk that needs longer is ill.
constexpr auto apply_patience = to_ns(std::chrono::seconds{20});
/// After a checker failed.
constexpr auto check_pause = to_ns(std::chrono::seconds{1});
/// After the store failed: doubling from the first to the second. A full disk is emptied by hand.
constexpr auto first_keeper_rest = to_ns(std::chrono::seconds{5});
constexpr auto max_keeper_rest = to_ns(std::chrono::seconds{60});
/// A block that is not older than this is news to our peers.
constexpr std::int64_t news_seconds = 2 * chain::block_time_seconds;
/// Clocks that differ are warned of at most this often.
constexpr auto clock_warning_interval = to_ns(std::chrono::minutes{10});
/// Bytes of a block that go into the evidence of a violation.
constexpr std::size_t evidence_bytes = 200;

flood_judgement ignored(std::string reason) {
  return {flood_verdict::ignore, std::move(reason)};
}

std::string evidence_of(const block& x) {
  auto result = "block " + chain::to_hex(chain::block_hash(x.header)) + ": ";
  wire::encode_block(x, result);
  if (result.size() > evidence_bytes)
    result.resize(evidence_bytes);
  return result;
}

} // namespace

sync_engine_state::sync_engine_state(sync_engine_actor::pointer self, node_context context,
                                     chain_keeper_actor keeper,
                                     std::vector<block_checker_actor> checkers,
                                     std::shared_ptr<const chain::chain_reader> chain,
                                     connection_registry_actor registry, gossip_actor gossip,
                                     std::size_t max_waiting_bytes)
  : self_{self},
    context_{std::move(context)},
    keeper_{std::move(keeper)},
    checkers_{std::move(checkers)},
    chain_{std::move(chain)},
    registry_{std::move(registry)},
    gossip_{std::move(gossip)},
    plan_{max_waiting_bytes, context_.seed ^ self->id()},
    pipeline_{chain_->tip(), checkers_.size()},
    progress_{pipeline_.tip().height},
    height_question_{wire::encode_shared(wire::get_block_height{})} {}

sync_engine_actor::behavior_type sync_engine_state::make_behavior() {
  self_->send(keeper_, atom::subscribe_v, tip_listener_actor{self_});
  return {
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
  peers_[info.ip] = {info.link, connection};
  plan_.peer_up(info.ip, info.direction, monotonic_now(*self_));
  drive();
}

void sync_engine_state::peer_down(const ip_address& ip) {
  peers_.erase(ip);
  plan_.peer_down(ip, monotonic_now(*self_));
  drive();
}

std::uint64_t sync_engine_state::capped(std::uint64_t height) const {
  const auto& genesis = *chain::genesis_block(context_.network).block;
  return sync::cap_claim(height, genesis.header.timestamp, context_.unix_now());
}

void sync_engine_state::take(const ip_address& ip, const wire::message& x) {
  if (!peers_.contains(ip))
    return; // it has gone meanwhile
  if (const auto* height = std::get_if<wire::block_height_response>(&x))
    plan_.height_is(ip, capped(height->height), monotonic_now(*self_));
  else if (const auto* blocks = std::get_if<wire::blocks_response>(&x))
    blocks_came(ip, blocks->blocks);
  else if (const auto* range = std::get_if<wire::block_range_response>(&x))
    blocks_came(ip, range->blocks);
  else if (const auto* one = std::get_if<wire::block_response>(&x))
    blocks_came(ip, {&one->block, 1});
  else if (const auto* hash = std::get_if<wire::block_hash_response>(&x))
    hash_came(ip, *hash);
  else
    return; // nothing that this engine asks for
  drive();
}

void sync_engine_state::blocks_came(const ip_address& ip, std::span<const block_ptr> blocks) {
  plan_.blocks_came(ip, blocks, position(), monotonic_now(*self_));
}

void sync_engine_state::hash_came(const ip_address& ip, const wire::block_hash_response& x) {
  if (x.hash)
    plan_.at_least(ip, capped(x.height), monotonic_now(*self_));
  else
    plan_.refused(ip, x.height, monotonic_now(*self_));
}

void sync_engine_state::on_other_branch(const ip_address& ip, std::uint64_t height) {
  spdlog::debug("sync: {} is on another branch at height {}", ip.to_string(), height);
  plan_.other_branch(ip, height, monotonic_now(*self_));
}

// -- announced blocks ---------------------------------------------------------------------

caf::result<flood_judgement> sync_engine_state::judge(const ip_address& ip,
                                                      const wire::message& x) {
  const auto* announcement = std::get_if<wire::block_announcement>(&x);
  if (!announcement || !announcement->block)
    return ignored("not an announced block");
  plan_.at_least(ip, capped(announcement->block->header.height), monotonic_now(*self_));
  auto result = judge_block(ip, announcement->block);
  drive();
  return result;
}

caf::result<flood_judgement> sync_engine_state::judge_block(const ip_address& ip,
                                                            const block_ptr& x) {
  const auto& header = x->header;
  if (header.height <= pipeline_.tip().height) {
    if (have(header))
      return ignored("we have it");
    on_other_branch(ip, header.height);
    return ignored("another block than ours at this height");
  }
  if (header.height < pipeline_.next_height())
    return ignored("a block of this height is being applied");
  if (header.height > pipeline_.next_height())
    return ignored("blocks before it are missing");
  if (!pipeline_.links(*x)) {
    if (pipeline_.empty())
      on_other_branch(ip, header.height);
    return ignored("its parent is unknown");
  }
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

// -- blocks on their way ------------------------------------------------------------------

/// Does all that can be done now. Called after everything that happens.
void sync_engine_state::drive() {
  const auto now = monotonic_now(*self_);
  feed();
  start_checks();
  start_apply();
  send(plan_.step(position(), now));
  log_progress(now);
  arm(now);
}

/// Moves blocks whose turn it is from the buffer into the pipeline.
void sync_engine_state::feed() {
  if (keeper_phase_ == keeper_phase::asking_tip)
    return; // it is not known whose turn it is
  const auto latest = context_.unix_now() + chain::max_future_seconds;
  while (pipeline_.has_room()) {
    const auto* next = plan_.waiting(pipeline_.next_height());
    if (!next)
      return;
    const auto linked = pipeline_.links(*next->block);
    const auto early = next->block->header.timestamp > latest;
    // The parent may turn out to be the wrong one: only that of a stored block is sure.
    if ((!linked || early) && !pipeline_.empty())
      return;
    if (!linked)
      on_other_branch(ip_address{next->from}, next->height());
    else if (early)
      too_early(sync::sourced_block{*next});
    else
      plan_.put_back(pipeline_.add(plan_.take_run(pipeline_.next_height()), latest),
                     pipeline_.bytes());
  }
}

void sync_engine_state::too_early(const sync::sourced_block& x) {
  const auto now = monotonic_now(*self_);
  plan_.refused(x.from, x.height(), now);
  if (now < clock_warning_from_)
    return;
  clock_warning_from_ = now + clock_warning_interval;
  spdlog::warn("sync: block {} from {} is {} s ahead of our clock; check the time of this machine",
               x.height(), x.from.to_string(), x.block->header.timestamp - context_.unix_now());
}

void sync_engine_state::start_checks() {
  if (checkers_.empty() || monotonic_now(*self_) < checks_from_)
    return;
  while (auto job = pipeline_.next_check())
    check(std::move(*job));
}

void sync_engine_state::check(sync::check_job job) {
  const auto run = job.run;
  check_deadlines_[run] = monotonic_now(*self_) + check_patience;
  const auto& checker = checkers_[next_checker_++ % checkers_.size()];
  self_->request(checker, caf::infinite, atom::check_v, std::move(job.blocks))
    .then(
      [this, run](check_reply& reply) {
        check_deadlines_.erase(run);
        settle(pipeline_.checked(run, std::move(reply)));
        drive();
      },
      [this, run](const caf::error& reason) {
        spdlog::warn("sync: a block checker failed: {}; trying another", to_string(reason));
        check_deadlines_.erase(run);
        pipeline_.check_failed(run);
        checks_from_ = monotonic_now(*self_) + check_pause;
        drive();
      });
}

void sync_engine_state::start_apply() {
  if (keeper_phase_ != keeper_phase::ready)
    return;
  auto batch = pipeline_.next_apply();
  if (!batch)
    return;
  enter(keeper_phase::applying, apply_patience);
  const auto turn = keeper_turn_;
  self_->request(keeper_, caf::infinite, atom::apply_v, std::move(*batch))
    .then(
      [this, turn](const apply_reply& reply) {
        if (turn == keeper_turn_)
          on_applied(reply);
      },
      [this, turn](const caf::error&) {
        if (turn == keeper_turn_)
          keeper_overdue();
      });
}

void sync_engine_state::on_applied(const apply_reply& reply) {
  if (reply.storage_failed) {
    rest_keeper();
  } else {
    keeper_rests_ = 0;
    enter(keeper_phase::ready, 0);
  }
  settle(pipeline_.applied(reply, context_.unix_now()));
  drive();
}

void sync_engine_state::on_tip(const chain_tip& tip) {
  // While the keeper has something of ours its answer brings the tip, and this is older than that.
  if (keeper_phase_ == keeper_phase::applying || keeper_phase_ == keeper_phase::asking_tip
      || tip.hash == pipeline_.tip().hash)
    return;
  auto news = pipeline_.reset(tip, "the chain changed meanwhile");
  news.chain_changed = true;
  settle(std::move(news));
  drive();
}

/// Works off what became of blocks.
void sync_engine_state::settle(sync::pipeline_news news) {
  for (auto& [token, verdict] : news.verdicts)
    if (auto node = verdicts_.extract(token))
      node.mapped().deliver(std::move(verdict));
  reward(news.applied);
  if (news.bad)
    report(*news.bad);
  if (news.early)
    too_early(*news.early);
  if (news.chain_changed)
    plan_.forget_waiting();
  else
    plan_.put_back(std::move(news.returned), pipeline_.bytes());
  flood_if_new(news);
}

void sync_engine_state::reward(const sync::sourced_blocks& applied) {
  if (applied.empty())
    return;
  progress_.applied(applied.size(), monotonic_now(*self_));
  const ip_address* last = nullptr;
  for (const auto& x : applied) {
    if (!last || *last != x.from)
      plan_.useful(x.from);
    last = &x.from;
  }
}

void sync_engine_state::report(const sync::bad_block& bad) {
  const auto& from = bad.block.from;
  plan_.wronged(from, bad.block.height(), monotonic_now(*self_));
  if (bad.judged)
    return; // whoever asked for the verdict reports it
  spdlog::warn("sync: {} sent an invalid block {}: {}; asking others", from.to_string(),
               bad.block.height(), bad.reason);
  const auto peer = peers_.find(from);
  if (registry_)
    self_->send(registry_,
                violation{from, peer == peers_.end() ? 0 : peer->second.link,
                          "invalid block " + std::to_string(bad.block.height()) + ": " + bad.reason,
                          evidence_of(*bad.block.block)});
}

/// A new block at the tip that we had to ask for may be missing at our other peers as well.
void sync_engine_state::flood_if_new(const sync::pipeline_news& news) {
  if (!gossip_ || news.applied.empty() || !news.verdicts.empty()
      || pipeline_.tip().height < plan_.target())
    return;
  const auto& last = news.applied.back().block;
  if (last->header.timestamp + news_seconds < context_.unix_now())
    return;
  self_->send(gossip_, atom::flood_v, wire::message{wire::block_announcement{last}});
}

// -- the keeper -----------------------------------------------------------------------------

void sync_engine_state::enter(keeper_phase phase, monotonic_ns patience) {
  keeper_phase_ = phase;
  keeper_deadline_ = monotonic_now(*self_) + patience;
  ++keeper_turn_;
}

void sync_engine_state::rest_keeper() {
  const auto doublings = std::min(keeper_rests_++, 10u);
  enter(keeper_phase::resting, std::min(first_keeper_rest << doublings, max_keeper_rest));
}

/// It is not known what became of the last batch, so where the chain ends must be asked.
void sync_engine_state::ask_tip() {
  settle(pipeline_.reset(pipeline_.tip(), "the chain keeper did not answer in time"));
  enter(keeper_phase::asking_tip, apply_patience);
  const auto turn = keeper_turn_;
  self_->request(keeper_, caf::infinite, atom::tip_v)
    .then(
      [this, turn](const chain_tip& tip) {
        if (turn != keeper_turn_)
          return;
        enter(keeper_phase::ready, 0);
        settle(pipeline_.reset(tip, {}));
        drive();
      },
      [this, turn](const caf::error&) {
        if (turn == keeper_turn_)
          keeper_overdue();
      });
}

/// What the keeper was to do has not come.
void sync_engine_state::keeper_overdue() {
  switch (keeper_phase_) {
    case keeper_phase::ready:
      return;
    case keeper_phase::applying:
      spdlog::warn("sync: the chain keeper did not answer; is the disk slow or full?");
      ask_tip();
      break;
    case keeper_phase::asking_tip:
      rest_keeper();
      break;
    case keeper_phase::resting:
      ask_tip();
      break;
  }
  drive();
}

// -- time -----------------------------------------------------------------------------------

void sync_engine_state::wake() {
  const auto now = monotonic_now(*self_);
  std::vector<std::uint64_t> overdue;
  for (const auto& [run, at] : check_deadlines_)
    if (at <= now)
      overdue.push_back(run);
  for (auto run : overdue) {
    check_deadlines_.erase(run);
    pipeline_.check_failed(run);
  }
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
    context_.metrics->sync_target(std::max(at.target, at.height));
  if (const auto line = progress_.line(at, now))
    spdlog::info("sync: {}", *line);
}

sync::plan_position sync_engine_state::position() const {
  const auto can_store
    = keeper_phase_ == keeper_phase::ready || keeper_phase_ == keeper_phase::applying;
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
  if (plan_.target() > pipeline_.tip().height)
    return "syncing";
  return plan_.peers().with_claim() == 0 ? "waiting-for-peers" : "idle";
}

sync_snapshot sync_engine_state::snapshot() const {
  const auto now = monotonic_now(*self_);
  const auto at = progress();
  sync_snapshot result;
  result.state = state_text();
  result.height = at.height;
  result.target = std::max(at.target, at.height);
  result.peers = plan_.peers().all().size();
  result.outstanding = plan_.asks().size();
  result.buffered_blocks = plan_.buffer().blocks() + pipeline_.next_height() - at.height - 1;
  result.buffered_bytes = plan_.buffer().bytes() + pipeline_.bytes();
  result.blocks_per_second = progress_.blocks_per_second(now);
  result.eta_seconds = progress_.eta_seconds({result.height, result.target, 0}, now);
  for (const auto& [ip, x] : plan_.peers().all())
    result.claims.emplace(ip, x.claim);
  return result;
}

} // namespace timenode
