#pragma once

// A network in memory and in virtual time: the simulator's side of the transport seam. One thread; all
// randomness from one seed; the same calls give the same run.
//
// A connection behaves as TCP does, seen from a program: bytes come in order and once; what is lost is sent
// again after pauses that double; a host that is there but does not know a connection answers with a reset;
// one that is gone says nothing; a reader that does not read fills the window and then the sender's queue.

#include "messages/link_types.hpp"
#include "net/random.hpp"
#include "net/transport.hpp"
#include "tests/sim/event_queue.hpp"

#include <boost/container/flat_map.hpp>
#include <caf/fwd.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sim {

using timenode::endpoint;
using timenode::ip_address;

/// How a TCP stack gives up bytes that nobody acknowledges: as `net/socket.cpp` asks it to. (It also does so for the deployed
/// daemon here, whose stack would try for longer.)
inline constexpr monotonic_ns stack_gives_up_after = 90 * second;
/// How long a stack waits before it sends lost bytes again: the first time, and at most; doubling between.
inline constexpr monotonic_ns first_retransmission = 250 * millisecond;
inline constexpr monotonic_ns longest_retransmission = 60 * second;
/// Bytes under way or not yet read in one direction of a connection; the rest waits in the send queue.
inline constexpr std::size_t window_bytes = 256u << 10;

class sim_transport;
class sim_connection;

/// A host's number, from 0 in the order in which the network hears of them.
using host_index = std::uint32_t;

/// What ended a connection, as somebody knows who sees all of the network.
enum class wire_end : std::uint8_t {
  none,          ///< It has not ended.
  closed,        ///< A program closed it: `wire_record::reason` is what it said.
  not_read,      ///< The sender's queue was full.
  reset,         ///< A fault: a reset.
  crash,         ///< A fault: the process ended, its host said so.
  power,         ///< A fault: the host lost power.
  gave_up,       ///< The stack had sent the same bytes again for too long.
  unknown_here,  ///< The other host had forgotten it.
};
std::string_view to_text(wire_end x) noexcept;

/// What an observer keeps of a connection.
struct wire_note {
  virtual ~wire_note() = default;
};

/// One connection as the network knows it. Side 0 dialed, side 1 accepted.
struct wire_record {
  std::uint64_t id = 0;
  host_index hosts[2] = {0, 0};
  bool opened = false;  ///< Both ends came up.
  monotonic_ns opened_at = 0;
  wire_end end = wire_end::none;  ///< What ended it first ...
  int ended_by = 0;               ///< ... on which side ...
  std::string reason;             ///< ... and the words of who closed it.
  std::unique_ptr<wire_note> note;
};
using wire_record_ptr = std::shared_ptr<wire_record>;

/// Sees all of the network. Must not change it.
class network_watch {
 public:
  virtual ~network_watch() = default;
  /// Where the program is that runs now, to be fetched into the cache before it is told something; null: unknown.
  virtual caf::actor_control_block* running() const noexcept { return nullptr; }
  /// A program has taken over this side of a connection (`connection::start`).
  virtual void started(const wire_record_ptr&, int) {}
  /// Both ends are up.
  virtual void opened(const wire_record_ptr&) {}
  /// A side will not get or send any more; the other one may not know yet.
  virtual void ended(const wire_record_ptr&, int) {}
  /// Lines were handed to the program on this side, on which so many bytes wait for the other one to read them.
  virtual void received(const wire_record_ptr&, int, const timenode::net::received_batch&,
                        std::size_t) {}
};

class sim_network {
 public:
  /// `now` tells virtual time.
  sim_network(std::function<monotonic_ns()> now, std::uint64_t seed);
  ~sim_network();
  sim_network(const sim_network&) = delete;
  sim_network& operator=(const sim_network&) = delete;

  /// The network card of a host. It may be destroyed (the process ends: peers see a reset) and made again.
  std::unique_ptr<timenode::net::transport> make_transport(const ip_address& host);

  host_index index_of(const ip_address& host);
  std::optional<host_index> find(const ip_address& host) const {
    const auto i = by_ip_.find(host);
    return i == by_ip_.end() ? std::nullopt : std::optional{i->second};
  }
  const ip_address& ip_of(host_index host) const { return hosts_[host]->ip; }
  /// Null: nobody. Outlives the network.
  void watch(network_watch* x) noexcept { watch_ = x; }

  // -- faults --

  /// Delay of each delivery: `base`, plus the same for each pair in [0, spread], plus each time something in
  /// [0, jitter].
  void set_latency(monotonic_ns base, monotonic_ns jitter, monotonic_ns spread = 0);
  /// So many of 100 sends arrive in pieces.
  void set_fragments(std::uint8_t percent) noexcept { fragments_ = percent; }
  /// Everything to and from the host takes that much longer.
  void set_host_latency(const ip_address& host, monotonic_ns extra);
  /// Nothing gets from one host to the other while blocked; what is under way waits, as TCP retransmits.
  /// Blocks add up: two need two releases.
  void block(const ip_address& from, const ip_address& to, bool blocked);
  /// So many of 100 packets from one host to the other are lost.
  void set_loss(const ip_address& from, const ip_address& to, std::uint8_t percent);
  /// Nobody can dial this host (it is behind NAT); it can dial others.
  void set_undialable(const ip_address& host, bool undialable);
  /// The host loses power: its connections are gone without a word to the other side.
  void cut_power(const ip_address& host);
  /// The process on this host ends at once: its connections are reset. Its transport is of no use any more.
  void end_process(const ip_address& host);
  /// Resets every connection between two hosts.
  void reset(const ip_address& a, const ip_address& b);
  /// A box between the two forgets their connections: they stay open at both ends and nothing gets through.
  void forget(const ip_address& a, const ip_address& b);
  /// The programs of this host do not read from their connections.
  void set_reading(const ip_address& host, bool reading);

  // -- running --

  monotonic_ns time() const { return now_(); }

  /// Calls `run` that much later.
  void after(monotonic_ns delay, std::function<void()> run);
  /// When the next thing happens.
  std::optional<monotonic_ns> next_event() const { return events_.next(); }
  /// Does all that is due now.
  void run_due();
  /// Does the next thing. There must be one.
  void run_first() { events_.run_first(); }
  /// Drops all that is under way; for the end, when the actors that it is for are about to go.
  void drop_events() { events_.clear(); }

  // -- what an observer sees --

  /// Connections that are up at both ends, by pair of hosts (lower first).
  std::map<std::pair<ip_address, ip_address>, std::size_t> open_pairs() const;
  /// Connections that both hosts held open, in all.
  std::uint64_t connections_made() const noexcept { return made_; }
  /// Sockets of the host that are open now.
  std::size_t open_sockets(host_index host) const { return hosts_[host]->open.size(); }
  /// Dials to the host, in all.
  std::uint64_t dials_to(const ip_address& host) { return hosts_[index_of(host)]->dials; }
  std::uint64_t events() const noexcept { return events_.happened(); }
  /// Bytes that wait to be sent or read, in all.
  std::size_t bytes_held() const;

 private:
  friend class sim_transport;
  friend class sim_connection;

  struct path_state {
    std::uint8_t blocks = 0;
    std::uint8_t loss = 0;  ///< Percent.
  };
  struct host_state {
    ip_address ip;
    sim_transport* transport = nullptr;  ///< Null: down.
    bool undialable = false;
    bool reading = true;
    monotonic_ns extra_latency = 0;
    std::uint32_t boots = 0;
    std::uint64_t processes = 0;  ///< That have ended there.
    std::uint64_t dials = 0;      ///< To it.
    std::uint16_t last_port = 0;
    std::vector<path_state> to;  ///< By host; as long as it has to be.
    std::vector<sim_connection*>
        knocking;  ///< Dials to it that nothing gets through for: `paths_opened` goes on with them.
    /// Ends that are up, by number and so in the order in which they came up.
    boost::container::flat_map<std::uint64_t, sim_connection*> open;
  };

  monotonic_ns now() const { return now_(); }
  path_state& path_between(host_index from, host_index to);
  bool lost(host_index from, host_index to);
  bool is_closed(host_index from, host_index to) const;
  void paths_opened(host_index to);
  monotonic_ns delay(host_index from, host_index to);
  std::vector<std::shared_ptr<sim_connection>> open_between(const ip_address& a,
                                                            const ip_address& b);

  std::function<monotonic_ns()> now_;
  timenode::random_source random_;
  std::uint64_t seed_;
  monotonic_ns latency_ = 20 * millisecond;
  monotonic_ns jitter_ = 0;
  monotonic_ns spread_ = 0;
  std::uint8_t fragments_ = 0;
  event_queue events_;
  std::uint64_t made_ = 0;
  std::uint64_t dialed_ = 0;
  std::vector<std::unique_ptr<host_state>> hosts_;
  std::unordered_map<ip_address, host_index> by_ip_;  ///< For look-ups only.
  network_watch* watch_ = nullptr;
  timenode::wire::line_decoder decoder_;
  std::string scratch_;  ///< A delivery with the padding that the decoder wants.
};

}  // namespace sim
