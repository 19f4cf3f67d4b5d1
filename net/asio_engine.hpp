#pragma once

// What the parts of the Asio transport share. Private to net/asio_*.cpp.

#include "net/asio_transport.hpp"
#include "net/line_budget.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace timenode::net {

class asio_connection;
using asio_connection_ptr = std::shared_ptr<asio_connection>;

/// The event loop, and which connections there are. Every connection that is not closed is in
/// `live_`, so that the transport can close them all; closed ones never touch the loop again.
class asio_engine {
 public:
  using live_list = std::list<asio_connection*>;

  explicit asio_engine(const asio_transport_options& x);

  /// Runs handlers one at a time. A strand, unless there is but one thread anyway.
  boost::asio::any_io_executor make_executor();

  /// Notes a connection that is not closed. False when the transport is being destroyed.
  bool add(asio_connection& x, live_list::iterator& position);
  void remove(live_list::iterator position);
  /// Refuses what is to come; returns what there is.
  std::vector<asio_connection_ptr> begin_shutdown();

  /// Keeps an accepted connection until it is taken.
  std::uint64_t add_pending(asio_connection_ptr x);
  asio_connection_ptr take_pending(std::uint64_t id);
  std::size_t pending() const;

  /// A connection keeps that many bytes of a line without end; 0: none. May close another one, or this one.
  void hold_unfinished(asio_connection& x, std::size_t bytes);

  const asio_transport_options options;
  boost::asio::io_context io;
  /// Sockets of connections: from accept or connect until closed.
  std::atomic<std::size_t> open_sockets = 0;

 private:
  mutable std::mutex mutex_;
  bool shutting_down_ = false;
  live_list live_;
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, asio_connection_ptr> pending_;
  line_budget unfinished_;
};

}  // namespace timenode::net
