#pragma once

// One connection of the HTTP server. Private to app/http_*.cpp.

#include "app/http_server.hpp"
#include "net/token_bucket.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>

namespace timenode {

class http_session;

/// What the sessions share. Belongs to the server, and for moments to those who answer late.
struct http_engine {
  http_engine(http_handler handler_, const http_limits& limits_)
      : handler{std::move(handler_)}, limits{limits_} {}

  /// Whether that address may send another request now.
  bool may_ask(const ip_address& who);

  http_handler handler;
  http_limits limits;
  std::size_t sessions = 0;   ///< Open now.
  std::size_t serving = 0;    ///< Of these, those that were not turned away and not closed yet.
  std::size_t streaming = 0;  ///< Of these, those that follow a stream.
  /// Those whose client has the next word, be it a request or reading an answer, the one that has kept us waiting longest in front.
  std::list<http_session*> waiting;
  std::map<ip_address, net::token_bucket> requests;
  /// Last, so that it goes first: sessions live in its queue and note their end above.
  boost::asio::io_context io{1};
};

/// Reads requests one after the other, has them answered and writes the responses. All of it runs
/// on the server's thread; whatever waits holds the session alive, and it closes when nothing waits
/// any more.
class http_session : public std::enable_shared_from_this<http_session> {
 public:
  http_session(std::shared_ptr<http_engine> engine, boost::asio::ip::tcp::socket socket);
  ~http_session();

  /// Serves until the client has enough.
  void serve();
  /// Says that there are too many, and closes.
  void turn_away();
  /// Closes at once, in favour of another. For one of those that wait.
  void make_room();

 private:
  using tcp = boost::asio::ip::tcp;
  using error_code = boost::beast::error_code;
  using reply = boost::beast::http::response<boost::beast::http::string_body>;
  using step = void (http_session::*)();

  // -- requests (http_session.cpp) ----------------------------------------------
  void wait_for_request(std::chrono::milliseconds at_most);
  void read_head();
  void on_head(error_code failed);
  std::optional<http_response> refusal();
  void promise_to_read();
  void read_body();
  void on_body(error_code failed);
  void on_read_failure(error_code failed);
  void run_handler();
  static void answer(const std::weak_ptr<http_engine>& engine,
                     const std::weak_ptr<http_session>& session, std::uint64_t exchange,
                     std::function<http_response()> make);
  void on_answer(std::uint64_t exchange, const std::function<http_response()>& make);

  // -- responses ------------------------------------------------------------------
  void respond(http_response x, bool close);
  void on_written(error_code failed);
  void linger();
  void drain();

  // -- streams ----------------------------------------------------------------------
  void follow(const std::shared_ptr<http_stream>& stream);
  void push(const http_stream::bytes& x);
  void write_pushed();
  void watch_for_end();

  // -- time -------------------------------------------------------------------------
  void set_deadline(std::chrono::milliseconds after, step what);
  void on_read_timeout();
  void on_slow_write();
  void on_answer_timeout();
  void close();
  void start_waiting();
  void stop_waiting();
  void stop_serving();

  std::weak_ptr<http_engine> weak_engine_;
  http_engine& engine_;  ///< Outlives every session: they are destroyed with its queue.
  tcp::socket socket_;
  boost::asio::steady_timer timer_;
  std::uint64_t deadline_ = 0;  ///< Number of the current one.
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  std::optional<reply> reply_;
  std::function<void()> then_;
  std::uint64_t exchange_ = 0;  ///< Number of the request that waits for its answer.
  bool waits_for_answer_ = false;
  unsigned version_ = 11;  ///< Of the request: 11 for HTTP/1.1.
  bool serving_ = false;
  bool keep_alive_ = false;
  bool timed_out_ = false;
  std::size_t drained_ = 0;
  ip_address remote_;
  std::optional<std::list<http_session*>::iterator> waiting_;
  bool streaming_ = false;
  http_stream::bytes pushing_;      ///< What is being written of a stream.
  http_stream::bytes pushed_next_;  ///< What is written then; a newer event takes its place.
  std::shared_ptr<http_stream> stream_;
};

}  // namespace timenode
