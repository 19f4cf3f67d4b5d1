#pragma once

// Finds out whether the network has another chain than we, and brings us over when it has: the whole
// policy of forks, as a machine that is fed with what peers say and tells what to do. Pure.
//
//   tip_watch        notices that a peer has another block than we
//   hash_poll        asks the masternodes what they have at that height
//   ancestor_search  finds where the branch of one of them parts from ours
//   fork_rule        decides, on what the masternodes have right above that
//   branch_download  fetches the whole branch and has it checked
//   branch_list      remembers what was found out
//
// Only then the chain keeper replaces our blocks by theirs, in one step of the store: until that is
// done we have our old chain, whole.
//
// The masternodes are asked first, so that a single liar costs one poll and no search. One case is
// worked on at a time; each wait in it has a deadline, and after a failure the branch rests.

#include "actors/ancestor_search.hpp"
#include "actors/branch_download.hpp"
#include "actors/branch_list.hpp"
#include "actors/hash_desk.hpp"
#include "actors/hash_poll.hpp"
#include "actors/tip_watch.hpp"
#include "chain/block_store.hpp"
#include "messages/masternode_messages.hpp"
#include "messages/sync_messages.hpp"
#include "net/random.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace timenode::sync {

/// How old the list of masternodes may be at the start of a case.
inline constexpr monotonic_ns masternodes_keep = in_ns(std::chrono::seconds{10});
/// How long the table of masternodes may take to give it.
inline constexpr monotonic_ns listing_patience = in_ns(std::chrono::seconds{1});
/// How long a peer may take to tell one hash of a search before another is asked.
inline constexpr monotonic_ns search_patience = in_ns(std::chrono::seconds{5});
/// A decision this old is not acted upon without another poll: the download took long.
inline constexpr monotonic_ns decision_keep = in_ns(std::chrono::seconds{60});
/// Least time between two cases, so that who provokes them cannot keep us busy.
inline constexpr monotonic_ns case_interval = in_ns(std::chrono::seconds{1});
/// The same for those that no masternode gave rise to: only masternodes' blocks can win.
inline constexpr monotonic_ns hint_interval = in_ns(std::chrono::seconds{10});

/// Something for the log.
struct fork_note {
  bool warning = false;
  std::string text;
};

/// What is to be done now.
struct fork_step {
  std::vector<hash_question> questions;    ///< `GetBlockHash`.
  std::vector<range_request> ranges;       ///< `GetBlockRange`.
  bool list_masternodes = false;           ///< Ask for the list: `masternodes`.
  std::optional<chain_branch> reorganise;  ///< For the keeper: `switched` tells what came of it.
  std::vector<fork_note> notes;
};

/// What a peer's answer about a hash tells.
enum class hash_comparison : std::uint8_t { nothing, same, differs };

class fork_repair {
 public:
  /// @param chain   Our chain; outlives this.
  /// @param checks  How many checks of blocks may be under way at once.
  fork_repair(const chain::chain_reader& chain, std::size_t checks, std::uint64_t seed,
              std::size_t max_bytes = max_branch_bytes);

  // -- peers ------------------------------------------------------------------------

  /// A peer is there, or talks over another connection from now on.
  void peer_up(const ip_address& ip, link_direction direction, monotonic_ns now);
  void peer_down(const ip_address& ip, monotonic_ns now);
  /// The peer says that this is its height; must have gone through `cap_claim`.
  void height_is(const ip_address& ip, std::uint64_t height, monotonic_ns now);
  /// The table of masternodes, as asked for.
  void masternodes(std::span<const masternode_entry> list, monotonic_ns now);

  // -- evidence -----------------------------------------------------------------------

  /// The peer has that block at a height that we hold, and it is not ours.
  void suspect(const ip_address& ip, std::uint64_t height, const hash256& hash);
  /// An answer to `GetBlockHash`. `same`: the peer is on our chain. Answers to what was not asked, or
  /// that say nothing of where the peer is, give `nothing`.
  hash_comparison hash_came(const ip_address& ip, std::uint64_t height,
                            const std::optional<hash256>& hash, monotonic_ns now);
  /// An answer to `GetBlockRange`.
  void blocks_came(const ip_address& ip, std::span<const block_ptr> blocks, std::int64_t unix_now,
                   monotonic_ns now);

  // -- checks of fetched blocks -------------------------------------------------------

  std::optional<check_job> next_check();
  /// Returns the block that is provably wrong, if there is one.
  std::optional<bad_block> checked(std::uint64_t run, check_reply reply, std::int64_t unix_now,
                                   monotonic_ns now);
  void check_failed(std::uint64_t run);

  // -- our chain ------------------------------------------------------------------------

  /// What the keeper said to `reorganise`. Returns the block that is provably wrong, if there is one.
  std::optional<bad_block> switched(const apply_reply& reply, monotonic_ns now);
  /// It is not known what became of it, or somebody else put us on another branch.
  void chain_changed(monotonic_ns now);

  // -- what to do ---------------------------------------------------------------------

  /// `unix_now`: by our wall clock, Unix seconds.
  fork_step step(std::int64_t unix_now, monotonic_ns now);
  std::optional<monotonic_ns> next_deadline(monotonic_ns now) const;

  // -- what it is at --------------------------------------------------------------------

  /// Nobody is known to have another branch that should be looked at.
  bool quiet() const { return !case_ && suspects_.empty() && !branches_.next_look(); }
  /// True while blocks of another branch are fetched or taken over.
  bool repairing() const noexcept;
  /// "quiet", "asking masternodes", "looking for the common block", ...
  std::string_view phase_text() const noexcept;
  tip_census census() const { return watch_.census(chain_.tip().height); }
  const branch_list& branches() const noexcept { return branches_; }
  /// Of blocks fetched for a branch.
  std::size_t bytes() const noexcept;

 private:
  enum class phase : std::uint8_t {
    listing,
    polling_tip,
    searching,
    polling_fork,
    fetching,
    switching
  };

  struct peer {
    link_direction direction = link_direction::inbound;
    std::uint64_t height = 0;
  };

  struct suspicion {
    std::uint64_t height = 0;
    hash256 hash{};
  };

  /// What is worked on.
  struct fork_case {
    phase at = phase::listing;
    monotonic_ns deadline = 0;  ///< Of the listing, or of one question of the search.
    std::optional<hash_poll> poll;
    // From the suspicion on:
    std::uint64_t height = 0;
    hash256 theirs{};                   ///< Another block than ours at that height ...
    std::vector<ip_address> witnesses;  ///< ... which these have; the last one is asked.
    std::optional<ancestor_search> search;
    // From the branch on:
    hash256 branch{};  ///< Its name in the list.
    chain_tip ancestor;
    hash256 our_first{};
    monotonic_ns decided_at = 0;
    std::string why;  ///< Of the decision.
    std::optional<branch_download> download;
    chain_tip left;  ///< Our tip when it was given to the keeper.
  };

  // -- the steps of a case (fork_repair_case.cpp)
  void advance(monotonic_ns now, fork_step& out);
  bool advance_once(monotonic_ns now, fork_step& out);
  bool begin(monotonic_ns now, fork_step& out);
  bool choose(monotonic_ns now, fork_step& out);
  void open(const known_branch& x, monotonic_ns now, fork_step& out);
  void open(const ip_address& ip, const suspicion& x, monotonic_ns now, fork_step& out);
  void poll(std::uint64_t height, const std::set<ip_address>& guests, monotonic_ns now,
            fork_step& out);
  void judge_tip(monotonic_ns now, fork_step& out);
  void search(monotonic_ns now, fork_step& out);
  void next_witness(monotonic_ns now, fork_step& out);
  void located(monotonic_ns now, fork_step& out);
  void judge_fork(monotonic_ns now, fork_step& out);
  void fetch(known_branch& branch, monotonic_ns now);
  std::vector<block_ptr> from_shelf(const hash256& first) const;
  void work_on_download(monotonic_ns now, fork_step& out);
  void hand_over(monotonic_ns now, fork_step& out);
  void close(monotonic_ns now);

  bool still_ours() const;
  bool knows_masternodes(monotonic_ns now) const noexcept;
  void ask(const hash_question& x, monotonic_ns now, fork_step& out);
  std::set<ip_address> voters_here() const;
  std::uint64_t median_height(const std::vector<ip_address>& of, std::uint64_t least) const;

  const chain::chain_reader& chain_;
  std::size_t checks_;
  std::size_t max_bytes_;
  random_source random_;

  std::map<ip_address, peer> peers_;  ///< Established ones: the registry's slots bound them.
  std::map<ip_address, suspicion> suspects_;  ///< Of them; whose branch is known is not here.
  std::set<ip_address> voters_;               ///< Active masternodes beside ourselves.
  std::optional<monotonic_ns> listed_at_;     ///< When that came.
  tip_watch watch_;
  hash_desk desk_;
  branch_list branches_;
  std::optional<fork_case> case_;
  std::int64_t unix_now_ = 0;  ///< At the last step.
  monotonic_ns next_case_ = 0;
  monotonic_ns next_hint_ = 0;
  bool branches_first_ = false;  ///< Known branches and new suspicions take turns.
};

}  // namespace timenode::sync
