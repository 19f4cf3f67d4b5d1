#pragma once

// What actors tell each other of downloads and of branches beside our chain.

#include "messages/chain_messages.hpp"

namespace timenode {

/// Another branch, to be put in place of our blocks above the last common one.
struct chain_branch {
  std::uint64_t ancestor = 0;  ///< Height of the last common block.
  hash256 ancestor_hash{};
  std::vector<checked_block> blocks;  ///< In order, the first on the ancestor.

  template <class Inspector>
  friend bool inspect(Inspector& f, chain_branch& x) {
    return f.object(x).fields(f.field("ancestor", x.ancestor),
                              f.field("ancestor_hash", x.ancestor_hash),
                              f.field("blocks", x.blocks));
  }
};

/// A branch beside our chain.
struct branch_snapshot {
  hash256 first{};                 ///< Of its block right above the last common one: its name.
  std::uint64_t fork_height = 0;   ///< Of the last common block.
  std::uint64_t height = 0;        ///< Of its highest block that is known by its hash ...
  hash256 tip{};                   ///< ... which is this.
  std::string state;               ///< "undecided", "lost", "left", ...
  std::string why;                 ///< A sentence.
  std::uint64_t votes_ours = 0;    ///< At the last poll: masternodes that have our block there, ...
  std::uint64_t votes_theirs = 0;  ///< ... theirs, ...
  std::uint64_t votes_others = 0;  ///< ... yet another, ...
  std::uint64_t votes_none = 0;    ///< ... or none.
  std::uint64_t electorate = 0;    ///< Masternodes that were known then, beside ourselves.
  std::vector<ip_address> peers;   ///< Connected ones that have it.
  std::int64_t next_look_ms = -1;  ///< Until it is looked at again; -1: nobody has it now.

  template <class Inspector>
  friend bool inspect(Inspector& f, branch_snapshot& x) {
    return f.object(x).fields(
        f.field("first", x.first), f.field("fork_height", x.fork_height),
        f.field("height", x.height), f.field("tip", x.tip), f.field("state", x.state),
        f.field("why", x.why), f.field("votes_ours", x.votes_ours),
        f.field("votes_theirs", x.votes_theirs), f.field("votes_others", x.votes_others),
        f.field("votes_none", x.votes_none), f.field("electorate", x.electorate),
        f.field("peers", x.peers), f.field("next_look_ms", x.next_look_ms));
  }
};

/// How our peers' chains compare with ours, and what is done about those that differ.
struct fork_snapshot {
  std::string phase;           ///< "quiet", "asking masternodes", "fetching the other branch", ...
  std::uint64_t same = 0;      ///< Peers that have our tip, ...
  std::uint64_t behind = 0;    ///< ... are lower on our chain, ...
  std::uint64_t differ = 0;    ///< ... have another block than we, ...
  std::uint64_t unknown = 0;   ///< ... or did not tell: deployed nodes that dialed us never do.
  std::uint64_t switches = 0;  ///< Since start: how often we changed over to another branch.
  std::vector<branch_snapshot> branches;

  template <class Inspector>
  friend bool inspect(Inspector& f, fork_snapshot& x) {
    return f.object(x).fields(f.field("phase", x.phase), f.field("same", x.same),
                              f.field("behind", x.behind), f.field("differ", x.differ),
                              f.field("unknown", x.unknown), f.field("switches", x.switches),
                              f.field("branches", x.branches));
  }
};

/// What the sync engine is at: of the same size however many peers there are.
struct sync_progress {
  std::string state;              ///< "idle", "syncing", "waiting-for-peers", ...
  std::uint64_t height = 0;       ///< Ours.
  std::uint64_t target = 0;       ///< Best claim that has credit; our height when there is none.
  std::uint64_t peers = 0;        ///< That we can ask.
  std::uint64_t outstanding = 0;  ///< Requests under way.
  std::uint64_t buffered_blocks = 0;  ///< Waiting for their turn.
  std::uint64_t buffered_bytes = 0;
  double blocks_per_second = 0;   ///< Over the last seconds.
  std::int64_t eta_seconds = -1;  ///< -1: unknown.
  std::uint64_t ahead = 0;        ///< Peers that claim more than we have.

  template <class Inspector>
  friend bool inspect(Inspector& f, sync_progress& x) {
    return f.object(x).fields(
        f.field("state", x.state), f.field("height", x.height), f.field("target", x.target),
        f.field("peers", x.peers), f.field("outstanding", x.outstanding),
        f.field("buffered_blocks", x.buffered_blocks), f.field("buffered_bytes", x.buffered_bytes),
        f.field("blocks_per_second", x.blocks_per_second), f.field("eta_seconds", x.eta_seconds),
        f.field("ahead", x.ahead));
  }
};

/// The same, and what each peer claims.
struct sync_snapshot : sync_progress {
  std::map<ip_address, std::uint64_t> claims;  ///< Height by peer.
  fork_snapshot forks;

  template <class Inspector>
  friend bool inspect(Inspector& f, sync_snapshot& x) {
    return f.object(x).fields(
        f.field("state", x.state), f.field("height", x.height), f.field("target", x.target),
        f.field("peers", x.peers), f.field("outstanding", x.outstanding),
        f.field("buffered_blocks", x.buffered_blocks), f.field("buffered_bytes", x.buffered_bytes),
        f.field("blocks_per_second", x.blocks_per_second), f.field("eta_seconds", x.eta_seconds),
        f.field("ahead", x.ahead), f.field("claims", x.claims), f.field("forks", x.forks));
  }
};

}  // namespace timenode
