#include "app/commands.hpp"
#include "app/config_file.hpp"
#include "app/logging.hpp"
#include "app/progress_bar.hpp"
#include "app/signals.hpp"
#include "app/unix_time.hpp"
#include "chain/import.hpp"
#include "chain/rocksdb_store.hpp"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace timenode::app {

namespace {

using chain::rocksdb_store;
using steady = std::chrono::steady_clock;

double seconds_since(steady::time_point x) {
  return std::chrono::duration<double>(steady::now() - x).count();
}

outcome<std::unique_ptr<rocksdb_store>> open_store(const node_config& config) {
  std::error_code error;
  std::filesystem::create_directories(config.data_dir, error);
  if (error)
    return fail("cannot make the data directory " + config.data_dir.string() + ": " +
                error.message());
  return rocksdb_store::open(chain_directory(config), config.network);
}

/// "line 17, block 16: the reason".
std::string explain(const chain::import_stop& x) {
  if (x.cancelled)
    return "interrupted";
  auto result = fmt::format("line {}", x.line);
  // Most reasons name the block themselves.
  if (x.height && !x.reason.starts_with("block "))
    result += fmt::format(", block {}", *x.height);
  return result + ": " + x.reason +
         (x.storage_failed ? " (the store is at fault, not the file)" : "");
}

std::string in_words(const chain::import_report& x, std::uint64_t height, double seconds) {
  auto result = fmt::format("{} blocks imported in {:.1f} s", x.applied, seconds);
  if (x.skipped > 0)
    result += fmt::format(", {} {} there already", x.skipped, x.skipped == 1 ? "was" : "were");
  return result + fmt::format("; the chain's height is {}\n", height);
}

outcome<void> transfer(const transfer_command& x, const std::function<bool()>& stop) {
  auto loaded = load_config(x.node.config_file, x.node.said, home_directory());
  if (!loaded)
    return tl::unexpected{loaded.error()};
  // The node's own log is not for this.
  auto logging = loaded->config.logging;
  logging.file.reset();
  if (const auto set_up = set_up_logging(logging); !set_up)
    return set_up;
  log_notices(loaded->notices);
  const auto done = x.to_file ? export_file(loaded->config, x.file, stop)
                              : import_file(loaded->config, x.file, stop);
  if (!done)
    return tl::unexpected{done.error()};
  return {};
}

}  // namespace

outcome<std::uint64_t> import_file(const node_config& config, const std::string& file,
                                   const std::function<bool()>& stop) {
  auto reader = chain::chain_file_reader::open(file);
  if (!reader)
    return tl::unexpected{reader.error()};
  const auto store = open_store(config);
  if (!store)
    return tl::unexpected{store.error()};
  chain::chain_state state{**store, config.consensus.spending(config.network)};
  const auto begin = steady::now();
  progress_bar bar{progress_on_stderr(), "importing"};
  const auto report =
      chain::import_chain(*reader, state, system_time(), [&](const chain::transfer_progress& x) {
        std::optional<double> part;
        if (x.bytes_total && *x.bytes_total > 0)
          part = static_cast<double>(x.bytes) / static_cast<double>(*x.bytes_total);
        bar.update({x.blocks, x.height, part});
        return !stop();
      });
  bar.clear();
  const auto height = (*store)->tip().height;
  fmt::print(stderr, "{}", in_words(report, height, seconds_since(begin)));
  if (report.stopped)
    return fail("import of " + file + " stopped: " + explain(*report.stopped));
  return height;
}

outcome<std::uint64_t> export_file(const node_config& config, const std::string& file,
                                   const std::function<bool()>& stop) {
  std::error_code ignored;
  if (const auto place = chain_directory(config); !std::filesystem::exists(place, ignored))
    return fail("there is no chain in " + place.string() +
                ": --data-dir, --network or --config may name "
                "another place");
  const auto store = open_store(config);
  if (!store)
    return tl::unexpected{store.error()};
  auto writer = chain::chain_file_writer::create(file);
  if (!writer)
    return tl::unexpected{writer.error()};
  const auto begin = steady::now();
  const auto last = (*store)->tip().height;
  progress_bar bar{progress_on_stderr(), "exporting"};
  const auto written =
      chain::export_chain(**store, 0, last, *writer, [&](const chain::transfer_progress& x) {
        const auto part = static_cast<double>(x.blocks) / static_cast<double>(last + 1);
        bar.update({x.blocks, x.height, part});
        return !stop();
      });
  bar.clear();
  if (!written)
    return tl::unexpected{written.error()};
  fmt::print(stderr, "{} blocks exported to {} in {:.1f} s\n", *written, file,
             seconds_since(begin));
  return *written;
}

int run_transfer(const transfer_command& x) {
  block_signals();
  stop_watcher watcher;
  std::atomic<bool> stop{false};
  watcher.on_stop([&stop](int) {
    stop = true;
    fmt::print(stderr, "\ntimenode: ending; Ctrl+C once more ends it at once\n");
  });
  const auto done = transfer(x, [&stop] { return stop.load(); });
  watcher.on_stop({});
  if (done)
    return EXIT_SUCCESS;
  fmt::print(stderr, "timenode: {}\n", done.error().reason);
  return EXIT_FAILURE;
}

}  // namespace timenode::app
