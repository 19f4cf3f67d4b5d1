#include "app/http_stream.hpp"

#include <algorithm>
#include <utility>

namespace timenode {

std::string server_sent_event(std::string_view name, std::string_view data) {
  std::string result;
  result.reserve(name.size() + data.size() + 16);
  result.append("event: ").append(name).append("\ndata: ").append(data).append("\n\n");
  return result;
}

void http_stream::attach(reader x) {
  const std::lock_guard lock{mutex_};
  readers_.push_back(std::move(x));
}

void http_stream::publish(bytes x) {
  const std::lock_guard lock{mutex_};
  std::erase_if(readers_, [&x](const reader& to) { return !to(x); });
}

std::size_t http_stream::readers() const {
  const std::lock_guard lock{mutex_};
  return readers_.size();
}

}  // namespace timenode
