#include "net/asio_connection.hpp"

#include <boost/asio/strand.hpp>

#include <chrono>
#include <utility>
#include <vector>

namespace timenode::net {

namespace asio = boost::asio;

asio_engine::asio_engine(const asio_transport_options& x)
    : options{x}, io{static_cast<int>(x.threads)}, unfinished_{x.max_unfinished_bytes} {}

asio::any_io_executor asio_engine::make_executor() {
  if (options.threads > 1)
    return asio::make_strand(io);
  return io.get_executor();
}

bool asio_engine::add(asio_connection& x, live_list::iterator& position) {
  std::lock_guard guard{mutex_};
  if (shutting_down_)
    return false;
  position = live_.insert(live_.end(), &x);
  return true;
}

void asio_engine::remove(live_list::iterator position) {
  std::lock_guard guard{mutex_};
  unfinished_.release(*position);
  live_.erase(position);
}

void asio_engine::hold_unfinished(asio_connection& x, std::size_t bytes) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  std::vector<asio_connection_ptr> excess;
  {
    std::lock_guard guard{mutex_};
    auto victim = unfinished_.hold(&x, bytes, std::chrono::nanoseconds{now}.count());
    for (; victim; victim = unfinished_.excess())
      for (auto* y : live_)
        if (y == *victim)
          if (auto alive = y->weak_from_this().lock())
            excess.push_back(std::move(alive));
  }
  for (auto& y : excess)
    y->drop_unfinished();
}

std::vector<asio_connection_ptr> asio_engine::begin_shutdown() {
  std::vector<asio_connection_ptr> result;
  std::unordered_map<std::uint64_t, asio_connection_ptr> untaken;  // Freed after the lock is.
  std::lock_guard guard{mutex_};
  shutting_down_ = true;
  result.reserve(live_.size());
  for (auto* x : live_)
    if (auto alive = x->weak_from_this().lock())
      result.push_back(std::move(alive));
  pending_.swap(untaken);
  return result;
}

std::uint64_t asio_engine::add_pending(asio_connection_ptr x) {
  std::lock_guard guard{mutex_};
  auto id = ++last_id_;
  if (!shutting_down_)
    pending_.emplace(id, std::move(x));
  return id;
}

asio_connection_ptr asio_engine::take_pending(std::uint64_t id) {
  std::lock_guard guard{mutex_};
  auto i = pending_.find(id);
  if (i == pending_.end())
    return nullptr;
  auto result = std::move(i->second);
  pending_.erase(i);
  return result;
}

std::size_t asio_engine::pending() const {
  std::lock_guard guard{mutex_};
  return pending_.size();
}

}  // namespace timenode::net
