// Whole networks of sync engines, keepers and block servers that were apart and come together again: all
// of them end on one chain within a minute. Connections are actors that carry lines with some delay;
// everything random comes from the seed.

#include "actors/block_server.hpp"
#include "tests/actors/scripted_peer.hpp"

#include <caf/event_based_actor.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

using namespace timenode;
using namespace test;

namespace {

struct network_node {
  ip_address ip;
  bool masternode = true;
  std::shared_ptr<test_store> store = std::make_shared<test_store>();
  chain_keeper_actor keeper;
  block_server_actor server;
  std::shared_ptr<sync_engine_actor> engine = std::make_shared<sync_engine_actor>();
  gossip_actor gossip;
  std::set<hash256> seen;
};

/// What all actors of the test share; it outlives them.
struct network_state {
  std::vector<std::unique_ptr<network_node>> nodes;
  std::vector<int> part;  ///< Nodes of different parts do not hear each other.
  random_source random{1};
  std::int64_t latency_ns = 50'000'000;
  bool reachable(std::size_t a, std::size_t b) const { return part[a] == part[b]; }
};

class network : public test_node {
 public:
  explicit network(std::uint64_t seed) : seed_{seed} {
    spdlog::set_level(spdlog::level::off);
    net_->random = random_source{seed};
    events = {[this]() -> std::optional<std::int64_t> {
                if (mail_.empty())
                  return std::nullopt;
                return mail_.begin()->first;
              },
              [this] {
                while (!mail_.empty() && mail_.begin()->first <= now())
                  mail_.extract(mail_.begin()).mapped()();
              }};
  }

  /// A node that has stored this chain.
  std::size_t add(const block_list& blocks, int part, bool masternode = true) {
    const auto i = net_->nodes.size();
    auto& x = *net_->nodes.emplace_back(std::make_unique<network_node>());
    net_->part.push_back(part);
    x.ip = ip_address::from_v4({10, 0, 0, static_cast<std::uint8_t>(i + 1)});
    x.masternode = masternode;
    x.keeper = system.spawn<chain_keeper>(context, x.store);
    x.server = system.spawn<block_server>(std::shared_ptr<const chain::chain_reader>{x.store});
    x.gossip = spawn_gossip(i);
    store(i, {blocks.begin() + 1, blocks.end()});
    auto own = context;
    own.seed = seed_ * 1000 + i;
    std::vector<block_checker_actor> checkers{system.spawn<block_checker>()};
    *x.engine =
        system.spawn<sync_engine>(own, x.keeper, checkers, x.store, violation_taker_actor{});
    self->send(*x.engine, atom::attach_v, x.gossip);
    self->send(*x.engine, atom::attach_v, spawn_list(i));
    run();
    return i;
  }

  void store(std::size_t i, const block_list& blocks) {
    checked_batch batch;
    for (const auto& x : blocks)
      batch.blocks.push_back(must_check(x));
    const auto reply = ask<apply_reply>(net_->nodes[i]->keeper, atom::apply_v, batch);
    if (reply.applied != blocks.size())
      throw std::runtime_error{reply.rejected};
  }

  /// The node makes a block on its tip and tells everybody whom it can reach.
  void produce(std::size_t i, const std::string& payee) {
    auto& x = *net_->nodes[i];
    const auto block = next_block(*x.store->block_at(x.store->tip().height), payee);
    store(i, {block});
    self->send(x.gossip, atom::flood_v, wire::message{wire::block_announcement{block}});
    run();
  }

  void connect_all() {
    for (std::size_t a = 0; a < net_->nodes.size(); ++a)
      for (std::size_t b = 0; b < net_->nodes.size(); ++b)
        if (a != b)
          self->send(*net_->nodes[a]->engine, atom::peer_up_v,
                     peer_info{net_->nodes[b]->ip,
                               a * 1000 + b + 1,
                               a > b ? link_direction::outbound : link_direction::inbound,
                               {net_->nodes[b]->ip, 24100}},
                     spawn_connection(a, b));
    run();
  }

  void heal() { std::fill(net_->part.begin(), net_->part.end(), 0); }

  std::set<hash256> tips() const {
    std::set<hash256> result;
    for (const auto& x : net_->nodes)
      result.insert(x->store->tip().hash);
    return result;
  }

  /// How long until all have one tip; none if it takes longer than that.
  std::optional<std::chrono::seconds> converge(std::chrono::seconds limit) {
    for (auto waited = 0s; waited <= limit; ++waited) {
      if (tips().size() == 1)
        return waited;
      advance(1s);
    }
    return std::nullopt;
  }

  const network_node& node(std::size_t i) const { return *net_->nodes[i]; }
  std::size_t size() const { return net_->nodes.size(); }
  random_source& random() { return net_->random; }

 private:
  gossip_actor spawn_gossip(std::size_t i) {
    return system.spawn([net = net_, i, this]() -> gossip_actor::behavior_type {
      return {
          [=, this](atom::flood, const wire::message& x) {
            const auto& block = std::get<wire::block_announcement>(x).block;
            if (!net->nodes[i]->seen.insert(chain::block_hash(block->header)).second)
              return;
            for (std::size_t j = 0; j < net->nodes.size(); ++j)
              if (j != i && net->reachable(i, j))
                later([=, this] {
                  ask_then<flood_judgement>(
                      *net->nodes[j]->engine,
                      [=](const flood_judgement& y) {
                        if (y.verdict == flood_verdict::forward)
                          caf::anon_send(net->nodes[j]->gossip, atom::flood_v, x);
                      },
                      atom::judge_v, net->nodes[i]->ip, x);
                });
          },
          [](atom::snapshot) { return gossip_snapshot{}; },
          [](atom::peer_up, const peer_info&, const peer_connection_actor&) {},
          [](atom::peer_down, const ip_address&) {},
          [](const ip_address&, const wire::message&) {},
      };
    });
  }

  masternode_list_actor spawn_list(std::size_t i) {
    return system.spawn([net = net_, i]() -> masternode_list_actor::behavior_type {
      return {[=](atom::believed) {
        std::vector<masternode_entry> result;
        for (std::size_t j = 0; j < net->nodes.size(); ++j)
          if (net->nodes[j]->masternode) {
            auto& x = result.emplace_back();
            x.ip = net->nodes[j]->ip;
            x.active = true;
            x.ours = i == j;
          }
        return result;
      }};
    });
  }

  /// The connection of node a to node b: its questions are answered by b's block server.
  peer_connection_actor spawn_connection(std::size_t a, std::size_t b) {
    return system.spawn([net = net_, a, b, this]() -> peer_connection_actor::behavior_type {
      const auto decoder = std::make_shared<wire::line_decoder>();
      const auto decode = [decoder](const std::string& line) {
        return std::get<wire::message>(decoder->decode({line.data(), line.size() - 1}));
      };
      return behavior_of(connection_script{.on_line = [=, this](const encoded_line& line) {
        if (!net->reachable(a, b))
          return;
        later([=, this, question = decode(*line.bytes)] {
          ask_then<encoded_line>(
              net->nodes[b]->server,
              [=, this](const encoded_line& answer) {
                later([=, x = decode(*answer.bytes)] {
                  if (net->reachable(a, b))
                    caf::anon_send(*net->nodes[a]->engine, net->nodes[b]->ip, x);
                });
              },
              atom::serve_v, question);
        });
      }});
    });
  }

  void later(std::function<void()> what) {
    const auto delay =
        net_->latency_ns +
        static_cast<std::int64_t>(net_->random.below(static_cast<std::uint64_t>(net_->latency_ns)));
    mail_.emplace(now() + delay, std::move(what));
  }

  std::int64_t now() { return scheduler.clock().now().time_since_epoch().count(); }

  /// Asks from outside of any actor; `then` gets the answer.
  template <class Result, class Handle, class F, class... Ts>
  void ask_then(Handle whom, F then, Ts... xs) {
    system.spawn([=](caf::event_based_actor* me) {
      me->request(whom, caf::infinite, xs...)
          .then(
              [=](const Result& x) {
                then(x);
                me->quit();
              },
              [=](const caf::error&) { me->quit(); });
    });
  }

  std::uint64_t seed_;
  std::shared_ptr<network_state> net_ = std::make_shared<network_state>();
  std::multimap<std::int64_t, std::function<void()>> mail_;  ///< Under way, by arrival.
};

}  // namespace

TEST_CASE("two halves that were apart for fifty blocks end on one chain within a minute") {
  std::size_t changed_over = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    network net{seed};
    auto& random = net.random();
    const auto common = real_blocks(20);
    const auto half = 2 + random.below(4);
    const auto a = branch_of(common, 20, 45 + random.below(10), "a" + std::to_string(seed));
    const auto b = branch_of(common, 20, 45 + random.below(10), "b" + std::to_string(seed));
    for (std::uint64_t i = 0; i < half; ++i) {
      net.add(a, 0);
      net.add(b, 0);
    }
    net.connect_all();
    const auto took = net.converge(60s);
    REQUIRE(took.has_value());
    const auto end = *net.tips().begin();
    CHECK(
        (end == chain::block_hash(a.back()->header) || end == chain::block_hash(b.back()->header)));
    for (std::size_t i = 0; i < net.size(); ++i)
      changed_over += net.node(i).store->shelved().empty() ? 0 : 1;
    CHECK(net.node(0).store->utxo_state() == net.node(1).store->utxo_state());
    net.advance(5min);
    CHECK(net.tips().size() == 1);
    CHECK(*net.tips().begin() == end);
  }
  CHECK(changed_over >= 80);
}

TEST_CASE(
    "parts of any size, with any number of masternodes, that go on making blocks, become one") {
  std::size_t forks = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    network net{seed};
    auto& random = net.random();
    const auto parts = 2 + static_cast<int>(random.below(2));
    const auto count = 6 + random.below(6);
    std::map<int, std::size_t> producers;
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto part = i < 3 ? static_cast<int>(i) % parts
                              : static_cast<int>(random.below(static_cast<std::uint64_t>(parts)));
      // Three masternodes answer everybody; the others may be none.
      producers[part] = net.add(real_blocks(20), part, i < 5 || random.below(3) > 0);
    }
    net.connect_all();
    net.advance(10s);
    for (const auto& [part, producer] : producers)
      for (auto blocks = random.below(12); blocks > 0; --blocks) {
        net.produce(producer, "part" + std::to_string(part));
        net.advance(std::chrono::milliseconds{random.below(2000)});
      }
    forks += net.tips().size() > 1 ? 1 : 0;
    net.heal();
    const auto took = net.converge(90s);
    REQUIRE(took.has_value());
    CHECK(net.node(0).store->tip().height >= 20);
    net.produce(random.below(count), "after");
    CHECK(net.converge(40s).has_value());
  }
  CHECK(forks >= 20);
}
