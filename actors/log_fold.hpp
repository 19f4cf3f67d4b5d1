#pragma once

// Which of many alike events about peers are worth a line in the log. A peer that connects and leaves by the second,
// or sends nothing but wrong lines, must not bury what else happens, nor fill a disk.

#include "messages/ip_address.hpp"
#include "net/token_bucket.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace timenode {

class log_fold {
 public:
  /// Addresses that are told apart; beyond that those that were quiet for long are forgotten.
  static constexpr std::size_t max_addresses = 1000;

  /// An event about this address. None: leave it out of the log. Else how many before it were left out since the
  /// last line.
  std::optional<std::uint64_t> note(const ip_address& ip, monotonic_ns now) {
    if (addresses_.size() >= max_addresses && !addresses_.contains(ip))
      std::erase_if(addresses_, [now](const auto& x) { return x.second.rate.is_full(now); });
    if (addresses_.size() >= max_addresses && !addresses_.contains(ip))
      addresses_.clear();
    auto& x = addresses_[ip];
    if (!x.rate.has_token(now) || !all_.take(now)) {
      ++x.left_out;
      return std::nullopt;
    }
    x.rate.take(now);
    return std::exchange(x.left_out, 0);
  }

  /// What to append to the line.
  static std::string suffix(std::uint64_t left_out) {
    return left_out == 0 ? "" : " (and " + std::to_string(left_out) + " more like this before)";
  }

 private:
  struct address {
    /// Five at once, then one a minute: who reads the log sees what it is and that it goes on.
    net::token_bucket rate{1.0 / 60, 5};
    std::uint64_t left_out = 0;
  };

  std::map<ip_address, address> addresses_;
  /// Of all addresses together: a whole site may come back at once, but not every second.
  net::token_bucket all_{5, 200};
};

}  // namespace timenode
