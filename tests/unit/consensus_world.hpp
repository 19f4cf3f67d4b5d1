#pragma once

// Masternodes that agree on the block of one height, over a network of a test's making: messages take
// their time, get lost, come twice; members crash, with what they signed on disk, and come back; some lie.
// All from one seed.

#include "chain/height_consensus.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace test {

using namespace timenode;
namespace consensus = timenode::chain;

inline constexpr monotonic_ns ms = 1'000'000;
inline constexpr monotonic_ns sec = 1'000 * ms;

/// A block that is sent for itself, as peers send blocks that others ask for.
inline constexpr std::uint64_t no_round = 1'000'000'000;

/// A proposal with its block.
struct proposal_message {
  std::uint64_t round = 0;
  hash256 block{};
};

using world_message = std::variant<proposal_message, wire::block_ballot, wire::block_vote>;

/// What can go wrong, as probabilities.
struct world_faults {
  double loss = 0;
  double repeat = 0;
  monotonic_ns latency = 50 * ms;
  monotonic_ns jitter = 200 * ms;
};

class consensus_world {
 public:
  struct member {
    std::optional<consensus::height_consensus> machine;  ///< None while it is down.
    std::vector<consensus::signed_record> journal;       ///< Survives.
    std::set<hash256> blocks;  ///< At hand; kept by the chain or by peers.
    std::optional<hash256> committed;
    bool liar = false;
  };

  explicit consensus_world(std::size_t count, std::uint64_t seed, std::uint64_t height = 7)
      : height_{height}, random_{seed} {
    for (std::size_t i = 0; i < count; ++i)
      names_.push_back("10.0.0." + std::to_string(i + 1));
    members_.resize(count);
    unreachable_.assign(count, std::vector<bool>(count, false));
  }

  // -- building -------------------------------------------------------------------------

  void start(std::size_t i) {
    auto& x = members_[i];
    x.machine.emplace(consensus::height_consensus::setup{.height = height_,
                                                         .members = names_,
                                                         .size = names_.size(),
                                                         .self = names_[i],
                                                         .times = times},
                      x.journal);
    for (const auto& block : x.blocks)
      x.machine->block_is(block, consensus::block_quality::good, now_);
    x.machine->begin(now_);
    work(i);
  }
  void start_all() {
    for (std::size_t i = 0; i < members_.size(); ++i)
      start(i);
  }
  /// With `forgets`, what is not in the journal: the contents of blocks that it did not sign for.
  void crash(std::size_t i) { members_[i].machine.reset(); }
  void make_liar(std::size_t i) { members_[i].liar = true; }

  /// Who cannot reach whom.
  void cut(std::size_t from, std::size_t to, bool is_cut = true) {
    unreachable_[from][to] = is_cut;
  }
  void split(const std::set<std::size_t>& one_side) {
    for (std::size_t a = 0; a < members_.size(); ++a)
      for (std::size_t b = 0; b < members_.size(); ++b)
        cut(a, b, one_side.contains(a) != one_side.contains(b));
  }
  void heal() {
    for (auto& row : unreachable_)
      row.assign(row.size(), false);
    faults = {};
  }

  // -- running ----------------------------------------------------------------------------

  /// Lets time pass; members repeat what shows where they are every ten seconds.
  void run(monotonic_ns span) {
    const auto end = now_ + span;
    for (;;) {
      auto next = next_resend_;
      if (!flying_.empty())
        next = std::min(next, flying_.top().at);
      for (auto& x : members_)
        if (x.machine)
          if (const auto at = x.machine->deadline())
            next = std::min(next, *at);
      if (next > end)
        break;
      now_ = std::max(now_, next);
      step();
    }
    now_ = end;
  }

  bool all_committed() const {
    return std::all_of(members_.begin(), members_.end(), [](const member& x) {
      return x.liar || !x.machine || x.committed.has_value();
    });
  }

  std::size_t committed() const {
    return static_cast<std::size_t>(std::count_if(
        members_.begin(), members_.end(), [](const member& x) { return x.committed.has_value(); }));
  }

  std::size_t leader_of(std::uint64_t round) {
    for (auto& x : members_)
      if (x.machine)
        return index_of(*x.machine->leader(round));
    return 0;
  }

  /// A new block.
  hash256 make_block() {
    hash256 result{};
    const auto number = ++blocks_made_;
    for (std::size_t i = 0; i < 8; ++i)
      result[i + 1] = static_cast<std::uint8_t>(number >> (8 * i));
    result[0] = 1;
    return result;
  }

  void send(std::size_t from, std::size_t to, const world_message& x) {
    if (unreachable_[from][to] || chance(faults.loss))
      return;
    for (int copies = chance(faults.repeat) ? 2 : 1; copies > 0; --copies)
      flying_.push({now_ + faults.latency + below(faults.jitter + 1), order_++, from, to, x});
  }
  void send_all(std::size_t from, const world_message& x) {
    for (std::size_t to = 0; to < members_.size(); ++to)
      if (to != from)
        send(from, to, x);
  }

  wire::block_ballot ballot(std::size_t voter, std::uint64_t round, wire::ballot_phase phase,
                            const hash256& block) const {
    return {height_, round, phase, block, names_[voter], {}};
  }
  wire::block_vote vote(std::size_t voter, const hash256& block) const {
    return {block, height_, names_[voter], {}, true};
  }

  bool chance(double x) { return std::uniform_real_distribution<>{}(random_) < x; }
  std::int64_t below(std::int64_t x) {
    return x <= 1 ? 0 : std::uniform_int_distribution<std::int64_t>{0, x - 1}(random_);
  }

  member& at(std::size_t i) { return members_[i]; }
  std::size_t size() const { return members_.size(); }
  monotonic_ns now() const { return now_; }

  world_faults faults;
  consensus::round_times times = consensus::times_for(600);
  /// What a liar does when it is the leader, instead of proposing one block.
  std::function<void(std::size_t liar, std::uint64_t round)> lie = [](std::size_t, std::uint64_t) {
  };
  std::size_t delivered = 0;

 private:
  struct flight {
    monotonic_ns at;
    std::uint64_t order;
    std::size_t from;
    std::size_t to;
    world_message what;
    bool operator>(const flight& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  std::size_t index_of(const std::string& name) const {
    return static_cast<std::size_t>(std::find(names_.begin(), names_.end(), name) - names_.begin());
  }

  void step() {
    if (now_ >= next_resend_) {
      next_resend_ = now_ + 10 * sec;
      for (std::size_t i = 0; i < members_.size(); ++i)
        resend(i);
    }
    while (!flying_.empty() && flying_.top().at <= now_) {
      const auto x = flying_.top();
      flying_.pop();
      deliver(x);
    }
    for (std::size_t i = 0; i < members_.size(); ++i)
      if (auto& machine = members_[i].machine) {
        machine->tick(now_);
        work(i);
      }
  }

  void resend(std::size_t i) {
    auto& x = members_[i];
    if (!x.machine || x.liar || all_committed())
      return;
    if (x.committed) {
      // In a node, the certificate and the block.
      for (const auto& vote : x.machine->ballots().votes())
        send_all(i, vote);
      if (x.blocks.contains(*x.committed))
        send_all(i, proposal_message{no_round, *x.committed});
      return;
    }
    const auto round = x.machine->round();
    for (const auto& block : x.machine->proposals(round))
      send_all(i, proposal_message{round, block});
    // Blocks that the others may have to know: in a node, peers ask for them.
    for (const auto& block : x.blocks)
      if (x.machine->is_current(block))
        send_all(i, proposal_message{no_round, block});
    for (const auto& message : x.machine->standing())
      if (const auto* ballot = std::get_if<wire::block_ballot>(&message))
        send_all(i, *ballot);
      else
        send_all(i, std::get<wire::block_vote>(message));
  }

  void deliver(const flight& x) {
    auto& to = members_[x.to];
    if (!to.machine || unreachable_[x.from][x.to])
      return;
    ++delivered;
    if (const auto* proposal = std::get_if<proposal_message>(&x.what)) {
      to.blocks.insert(proposal->block);
      to.machine->block_is(proposal->block, consensus::block_quality::good, now_);
      to.machine->proposed(proposal->round, proposal->block, now_);
    } else if (const auto* ballot = std::get_if<wire::block_ballot>(&x.what)) {
      to.machine->take(*ballot, now_);
    } else {
      to.machine->take(std::get<wire::block_vote>(x.what), now_);
    }
    work(x.to);
  }

  /// Writes down what is signed, as a node must: never two different of a kind and round.
  bool write_down(member& x, const consensus::signed_record& record) {
    for (const auto& known : x.journal)
      if (known.what == record.what && known.round == record.round) {
        CHECK_MESSAGE(known.block == record.block, "signed two different things in round ",
                      record.round);
        return known.block == record.block;
      }
    x.journal.push_back(record);
    return true;
  }

  void work(std::size_t i) {
    auto& x = members_[i];
    using deed = consensus::signed_record::deed;
    for (auto actions = x.machine->take_actions(); !actions.empty();
         actions = x.machine->take_actions())
      for (const auto& action : actions) {
        if (const auto* commit = std::get_if<consensus::commit_action>(&action)) {
          CHECK_MESSAGE((!x.committed || x.committed == commit->block), "committed two blocks");
          x.committed = commit->block;
          one_certificate(commit->block);
          continue;
        }
        if (x.liar) {
          if (const auto* propose = std::get_if<consensus::propose_action>(&action))
            lie(i, propose->round);
          continue;
        }
        if (const auto* propose = std::get_if<consensus::propose_action>(&action)) {
          auto block = propose->block;
          for (const auto& record : x.journal)
            if (record.what == deed::propose && record.round == propose->round)
              block = record.block;
          if (!block)
            block = make_block();
          if (!write_down(x, {deed::propose, propose->round, *block}))
            continue;
          x.blocks.insert(*block);
          x.machine->block_is(*block, consensus::block_quality::good, now_);
          x.machine->proposed(propose->round, *block, now_);
          send_all(i, proposal_message{propose->round, *block});
        } else if (const auto* cast = std::get_if<consensus::ballot_action>(&action)) {
          const auto what = cast->phase == wire::ballot_phase::prepare ? deed::prepare : deed::lock;
          if (!write_down(x, {what, cast->round, cast->block}))
            continue;
          const auto mine = ballot(i, cast->round, cast->phase, cast->block);
          x.machine->take(mine, now_);
          send_all(i, mine);
        } else if (const auto* voted = std::get_if<consensus::vote_action>(&action)) {
          if (!write_down(x, {deed::vote, 0, voted->block}))
            continue;
          x.machine->take(vote(i, voted->block), now_);
          send_all(i, vote(i, voted->block));
        }
      }
  }

  void one_certificate(const hash256& block) {
    if (!certificate_)
      certificate_ = block;
    CHECK_MESSAGE(*certificate_ == block, "two blocks have a certificate");
  }

  std::uint64_t height_;
  std::mt19937_64 random_;
  std::vector<std::string> names_;
  std::vector<member> members_;
  std::vector<std::vector<bool>> unreachable_;
  std::priority_queue<flight, std::vector<flight>, std::greater<>> flying_;
  std::uint64_t order_ = 0;
  std::uint64_t blocks_made_ = 0;
  monotonic_ns now_ = sec;
  monotonic_ns next_resend_ = 11 * sec;
  std::optional<hash256> certificate_;
};

}  // namespace test
