#pragma once

// The ballots and votes of one height, counted. Pure: who may vote and whose signature is whose has been
// found out before.

#include "messages/wire.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace timenode::chain {

/// The fewest of `members` that are more than two thirds of them: any two such groups share a member that
/// is honest, as long as fewer than a third are not.
constexpr std::size_t quorum_of(std::size_t members) noexcept {
  return members * 2 / 3 + 1;
}

/// The fewest that are more than a third: one of them at least is honest.
constexpr std::size_t third_of(std::size_t members) noexcept {
  return members / 3 + 1;
}

/// What became of a ballot or vote.
enum class ballot_fate : std::uint8_t {
  counted,
  known,         ///< The same came before.
  conflicting,   ///< Counted, but its voter voted otherwise in that round and phase: it lies.
  out_of_reach,  ///< Of a round that is too far from ours to be kept.
};

/// A member that casts different ballots in one round and phase counts for each of them: others may have
/// seen one of them only, and what two thirds prepared for them has to be that for us, too. Any two groups of
/// two thirds share an honest member all the same.
class ballot_box {
 public:
  /// Rounds before and after ours that ballots are kept of. What is older or newer comes again from those
  /// who are there.
  static constexpr std::uint64_t rounds_kept = 16;
  /// Different ballots of one member for a round and phase. Of more, those for the blocks with the fewest
  /// other ballots go: those that matter have at least a third of honest members behind them.
  static constexpr std::size_t ballots_a_member = 4;

  /// A ballot of a member, while our round is `round`.
  ballot_fate add(const wire::block_ballot& x, std::uint64_t round);
  /// An approving vote of a member.
  ballot_fate add(const wire::block_vote& x);

  /// How many prepared or locked that block (zeros: none) in that round.
  std::size_t count(std::uint64_t round, wire::ballot_phase phase, const hash256& block) const;
  /// How many cast any ballot of that phase and round.
  std::size_t count(std::uint64_t round, wire::ballot_phase phase) const;
  /// The block, or zeros for none, that so many agree on in that round and phase.
  std::optional<hash256> agreed(std::uint64_t round, wire::ballot_phase phase,
                                std::size_t needed) const;
  /// The latest round up to `last` in which so many prepared that block.
  std::optional<std::uint64_t> prepared_in(const hash256& block, std::uint64_t last,
                                           std::size_t needed) const;
  /// The latest round, up to `last`, in which so many agree on some block (not on none), and the block.
  std::optional<std::pair<std::uint64_t, hash256>>
  latest_agreed(wire::ballot_phase phase, std::uint64_t last, std::size_t needed) const;
  /// Whether somebody locked that block or voted for it, or so many prepared it in one round.
  bool is_wanted(const hash256& block, std::size_t prepared) const;
  /// Members that cast any ballot.
  std::size_t voters() const noexcept { return highest_.size(); }
  /// The highest round that so many voters are in or beyond.
  std::uint64_t round_reached(std::size_t needed) const;

  /// The block that so many voted for.
  std::optional<hash256> voted(std::size_t needed) const;
  /// Voters for that block with their signatures, by voter.
  std::vector<std::pair<std::string, byte_string>> signatures(const hash256& block) const;

  /// Ballots of a round and phase; of one block only, if one is named.
  std::vector<wire::block_ballot> ballots(std::uint64_t round, wire::ballot_phase phase,
                                          const std::optional<hash256>& block = {}) const;
  /// The first ballot of that voter.
  std::optional<wire::block_ballot> ballot_of(const std::string& voter, std::uint64_t round,
                                              wire::ballot_phase phase) const;
  /// The first vote of that voter.
  std::optional<wire::block_vote> vote_of(const std::string& voter) const;
  std::vector<wire::block_vote> votes() const;

  /// Forgets rounds that are too old when ours is `round`; never that one, which something depends on.
  void forget_before(std::uint64_t round, const std::optional<std::uint64_t>& keep);
  /// Forgets whoever is no member any more.
  void keep_voters(const std::set<std::string>& members);

 private:
  using its_ballots = std::vector<wire::block_ballot>;

  /// Ballots of one phase of a round.
  struct phase_ballots {
    std::map<std::string, its_ballots> by_voter;
    std::map<hash256, std::size_t>
        counts;  ///< How many voters, by block; what follows from the above.

    void add(const wire::block_ballot& x);
    bool make_room(its_ballots& its, const hash256& block);
    void erase(its_ballots& its, its_ballots::iterator which);
    std::size_t count(const hash256& block) const;
  };

  struct round_ballots {
    phase_ballots prepare;
    phase_ballots lock;
  };

  const phase_ballots* find(std::uint64_t round, wire::ballot_phase phase) const;
  std::size_t votes_for(const hash256& block) const;

  std::map<std::uint64_t, round_ballots> rounds_;
  std::map<std::string, std::uint64_t> highest_;  ///< Round that the voter was seen in.
  std::map<std::string, std::vector<wire::block_vote>> votes_;
  std::map<hash256, std::size_t> vote_counts_;  ///< What follows from the votes.
};

}  // namespace timenode::chain
