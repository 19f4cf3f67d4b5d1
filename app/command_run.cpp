#include "app/commands.hpp"
#include "app/config_file.hpp"
#include "app/host_names.hpp"
#include "app/logging.hpp"
#include "app/node.hpp"
#include "app/signals.hpp"
#include "app/status_line.hpp"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

namespace timenode::app {

namespace {

/// Files that a node needs besides one for each peer: database, sockets of RPC, log.
constexpr rlim_t other_files = 1000;

/// Logs why the program ends; also to whoever started it, when the log is in a file.
int give_up(const logging_config& logging, const failure& why) {
  spdlog::critical("{}", why.reason);
  flush_log();
  if (logging.file)
    std::fprintf(stderr, "timenode: %s\n", why.reason.c_str());
  return EXIT_FAILURE;
}

void check_file_limit(const node_config& config) {
  rlimit limit{};
  const auto wanted = static_cast<rlim_t>(config.max_peers) + other_files;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < wanted)
    spdlog::warn(
        "this process may open {} files; with network.max_peers = {} it may need {}: raise "
        "the hard limit (ulimit -Hn, LimitNOFILE= of systemd)",
        limit.rlim_cur, config.max_peers, wanted);
}

outcome<void> make_directory(const std::filesystem::path& dir) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error)
    return fail("cannot make the data directory " + dir.string() + ": " + error.message() +
                "; choose another by --data-dir or storage.data_dir");
  return {};
}

}  // namespace

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
    return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int run_node(const run_command& x) {
  block_signals();
  // Whoever started the node at a terminal wants it to end with that.
  if (isatty(STDIN_FILENO) == 0)
    block_reload_signal();
  // A log that is piped into a program that ended must not end the node.
  std::signal(SIGPIPE, SIG_IGN);
  auto loaded = load_server_config(x.node.config_file, x.node.said, home_directory());
  if (!loaded) {
    std::fprintf(stderr, "timenode: %s\n", loaded.error().reason.c_str());
    return EXIT_FAILURE;
  }
  auto& config = loaded->config;
  if (const auto logging = set_up_logging(config.logging); !logging) {
    std::fprintf(stderr, "timenode: %s\n", logging.error().reason.c_str());
    return EXIT_FAILURE;
  }
  log_notices(loaded->notices);
  const auto terminal = status_line_on_stderr();
  node_surroundings around{x.node, *loaded, std::make_shared<const service_manager>(), terminal};
  stop_watcher watcher;
  log_notices(resolve_hosts(config));
  check_file_limit(config);
  if (const auto made = make_directory(config.data_dir); !made)
    return give_up(config.logging, made.error());

  auto started = node::start(config, std::move(around));
  if (!started)
    return give_up(config.logging, started.error());
  auto& running = **started;
  watcher.on_stop([&running, terminal](int signal) {
    if (terminal)
      terminal->close();
    spdlog::info("stopping: {}", name_of_signal(signal));
    running.request_stop();
  });
  watcher.on_reload([&running] { running.request_reload(); });
  const auto ended = running.wait();
  if (terminal)
    terminal->close();
  watcher.on_stop({});
  watcher.on_reload({});
  started->reset();
  if (!ended)
    return give_up(config.logging, ended.error());
  spdlog::info("stopped");
  flush_log();
  return EXIT_SUCCESS;
}

}  // namespace timenode::app
