// The second half of the sync engine: blocks on their way from the peers' answers into the chain.

#include "actors/sync_engine.hpp"
#include "chain/hashes.hpp"
#include "chain/hex.hpp"
#include "chain/validation.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace timenode {

namespace {

/// How long a check of at most `sync::max_run_blocks` may take: 500 blocks full of signatures need
/// some 3 s of a core (limits page: 15,000 signatures/s).
constexpr auto check_patience = to_ns(std::chrono::seconds{30});
/// How long a store batch may take; a disk that needs longer is ill.
constexpr auto apply_patience = to_ns(std::chrono::seconds{20});
/// After a checker failed.
constexpr auto check_pause = to_ns(std::chrono::seconds{1});
/// After the store failed: doubling from the first to the second. A full disk is emptied by hand.
constexpr auto first_keeper_rest = to_ns(std::chrono::seconds{5});
constexpr auto max_keeper_rest = to_ns(std::chrono::seconds{60});
/// Clocks that differ are warned of at most this often.
constexpr auto clock_warning_interval = to_ns(std::chrono::minutes{10});
/// Bytes of a block that go into the evidence of a violation.
constexpr std::size_t evidence_bytes = 200;

std::string evidence_of(const block& x) {
  auto result = "block " + chain::to_hex(chain::block_hash(x.header)) + ": ";
  wire::encode_block(x, result);
  if (result.size() > evidence_bytes)
    result.resize(evidence_bytes);
  return result;
}

}  // namespace

// -- blocks on their way ------------------------------------------------------------------

/// Does all that can be done now. Called after everything that happens.
void sync_engine_state::drive() {
  const auto now = monotonic_now(*self_);
  feed();
  repair_forks(now);
  start_checks();
  start_switch();
  start_apply();
  send(plan_.step(position(), now));
  log_progress(now);
  arm(now);
}

/// Moves blocks whose turn it is from the buffer into the pipeline.
void sync_engine_state::feed() {
  if (keeper_phase_ == keeper_phase::asking_tip || keeper_phase_ == keeper_phase::switching ||
      waiting_branch_)
    return;  // it is not known whose turn it is
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
      on_other_branch(ip_address{next->from}, next->height() - 1,
                      hash256{next->block->header.previous_hash});
    else if (early)
      too_early(sync::sourced_block{*next});
    else
      add_run(latest);
  }
}

void sync_engine_state::add_run(std::int64_t latest) {
  auto rest = pipeline_.add(plan_.take_run(pipeline_.next_height()), latest);
  plan_.put_back(std::move(rest), pipeline_.bytes());
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
    check(check_of::our_chain, std::move(*job));
  while (auto job = forks_.next_check())
    check(check_of::branch, std::move(*job));
}

void sync_engine_state::check(check_of whose, sync::check_job job) {
  const auto run = job.run;
  check_deadlines_[{whose, run}] = monotonic_now(*self_) + check_patience;
  const auto& checker = checkers_[next_checker_++ % checkers_.size()];
  self_->request(checker, caf::infinite, atom::check_v, std::move(job.blocks))
      .then(
          [this, whose, run](check_reply& reply) {
            check_done(whose, run, reply);
            drive();
          },
          [this, whose, run](const caf::error& reason) {
            spdlog::warn("sync: a block checker failed: {}; trying another", to_string(reason));
            check_lost(whose, run);
            checks_from_ = monotonic_now(*self_) + check_pause;
            drive();
          });
}

void sync_engine_state::check_done(check_of whose, std::uint64_t run, check_reply& reply) {
  check_deadlines_.erase({whose, run});
  if (whose == check_of::our_chain)
    settle(pipeline_.checked(run, std::move(reply)));
  else if (const auto bad =
               forks_.checked(run, std::move(reply), context_.unix_now(), monotonic_now(*self_)))
    report(*bad);
}

void sync_engine_state::check_lost(check_of whose, std::uint64_t run) {
  check_deadlines_.erase({whose, run});
  if (whose == check_of::our_chain)
    pipeline_.check_failed(run);
  else
    forks_.check_failed(run);
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
  if (keeper_phase_ == keeper_phase::applying || keeper_phase_ == keeper_phase::switching ||
      keeper_phase_ == keeper_phase::asking_tip || tip.hash == pipeline_.tip().hash)
    return;
  tip_moved(pipeline_.tip());
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
  flood_if_caught_up(news);
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
    return;  // whoever asked for the verdict reports it
  if (const auto left_out = bad_block_lines_.take(monotonic_now(*self_)))
    spdlog::warn("sync: {} sent an invalid block {}: {}; asking others{}", from.to_string(),
                 bad.block.height(), bad.reason,
                 *left_out > 0 ? fmt::format(" ({} more such blocks since)", *left_out) : "");
  const auto peer = peers_.find(from);
  if (registry_)
    self_->send(registry_,
                violation{from, peer == peers_.end() ? 0 : peer->second.link,
                          "invalid block " + std::to_string(bad.block.height()) + ": " + bad.reason,
                          evidence_of(*bad.block.block)});
}

/// Who has caught up tells everybody: peers that are as far behind as it was would otherwise learn
/// of the new tip by their next poll only, a minute a hop. What keeps it from that is what peers claim who have delivered
/// something: of anybody else a claim of any height would do.
void sync_engine_state::flood_if_caught_up(const sync::pipeline_news& news) {
  if (!gossip_ || news.applied.empty() || !news.verdicts.empty() ||
      pipeline_.tip().height < plan_.peers().best_proven())
    return;
  self_->send(gossip_, atom::flood_v,
              wire::message{wire::block_announcement{news.applied.back().block}});
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
  waiting_branch_.reset();
  enter(keeper_phase::asking_tip, apply_patience);
  const auto turn = keeper_turn_;
  self_->request(keeper_, caf::infinite, atom::tip_v)
      .then(
          [this, turn](const chain_tip& tip) {
            if (turn != keeper_turn_)
              return;
            enter(keeper_phase::ready, 0);
            tip_moved(pipeline_.tip());
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
  case keeper_phase::switching:
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

}  // namespace timenode
