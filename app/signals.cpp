#include "app/signals.hpp"

#include "app/logging.hpp"

#include <pthread.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <thread>
#include <utility>

namespace timenode::app {

namespace {

/// Ends the watcher's wait; nothing else uses it.
constexpr int wake_signal = SIGUSR1;

sigset_t set_of(std::initializer_list<int> signals) noexcept {
  sigset_t result;
  sigemptyset(&result);
  for (const auto x : signals)
    sigaddset(&result, x);
  return result;
}

int wait_for(const sigset_t& signals, std::chrono::milliseconds at_most) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at_most);
  timespec time{};
  time.tv_sec = static_cast<std::time_t>(seconds.count());
  time.tv_nsec = static_cast<long>((at_most - seconds).count()) * 1'000'000;
  return sigtimedwait(&signals, nullptr, &time);
}

}  // namespace

void block_signals() {
  const auto signals = set_of({SIGINT, SIGTERM, SIGCHLD, wake_signal});
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void block_reload_signal() {
  const auto signals = set_of({SIGHUP});
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void unblock_signals_in_child() noexcept {
  const auto signals = set_of({SIGINT, SIGTERM, SIGCHLD, SIGHUP, wake_signal});
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

std::optional<int> wait_for_signal(std::chrono::milliseconds at_most) {
  const auto signal = wait_for(set_of({SIGINT, SIGTERM, SIGCHLD}), at_most);
  return signal > 0 ? std::optional{signal} : std::nullopt;
}

bool stop_signal_pending() {
  sigset_t pending;
  sigemptyset(&pending);
  sigpending(&pending);
  return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1;
}

const char* name_of_signal(int signal) noexcept {
  return signal == SIGINT ? "Ctrl+C (SIGINT)" : signal == SIGTERM ? "SIGTERM" : "a signal";
}

struct stop_watcher::impl {
  std::mutex mutex;
  std::function<void(int)> handler;
  std::function<void()> reload_handler;
  int came = 0;  ///< The first signal.
  std::thread thread;

  void reload();

  void watch() {
    const auto stop_signals = set_of({SIGINT, SIGTERM});
    int signal = 0;
    // One that is not blocked is not ours to wait for: it does what it does by default.
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    auto awaited = set_of({SIGINT, SIGTERM, wake_signal});
    if (sigismember(&blocked, SIGHUP) == 1)
      sigaddset(&awaited, SIGHUP);
    while (sigwait(&awaited, &signal) != 0 || signal == SIGHUP)
      if (signal == SIGHUP)
        reload();
    if (signal == wake_signal)
      return;
    {
      const std::lock_guard lock{mutex};
      came = signal;
      if (handler)
        handler(signal);
    }
    // From here on these do what they do by default, in this thread if in no other: they kill.
    pthread_sigmask(SIG_UNBLOCK, &stop_signals, nullptr);
    if (wait_for(set_of({wake_signal}), patience) == wake_signal)
      return;
    spdlog::critical("did not stop within {} s; giving up", patience.count());
    flush_log();
    _exit(EXIT_FAILURE);
  }
};

void stop_watcher::impl::reload() {
  const std::lock_guard lock{mutex};
  if (reload_handler)
    reload_handler();
}

stop_watcher::stop_watcher() : impl_{std::make_unique<impl>()} {
  impl_->thread = std::thread{[this] { impl_->watch(); }};
}

stop_watcher::~stop_watcher() {
  pthread_kill(impl_->thread.native_handle(), wake_signal);
  impl_->thread.join();
}

void stop_watcher::on_stop(std::function<void(int)> handler) {
  const std::lock_guard lock{impl_->mutex};
  impl_->handler = std::move(handler);
  if (impl_->came != 0 && impl_->handler)
    impl_->handler(impl_->came);
}

void stop_watcher::on_reload(std::function<void()> handler) {
  const std::lock_guard lock{impl_->mutex};
  impl_->reload_handler = std::move(handler);
}

}  // namespace timenode::app
