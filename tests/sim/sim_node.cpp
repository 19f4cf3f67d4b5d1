#include "tests/sim/sim_node.hpp"

#include "actors/supervisor.hpp"
#include "actors/transport_bridge.hpp"
#include "chain/genesis.hpp"
#include "chain/hex.hpp"

#include <caf/send.hpp>

#include <stdexcept>
#include <utility>

namespace sim {

using namespace timenode;

namespace {

chain::key_pair key_of(std::uint64_t seed) {
  chain::secret_seed bytes{};
  auto random = random_source{seed};
  for (auto& x : bytes)
    x = static_cast<std::uint8_t>(random());
  return chain::key_pair::from_seed(bytes);
}

std::shared_ptr<const wire::version_info> introduction_of(const node_setup& setup) {
  auto result = std::make_shared<wire::version_info>();
  result->version = "simulated";
  result->protocol_version = wire::protocol_version;
  result->network = wire_name(network_id::testnet);
  result->listen_addr = endpoint{setup.ip, p2p_port}.to_string();
  result->genesis_hash = chain::to_hex(chain::genesis_block(network_id::testnet).hash);
  result->capabilities = {std::string{wire::capability_commit_cert},
                          std::string{wire::capability_ballots}};
  return result;
}

}  // namespace

std::optional<masternode_identity> identity_of(const node_setup& setup) {
  if (!setup.masternode)
    return std::nullopt;
  auto keys = key_of(setup.seed);
  auto reward = chain::address_of(keys.public_key(), network_id::testnet);
  return masternode_identity{std::move(keys), std::move(reward)};
}

ip_address address_of_node(std::uint32_t x) {
  // 40 hosts to a /16, two and a half sites to a hundred nodes.
  constexpr std::uint32_t hosts_a_group = 40;
  const auto group = x / hosts_a_group;
  return ip_address::from_v4(
      {10, static_cast<std::uint8_t>(group), 0, static_cast<std::uint8_t>(1 + x % hosts_a_group)});
}

sim_node::sim_node(virtual_system& system, sim_network& network, node_setup setup,
                   sim_store::committed tell)
    : system_{system}, network_{network}, setup_{std::move(setup)}, tell_{std::move(tell)} {}

sim_node::~sim_node() = default;

void sim_node::start() {
  bury();
  ++runs_;
  up_ = true;
  transport_ = network_.make_transport(setup_.ip);
  store_ = std::make_shared<sim_store>(disk_, tell_);
  node_parts parts;
  auto& context = parts.context;
  if (setup_.believes_its_ip)
    context.local_ip = setup_.believes_its_ip;
  else if (setup_.knows_its_ip)
    context.local_ip = setup_.ip;
  context.p2p_port = p2p_port;
  context.unix_now = [clock = clock_, &system = system_] {
    return clock->unix_seconds(system.now());
  };
  context.ticker = system_.ticker();
  context.introduction = introduction_of(setup_);
  context.seed = setup_.seed + 0x9e3779b97f4a7c15 * runs_;
  context.liveness = setup_.liveness;
  context.rules = setup_.rules;
  parts.registry.max_peers = setup_.max_peers;
  parts.registry.rules = setup_.link_rules;
  parts.directory.configured = setup_.configured;
  parts.directory.max_peers = setup_.max_peers;
  parts.masternode = identity_of(setup_);
  parts.store = store_;
  if (setup_.signs) {
    parts.journal = disk_->journal();
    parts.approvals = disk_->approvals();
  }
  parts.kept = disk_->lists();
  parts.registry.kept = *parts.kept->load(net::access_lines);
  parts.directory.kept = *parts.kept->load(net::address_lines);
  parts.masternodes_kept = *parts.kept->load(net::masternode_lines);
  parts.transport = transport_.get();
  parts.own_threads = false;
  parts.checkers = 1;
  parts.check_interval = setup_.check_interval;
  system_.spawn_for(setup_.number);
  supervisor_ = system_.actors().spawn<supervisor>(std::move(parts));
  system_.spawn_for(nobody);
  try {
    actors_ = system_.ask<node_actors>(supervisor_, atom::list_v);
  } catch (const std::runtime_error&) {
    if (up_)
      throw;
    return;  // it was killed while it started
  }
  if (!up_)
    return forget_actors();
  // The simulated transport has no reason to refuse.
  static_cast<void>(
      transport_->listen({setup_.ip, p2p_port}, make_listener_bridge(actors_.registry)));
}

void sim_node::crash(crash_kind kind) {
  if (!std::exchange(up_, false))
    return;
  store_->freeze();
  if (kind == crash_kind::power) {
    network_.cut_power(setup_.ip);
    disk_->lose_unsynced();
  } else {
    network_.end_process(setup_.ip);
  }
  transport_->stop_listening();
  system_.kill(setup_.number);
  forget_actors();
}

void sim_node::stop() {
  if (!std::exchange(up_, false))
    return;
  caf::anon_send(supervisor_, atom::stop_v);
  forget_actors();
}

/// An actor is gone when nobody holds it any more.
void sim_node::forget_actors() {
  actors_ = {};
  supervisor_ = nullptr;
}

bool sim_node::stopped() const {
  return !up_ && system_.alive(setup_.number) == 0;
}

void sim_node::bury() {
  if (up_)
    return;
  forget_actors();
  transport_.reset();
  store_.reset();
}

}  // namespace sim
