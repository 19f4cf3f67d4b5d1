#pragma once

// One connection of ours whose transport, registry and block server are played by the test.

#include "actors/peer_connection.hpp"
#include "tests/actors/test_node.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

namespace test {

using namespace timenode;

/// The transport's side: records what is sent, and plays the peer.
class fake_connection final : public net::connection {
 public:
  explicit fake_connection(endpoint remote) : remote_{remote} {}

  endpoint remote() const override { return remote_; }
  void start(std::unique_ptr<net::connection_handler> x) override { handler = std::move(x); }
  void open_up() override { opened = true; }
  void send(net::shared_buffer bytes) override { sent += *bytes; }
  void grant(std::size_t messages, std::size_t) override { granted += messages; }
  void close(const std::string& reason) override {
    if (std::exchange(closed, true) || !handler)
      return;
    close_reason = reason;
  }
  net::connection_stats stats() const override {
    return {taken.value_or(sent.size()), received, queued, paused};
  }

  /// The peer sends these messages in one go.
  void say(const std::vector<wire::message>& messages) {
    wire::received_batch batch;
    for (const auto& x : messages)
      batch.lines.emplace_back(x);
    batch.bytes = 100 * messages.size();
    received += batch.bytes;
    handler->on_received(std::move(batch));
  }
  void say_wrong(const std::string& reason, bool fatal = false) {
    wire::received_batch batch;
    batch.lines.emplace_back(wire::malformed_line{reason, "evidence", fatal});
    batch.bytes = 10;
    received += 10;
    handler->on_received(std::move(batch));
  }

  /// What was sent since the last call, decoded.
  std::vector<wire::message> heard() {
    std::vector<wire::message> result;
    wire::line_decoder decoder;
    std::size_t begin = 0;
    for (std::size_t end; (end = sent.find('\n', begin)) != std::string::npos; begin = end + 1)
      result.push_back(std::get<wire::message>(decoder.decode(sent.substr(begin, end - begin))));
    sent.clear();
    return result;
  }

  std::unique_ptr<net::connection_handler> handler;
  std::string sent;
  std::size_t granted = 0;
  std::size_t queued = 0;
  std::uint64_t received = 0;
  bool opened = false;
  bool closed = false;
  std::optional<std::uint64_t> taken;  ///< By the peer; none: all that was sent.
  bool paused = false;
  std::string close_reason;

 private:
  endpoint remote_;
};

struct told {
  std::vector<link_id> handshaken;
  std::vector<link_id> alive;
  std::vector<link_report> reports;
  std::vector<introduction> introductions;
  std::vector<violation> violations;
};

inline connection_registry_actor spawn_registry(caf::actor_system& system,
                                                std::shared_ptr<told> x) {
  return system.spawn([x]() -> connection_registry_actor::behavior_type {
    return {
        [](atom::accepted, std::uint64_t, const endpoint&) {},
        [](atom::attach, const peer_routes&) {},
        [](atom::want, const endpoint&, dial_purpose) {},
        [](atom::want, const ip_address&) {},
        [](atom::connected, link_id, const endpoint&) {},
        [x](atom::handshaken, link_id id) { x->handshaken.push_back(id); },
        [x](atom::introduced, link_id, const introduction& y) { x->introductions.push_back(y); },
        [x](atom::alive, link_id id) { x->alive.push_back(id); },
        [x](const link_report& y) { x->reports.push_back(y); },
        [x](const violation& y) { x->violations.push_back(y); },
        [](atom::useful, const ip_address&) {},
        [](atom::proven, const ip_address&) {},
        [](const peer_order&) { return order_reply{}; },
        [](const peer_settings&) {},
        [](atom::subscribe, const peer_listener_actor&) {},
        [](atom::list) { return link_list{}; },
        [](atom::check) {
          return caf::result<link_list, std::uint64_t>{link_list{}, std::uint64_t{0}};
        },
        [](atom::count) -> std::uint64_t { return 0; },
        [](atom::explain, const ip_address&) { return known_peer_snapshot{}; },
        [](atom::bans) { return std::vector<ban_snapshot>{}; },
        [](atom::stop) {},
        [](atom::snapshot) { return registry_snapshot{}; },
        [](atom::wake, std::uint64_t) {},
    };
  });
}

/// Answers a question only when woken with its number: a promise may be kept only inside its actor.
struct slow_server {
  std::vector<caf::typed_response_promise<encoded_line>> asked;
  wire::message answer = wire::blocks_response{};
};

using slow_server_actor = block_server_actor::extend_with<sleeper_actor>;

inline slow_server_actor spawn_server(caf::actor_system& system, std::shared_ptr<slow_server> x) {
  return system.spawn([x](slow_server_actor::pointer self) -> slow_server_actor::behavior_type {
    return {
        [x, self](atom::serve, const wire::message&) -> caf::result<encoded_line> {
          auto promise = self->make_response_promise<encoded_line>();
          x->asked.push_back(promise);
          return promise;
        },
        [x](atom::wake, std::uint64_t number) {
          x->asked.at(number).deliver(encoded_line{wire::encode_shared(x->answer)});
        },
    };
  });
}

/// Has no transactions, and says so at once.
inline mempool_actor spawn_empty_mempool(caf::actor_system& system) {
  return system.spawn([]() -> mempool_actor::behavior_type {
    return {
        [](atom::own_address, const ip_address&) {},
        [](atom::offer, const wire::message&) { return offer_reply{}; },
        [](atom::serve, const wire::message&) {
          return encoded_line{wire::encode_shared(wire::pending_transactions_response{})};
        },
        [](atom::list) { return std::vector<mempool_entry>{}; },
        [](atom::explain, const hash256&) { return transaction_detail{}; },
        [](atom::coins, const std::string&) { return pending_coins{}; },
        [](atom::attach, const gossip_actor&) {},
        [](atom::save) {},
        [](atom::snapshot) { return mempool_snapshot{}; },
        [](atom::fill, std::uint64_t) { return block_filling{}; },
        [](atom::peer_up, const peer_info&, const peer_connection_actor&) {},
        [](atom::peer_down, const ip_address&) {},
        [](const ip_address&, const wire::message&) {},
        [](atom::judge, const ip_address&, const wire::message&) { return flood_judgement{}; },
        [](atom::tip, const chain_tip&) {},
        [](atom::wake, std::uint64_t) {},
    };
  });
}

/// Works off one message of a peer for each answer of the server: in between it does nothing else.
inline sync_engine_actor spawn_slow_sync(caf::actor_system& system, slow_server_actor server) {
  return system.spawn([server](
                          sync_engine_actor::pointer self) -> sync_engine_actor::behavior_type {
    return {
        [](atom::attach, const gossip_actor&) {},
        [](atom::attach, const masternode_list_actor&) {},
        [](atom::progress) { return sync_progress{}; },
        [](atom::progress, const std::vector<ip_address>&) { return sync_progress{}; },
        [](atom::snapshot) { return sync_snapshot{}; },
        [](atom::peer_up, const peer_info&, const peer_connection_actor&) {},
        [](atom::peer_down, const ip_address&) {},
        [self, server](const ip_address&, const wire::message& x) {
          self->request(server, caf::infinite, atom::serve_v, x).await([](const encoded_line&) {});
        },
        [](atom::judge, const ip_address&, const wire::message&) { return flood_judgement{}; },
        [](atom::tip, const chain_tip&) {},
        [](atom::wake, std::uint64_t) {},
    };
  });
}

inline const auto peer_address = endpoint{*ip_address::parse("10.0.0.2"), 24100};
inline const auto our_address = endpoint{*ip_address::parse("10.0.0.1"), 40000};
inline const auto good_handshake = wire::handshake{wire::handshake_magic, 1, "Testnet"};

struct one_connection : test_node {
  explicit one_connection(link_direction direction, bool trusted = false)
      : record{std::make_shared<told>()}, server{std::make_shared<slow_server>()},
        wire_end{std::make_shared<fake_connection>(peer_address)} {
    peer_routes routes;
    server_actor = spawn_server(system, server);
    routes.blocks = server_actor;
    routes.mempool = spawn_empty_mempool(system);
    routes.sync = spawn_slow_sync(system, server_actor);
    actor = system.spawn<peer_connection>(std::make_shared<const node_context>(context),
                                          link_spec{7, direction, peer_address, {}, trusted},
                                          wire_end, spawn_registry(system, record),
                                          std::make_shared<const peer_routes>(routes));
    run();
    if (direction == link_direction::outbound) {
      wire_end->handler->on_connected(our_address);
      run();
    }
  }

  void answer_question(std::size_t number) {
    self->send(server_actor, atom::wake_v, std::uint64_t{number});
    run();
  }

  void establish_inbound() {
    wire_end->say({good_handshake});
    run();
    wire_end->heard();
  }

  void socket_closes(const std::string& reason) {
    wire_end->handler->on_closed(reason);
    run();
  }

  peer_snapshot look() { return ask<peer_snapshot>(actor, atom::snapshot_v); }

  template <class T>
  static std::size_t count(const std::vector<wire::message>& xs) {
    return static_cast<std::size_t>(std::ranges::count_if(
        xs, [](const wire::message& x) { return std::holds_alternative<T>(x); }));
  }

  std::shared_ptr<told> record;
  std::shared_ptr<slow_server> server;
  slow_server_actor server_actor;
  std::shared_ptr<fake_connection> wire_end;
  peer_connection_actor actor;
};

}  // namespace test
