#pragma once

// An optional list of peers on the web (`network.discovery_url`): for the first start of a node that knows nobody.

#include "app/web_fetch.hpp"
#include "messages/outcome.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace timenode::app {

/// More than this is no list of peers: a thousand addresses have 25 KB.
inline constexpr std::size_t max_peer_list_bytes = 1u << 20;
/// Of a list, only so many addresses are handed on: as many as of a peer's answer.
inline constexpr std::size_t max_listed_peers = 1000;
inline constexpr std::chrono::seconds peer_list_deadline{15};
/// When it is fetched again: it is for nodes that know nobody, and new addresses come from peers.
inline constexpr std::chrono::hours peer_list_period{6};
/// ... and after a failure.
inline constexpr std::chrono::minutes peer_list_retry{5};

/// The addresses ("ip:port" or "ip") in a JSON array of strings, or in the member "peers" of an object. What is no
/// string is skipped.
outcome<std::vector<std::string>> parse_peer_list(std::string_view json_text);

/// Fetches the list when it is made and then every now and again, on a thread of its own. Whether the addresses are
/// any good is for the address book to say.
class peer_discovery {
 public:
  /// @param take Gets what came; called on the thread, not after the destructor has begun. Must not block.
  peer_discovery(web_address from, std::function<void(std::vector<std::string>)> take);
  /// Returns at once: the thread may hang in the system's resolver and is left to itself then.
  ~peer_discovery();
  peer_discovery(const peer_discovery&) = delete;
  peer_discovery& operator=(const peer_discovery&) = delete;

 private:
  struct shared;
  static void run(const std::shared_ptr<shared>& x);

  std::shared_ptr<shared> shared_;
};

}  // namespace timenode::app
