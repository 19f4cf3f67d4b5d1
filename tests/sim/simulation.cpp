#include "tests/sim/simulation.hpp"

#include "tests/sim/nemesis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>
#include <stdexcept>
#include <utility>

namespace sim {

using namespace timenode;

namespace {

/// Every ban is seen at least once: the shortest lasts 5 min.
constexpr monotonic_ns bans_period = 4 * minute;
/// How often the listener hears of progress, in events of the network.
constexpr std::uint64_t progress_events = 20'000;
/// With so many masternodes one may be down and blocks go on: four make a quorum of three.
constexpr std::uint32_t few_voters = 4;
/// At the end the chain may be so many blocks behind what is due: rounds may have to be repeated.
constexpr std::int64_t blocks_behind = 3;
/// Flooding an item to everybody costs the square of the network's size, and checking a signature 60 µs.
std::uint32_t usual_masternodes(const simulation_options& x) {
  const auto nodes = x.nodes;
  if (x.block_time > 0)
    return std::max(nodes / 2, std::min(nodes, few_voters));
  return nodes <= 20 ? std::max(1u, nodes / 2) : nodes <= 60 ? 3 : nodes <= 120 ? 2 : 1;
}

std::string command_of(const simulation_options& x) {
  auto result = fmt::format("timenode simulate --nodes {} --hours {} --seed {} --faults {}",
                            x.nodes, x.hours, x.seed, x.faults.to_string());
  if (x.calm)
    result += fmt::format(" --calm {}", *x.calm);
  if (x.reference_share > 0)
    result += fmt::format(" --reference-share {}", x.reference_share);
  if (x.masternodes)
    result += fmt::format(" --masternodes {}", *x.masternodes);
  if (x.block_time > 0)
    result += fmt::format(" --block-time {}", x.block_time);
  if (x.payment_every > 0)
    result += fmt::format(" --payment-every {}", x.payment_every);
  return result;
}

/// One run, with what it needs to know between its parts.
class run {
 public:
  run(const simulation_options& options, const progress_listener& progress)
      : options_{options}, hours_wished_{options.hours}, progress_{progress},
        world_{shape_of(options)}, nemesis_{world_, options.faults,
                                            options.seed ^ 0x6e656d65736973} {
    // A run that is cut short has other hours, and must be made again with the same calm.
    if (const auto usual = usual_calm(options.hours); !options_.calm && usual > 0)
      options_.calm = usual;
  }

  simulation_report go() {
    const auto begin = std::chrono::steady_clock::now();
    // To the nanosecond: a run that was cut short is made again with the hours that it had.
    const auto end = monotonic_ns{std::llround(options_.hours * static_cast<double>(hour))};
    end_ = std::max(end, healing_span);
    world_.on_pause = [this] { return pause(); };
    world_.start();
    world_.after(minute, [this] {
      if (faults_end_ == 0)  // in a run of six minutes nothing strikes
        nemesis_.start();
    });
    world_.after(bans_period, [this] { look_for_bans(); });
    const auto calm = options_.calm.value_or(0) * minute;
    auto storm_ends = calm > 0 ? hour - calm : end_;
    while (storm(std::min(storm_ends, end_ - healing_span))) {
      // When the healing at the end leaves no time for another storm it stays calm.
      const auto calm_ends = storm_ends + calm;
      be_calm(calm_ends + healing_span < end_ ? calm_ends : end_);
      if (stopped_ || world_.now() >= end_)
        break;
      storm_ends += hour;
      nemesis_.start();
    }
    judge_end();
    const auto took = std::chrono::steady_clock::now() - begin;
    return report(std::chrono::duration<double>(took).count());
  }

 private:
  bool pause() {
    if (progress_ && world_.network().events() >= next_progress_) {
      next_progress_ = world_.network().events() + progress_events;
      const auto wish =
          progress_({world_.now(), end_, world_.system().messages() + world_.network().events(),
                     world_.eyes().violation_count(), world_.eyes().connections(),
                     world_.chain().size() - 1, healing_});
      cut_ = cut_ || wish == simulation_wish::heal;
      stopped_ = stopped_ || wish == simulation_wish::stop;
    }
    return !stopped_ && (healing_ || !cut_);
  }

  /// Faults until then, and five minutes in which the network has to get well. False when the run is over with that.
  bool storm(monotonic_ns until) {
    world_.run_until(until);
    faults_end_ = world_.now();
    if (cut_)  // With these hours the same run ends here by itself.
      cut_at(faults_end_ + healing_span);
    nemesis_.heal();
    if (faults_end_ + healing_span >= end_)
      stop_paying();
    healing_ = true;
    if (!stopped_)
      heal();
    healing_ = false;
    return !stopped_ && world_.now() < end_;
  }

  void heal() {
    std::optional<monotonic_ns> took;
    const auto until = faults_end_ + healing_span;
    while (world_.now() < until && !stopped_) {
      world_.run_for(second);
      if (!took && everybody_up() && world_.converged())
        took = world_.now() - faults_end_;
    }
    if (cut_)
      cut_at(until);
    if (stopped_)
      return;
    if (!took || *took > converge_within)
      world_.eyes().report(
          invariant::converge,
          took ? fmt::format("{} s after the faults ended before all had the same tip",
                             *took / second)
               : fmt::format("not all had the same tip {} s after the faults ended: {}",
                             healing_span / second, tips_text()));
    converged_ = converged_ && took;
    slowest_ = std::max(slowest_, took.value_or(0));
  }

  /// No fault strikes, and what they did is over: no connection of our nodes may end.
  void be_calm(monotonic_ns until) {
    const auto since = world_.now();
    world_.log().add("FAULT", "calm begins");
    // Where there are more who want to be connected than places some have to go.
    world_.eyes().set_calm(options_.nodes <= largest_mesh);
    // What was paid last has to get into a block.
    world_.run_until(until < end_ ? until : std::max(since, end_ - healing_span));
    if (cut_)
      cut_at(world_.now() + healing_span);
    if (until >= end_ || cut_) {
      stop_paying();
      healing_ = true;
      world_.run_until(end_);
    }
    world_.eyes().set_calm(false);
    ++calms_;
    calm_time_ += world_.now() - since;
    judge_pairs();
  }

  void stop_paying() {
    if (world_.payments())
      world_.payments()->stop_paying();
  }

  /// The run is to be so long only.
  void cut_at(monotonic_ns end) {
    end_ = end;
    options_.hours = static_cast<double>(end_) / static_cast<double>(hour);
  }

  bool everybody_up() {
    for (std::uint32_t i = 0; i < world_.hosts(); ++i)
      if (!world_.up(i))
        return false;
    return true;
  }

  void look_for_bans() {
    world_.after(bans_period, [this] { look_for_bans(); });
    for (std::uint32_t i = 0; i < world_.nodes(); ++i)
      look_for_bans_of(i);
  }

  void look_for_bans_of(std::uint32_t i) {
    auto& node = world_.node(i);
    if (!node.up() || world_.ailing[i])
      return;
    try {
      const auto bans =
          world_.system().ask<std::vector<ban_snapshot>>(node.actors().registry, atom::bans_v);
      for (const auto& ban : bans) {
        const auto& banned = ban.network.base();  // no operator bans whole networks here
        if (seen_.emplace(node.ip(), banned, ban.until).second) {
          const auto host = world_.network().find(banned);
          bans_.push_back({node.ip().to_string(), banned.to_string(),
                           host && *host < world_.hosts(), ban.reason, ban.evidence});
          world_.log().add(node.ip().to_string(),
                           fmt::format("bans {}: {}; evidence: {}", banned.to_string(), ban.reason,
                                       ban.evidence));
        }
      }
    } catch (const std::runtime_error&) {
      // it was killed meanwhile
    }
  }

  /// What must hold when there have been no faults for some time.
  void judge_end() {
    if (stopped_)
      return;
    look_for_bans();
    judge_blocks();
    judge_payments();
    for (std::uint32_t i = 0; i < world_.nodes(); ++i)
      world_.look_at(i);
    judge_pairs();
    world_.eyes().finish();
  }

  /// Everybody who can be is connected, once.
  void judge_pairs() {
    pairs_ = pairs_linked_ = 0;
    auto& eyes = world_.eyes();
    const auto& pairs = eyes.pairs();
    for (std::uint32_t b = 1; b < world_.hosts(); ++b)
      for (std::uint32_t a = 0; a < b; ++a) {
        if (!pairs.wanted(a, b) || !pairs.reachable(a, b))
          continue;
        ++pairs_;
        pairs_linked_ += pairs.links(a, b) == 1 ? 1 : 0;
        if (pairs.links(a, b) != 1)
          eyes.report(invariant::one_link,
                      fmt::format("{} and {} have {} connections long after the faults ended",
                                  world_.ip(a).to_string(), world_.ip(b).to_string(),
                                  pairs.links(a, b)));
      }
  }

  /// Masternodes that vote have made all that became due while they could not.
  void judge_blocks() {
    if (options_.block_time == 0)
      return;
    const auto& last = world_.chain().back()->header;
    const auto age = node_clock{}.unix_seconds(world_.now()) - last.timestamp;
    if (age > blocks_behind * options_.block_time)
      world_.eyes().report(
          invariant::no_stuck,
          fmt::format("the last block with a certificate, {}, was due {} s before the end, "
                      "and one is due every {} s",
                      last.height, age, options_.block_time));
  }

  /// Who paid honestly has paid.
  void judge_payments() {
    if (!world_.payments())
      return;
    for (const auto& x : world_.payments()->unsettled())
      world_.eyes().report(invariant::no_stuck, "a payment is in no block: " + x);
  }

  /// Who has which height, the highest first.
  std::string tips_text() {
    std::map<std::pair<std::uint64_t, hash256>, std::string, std::greater<>> tips;
    for (std::uint32_t i = 0; i < world_.hosts(); ++i)
      if (world_.up(i))
        tips[{world_.height(i), world_.tip(i)}] +=
            " " + world_.ip(i).to_string() + (world_.is_ours(i) ? "" : " (deployed)");
    std::string result;
    for (const auto& [tip, who] : tips)
      result += fmt::format("{}height {}:{}", result.empty() ? "" : "; ", tip.first, who);
    return result;
  }

  std::string pair_text(const pair_watch::finding& x) const {
    if (x.lasted == 0)
      return {};
    return fmt::format("{} and {} from {} on", world_.ip(x.a).to_string(),
                       world_.ip(x.b).to_string(), text_of_time(x.since));
  }

  simulation_report report(double seconds) {
    auto& eyes = world_.eyes();
    simulation_report x;
    x.options = options_;
    x.command = command_of(options_);
    x.virtual_hours = static_cast<double>(world_.now()) / static_cast<double>(hour);
    x.real_seconds = seconds;
    x.hours_wished = hours_wished_;
    x.messages = world_.system().messages();
    x.work = world_.system().work();
    x.packets = world_.network().events();
    x.connections = eyes.connections();
    x.ends = eyes.ends();
    x.strikes = nemesis_.strikes();
    x.offences = eyes.offences();
    x.exchanges = eyes.exchanges();
    x.bans = bans_;
    x.honest_bans = static_cast<std::uint64_t>(std::ranges::count_if(bans_, &ban_seen::honest));
    x.timer_ends = eyes.timer_ends();
    x.longest_apart = eyes.pairs().longest_apart();
    x.longest_double = eyes.pairs().longest_double();
    x.longest_apart_pair = pair_text(x.longest_apart);
    x.longest_double_pair = pair_text(x.longest_double);
    x.pairs = pairs_;
    x.pairs_linked = pairs_linked_;
    for (std::uint32_t i = 0; i < world_.hosts(); ++i)
      x.height = std::max(x.height, world_.height(i));
    x.blocks_made =
        world_.chain().size() - 1 - (options_.block_time > 0 ? 0 : world_.options().history);
    if (world_.payments())
      x.payments = world_.payments()->tally();
    x.calms = calms_;
    x.calm_hours = static_cast<double>(calm_time_) / static_cast<double>(hour);
    x.calm_ends = eyes.calm_ends();
    if (converged_)
      x.converged_after = static_cast<double>(slowest_) * 1e-9;
    for (std::size_t i = 0; i < invariant_count; ++i)
      x.violations[std::string{to_text(static_cast<invariant>(i))}] =
          eyes.violation_count(static_cast<invariant>(i));
    x.first_violations = eyes.violations();
    x.trace_lines = world_.log().lines();
    x.trace_digest = world_.log().digest();
    x.fingerprint = world_.system().fingerprint();
    x.stopped_early = stopped_;
    return x;
  }

  simulation_options options_;
  double hours_wished_;
  const progress_listener& progress_;
  world world_;
  nemesis nemesis_;
  monotonic_ns faults_end_ = 0;
  monotonic_ns end_ = 0;
  bool healing_ = false;
  bool stopped_ = false;
  bool cut_ = false;  ///< Healing was wished for sooner.
  std::uint64_t next_progress_ = 0;
  bool converged_ = true;     ///< After each storm.
  monotonic_ns slowest_ = 0;  ///< ... and the longest that it took.
  std::uint64_t calms_ = 0;
  monotonic_ns calm_time_ = 0;
  std::uint64_t pairs_ = 0;
  std::uint64_t pairs_linked_ = 0;
  std::set<std::tuple<ip_address, ip_address, std::int64_t>> seen_;
  std::vector<ban_seen> bans_;
};

}  // namespace

std::uint64_t simulation_report::violation_count() const {
  std::uint64_t result = 0;
  for (const auto& [_, count] : violations)
    result += count;
  return result;
}

world_options shape_of(const simulation_options& options) {
  world_options result;
  result.seed = options.seed;
  // One node is ours at least: there would be nothing to test.
  result.references = std::min(
      static_cast<std::uint32_t>(options.reference_share * options.nodes + 0.5), options.nodes - 1);
  result.nodes = options.nodes - result.references;
  result.masternodes =
      std::min(result.nodes, options.masternodes.value_or(usual_masternodes(options)));
  result.block_time = options.block_time;
  result.payment_period = options.block_time > 0 ? options.payment_every * second : 0;
  result.cheating = result.payment_period > 0 && options.faults.contains(fault::liar);
  result.neighbours = options.nodes > largest_mesh ? neighbours_in_large : 0;
  // Discovered peers come on top; a mesh has none.
  result.max_peers = options.nodes > largest_mesh ? 8 : 125;
  if (options.faults.contains(fault::nat))
    result.undialable = 0.2;
  result.nameless = options.faults.empty() ? 0 : 0.1;
  // Each check asks each connection.
  result.check_interval = std::chrono::seconds{options.nodes <= 20 ? 10 : 600};
  result.verbose = options.verbose;
  result.trace_file = options.trace_file;
  return result;
}

outcome<simulation_report> simulate(const simulation_options& options,
                                    const progress_listener& progress) {
  try {
    return run{options, progress}.go();
  } catch (const std::runtime_error& x) {
    return fail(x.what());
  }
}

}  // namespace sim
