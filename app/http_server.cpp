#include "app/http_server.hpp"

#include "app/http_session.hpp"

#include <spdlog/spdlog.h>

#include <thread>
#include <utility>

namespace timenode {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

/// Beyond the limit of connections this many more are told so; still more are just closed.
constexpr std::size_t turned_away_at_once = 16;
/// How long to wait when accepting fails (too many open files), before the next try.
constexpr std::chrono::milliseconds accept_pause{100};

tcp::endpoint to_asio(const endpoint& x) {
  if (x.ip.is_v4())
    return {asio::ip::address_v4{x.ip.v4_bytes()}, x.port};
  return {asio::ip::address_v6{x.ip.v6_bytes()}, x.port};
}

std::string sentence(const endpoint& at, const error_code& failed) {
  auto result = "cannot listen on " + at.to_string() + ": ";
  if (failed == asio::error::address_in_use)
    return result + "the port is in use, perhaps by another node";
  if (failed == asio::error::access_denied)
    return result + "no permission (ports below 1024 are the system's)";
  return result + failed.message();
}

}  // namespace

struct http_server::impl {
  impl(http_handler handler, const http_limits& limits)
      : engine{std::make_shared<http_engine>(std::move(handler), limits)}, acceptor{engine->io},
        pause{engine->io} {}

  outcome<endpoint> listen(const endpoint& at) {
    error_code failed;
    const auto wanted = to_asio(at);
    const auto step = [&](auto&& what) {
      if (!failed)
        what();
    };
    step([&] { acceptor.open(wanted.protocol(), failed); });
    // Without it a node could not listen again for a minute after it was stopped.
    step([&] { acceptor.set_option(tcp::acceptor::reuse_address{true}, failed); });
    step([&] { acceptor.bind(wanted, failed); });
    step([&] { acceptor.listen(asio::socket_base::max_listen_connections, failed); });
    auto port = at.port;
    step([&] { port = acceptor.local_endpoint(failed).port(); });
    if (failed)
      return fail(sentence(at, failed));
    return endpoint{at.ip, port};
  }

  void accept() {
    acceptor.async_accept([this](error_code failed, tcp::socket socket) {
      if (failed == asio::error::operation_aborted)
        return;
      if (failed) {
        spdlog::warn("http: cannot accept: {}", failed.message());
        pause.expires_after(accept_pause);
        return pause.async_wait([this](error_code) { accept(); });
      }
      take(std::move(socket));
      accept();
    });
  }

  void take(tcp::socket socket) {
    error_code ignored;
    socket.set_option(tcp::no_delay{true}, ignored);
    const auto most = engine->limits.connections;
    // Whoever keeps connections without using them must not lock an operator out.
    if (engine->serving >= most && !engine->waiting.empty())
      engine->waiting.front()->make_room();
    if (engine->serving < most)
      std::make_shared<http_session>(engine, std::move(socket))->serve();
    else if (engine->sessions < most + turned_away_at_once)
      std::make_shared<http_session>(engine, std::move(socket))->turn_away();
  }

  void run() noexcept {
    for (;;) {
      try {
        engine->io.run();
        return;
      } catch (const std::exception& x) {
        spdlog::error("http: {}", x.what());
      }
    }
  }

  std::shared_ptr<http_engine> engine;
  tcp::acceptor acceptor;
  asio::steady_timer pause;
  std::thread thread;
};

http_server::http_server(std::unique_ptr<impl> x, const endpoint& local)
    : impl_{std::move(x)}, local_{local} {
  impl_->accept();
  impl_->thread = std::thread{[state = impl_.get()] { state->run(); }};
}

http_server::~http_server() {
  impl_->engine->io.stop();
  impl_->thread.join();
}

outcome<std::unique_ptr<http_server>> http_server::start(const endpoint& at, http_handler handler,
                                                         const http_limits& limits) {
  auto state = std::make_unique<impl>(std::move(handler), limits);
  auto local = state->listen(at);
  if (!local)
    return tl::unexpected{local.error()};
  return std::unique_ptr<http_server>{new http_server{std::move(state), *local}};
}

}  // namespace timenode
