#pragma once

// The invariants of the design (architecture, section 1) that a running node can check of itself,
// as pure functions and values: no actor, no clock, no socket. The telemetry actor feeds them. Each
// names what it found in sentences that are the same as long as the finding is, so that two checks
// can be compared.

#include "messages/node_messages.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace timenode {

// -- names ----------------------------------------------------------------------

/// What must always hold, in the order of the architecture page, and then that no two blocks of a
/// height have a certificate, and no two transactions that spend the same are final. Tests, simulation and the running node use the same names.
enum class invariant : std::uint8_t {
  one_link,
  no_cycling,
  same_handler,
  one_truth,
  no_stuck,
  contiguous,
  converge,
  no_false_ban,
  bounded,
  one_certificate,
  one_spend,
};
inline constexpr std::size_t invariant_count = 11;

/// "one-link", "no-cycling", ...
constexpr std::string_view to_text(invariant x) noexcept {
  constexpr std::array<std::string_view, invariant_count> names{
      "one-link", "no-cycling",   "same-handler", "one-truth",       "no-stuck", "contiguous",
      "converge", "no-false-ban", "bounded",      "one-certificate", "one-spend"};
  return names[static_cast<std::size_t>(x)];
}

/// Sentences, each naming one thing that does not hold; sorted.
using findings = std::vector<std::string>;

// -- one-truth --------------------------------------------------------------------

/// How far a connection is, as everyone can know it: the registry is not told when a dial's socket
/// comes up, so connecting and handshaking are one stage.
enum class link_stage : std::uint8_t { opening, established, closing };
inline constexpr std::size_t link_stages = 3;

constexpr link_stage stage_of(link_phase x) noexcept {
  switch (x) {
  case link_phase::established:
    return link_stage::established;
  case link_phase::closing:
    return link_stage::closing;
  default:
    return link_stage::opening;
  }
}
constexpr std::string_view to_text(link_stage x) noexcept {
  constexpr std::array<std::string_view, link_stages> names{"opening", "established", "closing"};
  return names[static_cast<std::size_t>(x)];
}

/// Connections by direction (inbound, outbound) and stage.
using link_counts = std::array<std::array<std::int64_t, link_stages>, 2>;

link_counts count_links(const std::vector<link_snapshot>& links) noexcept;

/// What several observers say of the same connections at (nearly) one moment.
struct truth_sample {
  std::vector<link_snapshot> registry;     ///< The registry's links.
  std::vector<link_snapshot> connections;  ///< What those that answered say of themselves.
  std::optional<std::uint64_t> sockets;    ///< Open ones; a dial has none before it is connected.
  std::optional<link_counts> gauges;       ///< What the metrics show.
};

/// How the observers differ. A difference may be one of moments: something changed between two
/// answers.
findings differences(const truth_sample& x);

/// What two checks both found: with enough time between them, no difference of moments any more.
findings persisting(const findings& before, const findings& now);

// -- one-link ---------------------------------------------------------------------

/// Two established connections of one IP may live together for this long: the elected side closes
/// one of them after a second, the other side waits 5 s for that (architecture, section 5), and
/// then the socket has to go.
inline constexpr monotonic_ns duplicate_patience = 10'000'000'000;

/// Watches for IPs that keep two established connections: the same two, for a peer that dials again and again brings
/// new ones while the old ones go. Remembers only links of such IPs, so it is bounded by the number of connections.
class duplicate_watch {
 public:
  /// The IPs that have had two established connections for more than `duplicate_patience`. Each is
  /// found again after that time again.
  findings observe(const std::vector<link_snapshot>& links, monotonic_ns now);

 private:
  /// Since when each link of an IP with several has been one of several.
  std::map<ip_address, std::map<link_id, monotonic_ns>> since_;
};

// -- no-stuck ---------------------------------------------------------------------

/// The longest that a node below its target goes without progress (architecture, section 1).
inline constexpr monotonic_ns stuck_patience = 15'000'000'000;

/// The state of a sync engine that only peers which have not delivered anything yet tell of more.
inline constexpr std::string_view sync_state_asking = "asking";

/// Watches the sync engine. Progress is a changed height (a rollback is progress on another branch)
/// or more blocks that wait for their turn than before.
class progress_watch {
 public:
  /// A sentence when the node has been below its target, with a peer that claims to have more, and
  /// without progress for `stuck_patience`. Found again after that time again. Not while only peers that have not
  /// delivered anything say that there is more, and are asked.
  findings observe(const sync_progress& sync, monotonic_ns now);

 private:
  struct waiting {
    std::uint64_t height = 0;
    std::uint64_t buffered = 0;  ///< The most at this height.
    monotonic_ns since = 0;
  };
  std::optional<waiting> waiting_;  ///< None: nothing to wait for.
};

// -- no-cycling -------------------------------------------------------------------

/// Watches for connections that ended by a fault of ours, which is none of the reasons that
/// `no-cycling` allows.
class fault_watch {
 public:
  /// `faults`: connections that ended by a fault of ours, since the registry began.
  findings observe(std::uint64_t faults);

 private:
  std::uint64_t faults_ = 0;
};

// -- all of them --------------------------------------------------------------------

/// What is known at one check; what did not answer in time is not there and not judged.
struct health_sample {
  std::optional<truth_sample> truth;
  std::optional<sync_progress> sync;
  std::optional<std::uint64_t> faults;  ///< Connections that ended by a fault of ours.
};

struct health_report {
  std::vector<std::pair<invariant, std::string>> violations;
  /// The observers differ: check again in a second, to see whether it was the moment.
  bool check_again = false;
};

/// Judges samples taken one after the other.
class health_checker {
 public:
  health_report check(const health_sample& x, monotonic_ns now);
  /// The process stood still: what the last sample showed has not lasted since.
  void forget_times() noexcept {
    duplicates_ = {};
    progress_ = {};
  }

 private:
  findings suspected_;  ///< Differences that the last check saw for the first time.
  duplicate_watch duplicates_;
  progress_watch progress_;
  fault_watch faults_;
};

}  // namespace timenode
