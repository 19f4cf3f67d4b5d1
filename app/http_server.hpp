#pragma once

// A small HTTP/1.1 server for the interfaces of one node on its own machine: one thread,
// keep-alive, a limit on everything that a client decides. What it serves is a function given to
// it.
//
// Refused before the handler sees them:
//   400  no Host, two of them, or not HTTP        408  the request took too long to come
//   403  an Origin that is not this server's own page, or a Host that is a name other than
//   localhost
//        (a name that an attacker points at this machine): no other web page may talk to the node
//   413  a body, 431 a header above its limit     417  an expectation other than 100-continue
//   429  an address that asks more often than the limit
//   503  too many connections that are being served; those that are idle make room

#include "app/http_stream.hpp"
#include "messages/ip_address.hpp"
#include "messages/outcome.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace timenode {

struct http_request {
  std::string method;  ///< "POST".
  std::string target;  ///< "/": the path, without a query.
  std::string body;
  ip_address remote;          ///< Who asks.
  std::string authorization;  ///< The header of that name; empty when there is none.
};

struct http_response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string allow;  ///< The methods that are allowed, with 405.
  /// Other headers, as name and value.
  std::vector<std::pair<std::string, std::string>> headers;
  /// The response goes on, after `body`, with what is published here. Such a connection serves no
  /// other request.
  std::shared_ptr<http_stream> stream;
  std::function<void()>
      then;  ///< Called when the response was sent, or could not be. May be empty.
};

/// A response for people: the sentence, and a newline.
inline http_response text_response(unsigned status, std::string sentence) {
  http_response result;
  result.status = status;
  result.content_type = "text/plain";
  result.body = std::move(sentence) + '\n';
  return result;
}

/// Answers a request. Call it at most once, at any time, from any thread: the function given is run
/// on the server's thread, and what it returns is sent. Nothing happens when the client or the
/// server is gone.
using http_answer = std::function<void(std::function<http_response()>)>;

/// Called on the server's thread for each request; must not block.
using http_handler = std::function<void(http_request, http_answer)>;

/// What a client may cost. Tests shorten the times.
struct http_limits {
  std::size_t header_bytes = 8u << 10;  ///< As other servers have it.
  std::size_t body_bytes = 1u << 20;    ///< A batch of a hundred calls has some 10 KiB.
  std::size_t connections = 64;         ///< Monitoring, dashboards and scripts keep a few each.
  std::size_t streams = 16;             ///< Of these, those that follow a stream.
  /// Requests of one address: a hundred times what a dashboard and a monitor ask for.
  double requests_per_second = 500;
  double request_burst = 1000;
  std::chrono::milliseconds request_timeout{10'000};  ///< From a request's first byte to its last.
  std::chrono::milliseconds idle_timeout{60'000};     ///< Between two requests.
  std::chrono::milliseconds answer_timeout{30'000};   ///< For the handler; then 503.
  std::chrono::milliseconds write_timeout{30'000};    ///< For the client to take a response.
  /// After it a client that still reads its response may lose its place to another one: what fits
  /// into the sockets' buffers is gone at once, and the rest goes to a program that is near.
  std::chrono::milliseconds write_patience{1'000};
  /// Any Host is served. For a server that asks for a password, which a browser gives to no other
  /// name than the one that it was given for.
  bool any_host = false;
};

class http_server {
 public:
  /// Listens on `at` (port 0: any) and serves. The failure says what is wrong with the address.
  static outcome<std::unique_ptr<http_server>> start(const endpoint& at, http_handler handler,
                                                     const http_limits& limits = {});

  /// Closes all connections at once and joins the thread. Must not run on that thread.
  ~http_server();
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  /// Where it listens.
  endpoint local_endpoint() const noexcept { return local_; }

 private:
  struct impl;
  explicit http_server(std::unique_ptr<impl> x, const endpoint& local);

  std::unique_ptr<impl> impl_;
  endpoint local_;
};

}  // namespace timenode
