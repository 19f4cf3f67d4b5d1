#pragma once

// Networks of masternodes without sockets: each node has a real block producer, mempool, masternode table, gossip
// and chain keeper over a store in memory; connections hand lines from one node to the other, as long as the
// test lets them. Virtual time.

#include "actors/block_producer.hpp"
#include "actors/chain_keeper.hpp"
#include "actors/gossip.hpp"
#include "actors/masternode_table.hpp"
#include "actors/mempool.hpp"
#include "chain/memory_store.hpp"
#include "net/line_store.hpp"
#include "tests/actors/recording_actors.hpp"
#include "tests/actors/test_chain.hpp"
#include "tests/actors/test_node.hpp"

#include <caf/event_based_actor.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace test {

/// A store that says when two certificates of a height exist in the network.
struct shared_certificates {
  std::map<std::uint64_t, timenode::hash256> by_height;
  std::size_t conflicts = 0;
};

class watched_store : public timenode::chain::memory_store {
 public:
  explicit watched_store(std::shared_ptr<shared_certificates> all)
      : memory_store{timenode::network_id::testnet}, all_{std::move(all)} {}

  timenode::outcome<void> commit(const timenode::chain::store_batch& batch, bool sync) override {
    auto result = memory_store::commit(batch, sync);
    if (result)
      for (const auto& [height, x] : batch.certificates)
        if (all_->by_height.emplace(height, x.block_hash).first->second != x.block_hash)
          ++all_->conflicts;
    return result;
  }

 private:
  std::shared_ptr<shared_certificates> all_;
};

class producer_world : public test_node {
 public:
  struct node {
    std::size_t number = 0;
    timenode::ip_address ip;
    timenode::chain::key_pair keys = timenode::chain::key_pair::from_seed({});
    std::shared_ptr<watched_store> store;
    std::shared_ptr<timenode::chain::vote_journal> journal =
        std::make_shared<timenode::chain::memory_vote_journal>();
    std::shared_ptr<timenode::chain::approval_journal> approvals =
        std::make_shared<timenode::chain::memory_approval_journal>();
    /// The lists that it keeps over restarts.
    std::shared_ptr<std::map<std::string, std::vector<std::string>>> kept =
        std::make_shared<std::map<std::string, std::vector<std::string>>>();
    std::int64_t clock_skew = 0;
    bool knows_itself = true;  ///< From the start.
    bool up = false;
    timenode::connection_registry_actor registry;
    std::shared_ptr<registry_record> told;
    timenode::chain_keeper_actor keeper;
    timenode::masternode_table_actor table;
    timenode::mempool_actor mempool;
    timenode::block_producer_actor producer;
    timenode::gossip_actor gossip;
    std::map<std::size_t, timenode::peer_connection_actor> links;  ///< To other nodes, by number.
  };

  explicit producer_world(std::size_t count, std::int64_t block_time = 600) {
    spdlog::set_level(spdlog::level::off);
    rules.block_time = block_time;
    rules.first_masternodes = std::max<std::size_t>(count, 3);
    for (std::size_t i = 0; i < count; ++i) {
      timenode::chain::secret_seed seed{};
      seed[0] = static_cast<std::uint8_t>(i + 1);
      auto& x = *nodes.emplace_back(std::make_unique<node>());
      x.number = i;
      x.ip = timenode::ip_address::from_v4({203, 0, 113, static_cast<std::uint8_t>(i + 1)});
      x.keys = timenode::chain::key_pair::from_seed(seed);
      x.store = std::make_shared<watched_store>(certificates);
    }
  }

  ~producer_world() {
    for (auto& x : nodes)
      stop(x->number);
  }

  // -- nodes ---------------------------------------------------------------------------

  void start(std::size_t i) {
    auto& x = *nodes[i];
    auto own = context;
    if (x.knows_itself)
      own.local_ip = x.ip;
    own.rules = rules;
    own.seed = i + 1;
    own.unix_now = [this, &x] { return unix_now() + x.clock_skew; };
    const timenode::masternode_identity identity{
        .keys = x.keys,
        .reward_address = timenode::chain::address_of(x.keys.public_key(), own.network),
        .tier = timenode::wire::masternode_tier::free};
    std::tie(x.registry, x.told) = spawn_recording_registry(system);
    auto directory = system.spawn([]() -> timenode::dial_wish_actor::behavior_type {
      using namespace timenode;
      return {[](atom::want, const endpoint&, dial_purpose) {}};
    });
    directories_.push_back(directory);
    x.keeper = system.spawn<timenode::chain_keeper>(own, x.store);
    x.table = system.spawn<timenode::masternode_table>(
        own, x.registry, directory, identity,
        timenode::masternode_memory{(*x.kept)[std::string{timenode::net::masternode_lines}],
                                    spawn_archive(x)});
    x.mempool = system.spawn<timenode::mempool>(
        own, timenode::mempool_parts{x.keeper, timenode::masternode_list_actor{x.table}, x.registry,
                                     x.store, identity, x.approvals});
    x.producer = system.spawn<timenode::block_producer>(
        own, timenode::producer_parts{x.keeper, x.table, x.registry, spawn_sync(),
                                      timenode::transaction_source_actor{x.mempool}, x.store,
                                      x.journal, identity});
    auto blocks = spawn_announced(x);
    x.gossip = system.spawn<timenode::gossip>(
        own, x.registry,
        timenode::flood_judges{blocks, timenode::judge_actor{x.table},
                               timenode::judge_actor{x.producer},
                               timenode::judge_actor{x.mempool}});
    self->send(x.table, timenode::atom::attach_v, x.gossip);
    self->send(x.producer, timenode::atom::attach_v, x.gossip);
    self->send(x.mempool, timenode::atom::attach_v, x.gossip);
    x.up = true;
    run();
    for (auto& other : nodes)
      if (other->up && other->number != i && !cut_.contains(pair(i, other->number)))
        connect(i, other->number);
  }

  void start_all() {
    for (std::size_t i = 0; i < nodes.size(); ++i)
      start(i);
  }

  /// As the registry tells when peers have said what they see the node as.
  void learn_address(std::size_t i) {
    auto& x = *nodes[i];
    self->send(x.table, timenode::atom::own_address_v, x.ip);
    self->send(x.producer, timenode::atom::own_address_v, x.ip);
    self->send(x.mempool, timenode::atom::own_address_v, x.ip);
    run();
  }

  /// As by SIGKILL: what is in the store and the journal stays.
  void stop(std::size_t i) {
    auto& x = *nodes[i];
    if (!x.up)
      return;
    x.up = false;
    for (auto& other : nodes)
      if (other->up)
        disconnect(i, other->number);
    using namespace timenode;
    for (const auto& actor :
         {caf::actor_cast<caf::actor>(x.producer), caf::actor_cast<caf::actor>(x.mempool),
          caf::actor_cast<caf::actor>(x.gossip), caf::actor_cast<caf::actor>(x.table),
          caf::actor_cast<caf::actor>(x.keeper), caf::actor_cast<caf::actor>(x.registry)})
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    run();
    x.links.clear();
    x.producer = nullptr;
    x.mempool = nullptr;
    x.gossip = nullptr;
    x.table = nullptr;
    x.keeper = nullptr;
    x.registry = nullptr;
  }

  // -- links ---------------------------------------------------------------------------

  /// Whether a line gets from one node to another; the test may change it. By default all do.
  std::function<bool(std::size_t from, std::size_t to, const timenode::wire::message&)> passes =
      [](std::size_t, std::size_t, const timenode::wire::message&) { return true; };

  /// What sync engines of nodes that start from now on say to the producer, which asks what these peers claim; none: there is
  /// nothing to download.
  std::function<timenode::sync_progress(const std::vector<timenode::ip_address>& of)> downloads;

  void cut(std::size_t a, std::size_t b) {
    cut_.insert(pair(a, b));
    if (nodes[a]->up && nodes[b]->up)
      disconnect(a, b);
  }
  void mend(std::size_t a, std::size_t b) {
    if (cut_.erase(pair(a, b)) != 0 && nodes[a]->up && nodes[b]->up)
      connect(a, b);
  }
  void split(const std::set<std::size_t>& side) {
    for (std::size_t a = 0; a < nodes.size(); ++a)
      for (std::size_t b = 0; b < a; ++b)
        if (side.contains(a) != side.contains(b))
          cut(a, b);
        else
          mend(a, b);
  }
  void heal() { split({}); }

  /// A peer that is no masternode, and whose clock is so many seconds ahead of this node's.
  void stranger_with_clock(std::size_t i, int number, std::int64_t ahead) {
    using namespace timenode;
    const auto ip = ip_address::from_v4({198, 51, 100, static_cast<std::uint8_t>(number)});
    const auto link = system.spawn(
        []() -> peer_connection_actor::behavior_type { return behavior_of(connection_script{}); });
    for (const auto& listener : nodes[i]->told->listeners)
      self->send(listener, atom::peer_up_v,
                 peer_info{ip, ++links_, link_direction::inbound, {ip, 24100}}, link);
    self->send(nodes[i]->producer, atom::clock_v, ip, ahead);
    run();
  }

  // -- looking -------------------------------------------------------------------------

  std::uint64_t height(std::size_t i) const { return nodes[i]->store->tip().height; }
  std::uint64_t final_height(std::size_t i) const { return nodes[i]->store->final_height(); }
  std::uint64_t least_final() const {
    std::uint64_t result = ~std::uint64_t{0};
    for (const auto& x : nodes)
      if (x->up)
        result = std::min(result, x->store->final_height());
    return result;
  }
  bool equal_tips() const {
    std::set<timenode::hash256> tips;
    for (const auto& x : nodes)
      if (x->up)
        tips.insert(x->store->tip().hash);
    return tips.size() == 1;
  }
  timenode::mempool_snapshot pool(std::size_t i) {
    return ask<timenode::mempool_snapshot>(nodes[i]->mempool, timenode::atom::snapshot_v);
  }
  timenode::consensus_snapshot look(std::size_t i) {
    return ask<timenode::consensus_snapshot>(nodes[i]->producer, timenode::atom::snapshot_v);
  }

  timenode::chain::consensus_rules rules;
  std::shared_ptr<shared_certificates> certificates = std::make_shared<shared_certificates>();
  std::vector<std::unique_ptr<node>> nodes;
  std::size_t lines_passed = 0;

 private:
  static std::pair<std::size_t, std::size_t> pair(std::size_t a, std::size_t b) {
    return {std::min(a, b), std::max(a, b)};
  }

  timenode::archive_actor spawn_archive(const node& x) {
    using namespace timenode;
    return system.spawn([kept = x.kept]() -> archive_actor::behavior_type {
      return {[kept](atom::save, const std::string& name, const std::vector<std::string>& lines) {
        (*kept)[name] = lines;
        return std::string{};
      }};
    });
  }

  timenode::sync_status_actor spawn_sync() {
    using namespace timenode;
    if (!downloads)
      return {};
    return system.spawn([this]() -> sync_status_actor::behavior_type {
      return {[this](atom::progress, const std::vector<ip_address>& of) { return downloads(of); }};
    });
  }

  /// Applies announced blocks at the tip, as the sync engine does.
  timenode::judge_actor spawn_announced(node& x) {
    using namespace timenode;
    return system.spawn([this, &x](judge_actor::pointer own) -> judge_actor::behavior_type {
      return {[this, &x, own](atom::judge, const ip_address&,
                              const wire::message& item) -> caf::result<flood_judgement> {
        const auto* announced = std::get_if<wire::block_announcement>(&item);
        if (!announced)
          return flood_judgement{};
        const auto tip = x.store->tip();
        // One that misses some asks for them; here they come from whoever has them.
        checked_batch batch;
        for (auto h = tip.height + 1; h < announced->block->header.height; ++h)
          for (const auto& other : nodes)
            if (other->up && other->store->tip().height >= h &&
                !cut_.contains(pair(x.number, other->number)) &&
                other->store->hash_at(tip.height) == tip.hash) {
              batch.blocks.push_back(must_check(other->store->block_at(h)));
              break;
            }
        auto checked = chain::check_block(announced->block);
        if (!checked || announced->block->header.height != tip.height + 1 + batch.blocks.size())
          return flood_judgement{};
        batch.blocks.push_back(std::move(*checked));
        auto promise = own->make_response_promise<flood_judgement>();
        own->request(x.keeper, caf::infinite, atom::apply_v, std::move(batch))
            .then(
                [promise](const apply_reply& reply) mutable {
                  promise.deliver(flood_judgement{
                      reply.applied > 0 ? flood_verdict::forward : flood_verdict::ignore, {}});
                },
                [promise](const caf::error&) mutable { promise.deliver(flood_judgement{}); });
        return promise;
      }};
    });
  }

  /// What one node's end of a link does with lines: gives them to the other node.
  timenode::peer_connection_actor spawn_link(std::size_t from, std::size_t to) {
    using namespace timenode;
    const auto deliver = [this, from, to](const encoded_line& line) {
      auto& target = *nodes[to];
      if (!target.up || cut_.contains(pair(from, to)))
        return;
      auto message = decode(*line.bytes);
      if (!passes(from, to, message))
        return;
      ++lines_passed;
      const auto& ip = nodes[from]->ip;
      if (std::holds_alternative<wire::masternode_announcement>(message))
        self->send(target.table, ip, std::move(message));
      else if (std::holds_alternative<wire::get_pending_transactions>(message))
        answer_pending(from, to);
      else if (std::holds_alternative<wire::pending_transactions_response>(message))
        self->send(target.mempool, ip, std::move(message));
      else if (!std::holds_alternative<wire::get_masternodes>(message))
        self->send(target.gossip, ip, std::move(message));
    };
    return system.spawn([deliver]() -> peer_connection_actor::behavior_type {
      return behavior_of(connection_script{.on_line = deliver, .on_extension = deliver});
    });
  }

  /// As the connection of `to` does when `from` asks.
  void answer_pending(std::size_t from, std::size_t to) {
    using namespace timenode;
    system.spawn(
        [server = nodes[to]->mempool, back = nodes[to]->links[from]](caf::event_based_actor* own) {
          own->request(server, caf::infinite, atom::serve_v,
                       wire::message{wire::get_pending_transactions{}})
              .then(
                  [own, back](const encoded_line& line) {
                    own->send(back, line);
                    own->quit();
                  },
                  [own](const caf::error&) { own->quit(); });
        });
  }

  void connect(std::size_t a, std::size_t b) {
    for (const auto& [from, to] : {std::pair{a, b}, std::pair{b, a}}) {
      auto& x = *nodes[from];
      const auto& ip = nodes[to]->ip;
      x.links[to] = spawn_link(from, to);
      for (const auto& listener : x.told->listeners)
        self->send(
            listener, timenode::atom::peer_up_v,
            timenode::peer_info{ip, ++links_, timenode::link_direction::inbound, {ip, 24100}},
            x.links[to]);
      self->send(x.producer, timenode::atom::clock_v, ip, nodes[to]->clock_skew - x.clock_skew);
    }
    run();
  }

  void disconnect(std::size_t a, std::size_t b) {
    for (const auto& [from, to] : {std::pair{a, b}, std::pair{b, a}}) {
      auto& x = *nodes[from];
      if (x.links.erase(to) == 0)
        continue;
      for (const auto& listener : x.told->listeners)
        self->send(listener, timenode::atom::peer_down_v, nodes[to]->ip);
    }
    run();
  }

  std::set<std::pair<std::size_t, std::size_t>> cut_;
  std::vector<timenode::dial_wish_actor> directories_;
  timenode::link_id links_ = 0;
};

}  // namespace test
