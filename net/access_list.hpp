#pragma once

// What the operator said of addresses: whom to keep out and whom to trust. A value without clock; `now` is Unix
// seconds.

#include "messages/ip_network.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace timenode::net {

/// The end of a ban that has none: the last second of the year 9999.
inline constexpr std::int64_t for_good = 253'402'300'799;

enum class access_kind : std::uint8_t {
  ban,    ///< Neither dialed nor let in.
  trust,  ///< Never banned by itself, and no rule of places or rates applies to it.
};

/// One thing that the operator said.
struct access_rule {
  ip_network network;
  access_kind kind = access_kind::ban;
  std::string reason;  ///< The operator's words; may be empty.
  std::int64_t since = 0;
  std::int64_t until = for_good;
  bool kept = true;  ///< Over a restart; not what the configuration says anew at each start.
};

class access_list {
 public:
  /// Enough for the block lists that are passed around; at the limit a new rule is refused.
  static constexpr std::size_t max_rules = 10'000;

  enum class answer : std::uint8_t {
    done,
    same_already,  ///< That network has a rule of this kind that lasts as long or longer.
    full,
  };

  /// Enters a rule, in place of any other one for exactly that network.
  answer add(access_rule rule, std::int64_t now);
  /// Removes the rule of that kind for exactly that network. False when there is none.
  bool remove(const ip_network& network, access_kind kind);
  /// Removes all rules of that kind; returns how many there were.
  std::size_t clear(access_kind kind);
  /// Removes all rules that are not kept over a restart.
  void clear_not_kept();

  /// The rule in force for an address: of several the one for the smallest network, so that one host can be trusted
  /// in a banned range and the other way round. Null: none.
  const access_rule* find(const ip_address& ip, std::int64_t now) const;
  /// All rules of that kind in force, by network.
  std::vector<access_rule> rules(access_kind kind, std::int64_t now) const;

  // -- keeping it ------------------------------------------------------------------------

  std::vector<std::string> to_lines(std::int64_t now) const;
  /// Takes over one line of an earlier run. False when it is none of these.
  bool from_line(std::string_view line, std::int64_t now);

 private:
  void erase(std::map<ip_network, access_rule>::iterator i);

  std::map<ip_network, access_rule> rules_;
  std::array<std::size_t, 33> v4_sizes_{};  ///< How many networks have that many bits.
  std::array<std::size_t, 129> v6_sizes_{};
};

}  // namespace timenode::net
