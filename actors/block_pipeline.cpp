#include "actors/block_pipeline.hpp"

#include "chain/hashes.hpp"
#include "chain/validation.hpp"

#include <algorithm>

namespace timenode::sync {

namespace {

std::size_t bytes_of(const sourced_blocks& blocks) noexcept {
  std::size_t result = 0;
  for (const auto& x : blocks)
    result += x.bytes;
  return result;
}

}  // namespace

// -- where it is ------------------------------------------------------------------------

std::uint64_t block_pipeline::next_height() const noexcept {
  if (!runs_.empty())
    return runs_.back().blocks.back().height() + 1;
  if (!applying_.empty())
    return applying_.back().blocks.back().height() + 1;
  return tip_.height + 1;
}

const hash256& block_pipeline::last_hash() const noexcept {
  if (!runs_.empty())
    return runs_.back().last_hash;
  return applying_.empty() ? tip_.hash : applying_.back().last_hash;
}

bool block_pipeline::links(const block& x) const noexcept {
  return x.header.height == next_height() && x.header.previous_hash == last_hash();
}

// -- blocks in --------------------------------------------------------------------------

sourced_blocks block_pipeline::add(sourced_blocks blocks, std::int64_t latest,
                                   verdict_token token) {
  auto height = next_height();
  auto hash = last_hash();
  auto end = blocks.begin();
  for (; end != blocks.end(); ++end) {
    const auto& header = end->block->header;
    if (header.height != height || header.previous_hash != hash || header.timestamp > latest)
      break;
    hash = chain::block_hash(header);
    ++height;
  }
  auto rest = sourced_blocks{std::make_move_iterator(end), std::make_move_iterator(blocks.end())};
  blocks.erase(end, blocks.end());
  if (!blocks.empty()) {
    bytes_ += bytes_of(blocks);
    runs_.push_back({++runs_made_, token, stage::waiting, std::move(blocks), hash, {}});
  }
  return rest;
}

// -- checks -----------------------------------------------------------------------------

std::optional<check_job> block_pipeline::next_check() {
  const auto under_way = std::count_if(runs_.begin(), runs_.end(),
                                       [](const run& x) { return x.at == stage::checking; });
  if (static_cast<std::size_t>(under_way) >= checks_)
    return std::nullopt;
  const auto i =
      std::find_if(runs_.begin(), runs_.end(), [](const run& x) { return x.at == stage::waiting; });
  if (i == runs_.end())
    return std::nullopt;
  i->at = stage::checking;
  check_job result{i->id, {}};
  result.blocks.blocks.reserve(i->blocks.size());
  for (const auto& x : i->blocks)
    result.blocks.blocks.push_back(x.block);
  return result;
}

block_pipeline::run* block_pipeline::find(std::uint64_t id) {
  const auto i = std::find_if(runs_.begin(), runs_.end(), [&](const run& x) { return x.id == id; });
  return i == runs_.end() || i->at != stage::checking ? nullptr : &*i;
}

void block_pipeline::check_failed(std::uint64_t id) {
  if (auto* x = find(id))
    x->at = stage::waiting;
}

pipeline_news block_pipeline::checked(std::uint64_t id, check_reply reply) {
  pipeline_news result;
  auto* x = find(id);
  if (!x)
    return result;
  const auto passed = reply.checked.size();
  if (passed >= x->blocks.size()) {
    x->checked = std::move(reply.checked);
    x->at = stage::checked;
    return result;
  }
  if (reply.rejected.empty()) {  // an incomplete answer: try again
    x->at = stage::waiting;
    return result;
  }
  // Everything behind the bad block leads from it.
  auto bad = std::move(x->blocks[passed]);
  const auto culprit = bad.from;
  const auto index = static_cast<std::size_t>(
      std::find_if(runs_.begin(), runs_.end(), [&](const run& y) { return y.id == id; }) -
      runs_.begin());
  return_runs(index + 1, &culprit, "its parent is invalid", result);
  for (auto i = passed + 1; i < x->blocks.size(); ++i)
    return_block(std::move(x->blocks[i]), &culprit, result);
  x->blocks.resize(passed);
  blame(std::move(bad), std::move(reply.rejected), x->token, result);
  if (passed == 0) {
    runs_.pop_back();
  } else {
    x->checked = std::move(reply.checked);
    x->last_hash = x->checked.back().hash;
    x->at = stage::checked;
  }
  return result;
}

// -- applying ---------------------------------------------------------------------------

std::optional<checked_batch> block_pipeline::next_apply() {
  if (applying())
    return std::nullopt;
  std::size_t blocks = 0;
  while (!runs_.empty() && runs_.front().at == stage::checked &&
         (blocks == 0 || blocks + runs_.front().blocks.size() <= max_run_blocks)) {
    blocks += runs_.front().blocks.size();
    applying_.push_back(std::move(runs_.front()));
    runs_.pop_front();
  }
  if (applying_.empty())
    return std::nullopt;
  checked_batch result;
  result.blocks.reserve(blocks);
  for (const auto& x : applying_)
    result.blocks.insert(result.blocks.end(), x.checked.begin(), x.checked.end());
  return result;
}

pipeline_news block_pipeline::applied(const apply_reply& reply, std::int64_t now) {
  pipeline_news result;
  tip_ = reply.tip;
  take_stored(reply.applied, result);
  if (applying_.empty())
    return result;
  unite();
  auto& next = runs_.front();
  const auto& header = next.blocks.front().block->header;
  if (header.height != tip_.height + 1 || header.previous_hash != tip_.hash) {
    result.chain_changed = true;
    return_runs(0, nullptr, "the chain changed meanwhile", result);
    return result;
  }
  if (reply.storage_failed || reply.rejected.empty())
    return result;  // they stay, and are applied when the store works again
  auto first = std::move(next.blocks.front());
  const auto culprit = first.from;
  next.blocks.erase(next.blocks.begin());
  // Our clock may be wrong or have been set back between two looks: then nothing is proven.
  if (header.timestamp > now + chain::max_future_seconds - clock_margin_seconds) {
    bytes_ -= std::min(bytes_, first.bytes);
    result.early = std::move(first);
    return_runs(0, nullptr, "its timestamp is too far ahead of our clock", result);
  } else {
    blame(std::move(first), reply.rejected, std::exchange(next.token, 0), result);
    return_runs(0, &culprit, "its parent is invalid", result);
  }
  return result;
}

/// The first `count` blocks that the keeper had are part of the chain.
void block_pipeline::take_stored(std::uint64_t count, pipeline_news& out) {
  while (count > 0 && !applying_.empty()) {
    auto& x = applying_.front();
    const auto n = std::min<std::uint64_t>(count, x.blocks.size());
    const auto end = x.blocks.begin() + static_cast<std::ptrdiff_t>(n);
    for (auto i = x.blocks.begin(); i != end; ++i) {
      bytes_ -= std::min(bytes_, i->bytes);
      out.applied.push_back(std::move(*i));
    }
    count -= n;
    if (end != x.blocks.end()) {
      x.blocks.erase(x.blocks.begin(), end);
      x.checked.erase(x.checked.begin(), x.checked.begin() + static_cast<std::ptrdiff_t>(n));
      return;
    }
    if (x.token != 0)
      out.verdicts.emplace_back(x.token, flood_judgement{flood_verdict::forward, {}});
    applying_.pop_front();
  }
}

/// What the keeper gave back stands before the other runs again.
void block_pipeline::unite() {
  std::move(runs_.begin(), runs_.end(), std::back_inserter(applying_));
  runs_ = std::exchange(applying_, {});
}

pipeline_news block_pipeline::reset(const chain_tip& tip, const std::string& reason) {
  pipeline_news result;
  unite();
  return_runs(0, nullptr, reason, result);
  tip_ = tip;
  return result;
}

// -- blocks out -------------------------------------------------------------------------

/// Gives back all runs from that one on.
void block_pipeline::return_runs(std::size_t from, const ip_address* without,
                                 const std::string& reason, pipeline_news& out) {
  for (auto i = from; i < runs_.size(); ++i) {
    if (runs_[i].token != 0)
      out.verdicts.emplace_back(runs_[i].token, flood_judgement{flood_verdict::ignore, reason});
    for (auto& x : runs_[i].blocks)
      return_block(std::move(x), without, out);
  }
  runs_.resize(std::min(from, runs_.size()));
}

void block_pipeline::return_block(sourced_block x, const ip_address* without, pipeline_news& out) {
  bytes_ -= std::min(bytes_, x.bytes);
  if (!without || x.from != *without)
    out.returned.push_back(std::move(x));
}

void block_pipeline::blame(sourced_block x, std::string reason, verdict_token token,
                           pipeline_news& out) {
  bytes_ -= std::min(bytes_, x.bytes);
  if (token != 0)
    out.verdicts.emplace_back(token, flood_judgement{flood_verdict::invalid, reason});
  out.bad = bad_block{std::move(x), std::move(reason), token != 0};
}

}  // namespace timenode::sync
