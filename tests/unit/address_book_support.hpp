#pragma once

// An address book whose plan is followed as the registry would, and addresses to fill it with.

#include "actors/address_book.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace test {

using namespace timenode;

inline constexpr std::uint16_t port = 24100;
inline const auto our_ip = *ip_address::parse("198.51.100.200");

inline ip_address ip(std::string_view text) {
  return *ip_address::parse(text);
}

/// A public address; every one of `group` 0..255 is a group of its own.
inline ip_address public_ip(int group, int host) {
  return ip_address::from_v4({20, static_cast<std::uint8_t>(group),
                              static_cast<std::uint8_t>(host / 256),
                              static_cast<std::uint8_t>(host % 256)});
}

inline endpoint at(const ip_address& x) {
  return {x, port};
}

inline peer_info inbound(const ip_address& x) {
  return {x, 1, link_direction::inbound, endpoint{x, 50'000}};
}

inline peer_info outbound(const ip_address& x) {
  return {x, 1, link_direction::outbound, at(x)};
}

struct address_book_fixture {
  explicit address_book_fixture(std::optional<ip_address> local_ip = our_ip,
                                std::size_t max_peers = 125)
      : book{local_ip, port, max_peers} {}

  std::size_t learn(std::vector<std::string> texts, std::string_view source = "192.0.2.1") {
    return book.learn(texts, ip(source));
  }

  /// One address in each of `count` groups.
  void learn_groups(int count, std::string_view source = "192.0.2.1") {
    for (int i = 0; i < count; ++i)
      learn({public_ip(i, 1).to_string()}, source);
  }

  /// Follows the book's plan as the registry would.
  address_book::plan follow() {
    now += wanted_at_ease_every;
    auto plan = book.make_plan(random, now);
    for (const auto& x : plan.unwant)
      wanted.erase(x);
    for (const auto& [to, purpose] : plan.want)
      wanted[to.ip] = purpose;
    return plan;
  }

  bool fail(const ip_address& x, int times = 1) {
    auto left = false;
    for (int i = 0; i < times; ++i)
      left |= book.dialed({at(x), false, static_cast<std::uint32_t>(i + 1), "refused"}, 1000);
    if (left)
      wanted.erase(x);
    return left;
  }

  address_book book;
  /// Connected, and for that long.
  void meet(const ip_address& x, monotonic_ns duration) {
    book.connected(outbound(x), 1000);
    book.disconnected(x, 1000);
    book.connection_lasted(x, duration, now);
  }

  monotonic_ns now = 1'000'000'000;
  random_source random{1};
  std::map<ip_address, dial_purpose> wanted;
};

}  // namespace test
