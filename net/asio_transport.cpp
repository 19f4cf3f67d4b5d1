#include "net/asio_transport.hpp"

#include "net/asio_connection.hpp"
#include "net/asio_listener.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace timenode::net {

namespace asio = boost::asio;

namespace {

/// Signals are for whoever waits for them, not for a thread that moves bytes.
class all_signals_blocked {
 public:
  all_signals_blocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~all_signals_blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  all_signals_blocked(const all_signals_blocked&) = delete;
  all_signals_blocked& operator=(const all_signals_blocked&) = delete;

 private:
  sigset_t before_;
};

asio_transport_options checked(asio_transport_options x) {
  x.threads = std::max<std::size_t>(x.threads, 1);
  return x;
}

void run_loop(asio_engine& engine) {
  while (true) {
    try {
      engine.io.run();
      return;
    } catch (...) {
      // Steps catch what they throw. Were one to escape, the others must still go on.
    }
  }
}

}  // namespace

struct asio_transport::impl {
  explicit impl(const asio_transport_options& x)
      : engine{std::make_shared<asio_engine>(checked(x))}, work{engine->io.get_executor()} {
    all_signals_blocked guard;  // New threads inherit the mask.
    try {
      for (std::size_t i = 0; i < engine->options.threads; ++i) {
        // The loop lives as long as the threads: they are joined before `engine` is let go.
        threads.emplace_back([this] { run_loop(*engine); });
        pthread_setname_np(threads.back().native_handle(), ("net-" + std::to_string(i)).c_str());
      }
    } catch (...) {
      join();
      throw;
    }
  }

  ~impl() {
    stop_listening();
    for (auto& x : engine->begin_shutdown())
      x->shut_down();
    join();
  }

  void stop_listening() {
    std::lock_guard guard{mutex};
    if (listener)
      listener->stop();
    listener.reset();
  }

  /// Returns when every step has run and every wait has ended, which closing all sockets brings
  /// about.
  void join() {
    work.reset();
    for (auto& x : threads)
      x.join();
  }

  std::shared_ptr<asio_engine> engine;
  asio::executor_work_guard<asio::io_context::executor_type> work;
  std::mutex mutex;
  bool listened = false;
  std::shared_ptr<asio_listener> listener;
  std::vector<std::thread> threads;
};

asio_transport::asio_transport(const asio_transport_options& options)
    : impl_{std::make_unique<impl>(options)} {}

asio_transport::~asio_transport() = default;

outcome<endpoint> asio_transport::listen(const endpoint& at,
                                         std::unique_ptr<listener_handler> handler) {
  std::lock_guard guard{impl_->mutex};
  if (std::exchange(impl_->listened, true))
    return fail("cannot listen on " + at.to_string() + ": this transport has listened before");
  auto fd = open_listener(at);
  if (!fd)
    return fail(std::move(fd.error().reason));
  auto bound = local_endpoint(fd->get());
  try {
    impl_->listener =
        std::make_shared<asio_listener>(impl_->engine, std::move(*fd), std::move(handler));
  } catch (const std::exception& e) {
    return fail("cannot listen on " + at.to_string() + ": " + e.what());
  }
  impl_->listener->start();
  return bound;
}

connection_ptr asio_transport::take(std::uint64_t id) {
  auto x = impl_->engine->take_pending(id);
  return x ? x->owned() : nullptr;
}

connection_ptr asio_transport::dial(const endpoint& to, std::optional<ip_address> from) {
  auto x = asio_connection::make_dialing(impl_->engine, to, from);
  return x ? x->owned() : nullptr;
}

void asio_transport::stop_listening() {
  impl_->stop_listening();
}

std::size_t asio_transport::open_connections() const {
  return impl_->engine->open_sockets;
}

}  // namespace timenode::net
