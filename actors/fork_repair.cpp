#include "actors/fork_repair.hpp"

#include <algorithm>
#include <utility>

namespace timenode::sync {

namespace {

/// So that this machine's random numbers are not those of the download with the same seed.
constexpr std::uint64_t seed_salt = 0x666f'726b'7265'7061;

}  // namespace

fork_repair::fork_repair(const chain::chain_reader& chain, std::size_t checks, std::uint64_t seed,
                         std::size_t max_bytes)
    : chain_{chain}, checks_{checks},
      max_bytes_{max_bytes}, random_{seed ^ seed_salt}, watch_{random_()} {}

// -- peers ----------------------------------------------------------------------------

void fork_repair::peer_up(const ip_address& ip, link_direction direction, monotonic_ns now) {
  if (peers_.contains(ip))
    peer_down(ip, now);  // nothing that was asked over the old connection is answered over this one
  peers_[ip] = {direction, 0};
  watch_.up(ip, now);
}

void fork_repair::peer_down(const ip_address& ip, monotonic_ns now) {
  peers_.erase(ip);
  suspects_.erase(ip);
  watch_.down(ip);
  desk_.forget(ip);
  branches_.leaves(ip);
  if (!case_)
    return;
  std::erase(case_->witnesses, ip);
  if (case_->poll)
    case_->poll->left(ip);
  if (case_->download)
    case_->download->peer_down(ip, now);
}

void fork_repair::height_is(const ip_address& ip, std::uint64_t height, monotonic_ns now) {
  const auto i = peers_.find(ip);
  if (i == peers_.end())
    return;
  i->second.height = height;
  watch_.height_is(ip, height, now);
  if (case_ && case_->download && case_->download->has_peer(ip))
    case_->download->add_peer(ip, i->second.direction, height, now);
}

void fork_repair::masternodes(std::span<const masternode_entry> list, monotonic_ns now) {
  voters_.clear();
  for (const auto& x : list)
    if (x.active && !x.ours)
      voters_.insert(x.ip);
  listed_at_ = now;
}

bool fork_repair::knows_masternodes(monotonic_ns now) const noexcept {
  return listed_at_ && now - *listed_at_ < masternodes_keep;
}

// -- evidence -------------------------------------------------------------------------

void fork_repair::suspect(const ip_address& ip, std::uint64_t height, const hash256& hash) {
  if (!peers_.contains(ip) || height == 0)
    return;
  if (auto* branch = branches_.of(ip)) {
    if (height >= branch->height) {
      branch->height = height;
      branch->tip = hash;
    }
    return;
  }
  suspects_[ip] = {height, hash};
}

hash_comparison fork_repair::hash_came(const ip_address& ip, std::uint64_t height,
                                       const std::optional<hash256>& hash, monotonic_ns now) {
  if (!desk_.answered(ip, height, now))
    return hash_comparison::nothing;
  const auto ours = chain_.hash_at(height);
  if (case_ && case_->poll && case_->poll->height() == height)
    case_->poll->answered(ip, hash);
  if (case_ && case_->at == phase::searching && !case_->witnesses.empty() &&
      case_->witnesses.back() == ip && case_->search->next() == height) {
    // It said that it has what is above: without this block it is of no use as a witness.
    if (hash && ours)
      case_->search->answered(*hash, *ours);
    else
      case_->witnesses.pop_back();
    case_->deadline = now + search_patience;
  }
  if (!hash || !ours)
    return hash_comparison::nothing;
  const auto same = *hash == *ours;
  watch_.compared(ip, height, same);
  if (!same) {
    suspect(ip, height, *hash);
    return hash_comparison::differs;
  }
  // That it has our block somewhere below, which a search asks for, says nothing of its tip.
  const auto relation = watch_.relation(ip, chain_.tip().height);
  if (relation == tip_relation::differs || relation == tip_relation::unknown)
    return hash_comparison::nothing;
  suspects_.erase(ip);
  branches_.leaves(ip);
  return hash_comparison::same;
}

void fork_repair::blocks_came(const ip_address& ip, std::span<const block_ptr> blocks,
                              std::int64_t unix_now, monotonic_ns now) {
  if (case_ && case_->download && case_->at == phase::fetching)
    case_->download->blocks_came(ip, blocks, unix_now, now);
}

// -- checks of fetched blocks -----------------------------------------------------------

std::optional<check_job> fork_repair::next_check() {
  return case_ && case_->download ? case_->download->next_check() : std::nullopt;
}

std::optional<bad_block> fork_repair::checked(std::uint64_t run, check_reply reply,
                                              std::int64_t unix_now, monotonic_ns now) {
  if (!case_ || !case_->download)
    return std::nullopt;
  return case_->download->checked(run, std::move(reply), unix_now, now);
}

void fork_repair::check_failed(std::uint64_t run) {
  if (case_ && case_->download)
    case_->download->check_failed(run);
}

// -- what to do -----------------------------------------------------------------------

fork_step fork_repair::step(std::int64_t unix_now, monotonic_ns now) {
  unix_now_ = unix_now;
  fork_step result;
  for (const auto& x : watch_.due(chain_.tip().height, now))
    ask(x, now, result);
  advance(now, result);
  return result;
}

void fork_repair::ask(const hash_question& x, monotonic_ns now, fork_step& out) {
  if (desk_.ask(x.peer, x.height, now))
    out.questions.push_back(x);
}

std::optional<monotonic_ns> fork_repair::next_deadline(monotonic_ns now) const {
  auto result = watch_.next();
  const auto consider = [&result](std::optional<monotonic_ns> x) {
    if (x && (!result || *x < *result))
      result = x;
  };
  if (!case_) {
    if (const auto look = branches_.next_look())
      consider(std::max(*look, next_case_));
    if (!suspects_.empty())
      consider(next_case_);
    return result;
  }
  if (case_->poll && (case_->at == phase::polling_tip || case_->at == phase::polling_fork))
    consider(case_->poll->deadline());
  else if (case_->at == phase::listing || case_->at == phase::searching)
    consider(case_->deadline);
  else if (case_->at == phase::fetching)
    consider(case_->download->next_deadline(now));
  return result;  // a switch ends by what the keeper says, or by the engine's patience with it
}

// -- what it is at --------------------------------------------------------------------

bool fork_repair::repairing() const noexcept {
  return case_ && (case_->at == phase::fetching || case_->at == phase::switching);
}

std::string_view fork_repair::phase_text() const noexcept {
  if (!case_)
    return "quiet";
  constexpr std::string_view names[]{"asking masternodes",           "asking masternodes",
                                     "looking for the common block", "asking masternodes",
                                     "fetching the other branch",    "changing over"};
  return names[static_cast<std::size_t>(case_->at)];
}

std::size_t fork_repair::bytes() const noexcept {
  return case_ && case_->download ? case_->download->bytes() : 0;
}

}  // namespace timenode::sync
