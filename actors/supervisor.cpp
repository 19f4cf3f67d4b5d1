#include "actors/supervisor.hpp"

#include "actors/block_checker.hpp"
#include "actors/block_producer.hpp"
#include "actors/block_server.hpp"
#include "actors/chain_keeper.hpp"
#include "actors/gossip.hpp"
#include "actors/mempool.hpp"
#include "actors/peer_archive.hpp"
#include "actors/sync_engine.hpp"
#include "actors/telemetry.hpp"
#include "actors/ticker.hpp"
#include "actors/watchdog.hpp"

#include <caf/send.hpp>
#include <spdlog/spdlog.h>

#include <utility>

namespace timenode {

namespace {

/// Ahead of whatever waits in its mailbox: CAF's own exit messages queue behind everything.
void send_exit_now(const caf::actor& to, caf::exit_reason reason) {
  caf::anon_send<caf::message_priority::high>(to, caf::exit_msg{to.address(), reason});
}

}  // namespace

supervisor_state::supervisor_state(supervisor_actor::pointer self, node_parts parts)
    : self_{self}, parts_{std::move(parts)} {}

supervisor_actor::behavior_type supervisor_state::make_behavior() {
  self_->set_down_handler([this](const caf::down_msg& msg) { on_down(msg); });
  spawn_all();
  return {
      [this](atom::list) { return actors_; },
      [this](atom::stop) { return stop(); },
      [this](atom::wake, std::uint64_t token) { on_wake(token); },
  };
}

template <class Actor, class... Args>
auto supervisor_state::spawn(bool own_thread, Args&&... args) {
  auto actor = own_thread && parts_.own_threads
                   ? self_->spawn<Actor, caf::detached>(std::forward<Args>(args)...)
                   : self_->spawn<Actor>(std::forward<Args>(args)...);
  self_->monitor(actor);
  children_.push_back({std::decay_t<decltype(std::declval<Actor&>().state)>::name,
                       caf::actor_cast<caf::actor>(actor)});
  return actor;
}

void supervisor_state::spawn_all() {
  auto& context = parts_.context;
  if (!context.ticker)
    context.ticker = spawn<ticker>(false);
  std::shared_ptr<const chain::chain_reader> reader = parts_.store;
  masternode_memory table{std::move(parts_.masternodes_kept), {}};
  if (parts_.kept) {
    auto archive = spawn<peer_archive>(true, parts_.kept);
    parts_.registry.archive = archive;
    parts_.directory.archive = archive;
    table.archive = archive;
  }
  // The order is that of dependence; what is needed by those before comes to them by `attach`.
  actors_.keeper = spawn<chain_keeper>(true, context, parts_.store);
  auto server = spawn<block_server>(true, reader);
  std::vector<block_checker_actor> checkers;
  for (std::size_t i = 0; i < parts_.checkers; ++i)
    checkers.push_back(spawn<block_checker>(false));
  actors_.registry = spawn<connection_registry>(
      false, context, parts_.registry,
      make_connection_factory(context, *parts_.transport, parts_.bind_local));
  actors_.directory = spawn<peer_directory>(false, context, actors_.registry, parts_.directory);
  actors_.sync =
      spawn<sync_engine>(false, context, actors_.keeper, checkers, reader, actors_.registry);
  actors_.masternodes = spawn<masternode_table>(false, context, actors_.registry, actors_.directory,
                                                parts_.masternode, std::move(table));
  actors_.mempool =
      spawn<mempool>(true, context,
                     mempool_parts{actors_.keeper, masternode_list_actor{actors_.masternodes},
                                   actors_.registry, reader, parts_.masternode, parts_.approvals});
  actors_.producer = spawn<block_producer>(
      true, context,
      producer_parts{actors_.keeper, actors_.masternodes, actors_.registry,
                     sync_status_actor{actors_.sync}, transaction_source_actor{actors_.mempool},
                     parts_.store, parts_.journal, parts_.masternode});
  actors_.gossip =
      spawn<gossip>(false, context, actors_.registry,
                    flood_judges{judge_actor{actors_.sync}, judge_actor{actors_.masternodes},
                                 judge_actor{actors_.producer}, judge_actor{actors_.mempool}});
  actors_.telemetry = spawn<telemetry>(
      false, context,
      telemetry_sources{actors_.registry, actors_.directory, actors_.gossip, actors_.keeper,
                        actors_.sync, actors_.masternodes, actors_.producer, actors_.mempool},
      [transport = parts_.transport] { return transport->open_connections(); },
      parts_.check_interval);
  self_->send(actors_.masternodes, atom::attach_v, actors_.gossip);
  self_->send(actors_.sync, atom::attach_v, actors_.gossip);
  self_->send(actors_.sync, atom::attach_v, masternode_list_actor{actors_.masternodes});
  self_->send(actors_.producer, atom::attach_v, actors_.gossip);
  self_->send(actors_.mempool, atom::attach_v, actors_.gossip);
  self_->send(actors_.registry, atom::attach_v,
              peer_routes{actors_.directory, actors_.gossip, server, actors_.sync,
                          actors_.masternodes, actors_.producer, actors_.mempool});
  // The others subscribe by themselves with what they were given.
  self_->send(actors_.registry, atom::subscribe_v, peer_listener_actor{actors_.sync});
  if (parts_.alive) {
    std::vector<watched_actor> watched{{name, caf::actor_cast<caf::actor>(self_)}};
    for (const auto& x : children_)
      watched.push_back({x.name, x.handle});
    // The last child, so that it is gone before those that it asks.
    spawn<watchdog>(false, context, std::move(watched), parts_.alive);
  }
}

caf::result<void> supervisor_state::stop() {
  auto promise = self_->make_response_promise<void>();
  promises_.push_back(promise);
  if (std::exchange(stopping_, true))
    return promise;
  parts_.transport->stop_listening();
  // While the peers are still connected: those are the ones to begin with at the next start.
  self_->request(actors_.directory, book_saved_within, atom::save_v)
      .then([this] { save_masternodes(); },
            [this](const caf::error&) {
              spdlog::warn(
                  "stopping without waiting any longer for the address book to be written");
              save_masternodes();
            });
  return promise;
}

void supervisor_state::save_masternodes() {
  self_->request(actors_.masternodes, book_saved_within, atom::save_v)
      .then([this] { close_connections(); },
            [this](const caf::error&) {
              spdlog::warn(
                  "stopping without waiting any longer for the masternode table to be written");
              close_connections();
            });
}

void supervisor_state::close_connections() {
  // Peers get an orderly end of their connections before anything else goes.
  self_->request(actors_.registry, connections_stop_within, atom::stop_v)
      .then([this] { stop_next(); },
            [this](const caf::error&) {
              spdlog::warn("stopping without waiting any longer for connections to close");
              stop_next();
            });
}

void supervisor_state::stop_next() {
  if (children_.empty()) {
    for (auto& promise : std::exchange(promises_, {}))
      promise.deliver();
    self_->quit(failure_);
    return;
  }
  killed_ = false;
  send_exit_now(children_.back().handle, caf::exit_reason::user_shutdown);
  alarm_.cancel();
  if (children_.size() > 1)  // the ticker is the first child and cannot time its own end
    alarm_.set(self_, parts_.context.ticker, monotonic_now(*self_) + to_ns(actor_stops_within));
}

void supervisor_state::on_wake(std::uint64_t token) {
  if (!alarm_.accept(token) || !stopping_ || children_.empty())
    return;
  if (!std::exchange(killed_, true)) {
    send_exit_now(children_.back().handle, caf::exit_reason::kill);
    alarm_.set(self_, parts_.context.ticker, monotonic_now(*self_) + to_ns(actor_stops_within));
    return;
  }
  spdlog::error("actor {} does not end; going on without it", children_.back().name);
  self_->demonitor(children_.back().handle);
  children_.pop_back();
  stop_next();
}

void supervisor_state::on_down(const caf::down_msg& msg) {
  const auto i = std::ranges::find_if(
      children_, [&msg](const child& x) { return x.handle.address() == msg.source; });
  if (i == children_.end())
    return;
  const auto expected = stopping_ && i + 1 == children_.end();
  if (!expected && !stopping_) {
    // State that was lost cannot be guessed again: the node stops in order and is started anew by whoever
    // looks after it (systemd).
    spdlog::critical("actor {} failed: {}; the node stops", i->name, to_string(msg.reason));
    failure_ = msg.reason ? msg.reason : caf::make_error(caf::sec::runtime_error, i->name);
  }
  children_.erase(i);
  if (expected)
    stop_next();
  else if (!stopping_)
    self_->send(supervisor_actor{self_}, atom::stop_v);
}

}  // namespace timenode
