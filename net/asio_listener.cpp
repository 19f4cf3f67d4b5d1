#include "net/asio_listener.hpp"

#include "net/asio_connection.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <utility>

namespace timenode::net {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

/// Accepts in a row before the thread looks at its connections.
constexpr int accepts_per_turn = 64;

/// After a failure we wait this long, doubling up to the second: the system needs time to have
/// room, and a wait longer than that would keep peers out for no reason.
constexpr auto first_backoff = 100ms;
constexpr auto longest_backoff = 1000ms;

/// A lasting failure is told this often.
constexpr auto report_interval = 1s;

/// As many connections may wait to be taken; beyond that the kernel's backlog holds them.
constexpr std::size_t max_pending = 1024;

/// Errors of one connection, not of accepting: accept(2) hands on what happened to it meanwhile.
bool concerns_one_connection(int error) {
  switch (error) {
  case EINTR:
  case ECONNABORTED:
  case EPROTO:
  case ENETDOWN:
  case ENOPROTOOPT:
  case EHOSTDOWN:
  case ENONET:
  case EHOSTUNREACH:
  case EOPNOTSUPP:
  case ENETUNREACH:
    return true;
  default:
    return false;
  }
}

}  // namespace

asio_listener::asio_listener(std::shared_ptr<asio_engine> engine, unique_fd fd,
                             std::unique_ptr<listener_handler> handler)
    : engine_{std::move(engine)}, executor_{engine_->make_executor()}, acceptor_{executor_},
      retry_{executor_}, backoff_{first_backoff}, handler_{std::move(handler)} {
  auto protocol = local_endpoint(fd.get()).ip.is_v4() ? asio::ip::tcp::v4() : asio::ip::tcp::v6();
  acceptor_.assign(protocol, fd.get());
  fd.release();
  acceptor_.native_non_blocking(true);
}

void asio_listener::start() {
  post(&asio_listener::wait);
}

void asio_listener::stop() {
  post(&asio_listener::finish);
}

void asio_listener::post(void (asio_listener::*step)()) {
  asio::post(executor_, [self = shared_from_this(), step] { self->run(step); });
}

void asio_listener::run(void (asio_listener::*step)()) noexcept {
  if (!handler_)
    return;
  try {
    (this->*step)();
  } catch (const std::exception& e) {
    try {
      report_and_retry(e.what());
    } catch (...) {
      finish();
    }
  }
}

void asio_listener::wait() {
  acceptor_.async_wait(asio::socket_base::wait_read,
                       [self = shared_from_this()](boost::system::error_code e) {
                         if (e != asio::error::operation_aborted)
                           self->run(&asio_listener::accept_all);
                       });
}

void asio_listener::accept_all() {
  for (int i = 0; i < accepts_per_turn; ++i) {
    if (engine_->pending() >= max_pending)
      return report_and_retry(std::to_string(max_pending) +
                              " accepted connections wait to be taken");
    auto x = accept_one(acceptor_.native_handle());
    if (x.fd) {
      backoff_ = first_backoff;
      welcome(std::move(x));
    } else if (x.error == EAGAIN || x.error == EWOULDBLOCK) {
      break;
    } else if (!concerns_one_connection(x.error)) {
      return report_and_retry(explain_errno(x.error));
    }
  }
  wait();
}

void asio_listener::welcome(accepted_socket x) {
  auto remote = x.remote;
  auto connection = asio_connection::make_accepted(engine_, std::move(x));
  if (!connection)
    return;
  auto id = engine_->add_pending(connection);
  connection->wait_for_take(id);
  handler_->on_accepted(id, remote);
}

void asio_listener::report_and_retry(const std::string& reason) {
  retry_.expires_after(backoff_);
  backoff_ = std::min<std::chrono::milliseconds>(2 * backoff_, longest_backoff);
  retry_.async_wait([self = shared_from_this()](boost::system::error_code e) {
    if (!e)
      self->run(&asio_listener::accept_all);
  });
  auto now = clock::now();
  if (last_report_ != clock::time_point::min() && now - last_report_ < report_interval)
    return;
  last_report_ = now;
  handler_->on_accept_error(reason);
}

void asio_listener::finish() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  retry_.cancel();
  handler_.reset();
}

}  // namespace timenode::net
