// What other masternodes say of the heights that are being decided.

#include "actors/block_producer.hpp"
#include "actors/invariants.hpp"
#include "actors/masternode_book.hpp"
#include "actors/metrics.hpp"
#include "chain/bincode.hpp"
#include "chain/hashes.hpp"
#include "chain/hex.hpp"
#include "chain/signed_messages.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace timenode {

namespace {

/// Messages for heights that we have not come to yet: two for each of 1,000 members, and some blocks. What is
/// beyond comes again.
constexpr std::size_t max_early = 4096;
constexpr std::size_t max_early_bytes = 32u << 20;
/// How far ahead of our next height they may be: blocks follow each other fast when a network catches up.
constexpr std::uint64_t early_heights = 2;

/// A peer that is at a height which is done is told so at most this often.
constexpr monotonic_ns help_period = 1'000'000'000;

flood_judgement ignore(std::string reason) {
  return {flood_verdict::ignore, std::move(reason)};
}

flood_judgement forward() {
  return {flood_verdict::forward, {}};
}

/// As messages name a masternode, whatever port is written behind it.
std::string canonical(const std::string& address) {
  const auto ip = masternode_ip(address);
  return ip ? ip->to_string() : std::string{};
}

std::size_t size_of(const wire::message& x) {
  // What a message without a block takes, generously.
  constexpr std::size_t plain = 500;
  if (const auto* proposal = std::get_if<wire::block_proposal>(&x))
    return plain + chain::encoded_size(*proposal->block);
  return plain;
}

/// The votes in a certificate whose signatures are right, one of each voter. Each is looked at once, whatever the certificate
/// repeats: a signature takes 60 µs to check, and a line has room for thousands.
std::vector<wire::block_vote> votes_of(const wire::block_commit& x,
                                       const std::map<std::string, public_key>& keys) {
  std::vector<wire::block_vote> result;
  std::set<std::string> seen;
  for (const auto& [voter, made] : x.signatures) {
    wire::block_vote vote{x.block_hash, x.height, canonical(voter), made, true};
    const auto key = keys.find(vote.voter);
    if (key != keys.end() && seen.insert(vote.voter).second && chain::verify(vote, key->second))
      result.push_back(std::move(vote));
  }
  return result;
}

}  // namespace

flood_judgement block_producer_state::judge(const ip_address& from, const wire::message& x) {
  if (const auto* proposal = std::get_if<wire::block_proposal>(&x))
    return take(from, *proposal);
  if (const auto* ballot = std::get_if<wire::block_ballot>(&x))
    return take(from, *ballot);
  if (const auto* vote = std::get_if<wire::block_vote>(&x))
    return take(from, *vote);
  if (const auto* commit = std::get_if<wire::block_commit>(&x))
    return take(from, *commit);
  return ignore("nothing that blocks are decided by");
}

// -- proposals ------------------------------------------------------------------------------

flood_judgement block_producer_state::take(const ip_address& from, const wire::block_proposal& x) {
  const auto height = x.block->header.height;
  auto* at = find(height);
  if (!at)
    return too_early(from, height, x);
  const auto& header = x.block->header;
  if (header.previous_hash != at->parent.hash)
    return ignore("it is on another parent");
  const auto proposer = canonical(x.proposer);
  if (at->machine.leader(x.round) != proposer)
    return ignore("its proposer is not the leader of round " + std::to_string(x.round));
  const auto key = at->keys.find(proposer);
  if (key == at->keys.end() || !chain::verify(x, key->second))
    return ignore("its signature is not one of the key that we know of its proposer");
  const auto hash = chain::block_hash(header);
  const auto known = at->blocks.find(hash);
  const auto is_new = known == at->blocks.end();
  const auto proposals = at->machine.proposals(x.round);
  const auto repeated = std::find(proposals.begin(), proposals.end(), hash) != proposals.end();
  if (!is_new && repeated) {
    has_proposal(from, hash, x.round);
    return ignore("we have it");
  }
  if (is_new) {
    if (!at->machine.needs(hash) && proposals.size() >= chain::height_consensus::proposals_a_round)
      return ignore("its proposer has made others in this round");
    auto judged =
        judge_proposal(x.block, {context_.rules, context_.network, at->parent, context_.unix_now()},
                       *parts_.store, view_);
    if (judged.wrong_in_itself)
      return {flood_verdict::invalid, "BlockProposal: " + judged.why};
    if (!judged.why.empty())
      spdlog::debug("consensus: block {} that {} proposes is not what we would make: {}", height,
                    proposer, judged.why);
    at->blocks[hash] = {std::move(judged), x};
  } else {
    known->second.proposal = x;
  }
  has_proposal(from, hash, x.round);
  const auto quality = at->blocks[hash].judged.quality;
  at->machine.block_is(hash, quality, now());
  const auto looked_at = at->machine.proposed(x.round, hash, now());
  if (quality == chain::block_quality::impossible)
    return ignore("it breaks the chain's rules: " + at->blocks[hash].judged.why);
  return looked_at || at->machine.needs(hash) ? forward()
                                              : ignore("of a round that is far from ours");
}

// -- ballots and votes ------------------------------------------------------------------------

flood_judgement block_producer_state::verdict_of(chain::ballot_fate fate, const std::string& voter,
                                                 std::uint64_t height) {
  switch (fate) {
  case chain::ballot_fate::counted:
    return forward();
  case chain::ballot_fate::known:
    return ignore("we have it");
  case chain::ballot_fate::conflicting:
    ++counts_.liars;
    spdlog::warn("consensus: masternode {} cast two different ballots for height {}: its key is "
                 "used twice, or it lies",
                 voter, height);
    return forward();  // Everybody has to count both.
  case chain::ballot_fate::out_of_reach:
    return ignore("of a round that is far from ours");
  }
  return ignore("");
}

flood_judgement block_producer_state::take(const ip_address& from, const wire::block_ballot& x) {
  auto* at = find(x.height);
  if (!at)
    return too_early(from, x.height, x);
  if (at->machine.committed())
    help(from, x.height);
  const auto key = at->keys.find(x.voter);
  if (key == at->keys.end())
    return ignore("its voter does not decide on this height");
  if (x.voter == own_address_)
    return ignore("it names our own address");
  if (!chain::verify(x, key->second))
    return ignore("its signature is not one of the key that we know of its voter");
  return verdict_of(at->machine.take(x, now()), x.voter, x.height);
}

flood_judgement block_producer_state::take(const ip_address& from, const wire::block_vote& x) {
  auto* at = find(x.height);
  if (!at)
    return too_early(from, x.height, x);
  // That somebody would not have this block is nothing that we count.
  if (!x.approve)
    return ignore("it is no approval");
  auto vote = x;
  vote.voter = canonical(x.voter);
  const auto key = at->keys.find(vote.voter);
  if (key == at->keys.end())
    return ignore("its voter does not decide on this height");
  if (vote.voter == own_address_)
    return ignore("it names our own address");
  if (!chain::verify(vote, key->second))
    return ignore("its signature is not one of the key that we know of its voter");
  return verdict_of(at->machine.take(vote, now()), vote.voter, x.height);
}

// -- certificates -------------------------------------------------------------------------------

flood_judgement block_producer_state::take(const ip_address& from, const wire::block_commit& x) {
  auto* at = find(x.height);
  if (!at) {
    if (x.height <= tip_.height && knows_tip_)
      return certify_stored(x);
    return too_early(from, x.height, x);
  }
  if (at->machine.committed()) {
    compare_with_ours(x);
    return ignore("we have it");
  }
  for (const auto& vote : votes_of(x, at->keys))
    at->machine.take(vote, now());
  return at->machine.committed() ? forward() : ignore("it has too few votes that we can check");
}

/// A certificate of a block that we have, but were not there for when it was decided.
flood_judgement block_producer_state::certify_stored(const wire::block_commit& x) {
  if (parts_.store->final_height() >= x.height) {
    compare_with_ours(x);
    return ignore("the block is final already");
  }
  if (parts_.store->hash_at(x.height) != x.block_hash)
    return ignore("it is one of a block that we do not have");
  if (!is_proven(x))
    return ignore("it has too few votes that we can check");
  self_->request(parts_.keeper, caf::infinite, atom::commit_v, checked_batch{}, wire::message{x})
      .then([](const apply_reply&) {}, [](const caf::error&) {});
  return forward();
}

/// By those whom the parent on our chain paid.
bool block_producer_state::is_proven(const wire::block_commit& x) const {
  const auto parent = x.height > 0 ? parts_.store->block_at(x.height - 1) : nullptr;
  if (!parent || parent->masternode_rewards.size() < chain::least_masternodes)
    return false;
  const auto set = view_.paid_by(parent->masternode_rewards);
  return votes_of(x, set.known).size() >= chain::quorum_of(set.size);
}

/// Two certificates of one height are the end of finality: masternodes voted twice. No rule of ours chooses between them.
void block_producer_state::compare_with_ours(const wire::block_commit& x) {
  const auto ours = parts_.store->certificate_at(x.height);
  if (!ours || ours->block_hash == x.block_hash || x.height == split_told_ || !is_proven(x))
    return;
  split_told_ = x.height;
  if (context_.metrics)
    context_.metrics->invariant_violated(invariant::one_certificate);
  std::string both;
  for (const auto& [voter, _] : x.signatures)
    if (std::ranges::any_of(ours->signatures, [&](const auto& known) {
          return canonical(known.first) == canonical(voter);
        }))
      both += (both.empty() ? "" : ", ") + voter;
  spdlog::error("consensus: block {} has two certificates, {} is ours and {} another; masternodes "
                "that voted for both: {}. The network is split: keep the log, and ask the "
                "operators of other masternodes which block they have",
                x.height, chain::to_hex(ours->block_hash), chain::to_hex(x.block_hash),
                both.empty() ? "none that we can name" : both);
}

// -- heights that are not ours ----------------------------------------------------------------

flood_judgement block_producer_state::too_early(const ip_address& from, std::uint64_t height,
                                                const wire::message& x) {
  if (knows_tip_ && height <= tip_.height)
    return of_old_height(from, height);
  if (height > tip_.height + early_heights)
    return ignore("its height is far above ours");
  const auto bytes = size_of(x);
  if (early_.size() >= max_early || early_bytes_ + bytes > max_early_bytes)
    return ignore("too many messages wait for their height");
  early_bytes_ += bytes;
  early_.push_back({from, height, x, bytes});
  return ignore("its height is not begun; it is looked at then");
}

flood_judgement block_producer_state::of_old_height(const ip_address& from, std::uint64_t height) {
  help(from, height);
  return ignore("its height is decided");
}

/// Tells a peer that is at a height which is done what it needs to be done with it.
void block_producer_state::help(const ip_address& ip, std::uint64_t height) {
  const auto i = peers_.find(ip);
  if (i == peers_.end() || (i->second.helped_at != 0 && now() - i->second.helped_at < help_period))
    return;
  const auto certificate = parts_.store->certificate_at(height);
  if (!certificate)
    return;
  i->second.helped_at = now();
  if (const auto block = parts_.store->block_at(height))
    send(i->second.connection, wire::block_announcement{block});
  send(i->second.connection, *certificate);
}

// -- peers ----------------------------------------------------------------------------------------

void block_producer_state::on_peer_up(const peer_info& info,
                                      const peer_connection_actor& connection) {
  idle_pause_ = 0;  // it may bring masternodes
  auto& who = peers_[info.ip];
  who.connection = connection;
  who.proposals.clear();
  auto room = blocks_told_at_once;
  if (current_ && current_->machine.begun())
    bring_up_to_date(who, *current_, room);
  for (const auto& [height, x] : behind_)
    bring_up_to_date(who, x, room);
  // Who comes back learns that our tip is final.
  if (const auto certificate = parts_.store->certificate_at(tip_.height))
    send(connection, *certificate);
}

/// `room`: bytes of blocks that it may be told of. One goes in any case when it is untouched; what has no room goes with a later
/// repetition.
void block_producer_state::bring_up_to_date(peer& to, const work& x, std::size_t& room) {
  const auto time = now();
  std::erase_if(to.proposals,
                [&](const auto& known) { return time - known.second >= proposal_again_after(); });
  for (const auto& [hash, known] : x.blocks) {
    if (!known.proposal || !x.machine.is_current(hash) || room == 0 ||
        to.proposals.contains({hash, known.proposal->round}))
      continue;
    auto line = encoded_line{wire::encode_shared(*known.proposal), true};
    const auto size = line.bytes->size();
    if (size > room && room < blocks_told_at_once)
      continue;
    room -= std::min(room, size);
    to.proposals[{hash, known.proposal->round}] = time;
    send(to.connection, *known.proposal, std::move(line));
  }
  for (const auto& message : x.machine.standing())
    send(to.connection, message);
}

void block_producer_state::has_proposal(const ip_address& ip, const hash256& block,
                                        std::uint64_t round) {
  if (const auto i = peers_.find(ip); i != peers_.end())
    i->second.proposals[{block, round}] = now();
}

void block_producer_state::send(const peer_connection_actor& to, const wire::message& x) {
  send(to, x, encoded_line{wire::encode_shared(x), wire::is_told_again(x)});
}

void block_producer_state::send(const peer_connection_actor& to, const wire::message& x,
                                encoded_line line) {
  if (const auto needed = wire::capability_for(x); !needed.empty())
    self_->send(to, atom::extension_v, std::string{needed}, std::move(line));
  else
    self_->send(to, std::move(line));
}

}  // namespace timenode
