#include "net/asio_connection.hpp"

#include <boost/asio/post.hpp>
#include <sys/socket.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace timenode::net {

namespace asio = boost::asio;

// -- making and handing out -------------------------------------------------------

asio_connection::asio_connection(std::shared_ptr<asio_engine> engine, const endpoint& remote)
    : engine_{std::move(engine)}, remote_{remote}, socket_{engine_->make_executor()},
      framer_{wire::max_line_bytes} {}

asio_connection::~asio_connection() = default;

asio_connection_ptr asio_connection::make_accepted(std::shared_ptr<asio_engine> engine,
                                                   accepted_socket x) {
  asio_connection_ptr self{new asio_connection{std::move(engine), x.remote}};
  self->accepted_ = true;
  self->framer_.limit(greeting_bytes);
  self->adopt(std::move(x.fd));
  // Counted first: once it is added, another thread may close it.
  self->counted_ = true;
  ++self->engine_->open_sockets;
  if (!self->engine_->add(*self, self->position_)) {
    --self->engine_->open_sockets;
    return nullptr;
  }
  return self;
}

asio_connection_ptr asio_connection::make_dialing(std::shared_ptr<asio_engine> engine,
                                                  const endpoint& to,
                                                  const std::optional<ip_address>& from) {
  asio_connection_ptr self{new asio_connection{std::move(engine), to}};
  self->from_ = from;
  self->opened_up_ = true;  // We chose to talk to them: no limit on their greeting.
  if (!self->engine_->add(*self, self->position_))
    return nullptr;
  return self;
}

connection_ptr asio_connection::owned() {
  return connection_ptr{
      this, [self = shared_from_this()](connection*) { self->close("dropped by its owner"); }};
}

void asio_connection::wait_for_take(std::uint64_t id) {
  pending_id_ = id;
  std::lock_guard guard{mutex_};
  if (!closed_)
    post(&asio_connection::arm_take_deadline);
}

void asio_connection::arm_take_deadline() {
  if (phase_ == phase::idle)
    arm_deadline(engine_->options.take_timeout, &asio_connection::on_take_timeout);
}

void asio_connection::on_take_timeout() {
  // Who was taken is no longer there to take, whatever the timer says.
  if (engine_->take_pending(pending_id_))
    finish("not taken");
}

// -- what anyone may call -----------------------------------------------------------

void asio_connection::start(std::unique_ptr<connection_handler> handler) {
  std::lock_guard guard{mutex_};
  if (closed_ || close_reason_ || std::exchange(started_, true))
    return;
  handler_ = std::move(handler);  // No step looks at it before `on_start`.
  post(&asio_connection::on_start);
}

void asio_connection::open_up() {
  std::lock_guard guard{mutex_};
  if (std::exchange(opened_up_, true) || closed_ || !paused_)
    return;
  paused_ = false;
  post(&asio_connection::resume_reading);
}

void asio_connection::grant(std::size_t messages, std::size_t bytes) {
  std::lock_guard guard{mutex_};
  owed_messages_ -= std::min(messages, owed_messages_);
  owed_bytes_ -= std::min(bytes, owed_bytes_);
  if (!paused_ || closed_ || owed_messages_ >= read_credit_messages ||
      owed_bytes_ >= read_credit_bytes)
    return;
  paused_ = false;
  post(&asio_connection::resume_reading);
}

void asio_connection::send(shared_buffer bytes) {
  if (!bytes || bytes->empty())
    return;
  std::unique_lock guard{mutex_};
  if (closed_ || close_reason_)
    return;
  if (queue_.bytes_behind_front() >= max_send_queue_bytes) {
    guard.unlock();
    // By reset: the peer does not read, so the kernel must not go on keeping bytes for it.
    request_close("send queue overflow", manner::reset);
    return;
  }
  queue_.push(std::move(bytes));
  if (queue_.bytes() > send_low_water_bytes)
    above_low_water_ = true;
  if (!writable_ || std::exchange(flushing_, true))
    return;
  if (queue_.bytes() > bytes_written_at_once)
    post(&asio_connection::flush);
  else
    write_at_once(guard);
}

void asio_connection::close(const std::string& reason) {
  request_close(reason.empty() ? "closed by us" : "closed by us: " + reason, manner::gentle);
}

void asio_connection::shut_down() {
  {
    std::lock_guard guard{mutex_};
    if (closed_)
      return;
    if (close_reason_) {
      close_manner_ = manner::at_once;  // Hurries a close that is under way.
      post(&asio_connection::on_close_requested);
      return;
    }
  }
  request_close("closed by us: the transport shuts down", manner::at_once);
}

void asio_connection::drop_unfinished() {
  request_close(std::string{reason_line_overflow}, manner::reset);
}

void asio_connection::request_close(std::string reason, manner how) {
  std::lock_guard guard{mutex_};
  if (closed_ || close_reason_)
    return;
  close_reason_ = std::make_unique<const std::string>(std::move(reason));
  // Nobody reads what a connection that was never started has to say: it need not linger.
  close_manner_ = started_ ? how : manner::at_once;
  post(&asio_connection::on_close_requested);
}

connection_stats asio_connection::stats() const {
  std::lock_guard guard{mutex_};
  return {.bytes_sent = sent_,
          .bytes_received = received_,
          .send_queue_bytes = queue_.bytes(),
          // Already true for the handler of the batch that used the credit up.
          .reading_paused = paused_ || owed_messages_ >= read_credit_messages ||
                            owed_bytes_ >= read_credit_bytes};
}

// -- plumbing -----------------------------------------------------------------------

void asio_connection::run(step x) noexcept {
  if (phase_ == phase::closed)
    return;
  try {
    (this->*x)();
  } catch (const std::exception& e) {
    finish(std::string{"internal error: "} + e.what(), phase_ == phase::connecting);
  } catch (...) {
    finish("internal error", phase_ == phase::connecting);
  }
}

void asio_connection::post(step x) {
  asio::post(socket_.get_executor(), [self = shared_from_this(), x] { self->run(x); });
}

void asio_connection::wait_readable(step x) {
  socket_.async_wait(asio::socket_base::wait_read,
                     [self = shared_from_this(), x](boost::system::error_code e) {
                       // Whatever else is wrong shows when the socket is used.
                       if (e != asio::error::operation_aborted)
                         self->run(x);
                     });
}

void asio_connection::wait_writable(step x) {
  socket_.async_wait(asio::socket_base::wait_write,
                     [self = shared_from_this(), x](boost::system::error_code e) {
                       if (e != asio::error::operation_aborted)
                         self->run(x);
                     });
}

void asio_connection::arm_deadline(std::chrono::milliseconds after, step x) {
  deadline_ = std::make_unique<asio::steady_timer>(socket_.get_executor(), after);
  deadline_->async_wait([self = shared_from_this(), x](boost::system::error_code e) {
    if (!e)
      self->run(x);
  });
}

void asio_connection::adopt(unique_fd fd) {
  auto protocol = remote_.ip.is_v4() ? asio::ip::tcp::v4() : asio::ip::tcp::v6();
  socket_.assign(protocol, fd.get());  // Throws when the kernel has no room to watch one more.
  fd.release();
  socket_.native_non_blocking(true);
}

// -- connecting ---------------------------------------------------------------------

void asio_connection::on_start() {
  deadline_.reset();
  if (phase_ != phase::idle)
    return;
  if (accepted_)
    begin_open();
  else
    connect();
  if (phase_ == phase::open)
    read();
}

void asio_connection::connect() {
  phase_ = phase::connecting;
  auto fd = start_connect(remote_, from_);
  if (!fd)
    return finish(fd.error().reason, true);
  adopt(std::move(*fd));
  arm_deadline(engine_->options.connect_timeout, &asio_connection::on_connect_timeout);
  wait_writable(&asio_connection::on_connect_ready);
}

void asio_connection::on_connect_ready() {
  if (phase_ != phase::connecting)
    return;
  deadline_.reset();
  if (auto error = pending_error(fd()))
    return finish(explain_errno(error), true);
  auto local = local_endpoint(fd());
  // A dial of a port that nobody listens on, from a port that the kernel chose, can meet itself.
  if (local == remote_endpoint(fd()))
    return finish("connection refused", true);
  counted_ = true;
  ++engine_->open_sockets;
  handler_->on_connected(local);
  begin_open();
  read();
}

void asio_connection::on_connect_timeout() {
  if (phase_ != phase::connecting)
    return;
  auto ms = engine_->options.connect_timeout.count();
  finish("timed out after " +
             (ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms"),
         true);
}

void asio_connection::begin_open() {
  phase_ = phase::open;
  std::lock_guard guard{mutex_};
  writable_ = true;
  if (!queue_.empty() && !std::exchange(flushing_, true))
    post(&asio_connection::flush);
}

// -- closing ------------------------------------------------------------------------

void asio_connection::on_close_requested() {
  std::string reason;
  manner how;
  bool refused;
  {
    std::lock_guard guard{mutex_};
    reason = *close_reason_;
    how = close_manner_;
    refused = !started_;
  }
  // Nobody has it and nobody is told of its end: while its socket lingers it is no connection.
  if (refused && std::exchange(counted_, false))
    --engine_->open_sockets;
  if (!socket_.is_open() || phase_ == phase::connecting || phase_ == phase::closing)
    return finish(reason);
  if (how == manner::reset) {
    close_by_reset(fd());
    return finish(reason);
  }
  // As far as the socket takes it. A queue is never more than one buffer above its limit, so this
  // ends.
  while (write_some(1) == write_result::more)
    ;
  if (how == manner::at_once || write_error_ != 0 || ::shutdown(fd(), SHUT_WR) != 0)
    return finish(reason);
  phase_ = phase::closing;
  arm_deadline(engine_->options.linger, &asio_connection::finish_close);
  drain_input();
}

void asio_connection::finish_close() {
  if (phase_ != phase::closing)
    return;
  std::string reason;
  {
    std::lock_guard guard{mutex_};
    reason = *close_reason_;
  }
  finish(reason);
}

void asio_connection::finish(const std::string& reason, bool dial_failed) noexcept {
  send_queue dropped;  // Freed after the lock is.
  {
    std::lock_guard guard{mutex_};
    if (std::exchange(closed_, true))
      return;
    paused_ = false;
    std::swap(dropped, queue_);
  }
  phase_ = phase::closed;
  deadline_.reset();
  boost::system::error_code ignored;  // It is closed whatever the kernel says of it.
  socket_.close(ignored);             // And its waits end.
  framer_ = line_framer{0};
  if (counted_)
    --engine_->open_sockets;
  engine_->remove(position_);
  auto handler = std::move(handler_);
  if (!handler)
    return;
  try {
    if (dial_failed)
      handler->on_failed(reason);
    else
      handler->on_closed(reason);
  } catch (...) {
    // Handlers must not throw; there is nobody left to tell.
  }
}

}  // namespace timenode::net
