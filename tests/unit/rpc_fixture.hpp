#pragma once

// A node for RPC tests: a chain of three blocks and a snapshot in which every field has a value of
// its own.

#include "app/rpc_backend.hpp"
#include "chain/genesis.hpp"
#include "chain/hashes.hpp"
#include "chain/keys.hpp"
#include "chain/transaction_rules.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rpc_test {

namespace tn = timenode;

/// Blocks as given, without rules.
class fixture_chain final : public tn::chain::chain_reader {
 public:
  fixture_chain() {
    blocks_.push_back(tn::chain::genesis_block(tn::network_id::testnet).block);
    for (std::uint64_t height : {1, 2})
      blocks_.push_back(make_block(height));
  }

  tn::chain_tip tip() const override {
    const auto& last = blocks_.back()->header;
    return {last.height, tn::chain::block_hash(last), last.timestamp, 42};
  }
  tn::block_ptr block_at(std::uint64_t height) const override {
    return height < blocks_.size() ? blocks_[height] : nullptr;
  }
  std::vector<tn::block_ptr> blocks(std::uint64_t, std::uint64_t, std::size_t) const override {
    return {};
  }
  std::optional<tn::hash256> hash_at(std::uint64_t height) const override {
    if (height >= blocks_.size())
      return std::nullopt;
    return tn::chain::block_hash(blocks_[height]->header);
  }
  std::optional<std::uint64_t> height_of(const tn::hash256& hash) const override {
    for (const auto& block : blocks_)
      if (tn::chain::block_hash(block->header) == hash)
        return block->header.height;
    return std::nullopt;
  }
  tn::chain::coin_group coins(const tn::hash256& txid) const override {
    tn::chain::coin_group result;
    for (const auto& [where, coin] : listed)
      if (where.txid == txid)
        result[where.vout] = coin;
    return result;
  }
  std::optional<std::vector<std::pair<tn::outpoint, tn::chain::coin>>>
  unspent(std::size_t) const override {
    return listed;
  }
  tn::chain::utxo_digest utxo_state() const override { return {}; }

  std::vector<std::pair<tn::outpoint, tn::chain::coin>> listed;  ///< What is unspent.

 private:
  tn::block_ptr make_block(std::uint64_t height) const {
    tn::block result;
    result.header.version = 1;
    result.header.height = height;
    result.header.previous_hash = tn::chain::block_hash(blocks_.back()->header);
    result.header.merkle_root.fill(static_cast<std::uint8_t>(height));
    result.header.timestamp = blocks_.back()->header.timestamp + 600;
    result.header.block_reward = 10'000'000'001;
    tn::transaction coinbase;
    coinbase.version = 1;
    coinbase.timestamp = result.header.timestamp;
    const std::string address = "TIME0abc";
    coinbase.outputs = {{10'000'000'001, {address.begin(), address.end()}}};
    tn::transaction spend;
    spend.version = 2;
    spend.lock_time = 7;
    spend.inputs = {{{tn::chain::txid(coinbase), 3}, {0xde, 0xad}, 0xffffffff}};
    spend.outputs = {{18'446'744'073'709'551'615u, {0x00, 0xff}}};
    result.transactions = {coinbase, spend};
    result.masternode_rewards = {{"TIME0abc", 10'000'000'001}};
    return std::make_shared<const tn::block>(std::move(result));
  }

  std::vector<tn::block_ptr> blocks_;
};

inline tn::ip_address ip(const char* text) {
  return tn::ip_address::parse(text).value();
}

inline tn::node_snapshot fixture_snapshot() {
  tn::node_snapshot x;
  x.registry.local_ip = ip("192.0.2.9");
  x.registry.links = {
      {1, ip("192.0.2.1"), tn::link_direction::inbound, tn::link_phase::established},
      {2, ip("192.0.2.2"), tn::link_direction::outbound, tn::link_phase::established},
      {3, ip("192.0.2.3"), tn::link_direction::outbound, tn::link_phase::connecting},
      {4, ip("192.0.2.2"), tn::link_direction::inbound, tn::link_phase::closing}};
  tn::known_peer_snapshot known;
  known.ip = ip("192.0.2.2");
  known.state = "established";
  known.rule = "we dial: our address is the higher one";
  known.next_step_ms = 1500;
  known.failures = 4;
  known.last_error = "connection refused";
  known.their_dials_fail = true;
  x.registry.peers = {known};
  x.registry.bans = {{tn::ip_network{ip("198.51.100.7")}, false, "invalid block", "{\"Blo",
                      1'765'999'000, 1'766'000'600}};
  x.registry.trusts = {{tn::ip_network::parse("10.0.0.0/8").value(), "our site", 1'765'000'000}};
  x.registry.local_ip_source = "configured";
  x.registry.refused = {{"rate", 3}};
  x.registry.established = 2;
  x.registry.ended = {{"duplicate", 5}, {"peer dead", 1}};

  tn::peer_snapshot inbound;
  inbound.ip = ip("192.0.2.1");
  inbound.link = 1;
  inbound.phase = tn::link_phase::established;
  inbound.remote = {inbound.ip, 50001};
  inbound.connected_at = 1'765'999'000;
  tn::peer_snapshot outbound;
  outbound.ip = ip("192.0.2.2");
  outbound.link = 18'446'744'073'709'551'615u;
  outbound.direction = tn::link_direction::outbound;
  outbound.phase = tn::link_phase::established;
  outbound.remote = {outbound.ip, 24100};
  outbound.local = tn::endpoint{ip("192.0.2.9"), 40002};
  outbound.connected_at = 1'765'999'001;
  outbound.last_send_at = 1'765'999'002;
  outbound.last_received_at = 1'765'999'003;
  outbound.bytes_sent = 1001;
  outbound.bytes_received = 1002;
  outbound.send_queue_bytes = 1003;
  outbound.messages_sent = 1004;
  outbound.messages_received = 1005;
  outbound.pings_sent = 11;
  outbound.pongs_received = 10;
  outbound.pings_answered = 9;
  outbound.ping_us = 12'500;
  outbound.min_ping_us = 250;
  outbound.height = 2001;
  outbound.version = "1.2.3";
  outbound.capabilities = {"commit-cert"};
  outbound.violations = 2;
  outbound.unknown_messages = 3;
  outbound.dropped_messages = 4;
  outbound.over_limit = {{"votes", 3}};
  outbound.left_out_messages = 5;
  outbound.is_masternode = true;
  x.peers = {inbound, outbound};

  x.directory.known = 77;
  x.gossip = {1, 2, 3, 4};
  x.sync.state = "syncing";
  x.sync.height = 2;
  x.sync.target = 8;
  x.sync.peers = 5;
  x.sync.outstanding = 6;
  x.sync.buffered_blocks = 7;
  x.sync.blocks_per_second = 12.5;
  x.sync.eta_seconds = 90;

  tn::masternode_entry own;
  own.ip = ip("192.0.2.9");
  own.reward_address = "TIME0own";
  own.tier = tn::wire::masternode_tier::silver;
  own.key.fill(0xab);
  own.active = own.ours = true;
  own.first_seen = 1'765'000'000;
  own.last_seen = 1'765'999'999;
  own.uptime = 1'000'000;
  own.heartbeat = 123;
  own.attestations = 3;
  own.why = "first heartbeat";
  tn::masternode_entry other;
  other.ip = ip("192.0.2.2");
  other.connected = true;
  other.why = "silent for five minutes";
  x.masternodes = {own, other};
  x.invariant_violations = {{"one-link", 0}, {"one-truth", 2}};
  x.silent = {"gossip"};
  return x;
}

/// Answers at once. Counts under the server's thread are read by the test's.
class fixture_backend final : public tn::rpc_backend {
 public:
  using taker = std::function<void(tn::outcome<tn::node_snapshot>)>;

  fixture_backend() {
    facts_.version = "0.1.0";
    facts_.p2p_port = 24100;
    facts_.started_at = 1'765'990'000;
  }

  void snapshot(taker then) override {
    ++snapshots;
    if (on_snapshot)
      on_snapshot(std::move(then));
    else
      then(fixture_snapshot());
  }
  void ask(tn::node_question question,
           std::function<void(tn::outcome<tn::node_reply>)> then) override {
    questions.push_back(question);
    if (std::holds_alternative<tn::about_peer>(question))
      then(tn::node_reply{explanation});
    else if (std::holds_alternative<tn::about_masternode>(question))
      then(tn::node_reply{masternode});
    else if (std::holds_alternative<tn::about_transaction>(question))
      then(tn::node_reply{waiting});
    else if (std::holds_alternative<tn::about_mempool>(question))
      then(tn::node_reply{pool});
    else if (std::holds_alternative<tn::about_coins>(question))
      then(tn::node_reply{pending});
    else if (std::holds_alternative<tn::offered_transaction>(question))
      then(tn::node_reply{offer});
    else
      then(tn::node_reply{order});
  }
  tn::outcome<std::string> wallet_address() const override {
    if (!key)
      return tn::fail("there is no key file");
    return tn::chain::address_of(key->public_key(), facts_.network);
  }
  tn::outcome<void> sign(tn::transaction& x) const override {
    tn::chain::sign(x, *key);
    return {};
  }
  const tn::chain::chain_reader& chain() const override { return chain_; }
  const tn::rpc_facts& facts() const override { return facts_; }
  std::int64_t unix_now() const override { return 1'766'000'000; }
  void stop() override {
    ++stops;
    if (on_stop)
      on_stop();
  }

  std::atomic<int> snapshots = 0;
  std::atomic<int> stops = 0;
  std::function<void(taker)> on_snapshot;  ///< Instead of the answer; set before the server starts.
  std::function<void()> on_stop;
  std::vector<tn::node_question> questions;  ///< Asked so far.
  tn::order_reply order;                     ///< What becomes of orders.
  tn::peer_explanation explanation;
  tn::masternode_detail masternode;
  tn::transaction_detail waiting;
  std::vector<tn::mempool_entry> pool;
  tn::pending_coins pending;
  tn::offer_reply offer;
  std::optional<tn::chain::key_pair> key;
  fixture_chain chain_;

 private:
  tn::rpc_facts facts_;
};

}  // namespace rpc_test
