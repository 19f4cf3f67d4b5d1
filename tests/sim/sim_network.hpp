#pragma once

// A network in memory and in virtual time: the simulator's side of the transport seam. One thread; all
// randomness from one seed; the same calls give the same run.

#include "messages/link_types.hpp"
#include "net/framing.hpp"
#include "net/random.hpp"
#include "net/transport.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <vector>

namespace sim {

using timenode::endpoint;
using timenode::ip_address;
using timenode::monotonic_ns;

inline constexpr monotonic_ns millisecond = 1'000'000;
inline constexpr monotonic_ns second = 1'000'000'000;

/// How a TCP stack gives up: keepalive after 30 s idle and then every 10 s, nine times.
inline constexpr monotonic_ns stack_gives_up_after = 120 * second;
/// Bytes that may be under way in one direction of a connection; the rest waits in the send queue.
inline constexpr std::size_t window_bytes = 256u << 10;

class sim_transport;
class sim_connection;

class sim_network {
public:
  /// `now` tells virtual time.
  sim_network(std::function<monotonic_ns()> now, std::uint64_t seed);
  ~sim_network();

  /// The network card of a host. It may be destroyed (a crash: peers see a reset) and made again.
  std::unique_ptr<timenode::net::transport> make_transport(const ip_address& host);

  // -- faults --

  /// Delay of each delivery: `base` plus something in [0, jitter].
  void set_latency(monotonic_ns base, monotonic_ns jitter);
  /// Nothing gets from one host to the other while blocked; what is under way waits, as TCP retransmits.
  void block(const ip_address& from, const ip_address& to, bool blocked);
  /// Nobody can dial this host (it is behind NAT); it can dial others.
  void set_undialable(const ip_address& host, bool undialable);
  /// The host loses power: its connections are gone without a word to the other side.
  void cut_power(const ip_address& host);
  /// Resets every connection between two hosts.
  void reset(const ip_address& a, const ip_address& b);

  // -- running --

  /// When the next thing happens.
  std::optional<monotonic_ns> next_event() const;
  /// Does all that is due now.
  void run_due();

  /// Connections that are up at both ends, by pair of hosts (lower first): what an observer would see.
  std::map<std::pair<ip_address, ip_address>, std::size_t> open_pairs() const;
  /// Connections that both hosts hold open, in all.
  std::uint64_t connections_made() const noexcept { return made_; }

private:
  friend class sim_transport;
  friend class sim_connection;

  struct event {
    monotonic_ns at;
    std::uint64_t order;
    std::function<void()> run;
    bool operator>(const event& other) const noexcept {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  void after(monotonic_ns delay, std::function<void()> run);
  monotonic_ns delay();
  bool blocked(const ip_address& from, const ip_address& to) const;

  std::function<monotonic_ns()> now_;
  timenode::random_source random_;
  monotonic_ns latency_ = 20 * millisecond;
  monotonic_ns jitter_ = 0;
  std::priority_queue<event, std::vector<event>, std::greater<>> events_;
  std::uint64_t order_ = 0;
  std::uint64_t made_ = 0;
  std::map<ip_address, sim_transport*> hosts_;
  std::set<std::pair<ip_address, ip_address>> blocked_;
  std::set<ip_address> undialable_;
  std::set<sim_connection*> connections_;
  timenode::wire::line_decoder decoder_;
};

} // namespace sim
