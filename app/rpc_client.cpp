#include "app/rpc_client.hpp"

#include "app/rpc_access.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <nlohmann/json.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace timenode::app {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using beast::error_code;

/// `getpeerinfo` of 2,000 peers has 2 MB.
constexpr std::size_t max_answer_bytes = 64u << 20;

tcp::endpoint to_asio(const endpoint& x) {
  if (x.ip.is_v4())
    return {asio::ip::address_v4{x.ip.v4_bytes()}, x.port};
  return {asio::ip::address_v6{x.ip.v6_bytes()}, x.port};
}

tl::unexpected<rpc_failure> fail_rpc(rpc_failure::kind what, std::string reason) {
  return tl::unexpected<rpc_failure>{rpc_failure{what, std::move(reason)}};
}

using http_call = http::request<http::string_body>;

/// Calls by JSON-RPC.
http_call rpc_call(const std::string& body, const std::string& authorization = {}) {
  http_call result{http::verb::post, "/", 11};
  result.set(http::field::content_type, "application/json");
  if (!authorization.empty())
    result.set(http::field::authorization, authorization);
  result.body() = body;
  return result;
}

/// One request: connect, write, read. Lives at least as long as `io.run` runs.
class exchange {
 public:
  exchange(asio::io_context& io, const endpoint& at, http_call request)
      : stream_{io}, to_{to_asio(at)}, request_{std::move(request)} {
    request_.set(http::field::host, at.to_string());
    request_.keep_alive(false);
    request_.prepare_payload();
    parser_.body_limit(max_answer_bytes);
  }

  void start(std::chrono::milliseconds deadline) {
    // Holds for all that follows, since nothing sets it again.
    stream_.expires_after(deadline);
    stream_.async_connect(to_, [this](error_code failed) { on_connected(failed); });
  }

  /// When all is over. `also_good`: a status other than 200 that an answer may have.
  rpc_outcome<std::string> take(http::status also_good = http::status::ok) {
    if (!failed_.reason.empty())
      return tl::unexpected{failed_};
    auto answer = parser_.release();
    if (answer.result() == http::status::unauthorized)
      return fail_rpc(rpc_failure::kind::no_password, "the password is wrong");
    // A node that refuses the request as such says why in a line of text.
    if (answer.result() != http::status::ok && answer.result() != also_good)
      return fail_rpc(rpc_failure::kind::refused, "HTTP status " +
                                                      std::to_string(answer.result_int()) + ": " +
                                                      answer.body().substr(0, 200));
    return std::move(answer.body());
  }

 private:
  bool give_up(error_code failed, rpc_failure::kind what) {
    if (failed == beast::error::timeout)
      failed_ = {rpc_failure::kind::no_answer, "it did not answer in time"};
    else if (failed)
      failed_ = {what, failed.message()};
    return bool{failed};
  }

  void on_connected(error_code failed) {
    if (!give_up(failed, rpc_failure::kind::unreachable))
      http::async_write(stream_, request_,
                        [this](error_code error, std::size_t) { on_written(error); });
  }

  void on_written(error_code failed) {
    if (!give_up(failed, rpc_failure::kind::no_answer))
      http::async_read(stream_, buffer_, parser_, [this](error_code error, std::size_t) {
        give_up(error, rpc_failure::kind::no_answer);
        stream_.close();
      });
  }

  beast::tcp_stream stream_;
  tcp::endpoint to_;
  http_call request_;
  beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
  rpc_failure failed_;
};

std::string member_text(const json& x, const char* name) {
  const auto found = x.find(name);
  return found != x.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// The result in an answer to one call.
rpc_outcome<json> result_of(const json& x) {
  if (!x.is_object())
    return fail_rpc(rpc_failure::kind::no_answer, "its answer is not JSON-RPC");
  if (const auto error = x.find("error"); error != x.end() && error->is_object())
    return fail_rpc(rpc_failure::kind::refused, member_text(*error, "message"));
  const auto result = x.find("result");
  if (result == x.end())
    return fail_rpc(rpc_failure::kind::no_answer, "its answer is not JSON-RPC");
  return *result;
}

rpc_outcome<json> parse(const rpc_outcome<std::string>& body) {
  if (!body)
    return tl::unexpected{body.error()};
  auto result = json::parse(*body, nullptr, false);
  if (result.is_discarded())
    return fail_rpc(rpc_failure::kind::no_answer, "its answer is not JSON");
  return result;
}

json call_json(const std::string& method, const json& params, std::size_t id) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}};
}

/// The results of a batch in the order of its calls, which have the numbers from 0.
rpc_outcome<std::vector<json>> results_of(const json& batch, std::size_t calls) {
  if (!batch.is_array()) {
    // The batch as a whole was refused.
    if (const auto result = result_of(batch); !result)
      return tl::unexpected{result.error()};
    return fail_rpc(rpc_failure::kind::no_answer, "its answer is not one to a batch");
  }
  std::vector<std::optional<json>> found(calls);
  for (const auto& x : batch) {
    auto result = result_of(x);
    if (!result)
      return tl::unexpected{result.error()};
    const auto id = x.find("id");
    if (id != x.end() && id->is_number_unsigned() && id->get<std::size_t>() < calls)
      found[id->get<std::size_t>()] = std::move(*result);
  }
  std::vector<json> results;
  for (auto& x : found) {
    if (!x)
      return fail_rpc(rpc_failure::kind::no_answer, "its answer is incomplete");
    results.push_back(std::move(*x));
  }
  return results;
}

}  // namespace

rpc_outcome<json> call_rpc(const endpoint& at, const std::string& method, const json& params,
                           std::chrono::milliseconds deadline) {
  asio::io_context io{1};
  exchange x{io, at, rpc_call(call_json(method, params, 0).dump())};
  x.start(deadline);
  io.run();
  const auto answer = parse(x.take());
  return answer ? result_of(*answer) : answer;
}

std::vector<rpc_outcome<std::vector<json>>>
call_rpc_everywhere(std::span<const endpoint> nodes, std::span<const std::string> methods,
                    std::chrono::milliseconds deadline) {
  auto batch = json::array();
  for (std::size_t i = 0; i < methods.size(); ++i)
    batch.push_back(call_json(methods[i], json::array(), i));
  const auto body = batch.dump();
  asio::io_context io{1};
  std::vector<std::unique_ptr<exchange>> exchanges;
  for (const auto& at : nodes) {
    exchanges.push_back(std::make_unique<exchange>(io, at, rpc_call(body)));
    exchanges.back()->start(deadline);
  }
  io.run();
  std::vector<rpc_outcome<std::vector<json>>> result;
  for (auto& x : exchanges) {
    const auto answer = parse(x->take());
    if (answer)
      result.push_back(results_of(*answer, methods.size()));
    else
      result.emplace_back(tl::unexpected{answer.error()});
  }
  return result;
}

// -- one node, as the commands ask it -------------------------------------------------

namespace {

rpc_outcome<json> post(const endpoint& at, const std::string& body, const std::string& password,
                       std::chrono::milliseconds deadline) {
  asio::io_context io{1};
  exchange x{io, at, rpc_call(body, password)};
  x.start(deadline);
  io.run();
  return parse(x.take());
}

}  // namespace

rpc_outcome<std::vector<json>> ask_node(const rpc_target& node,
                                        std::span<const rpc_question> questions,
                                        std::chrono::milliseconds deadline) {
  auto batch = json::array();
  for (std::size_t i = 0; i < questions.size(); ++i)
    batch.push_back(call_json(questions[i].method, questions[i].params, i));
  const auto body = batch.dump();
  auto answer = post(node.at, body, {}, deadline);
  if (!answer && answer.error().what == rpc_failure::kind::no_password) {
    // Only now, so that the password goes to nobody who does not ask for one.
    const auto cookie = read_cookie(node.cookie_file);
    if (!cookie)
      return fail_rpc(rpc_failure::kind::no_password, cookie.error().reason);
    answer = post(node.at, body, basic_authorization(*cookie), deadline);
  }
  if (!answer)
    return tl::unexpected{answer.error()};
  return results_of(*answer, questions.size());
}

rpc_outcome<json> ask_node(const rpc_target& node, const std::string& method, const json& params,
                           std::chrono::milliseconds deadline) {
  const rpc_question question{method, params};
  auto results = ask_node(node, {&question, 1}, deadline);
  if (!results)
    return tl::unexpected{results.error()};
  return std::move(results->front());
}

rpc_outcome<json> ask_health(const endpoint& at, std::chrono::milliseconds deadline) {
  asio::io_context io{1};
  exchange x{io, at, http_call{http::verb::get, "/health/ready", 11}};
  x.start(deadline);
  io.run();
  auto answer = parse(x.take(http::status::service_unavailable));
  if (answer && !answer->contains("ready"))
    return fail_rpc(rpc_failure::kind::no_answer, "its answer is not one of a node");
  return answer;
}

std::string explain(const rpc_failure& x, const endpoint& at) {
  switch (x.what) {
  case rpc_failure::kind::unreachable:
    return "no node answers RPC on " + at.to_string() + " (" + x.reason +
           "). Is it running? Start one with 'timenode run', or tell its RPC address by --rpc "
           "IP:PORT.";
  case rpc_failure::kind::no_answer:
    return "what listens on " + at.to_string() + " gave no answer: " + x.reason +
           ". Is it a node's RPC address? If so, its log tells what it is busy with.";
  case rpc_failure::kind::no_password:
    return "the node on " + at.to_string() + " asks for a password: " + x.reason +
           ". Name a file that holds NAME:PASSWORD by --rpc-cookie FILE.";
  case rpc_failure::kind::refused:
    return "the node on " + at.to_string() + " answered: " + x.reason;
  }
  return {};
}

}  // namespace timenode::app
