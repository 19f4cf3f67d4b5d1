#include "actors/type_registration.hpp"
#include "app/commands.hpp"
#include "app/progress_bar.hpp"
#include "app/signals.hpp"
#include "app/terminal.hpp"
#include "tests/sim/report_text.hpp"
#include "tests/sim/simulation.hpp"

#include <caf/init_global_meta_objects.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace timenode::app {

namespace {

using steady = std::chrono::steady_clock;

/// What glibc's allocator reads from its environment at the start of a program, and not later: memory in huge pages, asked for 64 MiB
/// at a time and never given back, and room for more freed blocks of a size than seven before they go back to the heap. A
/// simulation makes and drops millions of small objects, in one thread, all over hundreds of megabytes: it takes a fifth less time so.
constexpr const char* memory_tuning =
    "glibc.malloc.hugetlb=1:glibc.malloc.tcache_count=1000:glibc.malloc.top_pad=67108864:"
    "glibc.malloc.trim_threshold=4294967296:glibc.malloc.mmap_threshold=33554432";

/// Starts the program anew with that, unless the environment says something of its own. Returns when it cannot be.
void restart_with_tuned_memory() {
  constexpr const char* variable = "GLIBC_TUNABLES";
  if (std::getenv(variable) != nullptr)
    return;
  std::ifstream file{"/proc/self/cmdline"};
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');)
    words.push_back(std::move(word));
  std::vector<char*> arguments;
  for (auto& word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  if (words.empty() || ::setenv(variable, memory_tuning, 0) != 0)
    return;
  ::execv("/proc/self/exe", arguments.data());
}

/// How often a line is redrawn on a terminal, and written elsewhere.
constexpr std::chrono::milliseconds redraw_interval{200};
constexpr std::chrono::seconds line_interval{10};

/// Tells how far it is: in place on a terminal, now and then a line elsewhere.
class progress_line {
 public:
  progress_line() : out_{progress_on_stderr()} {}

  void show(const sim::simulation_progress& x) {
    const auto now = steady::now();
    if (now - shown_ < (out_.columns ? steady::duration{redraw_interval} : line_interval))
      return;
    shown_ = now;
    const auto seconds = std::chrono::duration<double>(now - begin_).count();
    const auto part =
        static_cast<double>(x.at) / static_cast<double>(std::max<std::int64_t>(x.end, 1));
    auto line = fmt::format(
        "simulating {:>3.0f} %  {}  {:.2f} million events, {:.0f}/s  {} connections  height {}  "
        "violations {}  {:.0f} s left",
        100 * part, sim::text_of_time(x.at), static_cast<double>(x.events) * 1e-6,
        static_cast<double>(x.events) / seconds, x.connections, x.height, x.violations,
        part > 0 ? seconds / part * (1 - part) : 0.0);
    if (!out_.columns)
      return out_.write(line + "\n");
    line.resize(std::min(line.size(), out_.columns() - 1));
    out_.write("\r\x1b[K" + line);
  }

  void clear() {
    if (out_.columns)
      out_.write("\r\x1b[K");
  }

 private:
  progress_bar::output out_;
  steady::time_point begin_ = steady::now();
  steady::time_point shown_ = begin_;
};

nlohmann::json in_json(const sim::pair_watch::finding& x, const std::string& who) {
  return {{"seconds", static_cast<double>(x.lasted) * 1e-9}, {"pair", who}};
}

nlohmann::json in_json(const sim::simulation_report& x) {
  nlohmann::json bans = nlohmann::json::array();
  for (const auto& y : x.bans)
    bans.push_back({{"by", y.by},
                    {"ip", y.ip},
                    {"honest", y.honest},
                    {"reason", y.reason},
                    {"evidence", y.evidence}});
  nlohmann::json questions = nlohmann::json::object();
  for (const auto& [what, y] : x.exchanges)
    questions[what] = {{"asked_on_accepted", y.asked[0]},
                       {"answered_on_accepted", y.answered[0]},
                       {"asked_on_dialed", y.asked[1]},
                       {"answered_on_dialed", y.answered[1]}};
  nlohmann::json found = nlohmann::json::array();
  for (const auto& y : x.first_violations)
    found.push_back({{"invariant", std::string{to_text(y.which)}},
                     {"at", sim::text_of_time(y.at)},
                     {"what", y.what}});
  const auto events = x.messages + x.packets;
  return {{"ok", x.ok()},
          {"command", x.command},
          {"nodes", x.options.nodes},
          {"reference_share", x.options.reference_share},
          {"seed", x.options.seed},
          {"faults", x.options.faults.to_string()},
          {"virtual_hours", x.virtual_hours},
          {"virtual_hours_wished", x.hours_wished},
          {"real_seconds", x.real_seconds},
          {"events", events},
          {"messages", x.messages},
          {"network_events", x.packets},
          {"messages_by_kind", x.work},
          {"events_per_second", static_cast<double>(events) / std::max(x.real_seconds, 1e-9)},
          {"connections", x.connections},
          {"ends", x.ends},
          {"faults_struck", x.strikes},
          {"ended_by_timers_of_ours", x.timer_ends},
          {"calm_minutes_an_hour", x.options.calm.value_or(0)},
          {"calm_stretches", x.calms},
          {"calm_hours", x.calm_hours},
          {"ended_while_calm", x.calm_ends},
          {"longest_apart", in_json(x.longest_apart, x.longest_apart_pair)},
          {"longest_double", in_json(x.longest_double, x.longest_double_pair)},
          {"questions", questions},
          {"bans", bans},
          {"honest_bans", x.honest_bans},
          {"offences", x.offences},
          {"height", x.height},
          {"blocks_made", x.blocks_made},
          {"payments",
           {{"made", x.payments.made},
            {"in_blocks", x.payments.settled},
            {"double_spends", x.payments.cheats},
            {"double_spends_in_blocks", x.payments.cheats_settled},
            {"final_by_votes", x.payments.by_votes}}},
          {"converged_after_seconds",
           x.converged_after ? nlohmann::json(*x.converged_after) : nlohmann::json(nullptr)},
          {"pairs", x.pairs},
          {"pairs_with_one_connection", x.pairs_linked},
          {"invariant_violations", x.violations},
          {"violations", found},
          {"trace_lines", x.trace_lines},
          {"trace_digest", fmt::format("{:016x}", x.trace_digest)},
          {"message_digest", fmt::format("{:016x}", x.fingerprint)},
          {"stopped_early", x.stopped_early}};
}

}  // namespace

int run_simulate(const simulate_command& x) {
  const auto faults = sim::fault_set::parse(x.faults);
  if (!faults) {
    fmt::print(stderr, "timenode: --faults: {}\n", faults.error().reason);
    return usage_status;
  }
  restart_with_tuned_memory();
  sim::simulation_options options;
  options.nodes = x.nodes;
  options.hours = x.hours;
  options.seed = x.seed;
  options.faults = *faults;
  options.calm = x.calm;
  options.reference_share = x.reference_share;
  options.masternodes = x.masternodes;
  options.block_time = x.block_time;
  options.payment_every = x.payment_every;
  options.trace_file = x.trace;
  options.verbose = x.debug;
  register_actor_types();
  caf::core::init_global_meta_objects();
  block_signals();
  progress_line progress;
  int signals = 0;
  const auto report = sim::simulate(options, [&](const sim::simulation_progress& at) {
    progress.show(at);
    if (stop_signal_pending() && wait_for_signal(std::chrono::milliseconds{0}))
      ++signals;
    return signals == 0   ? sim::simulation_wish::go_on
           : signals == 1 ? sim::simulation_wish::heal
                          : sim::simulation_wish::stop;
  });
  progress.clear();
  if (!report) {
    fmt::print(stderr, "timenode: {}\n", report.error().reason);
    return EXIT_FAILURE;
  }
  if (x.as_json)
    fmt::print("{}\n", in_json(*report).dump(2));
  else
    fmt::print("{}", sim::text_of(*report));
  return report->ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace timenode::app
