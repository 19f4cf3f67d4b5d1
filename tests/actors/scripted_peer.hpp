#pragma once

// Peers that follow a script: connections that answer the sync engine's questions from a chain in
// memory, well or badly, under virtual time. And what else a sync engine needs around it.

#include "actors/block_checker.hpp"
#include "actors/chain_keeper.hpp"
#include "actors/sync_engine.hpp"
#include "chain/memory_store.hpp"
#include "messages/wire_codec.hpp"
#include "tests/actors/test_chain.hpp"
#include "tests/actors/test_node.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace test {

/// What a peer does; the test may change it at any time.
struct peer_script {
  block_list chain{};                    ///< What it serves.
  std::optional<std::uint64_t> claim{};  ///< What it says its height is; none: that of its chain.
  bool answers_heights = true;
  bool answers_blocks = true;
  bool answers_hashes = true;
  std::chrono::nanoseconds delay{0};  ///< Before each answer.
  /// Answers to questions for hashes may be changed here.
  std::function<void(timenode::wire::block_hash_response&)> distort_hash{};
  /// Answers to requests for blocks, of either kind, may be changed here.
  std::function<void(block_list&)> distort{};
};

/// What a peer was asked.
struct peer_log {
  struct request {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    timenode::monotonic_ns at = 0;
  };
  std::vector<request> requests;
  std::size_t polls = 0;
  std::vector<std::uint64_t> hashes;  ///< Heights whose hash was asked for.
  std::vector<request> ranges;        ///< By `GetBlockRange`: blocks of another branch.
  std::size_t blocks_sent = 0;
  std::vector<std::uint64_t> announced;      ///< Heights of blocks that were announced to it.
  std::vector<timenode::monotonic_ns> open;  ///< When unanswered requests came.
  std::size_t most_open = 0;  ///< Unanswered requests that were younger than 15 s, at most.
};

/// The actor behind a scripted peer's connection.
class scripted_peer_state {
 public:
  static constexpr auto name = "test.scripted-peer";

  scripted_peer_state(timenode::peer_connection_actor::pointer self, timenode::node_context context,
                      timenode::ip_address ip, std::shared_ptr<peer_script> script,
                      std::shared_ptr<peer_log> log,
                      std::shared_ptr<timenode::sync_engine_actor> engine)
      : self_{self}, context_{std::move(context)}, ip_{ip}, script_{std::move(script)},
        log_{std::move(log)}, engine_{std::move(engine)} {}

  timenode::peer_connection_actor::behavior_type make_behavior() {
    return test::behavior_of(test::connection_script{
        .on_line = [this](const timenode::encoded_line& line) { read(*line.bytes); },
        .on_wake = [this](std::uint64_t token) { answer_late(token); }});
  }

 private:
  void read(std::string_view line) {
    namespace wire = timenode::wire;
    if (!line.ends_with('\n'))
      throw std::runtime_error{"a line without its end"};
    const auto decoded = decoder_.decode(line.substr(0, line.size() - 1));
    const auto& message = std::get<wire::message>(decoded);
    if (std::holds_alternative<wire::get_block_height>(message))
      on_poll();
    else if (const auto* request = std::get_if<wire::get_blocks>(&message))
      on_request(*request);
    else if (const auto* hash = std::get_if<wire::get_block_hash>(&message))
      on_hash(hash->height);
    else if (const auto* range = std::get_if<wire::get_block_range>(&message))
      on_range(*range);
    else if (const auto* block = std::get_if<wire::block_announcement>(&message))
      log_->announced.push_back(block->block->header.height);
    else
      throw std::runtime_error{"an unexpected question"};
  }

  void on_poll() {
    ++log_->polls;
    if (script_->answers_heights)
      answer(timenode::wire::block_height_response{
          script_->claim.value_or(script_->chain.size() - 1)});
  }

  void on_hash(std::uint64_t height) {
    log_->hashes.push_back(height);
    if (!script_->answers_hashes)
      return;
    timenode::wire::block_hash_response response{height, std::nullopt};
    if (height < script_->chain.size())
      response.hash = timenode::chain::block_hash(script_->chain[height]->header);
    if (script_->distort_hash)
      script_->distort_hash(response);
    answer(response);
  }

  void on_range(const timenode::wire::get_block_range& x) {
    log_->ranges.push_back({x.start_height, x.end_height, timenode::monotonic_now(*self_)});
    if (!script_->answers_blocks)
      return;
    timenode::wire::block_range_response response;
    response.blocks = blocks_of(x.start_height, x.end_height);
    answer(std::move(response));
  }

  block_list blocks_of(std::uint64_t first, std::uint64_t last) const {
    block_list result;
    for (auto h = first; h <= last && h < script_->chain.size(); ++h)
      result.push_back(script_->chain[h]);
    if (script_->distort)
      script_->distort(result);
    return result;
  }

  void on_request(const timenode::wire::get_blocks& x) {
    const auto now = timenode::monotonic_now(*self_);
    log_->requests.push_back({x.start, x.end, now});
    log_->open.push_back(now);
    const auto young = std::count_if(log_->open.begin(), log_->open.end(), [&](auto at) {
      return now - at < timenode::to_ns(std::chrono::seconds{15});
    });
    log_->most_open = std::max(log_->most_open, static_cast<std::size_t>(young));
    if (!script_->answers_blocks)
      return;
    timenode::wire::blocks_response response;
    response.blocks = blocks_of(x.start, x.end);
    answer(std::move(response));
  }

  void answer(timenode::wire::message x) {
    if (script_->delay.count() == 0)
      return send(std::move(x));
    const auto token = ++tokens_;
    late_.emplace(token, std::move(x));
    self_->send(context_.ticker, timenode::atom::wake_v, timenode::sleeper_actor{self_},
                timenode::monotonic_now(*self_) + script_->delay.count(), token);
  }

  void answer_late(std::uint64_t token) {
    if (auto node = late_.extract(token))
      send(std::move(node.mapped()));
  }

  void send(timenode::wire::message x) {
    if (const auto* blocks = std::get_if<timenode::wire::blocks_response>(&x)) {
      log_->blocks_sent += blocks->blocks.size();
      if (!log_->open.empty())
        log_->open.erase(log_->open.begin());
    }
    self_->send(*engine_, ip_, std::move(x));
  }

  timenode::peer_connection_actor::pointer self_;
  timenode::node_context context_;
  timenode::ip_address ip_;
  std::shared_ptr<peer_script> script_;
  std::shared_ptr<peer_log> log_;
  std::shared_ptr<timenode::sync_engine_actor> engine_;
  timenode::wire::line_decoder decoder_;
  std::map<std::uint64_t, timenode::wire::message> late_;
  std::uint64_t tokens_ = 0;
};

using scripted_peer = timenode::peer_connection_actor::stateful_impl<scripted_peer_state>;

/// Stands for the registry: records violations.
inline timenode::violation_taker_actor
spawn_violation_taker(caf::actor_system& system,
                      std::shared_ptr<std::vector<timenode::violation>> violations) {
  return system.spawn([violations]() -> timenode::violation_taker_actor::behavior_type {
    return {[violations](const timenode::violation& x) { violations->push_back(x); }};
  });
}

/// A gossip actor that only records what it is to flood.
inline timenode::gossip_actor
spawn_fake_gossip(caf::actor_system& system,
                  std::shared_ptr<std::vector<timenode::wire::message>> flooded) {
  using namespace timenode;
  return system.spawn([flooded]() -> gossip_actor::behavior_type {
    return {
        [flooded](atom::flood, const wire::message& x) { flooded->push_back(x); },
        [](atom::snapshot) { return gossip_snapshot{}; },
        [](atom::peer_up, const peer_info&, const peer_connection_actor&) {},
        [](atom::peer_down, const ip_address&) {},
        [](const ip_address&, const wire::message&) {},
    };
  });
}

/// Stands for the table of masternodes.
inline timenode::masternode_list_actor
spawn_masternode_list(caf::actor_system& system,
                      std::shared_ptr<std::vector<timenode::masternode_entry>> list) {
  return system.spawn([list]() -> timenode::masternode_list_actor::behavior_type {
    return {[list](timenode::atom::believed) { return *list; }};
  });
}

/// A store in memory whose disk can be full, and which counts its commits.
class test_store : public timenode::chain::memory_store {
 public:
  test_store() : memory_store{timenode::network_id::testnet} {}

  timenode::outcome<void> commit(const timenode::chain::store_batch& batch, bool sync) override {
    if (full)
      return timenode::fail("no space left on device");
    commits.emplace_back(batch.append.size(), sync);
    return memory_store::commit(batch, sync);
  }

  std::uint64_t final_height() const override {
    return std::max(final, memory_store::final_height());
  }

  bool full = false;
  std::uint64_t final = 0;  ///< As if there were a certificate at that height.
  std::vector<std::pair<std::size_t, bool>>
      commits;  ///< Blocks appended, and whether it was synced.
};

/// A sync engine with everything that it needs, and peers that follow scripts.
class sync_world : public test_node {
 public:
  struct peer {
    timenode::ip_address ip;
    timenode::link_direction direction = timenode::link_direction::outbound;
    std::shared_ptr<peer_script> script = std::make_shared<peer_script>();
    std::shared_ptr<peer_log> log = std::make_shared<peer_log>();
    timenode::peer_connection_actor connection;
  };

  explicit sync_world(std::size_t max_waiting_bytes = timenode::sync::max_waiting_bytes)
      : max_waiting_bytes_{max_waiting_bytes} {
    spdlog::set_level(spdlog::level::off);
    keeper = system.spawn<timenode::chain_keeper>(context, store);
    registry = spawn_violation_taker(system, violations);
    gossip = spawn_fake_gossip(system, flooded);
    masternode_list = spawn_masternode_list(system, masternodes);
    start();
  }

  /// Starts the engine, or a new one in place of the old.
  void start() {
    if (*engine)
      caf::anon_send_exit(*engine, caf::exit_reason::user_shutdown);
    run();
    std::vector<timenode::block_checker_actor> checkers;
    for (int i = 0; i < 2; ++i)
      checkers.push_back(system.spawn<timenode::block_checker>());
    *engine = system.spawn<timenode::sync_engine>(context, keeper, checkers, store, registry,
                                                  max_waiting_bytes_);
    self->send(*engine, timenode::atom::attach_v, gossip);
    self->send(*engine, timenode::atom::attach_v, masternode_list);
    run();
  }

  /// From now on this address is one of an active masternode.
  void enter_masternode(const timenode::ip_address& ip) {
    timenode::masternode_entry entry;
    entry.ip = ip;
    entry.active = true;
    masternodes->push_back(std::move(entry));
  }

  /// A peer that is not connected yet.
  peer make(const std::string& ip, peer_script script,
            timenode::link_direction direction = timenode::link_direction::outbound) {
    peer result;
    result.ip = timenode::ip_address::parse(ip).value();
    result.direction = direction;
    *result.script = std::move(script);
    result.connection =
        system.spawn<scripted_peer>(context, result.ip, result.script, result.log, engine);
    return result;
  }

  void up(const peer& x) {
    self->send(*engine, timenode::atom::peer_up_v,
               timenode::peer_info{x.ip, ++links_, x.direction, {x.ip, 24100}}, x.connection);
    run();
  }

  void down(const peer& x) {
    self->send(*engine, timenode::atom::peer_down_v, x.ip);
    run();
  }

  peer add(const std::string& ip, peer_script script,
           timenode::link_direction direction = timenode::link_direction::outbound) {
    auto result = make(ip, std::move(script), direction);
    up(result);
    return result;
  }

  timenode::sync_snapshot look() {
    return ask<timenode::sync_snapshot>(*engine, timenode::atom::snapshot_v);
  }

  timenode::flood_judgement judge(const peer& from, const timenode::block_ptr& x) {
    return ask<timenode::flood_judgement>(
        *engine, timenode::atom::judge_v, from.ip,
        timenode::wire::message{timenode::wire::block_announcement{x}});
  }

  std::uint64_t height() const { return store->tip().height; }

  /// Lets time pass until `done`, at most `limit`. Says whether it came to be.
  bool advance_until(const std::function<bool()>& done, std::chrono::nanoseconds limit,
                     std::chrono::nanoseconds step = std::chrono::milliseconds{100}) {
    run();
    for (auto waited = std::chrono::nanoseconds{0}; !done(); waited += step) {
      if (waited >= limit)
        return false;
      advance(step);
    }
    return true;
  }

  bool reaches(std::uint64_t x, std::chrono::nanoseconds limit) {
    return advance_until([&] { return height() >= x; }, limit);
  }

  /// Stores blocks without the engine's doing.
  timenode::apply_reply store_blocks(const block_list& blocks) {
    timenode::checked_batch batch;
    for (const auto& x : blocks)
      batch.blocks.push_back(must_check(x));
    return ask<timenode::apply_reply>(keeper, timenode::atom::apply_v, batch);
  }

  std::shared_ptr<test_store> store = std::make_shared<test_store>();
  std::shared_ptr<std::vector<timenode::violation>> violations =
      std::make_shared<std::vector<timenode::violation>>();
  std::shared_ptr<std::vector<timenode::wire::message>> flooded =
      std::make_shared<std::vector<timenode::wire::message>>();
  std::shared_ptr<timenode::sync_engine_actor> engine =
      std::make_shared<timenode::sync_engine_actor>();
  std::shared_ptr<std::vector<timenode::masternode_entry>> masternodes =
      std::make_shared<std::vector<timenode::masternode_entry>>();
  timenode::masternode_list_actor masternode_list;
  timenode::chain_keeper_actor keeper;
  timenode::violation_taker_actor registry;
  timenode::gossip_actor gossip;

 private:
  std::size_t max_waiting_bytes_;
  timenode::link_id links_ = 0;
};

/// The first `count` blocks above genesis of the real chain, with genesis.
inline block_list real_blocks(std::uint64_t count) {
  return {real_chain().begin(), real_chain().begin() + static_cast<std::ptrdiff_t>(count + 1)};
}

}  // namespace test
