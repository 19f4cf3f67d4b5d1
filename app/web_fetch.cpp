#include "app/web_fetch.hpp"

#include "messages/ip_address.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace timenode::app {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using beast::error_code;

/// What OpenSSL says of a failed certificate is the useful part of its words.
std::string words(const error_code& x) {
  return x == beast::error::timeout ? "it did not answer in time" : x.message();
}

/// One GET over a stream that is connected, and for TLS shaken hands.
template <class Stream>
class exchange {
 public:
  exchange(Stream& stream, const web_address& from, std::size_t most_bytes) : stream_{stream} {
    request_.method(http::verb::get);
    request_.target(from.target);
    request_.version(11);
    const auto v6 = from.host.find(':') != from.host.npos;
    const auto usual = from.port == (from.tls ? 443 : 80);
    request_.set(http::field::host, (v6 ? "[" + from.host + "]" : from.host) +
                                        (usual ? "" : ":" + std::to_string(from.port)));
    request_.set(http::field::user_agent, "timenode");
    request_.set(http::field::accept, "application/json");
    request_.keep_alive(false);
    parser_.body_limit(most_bytes);
  }

  void start() {
    http::async_write(stream_, request_, [this](error_code failed, std::size_t) {
      if (failed)
        failed_ = failed;
      else
        http::async_read(stream_, buffer_, parser_,
                         [this](error_code error, std::size_t) { failed_ = error; });
    });
  }

  outcome<std::string> take() {
    if (failed_ == http::error::body_limit)
      return fail("its answer is too long");
    if (failed_)
      return fail(words(failed_));
    auto answer = parser_.release();
    const auto status = answer.result_int();
    if (status >= 300 && status < 400)
      return fail("it answers that the list is at '" + std::string{answer[http::field::location]} +
                  "'; configure that address");
    if (status != 200)
      return fail("it answers with HTTP status " + std::to_string(status));
    return std::move(answer.body());
  }

 private:
  Stream& stream_;
  http::request<http::empty_body> request_;
  beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
  error_code failed_;
};

}  // namespace

// -- addresses ----------------------------------------------------------------------------

outcome<web_address> web_address::parse(std::string_view text) {
  const auto complain = [text](const std::string& what) {
    return fail("'" + std::string{text.substr(0, 200)} + "' " + what);
  };
  web_address result;
  if (text.starts_with("https://"))
    result.tls = true;
  else if (!text.starts_with("http://"))
    return complain("does not begin with http:// or https://");
  auto rest = text.substr(result.tls ? 8 : 7);
  if (std::ranges::any_of(rest, [](char c) { return c <= ' ' || c >= '\x7f'; }))
    return complain("has a character that no web address has");
  const auto path = rest.find_first_of("/?#");
  auto host = rest.substr(0, path);
  if (path != rest.npos) {
    result.target = rest.substr(path, rest.find('#') - path);
    if (!result.target.starts_with('/'))
      result.target.insert(0, "/");
  }
  if (host.find('@') != host.npos)
    return complain("has a user name, which is not supported");
  result.port = result.tls ? 443 : 80;
  const auto closed = host.rfind(']');
  if (const auto colon = host.rfind(':');
      colon != host.npos && (closed == host.npos || colon > closed)) {
    const auto digits = host.substr(colon + 1);
    const auto end = digits.data() + digits.size();
    const auto parsed = std::from_chars(digits.data(), end, result.port);
    if (parsed.ec != std::errc{} || parsed.ptr != end || result.port == 0)
      return complain("has a port that is not a number from 1 to 65535");
    host = host.substr(0, colon);
  }
  if (host.starts_with('[')) {
    const auto ip = ip_address::parse(host);
    if (!ip)
      return complain("has no IP address in its brackets");
    host = host.substr(1, host.size() - 2);
  }
  if (host.empty() || host.size() > 253)
    return complain("has no host");
  result.host = host;
  return result;
}

std::string web_address::to_string() const {
  const auto v6 = host.find(':') != host.npos;
  auto result = std::string{tls ? "https://" : "http://"} + (v6 ? "[" + host + "]" : host);
  if (port != (tls ? 443 : 80))
    result += ":" + std::to_string(port);
  return result + target;
}

// -- fetching -----------------------------------------------------------------------------

outcome<std::string> fetch(const web_address& from, std::size_t most_bytes,
                           std::chrono::milliseconds deadline) {
  asio::io_context io{1};
  error_code failed;
  tcp::resolver resolver{io};
  const auto hosts = resolver.resolve(from.host, std::to_string(from.port), failed);
  if (failed)
    return fail("the host cannot be found: " + failed.message());
  try {
    ssl::context tls{ssl::context::tls_client};
    tls.set_default_verify_paths(failed);
    tls.set_verify_mode(ssl::verify_peer);
    ssl::stream<beast::tcp_stream> stream{io, tls};
    auto& below = stream.next_layer();
    // Holds for all that follows, since nothing sets it again.
    below.expires_after(deadline);
    std::string at = "connect: ";
    exchange<beast::tcp_stream> plain{below, from, most_bytes};
    exchange<ssl::stream<beast::tcp_stream>> secret{stream, from, most_bytes};
    below.async_connect(hosts, [&](error_code error, const tcp::endpoint&) {
      failed = error;
      if (error)
        return;
      at = "";
      if (!from.tls)
        return plain.start();
      // The name that the certificate has to have, and that a host with several needs to be told.
      if (auto name = from.host;
          !ip_address::parse(name))  // (the macro for it has a cast that we warn of)
        SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 name.data());
      stream.set_verify_callback(ssl::host_name_verification{from.host});
      stream.async_handshake(ssl::stream_base::client, [&](error_code shaken) {
        failed = shaken;
        if (!shaken)
          return secret.start();
        at = "TLS: ";
        if (const auto* reason =
                X509_verify_cert_error_string(SSL_get_verify_result(stream.native_handle()));
            SSL_get_verify_result(stream.native_handle()) != X509_V_OK)
          at += std::string{reason} + ": ";
      });
    });
    io.run();
    if (failed)
      return fail(at + words(failed));
    return from.tls ? secret.take() : plain.take();
  } catch (const std::exception& x) {
    return fail(x.what());
  }
}

}  // namespace timenode::app
