#include "actors/branch_download.hpp"

#include "chain/hashes.hpp"
#include "chain/validation.hpp"

#include <algorithm>
#include <utility>

namespace timenode::sync {

branch_download::branch_download(const chain_tip& ancestor, const hash256& first,
                                 std::uint64_t last, std::size_t checks, std::uint64_t seed,
                                 monotonic_ns now, std::size_t max_bytes)
    : ancestor_{ancestor}, first_{first}, last_{std::min(last,
                                                         ancestor.height + max_branch_blocks)},
      max_bytes_{max_bytes}, plan_{max_bytes, seed}, pipeline_{ancestor, checks}, progress_at_{
                                                                                      now} {}

// -- peers ----------------------------------------------------------------------------

void branch_download::add_peer(const ip_address& ip, link_direction direction, std::uint64_t height,
                               monotonic_ns now) {
  if (!plan_.peers().find(ip))
    plan_.peer_up(ip, direction, now);
  plan_.height_is(ip, std::min(height, last_), now);
}

void branch_download::peer_down(const ip_address& ip, monotonic_ns now) {
  plan_.peer_down(ip, now);
}

// -- blocks ---------------------------------------------------------------------------

void branch_download::blocks_came(const ip_address& ip, std::span<const block_ptr> blocks,
                                  std::int64_t unix_now, monotonic_ns now) {
  plan_.blocks_came(ip, blocks, {pipeline_.next_height(), bytes_ + pipeline_.bytes(), false}, now);
  feed(unix_now, now);
}

void branch_download::offer(std::span<const block_ptr> blocks, std::int64_t unix_now,
                            monotonic_ns now) {
  sourced_blocks ours;
  for (const auto& x : blocks)
    if (x->header.height <= last_)
      ours.push_back({x, ip_address{}, memory_of(*x)});
  plan_.put_back(std::move(ours), bytes_ + pipeline_.bytes());
  feed(unix_now, now);
}

/// Moves blocks whose turn it is into the pipeline.
void branch_download::feed(std::int64_t unix_now, monotonic_ns now) {
  const auto latest = unix_now + chain::max_future_seconds;
  while (pipeline_.has_room()) {
    const auto* next = plan_.waiting(pipeline_.next_height());
    if (!next)
      return;
    const auto own =
        next->height() != ancestor_.height + 1 || chain::block_hash(next->block->header) == first_;
    const auto fits =
        own && pipeline_.links(*next->block) && next->block->header.timestamp <= latest;
    if (!fits && !pipeline_.empty())
      return;  // the one before it may turn out to be the wrong one
    if (!fits) {
      plan_.other_branch(ip_address{next->from}, next->height(), now);
      continue;
    }
    auto rest = pipeline_.add(plan_.take_run(pipeline_.next_height()), latest);
    plan_.put_back(std::move(rest), bytes_ + pipeline_.bytes());
  }
}

std::optional<bad_block> branch_download::checked(std::uint64_t run, check_reply reply,
                                                  std::int64_t unix_now, monotonic_ns now) {
  auto news = pipeline_.checked(run, std::move(reply));
  auto bad = std::move(news.bad);
  plan_.put_back(std::move(news.returned), bytes_ + pipeline_.bytes());
  if (bad) {
    plan_.wronged(bad->block.from, bad->block.height(), now);
    wrong_height_ = bad->block.height();
    wrong_ = bad->reason;
  }
  keep_checked(unix_now, now);
  return bad;
}

/// Takes what is checked out of the pipeline, which thinks that it was applied.
void branch_download::keep_checked(std::int64_t unix_now, monotonic_ns now) {
  while (auto batch = pipeline_.next_apply()) {
    apply_reply reply;
    const auto& last = batch->blocks.back();
    reply.tip = {last.block->header.height, last.hash, last.block->header.timestamp, 0};
    reply.applied = batch->blocks.size();
    auto news = pipeline_.applied(reply, unix_now);
    for (const auto& x : news.applied) {
      senders_.push_back(x.from);
      bytes_ += x.bytes;
      plan_.useful(x.from);
    }
    std::move(batch->blocks.begin(), batch->blocks.end(), std::back_inserter(blocks_));
    progress_at_ = now;
  }
  feed(unix_now, now);
}

// -- what to do -----------------------------------------------------------------------

std::vector<range_request> branch_download::step(monotonic_ns now) {
  if (complete())
    return {};
  return plan_.step({pipeline_.next_height(), bytes_ + pipeline_.bytes(), false}, now).requests;
}

std::optional<monotonic_ns> branch_download::next_deadline(monotonic_ns now) const {
  const auto gives_up = progress_at_ + branch_patience;
  const auto next = plan_.next_deadline(now);
  return next ? std::min(*next, gives_up) : gives_up;
}

bool branch_download::nobody_has_more() const noexcept {
  return pipeline_.empty() && plan_.asks().size() == 0 && plan_.target() < pipeline_.next_height();
}

bool branch_download::complete() const noexcept {
  if (blocks_.empty())
    return false;
  return blocks_.back().block->header.height >= last_ || bytes_ >= max_bytes_ ||
         (nobody_has_more() && invalid().empty());
}

std::string_view branch_download::invalid() const noexcept {
  return wrong_height_ == pipeline_.next_height() ? std::string_view{wrong_} : std::string_view{};
}

bool branch_download::failed(monotonic_ns now) const noexcept {
  return !complete() && (nobody_has_more() || now - progress_at_ >= branch_patience);
}

std::optional<ip_address> branch_download::sender_of(std::uint64_t height) const {
  if (height <= ancestor_.height || height - ancestor_.height > senders_.size())
    return std::nullopt;
  return senders_[height - ancestor_.height - 1];
}

}  // namespace timenode::sync
