#include "app/http_session.hpp"

#include "app/http_guard.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/write.hpp>
#include <spdlog/spdlog.h>

#include <string_view>
#include <utility>

namespace timenode {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

/// What is read ahead at most: a header, and body bytes on their way into the parser.
constexpr std::size_t max_buffered = 64u << 10;
/// After a last response we read on until the client has closed, or a reset could destroy the
/// response on its way; but not for longer, and not more, than this.
constexpr std::chrono::milliseconds linger_time{1000};
constexpr std::size_t linger_bytes = 4u << 20;

std::string_view view(beast::string_view x) {
  return {x.data(), x.size()};
}

http_response plain(unsigned status, std::string text) {
  http_response result;
  result.status = status;
  result.content_type = "text/plain";
  result.body = std::move(text) + '\n';
  return result;
}

}  // namespace

http_session::http_session(std::shared_ptr<http_engine> engine, tcp::socket socket)
    : weak_engine_{engine}, engine_{*engine}, socket_{std::move(socket)}, timer_{engine_.io},
      buffer_{max_buffered} {
  ++engine_.sessions;
}

http_session::~http_session() {
  --engine_.sessions;
  if (serving_)
    --engine_.serving;
}

void http_session::serve() {
  serving_ = true;
  ++engine_.serving;
  wait_for_request(engine_.limits.request_timeout);
}

void http_session::turn_away() {
  respond(plain(503, "Too many connections."), true);
}

// -- requests ---------------------------------------------------------------------

void http_session::wait_for_request(std::chrono::milliseconds at_most) {
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(engine_.limits.header_bytes));
  parser_->body_limit(engine_.limits.body_bytes);
  if (buffer_.size() > 0)  // The client sent its next request before it had our answer.
    return read_head();
  set_deadline(at_most, &http_session::close);
  socket_.async_read_some(buffer_.prepare(4096),
                          [this, self = shared_from_this()](error_code failed, std::size_t bytes) {
                            buffer_.commit(bytes);
                            if (failed || timed_out_)
                              close();
                            else
                              read_head();
                          });
}

void http_session::read_head() {
  set_deadline(engine_.limits.request_timeout, &http_session::on_read_timeout);
  http::async_read_header(
      socket_, buffer_, *parser_,
      [this, self = shared_from_this()](error_code failed, std::size_t) { on_head(failed); });
}

void http_session::on_head(error_code failed) {
  if (failed || timed_out_)
    return on_read_failure(failed);
  keep_alive_ = parser_->get().keep_alive();
  version_ = parser_->get().version() >= 11 ? 11 : 10;
  if (auto refused = refusal())
    return respond(std::move(*refused), true);
  if (parser_->get().count(http::field::expect) != 0)
    promise_to_read();
  else
    read_body();
}

std::optional<http_response> http_session::refusal() const {
  const auto& head = parser_->get();
  const auto hosts = head.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && head.version() >= 11))
    return plain(400, "A request needs one Host header.");
  if (hosts == 1 && !host_is_address(view(head[http::field::host])))
    return plain(403, "The Host header must be an IP address or localhost.");
  if (head.count(http::field::origin) != 0)
    return plain(403, "Requests from web pages are not served.");
  if (head.count(http::field::expect) != 0 &&
      !beast::iequals(head[http::field::expect], "100-continue"))
    return plain(417, "The only expectation that can be met is 100-continue.");
  return std::nullopt;
}

void http_session::promise_to_read() {
  static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  asio::async_write(socket_, asio::buffer(go_on),
                    [this, self = shared_from_this()](error_code failed, std::size_t) {
                      if (failed || timed_out_)
                        on_read_failure(failed);
                      else
                        read_body();
                    });
}

void http_session::read_body() {
  http::async_read(
      socket_, buffer_, *parser_,
      [this, self = shared_from_this()](error_code failed, std::size_t) { on_body(failed); });
}

void http_session::on_body(error_code failed) {
  if (failed || timed_out_)
    on_read_failure(failed);
  else
    run_handler();
}

void http_session::on_read_failure(error_code failed) {
  if (timed_out_)
    return respond(plain(408, "The request took too long to come."), true);
  if (failed == http::error::header_limit || failed == http::error::buffer_overflow)
    return respond(plain(431, "The header is too long."), true);
  if (failed == http::error::body_limit)
    return respond(plain(413, "The body is too long."), true);
  // What is left of Beast's own errors is about bytes that are no HTTP; all others are the
  // socket's.
  if (failed.category() == http::make_error_code(http::error::bad_method).category() &&
      failed != http::error::end_of_stream && failed != http::error::partial_message)
    return respond(plain(400, "This is no HTTP request: " + failed.message() + '.'), true);
  close();
}

void http_session::run_handler() {
  auto& message = parser_->get();
  const auto target = view(message.target());
  auto request =
      http_request{std::string{view(message.method_string())},
                   std::string{target.substr(0, target.find('?'))}, std::move(message.body())};
  waits_for_answer_ = true;
  ++exchange_;
  set_deadline(engine_.limits.answer_timeout, &http_session::on_answer_timeout);
  engine_.handler(std::move(request), [engine = weak_engine_, session = weak_from_this(),
                                       exchange = exchange_](std::function<http_response()> make) {
    answer(engine, session, exchange, std::move(make));
  });
}

void http_session::answer(const std::weak_ptr<http_engine>& engine,
                          const std::weak_ptr<http_session>& session, std::uint64_t exchange,
                          std::function<http_response()> make) {
  // Any thread: the session itself is touched only on the server's.
  if (auto alive = engine.lock())
    asio::post(alive->io, [session, exchange, make = std::move(make)] {
      if (auto self = session.lock())
        self->on_answer(exchange, make);
    });
}

void http_session::on_answer(std::uint64_t exchange, const std::function<http_response()>& make) {
  if (!waits_for_answer_ || exchange != exchange_)
    return;  // Too late: it was answered for.
  waits_for_answer_ = false;
  try {
    respond(make(), false);
  } catch (const std::exception& x) {
    spdlog::error("http: a request could not be answered: {}", x.what());
    respond(plain(500, "Internal error."), true);
  }
}

// -- responses ----------------------------------------------------------------------

void http_session::respond(http_response x, bool close) {
  if (close)
    keep_alive_ = false;
  auto& out = reply_.emplace(static_cast<http::status>(x.status), version_);
  out.set(http::field::content_type, x.content_type);
  out.set(http::field::cache_control, "no-store");
  if (!x.allow.empty())
    out.set(http::field::allow, x.allow);
  if (!parser_ || parser_->get().method() != http::verb::head)  // Whose answer never has a body.
    out.body() = std::move(x.body);
  out.keep_alive(keep_alive_);
  out.prepare_payload();
  then_ = std::move(x.then);
  set_deadline(engine_.limits.write_timeout, &http_session::close);
  http::async_write(
      socket_, out,
      [this, self = shared_from_this()](error_code failed, std::size_t) { on_written(failed); });
}

void http_session::on_written(error_code failed) {
  reply_.reset();
  if (auto then = std::exchange(then_, nullptr))
    then();
  if (failed)
    close();
  else if (keep_alive_)
    wait_for_request(engine_.limits.idle_timeout);
  else
    linger();
}

void http_session::linger() {
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  set_deadline(linger_time, &http_session::close);
  buffer_.clear();
  drain();
}

void http_session::drain() {
  socket_.async_read_some(buffer_.prepare(4096),
                          [this, self = shared_from_this()](error_code failed, std::size_t bytes) {
                            drained_ += bytes;
                            if (failed || drained_ > linger_bytes)
                              close();
                            else
                              drain();
                          });
}

// -- time -----------------------------------------------------------------------------

void http_session::set_deadline(std::chrono::milliseconds after, step what) {
  timer_.expires_after(after);
  timed_out_ = false;
  timer_.async_wait([this, self = shared_from_this(), number = ++deadline_, what](error_code) {
    if (number == deadline_)
      (this->*what)();
  });
}

void http_session::on_read_timeout() {
  // The read that is under way ends, and what it calls says that it was too slow.
  timed_out_ = true;
  error_code ignored;
  socket_.cancel(ignored);
}

void http_session::on_answer_timeout() {
  if (!std::exchange(waits_for_answer_, false))
    return;
  respond(plain(503, "The node did not answer in time."), true);
}

void http_session::close() {
  ++deadline_;
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace timenode
