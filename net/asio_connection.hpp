#pragma once

// One TCP connection. Private to net/asio_*.cpp.

#include "net/asio_engine.hpp"
#include "net/framing.hpp"
#include "net/send_queue.hpp"
#include "net/socket.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace timenode::net {

/// The public functions only note what is wanted, under the mutex, and post a step; the steps run
/// one at a time on the executor and are the only ones to touch the socket and the handler. The
/// exception is a little to send when nothing waits: whoever sends writes it, under the mutex, which
/// saves a thread's wake (the most of what an answer takes).
class asio_connection final : public connection,
                              public std::enable_shared_from_this<asio_connection> {
 public:
  /// Accepted: counts as open from now on. Null when the transport is being destroyed; throws
  /// boost::system::system_error when the kernel cannot watch one more.
  static asio_connection_ptr make_accepted(std::shared_ptr<asio_engine> engine, accepted_socket x);
  /// To be dialed by `start`.
  static asio_connection_ptr make_dialing(std::shared_ptr<asio_engine> engine, const endpoint& to,
                                          const std::optional<ip_address>& from);
  ~asio_connection() override;

  /// What the owner gets: closes the connection when the last copy goes.
  connection_ptr owned();

  /// Accepted: closes unless it is taken in time.
  void wait_for_take(std::uint64_t id);
  /// Closes without waiting for anything.
  void shut_down();
  /// Closes: its unfinished line is what all of them can spare.
  void drop_unfinished();

  // -- connection -------------------------------------------------------------

  endpoint remote() const override { return remote_; }
  void start(std::unique_ptr<connection_handler> handler) override;
  void open_up() override;
  void send(shared_buffer bytes) override;
  void grant(std::size_t messages, std::size_t bytes) override;
  void close(const std::string& reason) override;
  connection_stats stats() const override;

 private:
  /// More than this is left to the executor: the mutex is held while it is written.
  static constexpr std::size_t bytes_written_at_once = 16u << 10;

  enum class phase { idle, connecting, open, closing, closed };
  enum class manner { gentle, at_once, reset };
  using step = void (asio_connection::*)();

  asio_connection(std::shared_ptr<asio_engine> engine, const endpoint& remote);

  // -- plumbing ---------------------------------------------------------------

  void run(step x) noexcept;
  void post(step x);
  void wait_readable(step x);
  void wait_writable(step x);
  void arm_deadline(std::chrono::milliseconds after, step x);
  void adopt(unique_fd fd);
  int fd() { return socket_.native_handle(); }

  // -- steps: connecting and closing (asio_connection.cpp) ----------------------

  void on_start();
  void connect();
  void on_connect_ready();
  void on_connect_timeout();
  void begin_open();
  void arm_take_deadline();
  void on_take_timeout();
  void request_close(std::string reason, manner how);
  void on_close_requested();
  void drain_input();
  void finish_close();
  void finish(const std::string& reason, bool dial_failed = false) noexcept;

  // -- steps: reading and writing (asio_connection_io.cpp) ----------------------

  void resume_reading();
  void on_readable();
  void read();
  /// How many bytes may be read now, 0 for none.
  std::size_t may_read(std::size_t most);
  /// False when reading is over.
  bool deliver(std::string_view chunk);
  void on_eof();
  void flush();
  /// What `send` does itself with little to write; `guard` holds the mutex, and is open afterwards.
  void write_at_once(std::unique_lock<std::mutex>& guard);
  enum class write_result { emptied, would_block, more, failed };
  write_result write_some(std::size_t calls);
  void after_write();

  // Constant.
  std::shared_ptr<asio_engine> engine_;
  endpoint remote_;
  bool accepted_ = false;

  // Touched by steps only (and before the first step).
  phase phase_ = phase::idle;
  bool read_waiting_ = false;  ///< A wait for readability is under way.
  bool read_over_ = false;     ///< An oversized line came: nothing more is read.
  bool counted_ = false;       ///< In `open_sockets`.
  bool any_line_ = false;      ///< A line was delivered.
  bool held_ = false;          ///< Its unfinished line is long enough to be counted.
  int write_error_ = 0;
  std::size_t drained_ = 0;  ///< Input dropped while closing.
  std::uint64_t pending_id_ = 0;
  std::optional<ip_address> from_;
  boost::asio::ip::tcp::socket socket_;  ///< Not open before there is a socket, nor after the end.
  std::unique_ptr<boost::asio::steady_timer> deadline_;  ///< Only while one runs.
  std::unique_ptr<connection_handler> handler_;
  line_framer framer_;
  asio_engine::live_list::iterator position_;

  // Under the mutex.
  mutable std::mutex mutex_;
  bool started_ = false;
  bool closed_ = false;  ///< No step may be posted any more.
  bool opened_up_ = false;
  bool writable_ = false;  ///< Connected: a flush makes sense.
  bool flushing_ = false;  ///< A flush is posted or waits for the socket.
  bool above_low_water_ = false;
  bool paused_ = false;  ///< Reading stopped; a grant or `open_up` resumes it.
  manner close_manner_ = manner::gentle;
  std::unique_ptr<const std::string> close_reason_;  ///< Set: closing was asked for.
  std::size_t owed_messages_ = 0;                    ///< Delivered and not granted.
  std::size_t owed_bytes_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
  send_queue queue_;
};

}  // namespace timenode::net
