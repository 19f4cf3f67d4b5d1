#include "app/node.hpp"

#include "actors/metrics.hpp"
#include "actors/supervisor.hpp"
#include "actors/transport_bridge.hpp"
#include "actors/type_registration.hpp"
#include "app/actor_census.hpp"
#include "app/backup.hpp"
#include "app/flight_recorder.hpp"
#include "app/health_metrics.hpp"
#include "app/key_file.hpp"
#include "app/line_files.hpp"
#include "app/logging.hpp"
#include "app/node_watch.hpp"
#include "app/peer_discovery.hpp"
#include "app/progress_bar.hpp"
#include "app/rpc_actor_backend.hpp"
#include "app/rpc_server.hpp"
#include "app/status_line.hpp"
#include "app/terminal.hpp"
#include "app/unix_time.hpp"
#include "app/worker.hpp"
#include "chain/file_approval_journal.hpp"
#include "chain/file_vote_journal.hpp"
#include "chain/genesis.hpp"
#include "chain/hex.hpp"
#include "chain/rocksdb_store.hpp"
#include "net/asio_transport.hpp"
#include "timenode/build_info.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/init_global_meta_objects.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <random>
#include <system_error>
#include <thread>
#include <utility>

namespace timenode::app {

namespace {

/// How often the bar of a sync moves: a person sees that it does, and the actors hardly notice.
constexpr std::chrono::milliseconds sync_bar_interval{500};

/// Reloads that wait for their turn: they come from a person.
constexpr std::size_t max_chores = 4;

void register_types_once() {
  static const bool done = [] {
    register_actor_types();
    caf::io::middleman::init_global_meta_objects();
    caf::core::init_global_meta_objects();
    return true;
  }();
  static_cast<void>(done);
}

/// How CAF runs here. Measured choices: design page of the actors, section "CAF as we run it".
struct system_config : caf::actor_system_config {
  explicit system_config(const node_config& config) {
    profiler = &census;
    // With its own sharing queue a woken actor does not wait for its waker's thread, and 10,000 actors that
    // become ready at once do not make the workers fight over each other's queues.
    set("caf.scheduler.policy", "sharing");
    // CAF takes at least 4 threads and does not know of container limits.
    set("caf.scheduler.max-threads", std::max<std::size_t>(2, std::thread::hardware_concurrency()));
    // An actor hands its worker on after this many messages: a flooded one does not starve the others.
    set("caf.scheduler.max-throughput", std::size_t{50});
    set("caf.metrics-filters.actors.includes", std::vector<std::string>{"timenode.*"});
    if (config.metrics.enabled) {
      load<caf::io::middleman>();
      set("caf.middleman.prometheus-http.port", config.metrics.listen.port);
      set("caf.middleman.prometheus-http.address", config.metrics.listen.ip.to_string());
      // Else a restart would have to wait until the kernel forgets the last scrape's connection.
      caf::put(content, "caf.middleman.prometheus-http.reuse", true);
    }
  }

  actor_census census{process_flight_memory()};
};

/// Our own IP, if the configuration tells it: as others see us, else a specific listening address.
std::optional<ip_address> own_ip(const node_config& config) {
  if (config.external_address)
    return config.external_address->ip;
  if (!config.listen.ip.is_unspecified())
    return config.listen.ip;
  return std::nullopt;
}

std::shared_ptr<const wire::version_info> introduction(const node_config& config) {
  auto result = std::make_shared<wire::version_info>();
  result->version = std::string{version()};
  result->commit_date = std::string{commit_date()};
  result->commit_count = std::string{commit_count()};
  result->protocol_version = wire::protocol_version;
  result->network = wire_name(config.network);
  result->listen_addr = config.external_address.value_or(config.listen).to_string();
  result->capabilities = {std::string{wire::capability_commit_cert},
                          std::string{wire::capability_ballots}};
  result->genesis_hash = chain::to_hex(chain::genesis_block(config.network).hash);
  return result;
}

/// What the masternode signed before: without it, it signs nothing. Null when we are none.
template <class Journal>
outcome<std::shared_ptr<Journal>> open_journal(const node_config& config, const char* name) {
  if (!config.masternode.enabled)
    return std::shared_ptr<Journal>{};
  auto journal = Journal::open(config.data_dir / name);
  if (!journal)
    return tl::unexpected{journal.error()};
  return std::shared_ptr<Journal>{std::move(*journal)};
}

outcome<std::optional<masternode_identity>> identity(const node_config& config) {
  if (!config.masternode.enabled)
    return std::optional<masternode_identity>{};
  auto keys = load_or_create_key(
      config.masternode.key_file,
      passphrase_for(config.masternode.passphrase_file, config.masternode.key_file));
  if (!keys)
    return tl::unexpected{keys.error()};
  auto reward = config.masternode.reward_address.value_or(
      chain::address_of(keys->public_key(), config.network));
  if (const auto valid = chain::check_address(reward, config.network); !valid)
    return fail("masternode.reward_address: " + valid.error().reason);
  return masternode_identity{std::move(*keys), std::move(reward), config.masternode.tier};
}

/// The key that this node spends with: the masternode's, which is in memory, or else the one in the key file,
/// read whenever it is needed.
std::function<outcome<chain::key_pair>()>
wallet_of(const node_config& config, const std::optional<masternode_identity>& masternode) {
  if (masternode)
    return [keys = masternode->keys]() -> outcome<chain::key_pair> { return keys; };
  return [file = config.masternode.key_file,
          passphrase = config.masternode.passphrase_file]() -> outcome<chain::key_pair> {
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored))
      return fail("there is no key file " + file.string() + " ('timenode key new' makes one)");
    const auto stored = read_key_file(file);
    if (!stored)
      return tl::unexpected{stored.error()};
    // A running node asks nobody at a terminal.
    return open_key(*stored, [file, passphrase]() -> outcome<secret_text> {
      if (!passphrase)
        return fail(file.string() + " is encrypted, and masternode.passphrase_file is not set");
      return passphrase_from_file(*passphrase);
    });
  };
}

}  // namespace

struct node::impl {
  explicit impl(const node_config& config) : caf_config{config}, system{caf_config} {}

  ~impl() {
    // From the outside in: nobody asks any more, then the actors, then the sockets.
    chores.reset();
    watch.reset();
    discovery.reset();
    rpc.reset();
    std::error_code ignored;
    if (!cookie_file.empty())
      std::filesystem::remove(cookie_file, ignored);
    if (supervisor) {
      caf::scoped_actor self{system, true};
      caf::anon_send(supervisor, atom::stop_v);
      self->monitor(supervisor);
      supervisor = nullptr;
      self->receive([](const caf::down_msg&) {});
    }
    actors = {};
    transport.reset();
    // An actor that did not obey the supervisor must not keep the program from ending.
    system.await_actors_before_shutdown(false);
  }

  actor_report actor_report_now() {
    auto report = caf_config.census.report();
    auto* const sizes = system.actor_metric_families().mailbox_size;
    for (const auto& x : report.actors)
      if (const auto [found, is_new] = report.mailbox.try_emplace(x.name); is_new && sizes)
        found->second = sizes->get_or_add({{"name", x.name}})->value();
    return report;
  }

  /// Logs what came of it, too.
  outcome<reload_report> reload() {
    if (!reloader)
      return fail("this node was started without a configuration to read again");
    auto report = reloader->reload();
    if (!report) {
      spdlog::error("reload: {}", report.error().reason);
      return report;
    }
    for (const auto& line : report->notices)
      spdlog::warn("reload: {}", line);
    for (const auto& line : report->applied)
      spdlog::info("reload: {}", line);
    for (const auto& line : report->needs_restart)
      spdlog::warn("reload: {}: restart the node to apply it", line);
    if (report->applied.empty() && report->needs_restart.empty())
      spdlog::info("reload: nothing has changed");
    return report;
  }

  live_settings live_settings_of() {
    const auto order = [directory = actors.directory](order_kind kind) {
      return [directory, kind](const endpoint& peer) {
        peer_order x;
        x.kind = kind;
        x.to = peer;
        caf::anon_send(directory, std::move(x));
      };
    };
    return {set_log_level, order(order_kind::add_peer), order(order_kind::remove_peer),
            [to = actors](const peer_settings& x) {
              caf::anon_send(to.registry, x);
              caf::anon_send(to.directory, x);
            }};
  }

  rpc_controls controls(const node_config& config) {
    rpc_controls result;
    result.stop = [to = supervisor] { caf::anon_send(to, atom::stop_v); };
    result.reload = [this] { return reload(); };
    result.backup = [chain = store,
                     config](const std::filesystem::path& to) -> outcome<backup_report> {
      auto done = make_backup(*chain, config, to, system_time());
      if (done)
        spdlog::info("backup: height {} in {}", done->tip.height, to.string());
      return done;
    };
    result.disk_bytes = [chain = store] { return chain->disk_bytes(); };
    result.actors = [this] { return actor_report_now(); };
    result.dump = [dir = config.data_dir](const std::string& why) {
      return write_flight_record(process_flight_memory(), dir, why);
    };
    return result;
  }

  system_config caf_config;
  caf::actor_system system;
  std::unique_ptr<node_metrics> metrics;
  std::shared_ptr<health_metrics> whole;  ///< Metrics of the node as a whole.
  std::shared_ptr<chain::rocksdb_store> store;
  std::unique_ptr<net::asio_transport> transport;
  supervisor_actor supervisor;
  node_actors actors;
  std::shared_ptr<const service_manager> manager;  ///< Never null.
  std::unique_ptr<config_reloader> reloader;       ///< Null: there is nothing to reload.
  std::unique_ptr<rpc_server> rpc;
  std::unique_ptr<node_watch> watch;
  std::unique_ptr<node_watch> sync_bar;  ///< Null: nobody sits at a terminal.
  std::unique_ptr<worker> chores;        ///< What signals ask for.
  std::unique_ptr<peer_discovery> discovery;
  endpoint listening;
  std::filesystem::path cookie_file;  ///< Empty: none was written.
};

node::node(std::unique_ptr<impl> x) : impl_{std::move(x)} {}

node::~node() = default;

outcome<std::unique_ptr<node>> node::start(const node_config& config, node_surroundings around) {
  register_types_once();
  process_flight_memory().begin("timenode " + std::string{version()} + " " + std::string{commit()},
                                std::chrono::system_clock::now().time_since_epoch() /
                                    std::chrono::nanoseconds{1});
  auto masternode = identity(config);
  if (!masternode)
    return tl::unexpected{masternode.error()};
  auto journal = open_journal<chain::file_vote_journal>(config, "votes.journal");
  if (!journal)
    return tl::unexpected{journal.error()};
  auto approvals = open_journal<chain::file_approval_journal>(config, "approvals.journal");
  if (!approvals)
    return tl::unexpected{approvals.error()};
  auto store = chain::rocksdb_store::open(config.data_dir / "chain", config.network);
  if (!store)
    return tl::unexpected{store.error()};
  auto kept = std::make_shared<line_files>(config.data_dir);
  auto access = kept->load(net::access_lines);
  auto addresses = kept->load(net::address_lines);
  auto masternodes = kept->load(net::masternode_lines);
  for (const auto* list : {&access, &addresses, &masternodes})
    if (!*list)
      return tl::unexpected{list->error()};

  auto x = std::make_unique<impl>(config);
  if (config.metrics.enabled && x->system.middleman().prometheus_scraping_port() == 0)
    return fail("metrics: cannot listen on " + config.metrics.listen.to_string() +
                ": another program uses that port, or the address is not this machine's; choose "
                "another by metrics.listen_address, or turn metrics off");
  x->metrics = std::make_unique<node_metrics>(x->system.metrics());
  x->whole = std::make_shared<health_metrics>(x->system.metrics(), std::string{version()},
                                              std::string{commit()}, system_time());
  x->store = std::move(*store);
  x->transport = std::make_unique<net::asio_transport>();

  x->manager =
      around.manager ? std::move(around.manager) : std::make_shared<const service_manager>();

  node_parts parts;
  parts.alive = [manager = x->manager] { manager->alive(); };
  parts.context.network = config.network;
  parts.context.local_ip = own_ip(config);
  parts.context.p2p_port = config.external_address.value_or(config.listen).port;
  parts.context.unix_now = system_time;
  parts.context.introduction = introduction(config);
  parts.context.seed = std::random_device{}() | (std::uint64_t{std::random_device{}()} << 32);
  parts.context.nonce = std::random_device{}() | (std::uint64_t{std::random_device{}()} << 32) | 1;
  parts.context.metrics = x->metrics.get();
  parts.context.rules = config.consensus;
  parts.registry.max_peers = config.max_peers;
  parts.registry.own_ip_from = config.external_address ? net::own_address::source::configured
                                                       : net::own_address::source::listening;
  parts.registry.banned = config.banned;
  parts.registry.trusted = config.trusted;
  parts.registry.trusted_only = config.trusted_only;
  parts.registry.kept = std::move(*access);
  parts.directory.kept = std::move(*addresses);
  parts.masternodes_kept = std::move(*masternodes);
  parts.kept = std::move(kept);
  parts.directory.configured = config.bootstrap_peers;
  parts.directory.max_peers = config.max_peers;
  auto wallet = wallet_of(config, *masternode);
  parts.masternode = std::move(*masternode);
  parts.journal = std::move(*journal);
  parts.approvals = std::move(*approvals);
  parts.store = x->store;
  parts.transport = x->transport.get();
  // Only an address of this machine can be bound; behind NAT our own IP is not one.
  parts.bind_local = !config.listen.ip.is_unspecified();
  x->supervisor = x->system.spawn<supervisor>(std::move(parts));
  {
    caf::scoped_actor self{x->system, true};
    self->request(x->supervisor, caf::infinite, atom::list_v)
        .receive([&x](node_actors& actors) { x->actors = std::move(actors); },
                 [](const caf::error&) {});
  }

  if (around.options)
    x->reloader = std::make_unique<config_reloader>(std::move(*around.options), around.loaded,
                                                    x->live_settings_of());
  const auto facts = rpc_facts{config.network, std::string{version()}, config.listen.port,
                               system_time(), config.consensus};
  auto controls = x->controls(config);
  controls.wallet = std::move(wallet);
  const auto backend = std::make_shared<actor_rpc_backend>(x->system, x->actors, x->store, facts,
                                                           system_time, std::move(controls));
  if (config.rpc_listen) {
    auto options = rpc_options{*config.rpc_listen, {}, config.rpc_users, {}};
    if (!config.rpc_listen->ip.is_loopback()) {
      auto cookie = write_cookie(config.rpc_cookie_file);
      if (!cookie)
        return tl::unexpected{cookie.error()};
      x->cookie_file = config.rpc_cookie_file;
      options.cookie = std::move(*cookie);
    }
    auto rpc = rpc_server::start(options, backend);
    if (!rpc)
      return tl::unexpected{rpc.error()};
    x->rpc = std::move(*rpc);
    spdlog::info("rpc: serving on {}", x->rpc->local_endpoint().to_string());
    if (!x->cookie_file.empty())
      spdlog::warn(
          "rpc: other machines can reach {}; passwords and answers cross the network as they "
          "are: let only a private network or a TLS proxy lead there",
          x->rpc->local_endpoint().to_string());
  }
  auto listening = x->transport->listen(config.listen, make_listener_bridge(x->actors.registry));
  if (!listening)
    return tl::unexpected{listening.error()};
  x->listening = *listening;
  if (config.discovery)
    x->discovery = std::make_unique<peer_discovery>(
        *config.discovery, [directory = x->actors.directory](std::vector<std::string> list) {
          caf::anon_send(directory, atom::learn_v, std::move(list));
        });
  if (config.metrics.enabled)
    spdlog::info("metrics: serving on {}", config.metrics.listen.to_string());
  const auto tip = x->store->tip();
  spdlog::info("timenode {} ({}) on {}: listening for peers on {}, height {}", version(), commit(),
               to_string(config.network), x->listening.to_string(), tip.height);
  write_flight_record_on_crash(config.data_dir);
  for (const auto& file : crash_records(config.data_dir))
    spdlog::warn(
        "an earlier run of this node crashed: 'timenode replay {}' tells what it did last; "
        "please report it, and remove the file",
        file.string());
  x->chores = std::make_unique<worker>(max_chores);
  x->watch = std::make_unique<node_watch>(
      backend,
      [manager = x->manager, metrics = x->whole](const node_health& health, const chain_tip& now,
                                                 const node_pulse* pulse) {
        manager->status(one_line_status(health, pulse ? pulse->established : 0));
        metrics->set(health, now, pulse ? pulse->silent.size() : 0,
                     pulse && !pulse->keeper.storage_error.empty());
        metrics->set_log(process_log_tail().counted());
      },
      [backend](const std::string& invariant) {
        if (const auto file = backend->dump(invariant))
          spdlog::warn("flight record of the violated invariant {}: 'timenode replay {}'",
                       invariant, file->string());
        else
          spdlog::error("{}", file.error().reason);
      });
  if (around.terminal)
    x->sync_bar = std::make_unique<node_watch>(
        backend,
        [line = around.terminal](const node_health&, const chain_tip&, const node_pulse* pulse) {
          // A line that fills the last column would wrap on some terminals.
          const auto width = size_of_terminal(STDERR_FILENO).columns - 1;
          line->show(pulse ? render_sync(pulse->sync, width) : std::string{});
        },
        nullptr, sync_bar_interval);
  x->manager->ready("height " + std::to_string(tip.height));
  return std::unique_ptr<node>{new node{std::move(x)}};
}

void node::request_reload() {
  impl_->chores->post([x = impl_.get()] {
    x->manager->reloading();
    static_cast<void>(x->reload());
    x->manager->ready("configuration read again");
  });
}

void node::request_stop() {
  impl_->manager->stopping();
  caf::anon_send(impl_->supervisor, atom::stop_v);
}

outcome<void> node::wait() {
  caf::scoped_actor self{impl_->system, true};
  self->monitor(impl_->supervisor);
  std::string failed;
  self->receive([&failed](const caf::down_msg& msg) {
    if (msg.reason && msg.reason != caf::exit_reason::user_shutdown)
      failed = to_string(msg.reason);
  });
  if (!failed.empty())
    return fail("a part of the node failed: " + failed);
  return {};
}

endpoint node::p2p_endpoint() const {
  return impl_->listening;
}

}  // namespace timenode::app
