#pragma once

// One simulation from beginning to end: faults, then healing, in a long run also calm, and again; then the report. What
// `timenode simulate` runs, and most tests of whole networks.

#include "messages/outcome.hpp"
#include "tests/sim/faults.hpp"
#include "tests/sim/observer.hpp"
#include "tests/sim/world.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sim {

struct simulation_options {
  std::uint32_t nodes =
      20;            ///< In all; `reference_share` of them behave as the deployed daemon does.
  double hours = 1;  ///< Virtual; the last five minutes heal.
  std::uint64_t seed = 1;
  fault_set faults = fault_set::all();
  /// Minutes of each hour in which no fault strikes, `healing_span` included, from 10 to 55; 0: they strike all the time. None:
  /// `usual_calm`.
  std::optional<std::uint32_t> calm = {};
  double reference_share = 0;
  std::optional<std::uint32_t> masternodes = {};  ///< None: as many as such a network can bear.
  /// Seconds between the blocks that the masternodes vote for; 0: a block comes from nowhere every 600 s.
  std::int64_t block_time = 0;
  /// Seconds between the payments of the masternodes' owners to each other; 0: there are none. Only with `block_time`.
  std::int64_t payment_every = 0;
  std::string trace_file = {};
  bool verbose = false;  ///< The trace has the nodes' debug lines, too.
};

/// The last part of each simulation, without faults. At its end every pair that can reach each other has exactly
/// one connection, and all have the same tip.
inline constexpr monotonic_ns healing_span = 5 * minute;
/// In a run of more than an hour faults come in storms of a quarter of an hour each hour. Under faults all day no connection would
/// live for longer than minutes, and nobody could tell whether it would have for hours.
constexpr std::uint32_t usual_calm(double hours) noexcept {
  return hours > 1 ? 45 : 0;
}
/// All honest nodes have the same tip within this after the faults end (architecture, section 1).
inline constexpr monotonic_ns converge_within = minute;
/// Up to here everybody knows everybody; in larger networks each host has so many neighbours.
inline constexpr std::uint32_t largest_mesh = 250;
inline constexpr std::uint32_t neighbours_in_large = 24;

struct ban_seen {
  std::string by;
  std::string ip;
  bool honest = false;
  std::string reason;
  std::string evidence;
};

struct simulation_report {
  simulation_options options;
  std::string command;  ///< That replays it.
  double virtual_hours = 0;
  double real_seconds = 0;
  double hours_wished = 0;  ///< It was to be so long; less was run when it was told to heal sooner.
  std::uint64_t messages = 0;                 ///< Between actors.
  std::map<std::string, std::uint64_t> work;  ///< The same by actor and first part of the message.
  std::uint64_t packets = 0;                  ///< Events of the network.
  std::uint64_t connections = 0;
  std::map<std::string, std::uint64_t> ends;
  std::map<std::string, std::uint64_t> strikes;
  std::map<std::string, std::uint64_t> offences;
  std::map<std::string, observer::exchange> exchanges;
  std::vector<ban_seen> bans;
  std::uint64_t honest_bans = 0;
  std::uint64_t timer_ends =
      0;  ///< Connections that a timer of ours ended although nothing was in the way.
  std::uint64_t calms = 0;  ///< Stretches without faults after the healing.
  double calm_hours = 0;    ///< Of these, in all.
  std::uint64_t calm_ends =
      0;  ///< Connections of two of our nodes that ended in them: each is a violation.
  pair_watch::finding longest_apart;
  pair_watch::finding longest_double;
  std::string longest_apart_pair;
  std::string longest_double_pair;
  std::uint64_t pairs = 0;         ///< That can reach each other and should be connected ...
  std::uint64_t pairs_linked = 0;  ///< ... and were, by exactly one connection, at the end.
  std::uint64_t height = 0;
  std::uint64_t blocks_made = 0;
  payment_tally payments;
  std::optional<double>
      converged_after;  ///< Seconds after the faults ended, the longest of all healings; none: never in one of them.
  std::map<std::string, std::uint64_t> violations;  ///< All of them by name.
  std::vector<broken> first_violations;
  std::uint64_t trace_lines = 0;
  std::uint64_t trace_digest = 0;
  std::uint64_t fingerprint = 0;
  bool stopped_early =
      false;  ///< Without the healing at the end: what has to hold then was not looked at.

  std::uint64_t violation_count() const;
  bool ok() const { return violation_count() == 0 && !stopped_early; }
};

struct simulation_progress {
  monotonic_ns at = 0;
  monotonic_ns end = 0;
  std::uint64_t events = 0;
  std::uint64_t violations = 0;
  std::uint64_t connections = 0;
  std::uint64_t height = 0;
  bool healing = false;
};

enum class simulation_wish : std::uint8_t {
  go_on,
  heal,  ///< The faults end now, and healing begins: a shorter run, judged as any other.
  stop,  ///< At once, and nothing is judged.
};

/// Told now and then how far it is; says how to go on.
using progress_listener = std::function<simulation_wish(const simulation_progress&)>;

/// The shape of the network that the options ask for.
world_options shape_of(const simulation_options& options);

/// Fails when the trace cannot be written.
timenode::outcome<simulation_report> simulate(const simulation_options& options,
                                              const progress_listener& progress = {});

}  // namespace sim
