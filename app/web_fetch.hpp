#pragma once

// Fetches one page over HTTP or HTTPS. Blocking.

#include "messages/outcome.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace timenode::app {

/// An "http://" or "https://" address.
struct web_address {
  bool tls = false;
  std::string host;  ///< A name or an IP address, an IPv6 one without its brackets.
  std::uint16_t port = 80;
  std::string target = "/";  ///< Path and query.

  /// The failure says what is wrong with the text.
  static outcome<web_address> parse(std::string_view text);
  std::string to_string() const;

  bool operator==(const web_address&) const = default;
};

/// The body of the answer to a GET. A certificate has to be valid for the host and signed by somebody whom this
/// system trusts. Redirections are not followed: the failure names where they lead. Takes at most `deadline`, and as
/// long as the system's resolver takes to look the name up.
outcome<std::string> fetch(const web_address& from, std::size_t most_bytes,
                           std::chrono::milliseconds deadline);

}  // namespace timenode::app
