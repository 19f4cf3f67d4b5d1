#include "app/commands.hpp"
#include "app/config_file.hpp"
#include "app/progress_bar.hpp"
#include "app/signals.hpp"
#include "chain/rocksdb_store.hpp"
#include "chain/salvage.hpp"
#include "chain/store_check.hpp"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <system_error>

namespace timenode::app {

namespace {

namespace fs = std::filesystem;
using chain::rocksdb_store;
using steady = std::chrono::steady_clock;
using stop_asked = std::function<bool()>;

constexpr auto all_blocks = std::numeric_limits<std::uint64_t>::max();

double seconds_since(steady::time_point x) {
  return std::chrono::duration<double>(steady::now() - x).count();
}

/// Draws how far a walk over the chain is; tells it whether to go on.
class walk_progress {
 public:
  walk_progress(const char* what, std::uint64_t last, const stop_asked& stop)
      : bar_{progress_on_stderr(), what}, last_{last}, stop_{stop} {}
  ~walk_progress() { bar_.clear(); }
  walk_progress(const walk_progress&) = delete;
  walk_progress& operator=(const walk_progress&) = delete;

  bool at(std::uint64_t height) {
    bar_.update({height, height, static_cast<double>(height + 1) / static_cast<double>(last_ + 1)});
    return !stop_();
  }

 private:
  progress_bar bar_;
  std::uint64_t last_;
  const stop_asked& stop_;
};

/// What is wrong with the store, or nothing.
outcome<std::string> check(const node_config& config, const fs::path& directory,
                           const stop_asked& stop) {
  auto store = rocksdb_store::open(directory, config.network);
  if (!store)
    return tl::unexpected{store.error()};
  const auto tip = (*store)->tip();
  const auto begin = steady::now();
  chain::check_report report;
  {
    walk_progress progress{"checking", tip.height, stop};
    report = chain::check_store(**store, config.network, 0, all_blocks,
                                [&](std::uint64_t height) { return progress.at(height); });
  }
  if (report.fault)
    return fmt::format("block {}: {}", report.fault->height, report.fault->reason);
  if (!report.coins_checked)
    return fail("interrupted: blocks up to " + std::to_string(report.checked) + " are right");
  const auto shelved = (*store)->shelved().size();
  fmt::print(
      "{} blocks checked in {:.1f} s: hashes, links, merkle roots, rewards and undo data are "
      "right, and so is the hash of the {} unspent outputs{}; the chain's height is {}\n",
      report.checked, seconds_since(begin), tip.utxo_count,
      shelved == 0 ? "" : fmt::format("; {} blocks of former branches are kept", shelved),
      tip.height);
  return std::string{};
}

/// A name beside the store that is not taken.
fs::path free_name(const fs::path& directory, const char* suffix) {
  auto result = directory;
  result += suffix;
  for (int i = 2; fs::exists(result); ++i) {
    result = directory;
    result += fmt::format("{}-{}", suffix, i);
  }
  return result;
}

outcome<void> move(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error)
    return fail("cannot move " + from.string() + " to " + to.string() + ": " + error.message());
  return {};
}

/// Puts what is whole of a store into a new one, and that in its place. The old one is kept.
outcome<void> repair(const node_config& config, const fs::path& directory, const stop_asked& stop) {
  const auto kept = free_name(directory, ".damaged");
  auto old = rocksdb_store::open(directory, config.network);
  if (!old) {
    // Nothing of it can be read in order; but only damage may cost the operator the chain.
    if (old.error().reason.find(" is damaged: ") == std::string::npos)
      return tl::unexpected{old.error()};
    if (auto moved = move(directory, kept); !moved)
      return moved;
    fmt::print("nothing of it can be read: it is now {}, to be removed when you like; the node "
               "downloads the chain anew when it starts (or import a chain file)\n",
               kept.string());
    return {};
  }
  const auto fresh = free_name(directory, ".repaired");
  auto store = rocksdb_store::open(fresh, config.network);
  if (!store)
    return tl::unexpected{store.error()};
  const auto old_height = (*old)->tip().height;
  chain::salvage_report report;
  {
    walk_progress progress{"salvaging", old_height, stop};
    report =
        chain::salvage(**old, **store, [&](std::uint64_t height) { return progress.at(height); });
  }
  store->reset();
  old->reset();
  if (report.cancelled || report.storage_failed) {
    std::error_code ignored;
    fs::remove_all(fresh, ignored);
    return fail(report.cancelled ? "interrupted; nothing was changed"
                                 : report.ended_because + "; nothing was changed");
  }
  if (auto moved = move(directory, kept); !moved)
    return moved;
  if (auto moved = move(fresh, directory); !moved)
    return moved;
  fmt::print(
      "{} of {} blocks were whole{}\nthe chain's height is {} now; the node downloads what is "
      "missing when it starts. The damaged store is {}, to be removed when you like\n",
      report.height, old_height,
      report.ended_because.empty() ? "" : ", up to here: " + report.ended_because, report.height,
      kept.string());
  return {};
}

outcome<void> check_or_repair(const check_command& x, const stop_asked& stop) {
  const auto loaded = load_config(x.node.config_file, x.node.said, home_directory());
  if (!loaded)
    return tl::unexpected{loaded.error()};
  const auto& config = loaded->config;
  const auto directory = chain_directory(config);
  if (!fs::exists(directory))
    return fail("there is no chain in " + directory.string() +
                ": --data-dir, --network or --config "
                "may name another place");
  const auto fault = check(config, directory, stop);
  if (fault && fault->empty())
    return {};
  const auto why = fault ? "the chain store in " + directory.string() + " is damaged: " + *fault
                         : fault.error().reason;
  if (!x.repair || stop())
    return fail(fault ? why + ". 'timenode check --repair' keeps what is below and lets the node "
                              "download the rest"
                      : why);
  fmt::print(stderr, "timenode: {}\n", why);
  return repair(config, directory, stop);
}

}  // namespace

int run_check(const check_command& x) {
  block_signals();
  stop_watcher watcher;
  std::atomic<bool> stop{false};
  watcher.on_stop([&stop](int) { stop = true; });
  const auto done = check_or_repair(x, [&stop] { return stop.load(); });
  watcher.on_stop({});
  if (done)
    return EXIT_SUCCESS;
  fmt::print(stderr, "timenode: {}\n", done.error().reason);
  return EXIT_FAILURE;
}

}  // namespace timenode::app
