#pragma once

// How the masternodes of a height agree on its block: pure, without clock, network or keys.
//
// In each round one of them, the leader, proposes a block. Every member answers in two phases, each bound
// to its round: it PREPARES the proposal it finds right (or none), and it LOCKS the block that more than two
// thirds prepared in that round (or none). A block that more than two thirds locked in one round is DECIDED:
// from then on no other can be, since a member that has locked a block prepares another one only when it
// sees that more than two thirds prepared that other in a later round, and every two such groups share an
// honest member. Who sees the decision casts its VOTE, once a height and for good; more than two thirds of
// votes are the COMMIT, the certificate of the block. This is the agreement of Tendermint (Buchman, Kwon,
// Milosevic: "The latest gossip on BFT consensus", 2018), with a vote behind it that stands without a round,
// as the protocol page has it (section 3: BlockVote, BlockCommit; section 4: what is signed).
//
// The votes of others count too where no ballots were seen: the deployed daemon votes for a proposal without
// ballots. More than a third of votes say that an honest member saw the decision.

#include "chain/ballot_box.hpp"
#include "messages/link_types.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace timenode::chain {

/// No proposal for 30 s, or no agreement for 60 s: the next leader's turn.
inline constexpr monotonic_ns max_proposal_wait = 30'000'000'000;
inline constexpr monotonic_ns max_ballot_wait = 15'000'000'000;

/// How long the first round waits for what.
struct round_times {
  /// For the leader's proposal.
  monotonic_ns proposal = max_proposal_wait;
  /// For the last third of the ballots of a phase, when two thirds are there and do not agree. Two phases of
  /// it and the proposal's wait are the time after which a round has failed.
  monotonic_ns ballots = max_ballot_wait;
};

/// For blocks that are that many seconds apart: the most at 600 s, a twentieth and a fortieth of shorter
/// times, but not below 2 s and 1 s, which a proposal of 2 MB and its checking may take between continents.
/// Later rounds wait longer, by the first one's time each, up to the most: what failed may have failed for
/// want of time.
round_times times_for(std::int64_t block_time) noexcept;

/// What a block is found to be.
enum class block_quality : std::uint8_t {
  good,
  disputed,  ///< Breaks no rule of the chain, but is not what we would have made: not prepared by us.
  impossible  ///< Breaks a rule of the chain: no vote can make it ours.
};

// -- what is to be done ----------------------------------------------------------------------

/// We are the leader: propose that block again, or a new one if none is named.
struct propose_action {
  std::uint64_t round = 0;
  std::optional<hash256> block;
  bool operator==(const propose_action&) const = default;
};

/// Cast a ballot. Zeros: for none.
struct ballot_action {
  std::uint64_t round = 0;
  wire::ballot_phase phase = wire::ballot_phase::prepare;
  hash256 block{};
  bool operator==(const ballot_action&) const = default;
};

/// Vote for that block.
struct vote_action {
  hash256 block{};
  bool operator==(const vote_action&) const = default;
};

/// The block is committed.
struct commit_action {
  hash256 block{};
  bool operator==(const commit_action&) const = default;
};

using consensus_action = std::variant<propose_action, ballot_action, vote_action, commit_action>;

/// What we signed for a height, in the order in which we did.
struct signed_record {
  enum class deed : std::uint8_t { propose, prepare, lock, vote };
  deed what = deed::prepare;
  std::uint64_t round = 0;  ///< 0 of a vote.
  hash256 block{};
  bool operator==(const signed_record&) const = default;
};

// -- the height ------------------------------------------------------------------------------

class height_consensus {
 public:
  /// Proposals of one round that are looked at: a leader that makes two is at fault, and both may have been
  /// prepared by some.
  static constexpr std::size_t proposals_a_round = 2;

  struct setup {
    std::uint64_t height = 0;
    /// All that are known, as the messages name them, each once.
    std::vector<std::string> members;
    /// How many there are, those included whose address and key we have not heard of.
    std::size_t size = 0;
    std::optional<std::string> self = {};  ///< None, or no member: we only watch.
    round_times times = {};
  };

  /// `history`: what we signed for this height before a restart.
  height_consensus(setup x, const std::vector<signed_record>& history);

  // -- what happens; each may bring actions -----------------------------------------------

  /// The height's time has come: enters the first round, or the one that we were in.
  void begin(monotonic_ns now);
  /// A block that was proposed and is at hand.
  void block_is(const hash256& block, block_quality quality, monotonic_ns now);
  /// The leader of that round proposed it. False: not looked at.
  bool proposed(std::uint64_t round, const hash256& block, monotonic_ns now);
  /// A ballot or vote whose signature is its voter's, also our own.
  ballot_fate take(const wire::block_ballot& x, monotonic_ns now);
  ballot_fate take(const wire::block_vote& x, monotonic_ns now);
  /// Time has passed.
  void tick(monotonic_ns now);
  /// Who belongs to it turned out otherwise, or more of them became known.
  void members_are(std::vector<std::string> members, std::size_t size, monotonic_ns now);

  std::vector<consensus_action> take_actions();

  // -- reading ------------------------------------------------------------------------------

  std::uint64_t height() const noexcept { return setup_.height; }
  std::uint64_t round() const noexcept { return round_; }
  bool begun() const noexcept { return step_ != step::waiting; }
  /// When `tick` has something to do; none: only a message brings it on.
  std::optional<monotonic_ns> deadline() const;
  /// The leader of a round; none when no member is known.
  std::optional<std::string> leader(std::uint64_t round) const;
  bool is_member(const std::string& address) const;
  bool takes_part() const noexcept { return takes_part_; }
  const std::vector<std::string>& members() const noexcept { return setup_.members; }
  std::size_t size() const noexcept { return setup_.size; }
  /// Whether more than a third of the members have begun, one of them honest: enough to begin before our own
  /// clock says so.
  bool others_have_begun() const { return box_.voters() >= third_of(setup_.size); }
  const std::optional<hash256>& decided() const noexcept { return decided_; }
  const std::optional<hash256>& committed() const noexcept { return committed_; }
  const std::optional<std::pair<std::uint64_t, hash256>>& locked() const noexcept {
    return locked_;
  }
  /// A block that two thirds agree on and whose content is not at hand.
  std::optional<hash256> missing_block() const;
  /// Whether the content of that block may still be needed.
  bool needs(const hash256& block) const;
  /// Whether others may need it from us: we are bound to it, or another is or may be (he locked it, voted for it, or a third
  /// prepared it), or it was proposed in this round or the one before. Few are, however many rounds a height takes.
  bool is_current(const hash256& block) const;
  /// The proposals of the round that are looked at.
  std::vector<hash256> proposals(std::uint64_t round) const;
  /// What we cast in this round and the one before, and our vote.
  std::vector<wire::message> ours() const;
  /// All that brings another member to where we are: the ballots of this round and those that ended the one
  /// before, what proves a lock or a decision, the votes. What one honest member has seen all must come to
  /// see, also of liars, or some of them wait for what only others have.
  std::vector<wire::message> standing() const;
  const ballot_box& ballots() const noexcept { return box_; }

 private:
  enum class step : std::uint8_t { waiting, proposal, prepared, locked };

  std::size_t quorum() const noexcept { return quorum_of(setup_.size); }
  bool is_binding(const hash256& block) const;
  monotonic_ns wait_of(monotonic_ns first, monotonic_ns most) const noexcept;
  std::optional<block_quality> quality_of(const hash256& block) const;
  void resume(const std::vector<signed_record>& history);
  void enter(std::uint64_t round, monotonic_ns now);
  void evaluate(monotonic_ns now);
  bool advance(monotonic_ns now);
  bool settle();
  bool go_on(monotonic_ns now);
  void forget_old();
  bool try_prepare(monotonic_ns now);
  bool may_prepare(const hash256& block) const;
  bool try_lock(monotonic_ns now);
  void cast(wire::ballot_phase phase, const hash256& block);
  void abstain(std::uint64_t round);

  setup setup_;
  bool takes_part_ = false;
  ballot_box box_;
  std::map<hash256, block_quality> blocks_;
  std::map<std::uint64_t, std::vector<hash256>> proposals_;
  std::vector<consensus_action> actions_;

  std::uint64_t round_ = 0;
  step step_ = step::waiting;
  /// What we cast, in the rounds that are kept.
  std::set<std::pair<std::uint64_t, wire::ballot_phase>> cast_;
  std::uint64_t first_round_ = 0;  ///< Where `begin` enters.
  std::vector<consensus_action>
      again_;  ///< What `begin` casts again, since a restart may have kept it back.
  monotonic_ns proposal_until_ = 0;  ///< 0: does not run.
  monotonic_ns prepare_until_ = 0;
  monotonic_ns lock_until_ = 0;

  std::optional<std::pair<std::uint64_t, hash256>>
      locked_;  ///< Round and block that we locked last.
  std::optional<std::pair<std::uint64_t, hash256>> valid_;  ///< Latest that two thirds prepared.
  std::optional<hash256> decided_;
  std::optional<hash256> committed_;
  bool voted_ = false;
};

}  // namespace timenode::chain
