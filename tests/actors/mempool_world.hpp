#pragma once

// A mempool among actors of its kind, for its tests.

#include "actors/mempool.hpp"
#include "chain/signed_messages.hpp"
#include "tests/actors/producer_world.hpp"
#include "tests/transactions.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace test {

using namespace timenode;

inline constexpr amount share = chain::block_subsidy / 4;

inline ip_address ip_of(unsigned n) {
  return ip_address::from_v4({203, 0, 113, static_cast<std::uint8_t>(n + 1)});
}

struct flood_record {
  std::vector<wire::message> floods;

  template <class T>
  std::vector<T> all() const {
    std::vector<T> result;
    for (const auto& x : floods)
      if (const auto* y = std::get_if<T>(&x))
        result.push_back(*y);
    return result;
  }
};

/// One mempool on a chain of ten blocks that pay four owners, each of whom is a masternode; we are the first.
struct mempool_world : test_node {
  /// @param disk Where it writes down what it approves; null: one of its own.
  explicit mempool_world(bool voting = true, chain::pool_limits limits = {},
                         std::shared_ptr<chain::approval_journal> disk = nullptr) {
    if (disk)
      approvals = std::move(disk);
    spdlog::set_level(spdlog::level::off);
    for (int i = 0; i < 10; ++i)
      put(*store, block_on(*store));
    context.local_ip = ip_of(0);
    context.rules.require_signatures = true;
    std::tie(registry, told) = spawn_recording_registry(system);
    keeper = system.spawn<chain_keeper>(context, store);
    list = system.spawn([this]() -> masternode_list_actor::behavior_type {
      return {[this](atom::believed) {
        ++asked;
        return masternodes;
      }};
    });
    for (unsigned i = 0; i < 4; ++i) {
      masternode_entry x;
      x.ip = ip_of(i);
      x.reward_address = address(i);
      x.key = owner(i).public_key();
      x.active = true;
      x.ours = i == 0;
      masternodes.push_back(x);
    }
    if (voting)
      identity = masternode_identity{owner(0), address(0), wire::masternode_tier::free, 0};
    uut = system.spawn<mempool>(
        context, mempool_parts{keeper, list, registry, store, identity, approvals, limits});
    auto floods = system.spawn([to = flooded]() -> gossip_actor::behavior_type {
      return {
          [to](atom::flood, const wire::message& x) { to->floods.push_back(x); },
          [](atom::snapshot) { return gossip_snapshot{}; },
          [](atom::peer_up, const peer_info&, const peer_connection_actor&) {},
          [](atom::peer_down, const ip_address&) {},
          [](const ip_address&, const wire::message&) {},
      };
    });
    self->send(uut, atom::attach_v, floods);
    advance(votes_begin_after);
  }

  flood_judgement judge(const wire::message& x, unsigned from = 7) {
    return ask<flood_judgement>(uut, atom::judge_v, ip_of(from), x);
  }
  flood_verdict offered(const transaction& x) {
    return judge(wire::transaction_broadcast{x}).verdict;
  }
  flood_verdict voted(unsigned n, const transaction& x, bool approve = true) {
    wire::transaction_vote vote{
        chain::txid(x), ip_of(n).to_string(), approve, context.unix_now(), {}};
    chain::sign(vote, owner(n));
    return judge(vote).verdict;
  }
  mempool_snapshot look() { return ask<mempool_snapshot>(uut, atom::snapshot_v); }
  block_filling fill() { return ask<block_filling>(uut, atom::fill_v, std::uint64_t{1'000'000}); }
  void apply(const block_ptr& x) {
    checked_batch batch;
    batch.blocks.push_back(must_check(x));
    REQUIRE(ask<apply_reply>(keeper, atom::apply_v, std::move(batch)).rejected == "");
  }
  transaction simple(std::uint64_t height, amount fee = 30'000'000) {
    return spend(0, {reward(*store, height, 0)}, {pay(address(9), share - fee)});
  }
  template <class Message>
  Message answer(const wire::message& question) {
    return std::get<Message>(decode(*ask<encoded_line>(uut, atom::serve_v, question).bytes));
  }
  std::shared_ptr<connection_record> connect(unsigned n,
                                             link_direction direction = link_direction::inbound) {
    auto [connection, record] = spawn_fake_connection(system);
    self->send(uut, atom::peer_up_v, peer_info{ip_of(n), 40 + n, direction, {ip_of(n), 24100}},
               connection);
    run();
    return record;
  }

  std::shared_ptr<chain::memory_store> store = std::make_shared<chain::memory_store>(test_network);
  std::shared_ptr<chain::approval_journal> approvals =
      std::make_shared<chain::memory_approval_journal>();
  std::optional<masternode_identity> identity;
  masternode_list_actor list;
  connection_registry_actor registry;
  std::shared_ptr<registry_record> told;
  chain_keeper_actor keeper;
  std::vector<masternode_entry> masternodes;
  int asked = 0;
  std::shared_ptr<flood_record> flooded = std::make_shared<flood_record>();
  mempool_actor uut;
};

}  // namespace test
