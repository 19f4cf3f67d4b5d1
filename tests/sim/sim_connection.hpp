#pragma once

// One end of a simulated connection. For sim_network.cpp, sim_connection.cpp and sim_connection_dial.cpp alone.

#include "net/framing.hpp"
#include "net/transport.hpp"
#include "tests/sim/fifo.hpp"
#include "tests/sim/sim_network.hpp"

#include <memory>
#include <string>

namespace sim {

/// The two ends know each other while both live. Events keep an end alive that its program has dropped, until
/// what it still had to send has arrived.
class sim_connection final : public timenode::net::connection,
                             public event_target,
                             public std::enable_shared_from_this<sim_connection> {
 public:
  sim_connection(sim_network& network, wire_record_ptr record, int side, endpoint remote);

  /// Whoever lets go of it without a word is dead: its kernel resets the connection.
  ~sim_connection() override;

  // -- the transport seam --
  endpoint remote() const override { return remote_; }
  void start(std::unique_ptr<timenode::net::connection_handler> handler) override;
  void open_up() override;
  void send(timenode::net::shared_buffer bytes) override;
  void grant(std::size_t messages, std::size_t bytes) override;
  void close(const std::string& reason) override;
  timenode::net::connection_stats stats() const override;

  // -- for the network --
  void happen(std::uint32_t what) override;
  void approach(nearness how) const noexcept override;
  const wire_record_ptr& record() const noexcept { return record_; }
  host_index host() const noexcept { return record_->hosts[side_]; }
  host_index other_host() const noexcept { return record_->hosts[1 - side_]; }
  bool up() const noexcept { return state_ == state::up && !closing_; }
  std::shared_ptr<sim_connection> peer() const { return peer_.lock(); }
  static void join(const std::shared_ptr<sim_connection>& dialer,
                   const std::shared_ptr<sim_connection>& acceptor);
  /// Ends now. The program hears `reason`; the other side hears of it by a reset, if told to and it gets there.
  void fail(wire_end why, const std::string& reason, bool reset_peer);
  /// The program is gone and hears nothing. The other side hears of it by a reset, if told to and it gets there.
  void vanish(wire_end why, bool reset_peer);
  /// From now on nothing gets through, and nobody is told.
  void lose_everything() noexcept { lost_ = true; }
  /// A path to the other host has opened for a dial that waits for it.
  void go_on_dialing();
  /// Hands over what has come, as far as the program reads.
  void read();
  std::size_t bytes_held() const noexcept;

 private:
  enum class state : std::uint8_t { fresh, dialing, up, ended };
  enum event : std::uint32_t {
    syn,
    connected,
    timed_out,
    arrival,
    reset_arrives,
    closed_here,
    failed_here,
    acks
  };
  /// Bytes on their way; null: the end of the stream.
  struct flight {
    timenode::net::shared_buffer bytes;
    monotonic_ns arrives;
  };

  /// The process that it belonged to has ended.
  bool orphaned() const;
  void find_handlers() noexcept;
  bool alive() const noexcept { return state_ == state::dialing || state_ == state::up; }
  bool cut_off(int from) const;
  void schedule(monotonic_ns delay, event what);
  void dial();
  void stop_dialing();
  void connect();
  void pump();
  void put_out(timenode::net::shared_buffer bytes);
  void launch(timenode::net::shared_buffer bytes);
  void on_arrival();
  void retransmit();
  void consumed(std::size_t bytes);
  void on_acks();
  void end_of_stream();
  std::size_t read_some();
  void hand_over(std::size_t bytes);
  void end(wire_end why, const std::string& reason);
  void leave();
  void tell(const std::string& reason, bool failed);

  sim_network& network_;
  wire_record_ptr record_;
  int side_;            ///< 0: this end dialed.
  std::uint32_t boot_;  ///< Of the host: what a power cut leaves behind sends no more.
  endpoint remote_;
  timenode::net::line_framer framer_;
  std::unique_ptr<timenode::net::connection_handler> handler_;
  std::weak_ptr<sim_connection> peer_;
  const sim_connection* other_ = nullptr;  ///< The same for `approach`; null when it is gone.
  // Only to be fetched, as they may be gone: the actor that it talks to, and what that one's handlers are in.
  caf::actor_control_block* program_ = nullptr;
  const caf::behavior* behavior_ = nullptr;
  const void* handlers_ = nullptr;

  state state_ = state::fresh;
  bool closing_ = false;  ///< The program closed it; what it sent before still goes out.
  bool dialing_ = false;  ///< It was closed before it came up.
  bool lost_ = false;
  bool opened_up_ = false;
  bool greeted_ = false;
  bool above_ = false;      ///< The send queue was above the low-water mark.
  bool peer_done_ = false;  ///< The other side's stream ends behind what waits in `inbox_`.
  std::string failure_;     ///< Of `failed_here` and `closed_here`.
  monotonic_ns dialed_at_ = 0;
  bool knocking_ = false;   ///< It stands in its target's `knocking`.
  bool times_out_ = false;  ///< The event that ends the dial is on its way.

  std::uint64_t process_;  ///< Of its host.
  fifo<timenode::net::shared_buffer> queue_;
  fifo<flight> flights_;
  fifo<timenode::net::shared_buffer> inbox_;
  std::size_t queued_ = 0;       ///< Bytes that have not arrived.
  std::size_t window_used_ = 0;  ///< Bytes under way, or there and not read.
  std::size_t unacked_ = 0;      ///< Read at the other side, which cannot tell us.
  monotonic_ns ack_waited_ = 0;
  monotonic_ns last_launch_ =
      -1;  ///< When the last bytes left; negative: none have, or the next go by themselves.
  monotonic_ns last_arrival_ = 0;
  monotonic_ns retry_ = 0;   ///< The last pause before bytes were sent again; 0: they went through.
  monotonic_ns waited_ = 0;  ///< For these bytes, in all.
  std::size_t held_messages_ = 0;
  std::size_t held_bytes_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace sim
