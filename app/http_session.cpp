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

#include <algorithm>
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
/// Addresses whose requests are counted: more than connections, and nothing in memory.
constexpr std::size_t max_counted_addresses = 1024;

std::string_view view(beast::string_view x) {
  return {x.data(), x.size()};
}

}  // namespace

bool http_engine::may_ask(const ip_address& who) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  // Who has not asked for long has a full bucket again, and so loses nothing.
  if (requests.size() >= max_counted_addresses && !requests.contains(who))
    requests.clear();
  const auto fresh = net::token_bucket{limits.requests_per_second, limits.request_burst};
  return requests.try_emplace(who, fresh).first->second.take(now);
}

http_session::http_session(std::shared_ptr<http_engine> engine, tcp::socket socket)
    : weak_engine_{engine}, engine_{*engine}, socket_{std::move(socket)}, timer_{engine_.io},
      buffer_{max_buffered} {
  ++engine_.sessions;
  error_code failed;
  const auto remote = socket_.remote_endpoint(failed).address();
  if (!failed)
    remote_ = remote.is_v4() ? ip_address::from_v4(remote.to_v4().to_bytes())
                             : ip_address::from_v6(remote.to_v6().to_bytes());
}

http_session::~http_session() {
  --engine_.sessions;
  stop_waiting();
  stop_serving();
}

void http_session::serve() {
  serving_ = true;
  ++engine_.serving;
  wait_for_request(engine_.limits.request_timeout);
}

void http_session::turn_away() {
  respond(text_response(503, "Too many connections."), true);
}

void http_session::make_room() {
  close();
}

// -- requests ---------------------------------------------------------------------

void http_session::wait_for_request(std::chrono::milliseconds at_most) {
  start_waiting();
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

std::optional<http_response> http_session::refusal() {
  const auto& head = parser_->get();
  const auto hosts = head.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && head.version() >= 11))
    return text_response(400, "A request needs one Host header.");
  const auto host = view(head[http::field::host]);
  if (hosts == 1 && !engine_.limits.any_host && !host_is_address(host))
    return text_response(403, "The Host header must be an IP address or localhost.");
  if (head.count(http::field::origin) != 0 &&
      !origin_is_own_page(view(head[http::field::origin]), host))
    return text_response(403, "Requests from other web pages are not served.");
  if (!engine_.may_ask(remote_))
    return text_response(429, "Too many requests; ask less often.");
  if (head.count(http::field::expect) != 0 &&
      !beast::iequals(head[http::field::expect], "100-continue"))
    return text_response(417, "The only expectation that can be met is 100-continue.");
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
    return respond(text_response(408, "The request took too long to come."), true);
  if (failed == http::error::header_limit || failed == http::error::buffer_overflow)
    return respond(text_response(431, "The header is too long."), true);
  if (failed == http::error::body_limit)
    return respond(text_response(413, "The body is too long."), true);
  // What is left of Beast's own errors is about bytes that are no HTTP; all others are the
  // socket's.
  if (failed.category() == http::make_error_code(http::error::bad_method).category() &&
      failed != http::error::end_of_stream && failed != http::error::partial_message)
    return respond(text_response(400, "This is no HTTP request: " + failed.message() + '.'), true);
  close();
}

void http_session::run_handler() {
  stop_waiting();
  auto& message = parser_->get();
  const auto target = view(message.target());
  auto request = http_request{
      std::string{view(message.method_string())}, std::string{target.substr(0, target.find('?'))},
      std::move(message.body()), remote_, std::string{view(message[http::field::authorization])}};
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
    respond(text_response(500, "Internal error."), true);
  }
}

// -- responses ----------------------------------------------------------------------

void http_session::respond(http_response x, bool close) {
  stop_waiting();
  if (x.stream && engine_.streaming >= engine_.limits.streams)
    return respond(text_response(503, "Too many clients follow already."), true);
  if (close || x.stream)
    keep_alive_ = false;
  auto& out = reply_.emplace(static_cast<http::status>(x.status), version_);
  out.set(http::field::content_type, x.content_type);
  out.set(http::field::cache_control, "no-store");
  if (!x.allow.empty())
    out.set(http::field::allow, x.allow);
  for (const auto& [name, value] : x.headers)
    out.set(name, value);
  if (!parser_ || parser_->get().method() != http::verb::head)  // Whose answer never has a body.
    out.body() = std::move(x.body);
  out.keep_alive(keep_alive_);
  if (x.stream)
    follow(x.stream);  // Its length is not known: it ends with the connection.
  else
    out.prepare_payload();
  then_ = std::move(x.then);
  set_deadline(std::min(engine_.limits.write_patience, engine_.limits.write_timeout),
               &http_session::on_slow_write);
  http::async_write(
      socket_, out,
      [this, self = shared_from_this()](error_code failed, std::size_t) { on_written(failed); });
}

void http_session::on_written(error_code failed) {
  stop_waiting();
  reply_.reset();
  if (auto then = std::exchange(then_, nullptr))
    then();
  if (failed)
    close();
  else if (streaming_)
    watch_for_end();
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

// -- streams ----------------------------------------------------------------------------

void http_session::follow(const std::shared_ptr<http_stream>& stream) {
  streaming_ = true;
  ++engine_.streaming;
  stream_ = stream;
}

void http_session::watch_for_end() {
  // What was published while the head was written is lost; the next one comes soon.
  std::exchange(stream_, nullptr)
      ->attach([engine = weak_engine_, session = weak_from_this()](const http_stream::bytes& x) {
        const auto alive = engine.lock();
        if (!alive || session.expired())
          return false;
        asio::post(alive->io, [session, x] {
          if (auto self = session.lock())
            self->push(x);
        });
        return true;
      });
  ++deadline_;  // None while there is nothing to write.
  buffer_.clear();
  drain();
}

void http_session::push(const http_stream::bytes& x) {
  if (!socket_.is_open())
    return;
  pushed_next_ = x;
  if (!pushing_)
    write_pushed();
}

void http_session::write_pushed() {
  pushing_ = std::exchange(pushed_next_, nullptr);
  if (!pushing_) {
    ++deadline_;
    return;
  }
  set_deadline(engine_.limits.write_timeout, &http_session::close);
  asio::async_write(socket_, asio::buffer(*pushing_),
                    [this, self = shared_from_this()](error_code failed, std::size_t) {
                      if (failed)
                        close();
                      else
                        write_pushed();
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

void http_session::on_slow_write() {
  if (serving_)
    start_waiting();
  const auto& limits = engine_.limits;
  set_deadline(limits.write_timeout - std::min(limits.write_patience, limits.write_timeout),
               &http_session::close);
}

void http_session::on_answer_timeout() {
  if (!std::exchange(waits_for_answer_, false))
    return;
  respond(text_response(503, "The node did not answer in time."), true);
}

void http_session::close() {
  ++deadline_;
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
  stop_waiting();
  stop_serving();
}

void http_session::start_waiting() {
  if (!waiting_)
    waiting_ = engine_.waiting.insert(engine_.waiting.end(), this);
}

void http_session::stop_waiting() {
  if (waiting_)
    engine_.waiting.erase(*waiting_);
  waiting_.reset();
}

void http_session::stop_serving() {
  if (std::exchange(serving_, false))
    --engine_.serving;
  if (std::exchange(streaming_, false))
    --engine_.streaming;
}

}  // namespace timenode
