#pragma once

// Hosts on the simulated network that are none of our nodes: they speak the protocol without actors, as their
// kind does. What happens on their connections reaches them as calls.

#include "messages/wire.hpp"
#include "net/random.hpp"
#include "net/transport.hpp"
#include "tests/sim/sim_network.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace sim {

class plain_peer {
 public:
  plain_peer(sim_network& network, const ip_address& ip, std::uint64_t seed);
  virtual ~plain_peer();
  plain_peer(const plain_peer&) = delete;
  plain_peer& operator=(const plain_peer&) = delete;

  const ip_address& ip() const noexcept { return ip_; }
  bool running() const noexcept { return transport_ != nullptr; }
  /// Begins to listen and to do what its kind does.
  void start();
  /// Its process ends, or its host loses power.
  void stop(bool power = false);

 protected:
  /// A connection of either direction.
  struct session {
    std::uint64_t number = 0;
    ip_address remote;
    bool dialed = false;
    bool up = false;           ///< The socket is.
    bool established = false;  ///< The handshake is done, as this peer sees it.
    monotonic_ns since = 0;
    monotonic_ns heard = 0;  ///< Something came last.
    timenode::net::connection_ptr link;
    wire_record_ptr record;
    int side() const noexcept { return dialed ? 0 : 1; }
  };

  // What its kind does. A session may be gone after `close` or a call that closes it.
  virtual void on_start() {}
  virtual void on_stop() {}
  virtual void on_up(session&) {}
  virtual void on_line(session&, const timenode::wire::decoded&) {}
  virtual void on_down(session&, const std::string&) {}
  /// Whether what comes over this session is read at all.
  virtual bool reads(const session&) { return true; }

  session& dial(const endpoint& to);
  void send(session& to, const timenode::wire::message& x);
  void send_bytes(session& to, std::string bytes);
  /// The session is gone when this returns.
  void close(std::uint64_t number, const std::string& reason);
  /// Calls `run` after that time if it still runs then without a stop in between.
  void after(monotonic_ns delay, std::function<void()> run);
  session* find(std::uint64_t number);
  /// By number and so in the order in which they began.
  std::map<std::uint64_t, session>& sessions() noexcept { return sessions_; }
  monotonic_ns now() const { return network_.time(); }
  sim_network& network() noexcept { return network_; }
  timenode::random_source& random() noexcept { return random_; }

 private:
  class listener;
  class handler;
  session& add(timenode::net::connection_ptr link, const ip_address& remote, bool dialed);

  sim_network& network_;
  ip_address ip_;
  timenode::random_source random_;
  std::unique_ptr<timenode::net::transport> transport_;
  std::map<std::uint64_t, session> sessions_;
  std::uint64_t last_number_ = 0;
  std::uint64_t run_ = 0;
  /// Says to what waits in the network whether this object is still there.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace sim
