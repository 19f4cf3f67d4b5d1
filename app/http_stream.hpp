#pragma once

// What goes to many HTTP clients at once, as it happens: server-sent events.

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace timenode {

/// A server-sent event in the form that goes over the wire. `data` has no newline.
std::string server_sent_event(std::string_view name, std::string_view data);

/// Those who read along. All functions are thread-safe. Nothing is kept: who comes later, or reads
/// slower than events come, misses some. So each event must stand for itself.
class http_stream {
 public:
  using bytes = std::shared_ptr<const std::string>;
  /// Takes an event, from any thread; false when the reader is gone.
  using reader = std::function<bool(const bytes&)>;

  /// From now on `x` gets what is published, until it is gone.
  void attach(reader x);
  /// Sends to all.
  void publish(bytes x);
  /// How many read along, as far as is known.
  std::size_t readers() const;

 private:
  mutable std::mutex mutex_;
  std::vector<reader> readers_;
};

}  // namespace timenode
