#pragma once

// Who is kept out and who never is: the operator's word (net/access_list.hpp) over the ladder (net/ban_ladder.hpp).
// A value without clock; `now` is Unix seconds.

#include "net/access_list.hpp"
#include "net/ban_ladder.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace timenode::net {

/// A ban in force, whoever brought it.
struct access_ban {
  ip_network network;
  bool by_operator = false;
  std::string reason;
  std::string evidence;  ///< Empty for an operator's.
  std::int64_t since = 0;
  std::int64_t until = 0;
};

class access_control {
 public:
  // -- asking ----------------------------------------------------------------------------

  /// The ban that keeps this address out. None for a trusted one, whatever it did.
  std::optional<access_ban> banned(const ip_address& ip, std::int64_t now) const;
  /// The rule that makes this address trusted; null: it is not.
  const access_rule* trusted(const ip_address& ip, std::int64_t now) const;
  /// All bans in force: the operator's, by network, then the others, by IP, but for those that the operator's word
  /// makes void.
  std::vector<access_ban> bans(std::int64_t now) const;
  std::vector<access_rule> trusts(std::int64_t now) const {
    return list_.rules(access_kind::trust, now);
  }
  /// What the ladder knows of an address; null: nothing that still counts.
  const ban_ladder::record* offences(const ip_address& ip, std::int64_t now) const {
    return ladder_.find(ip, now);
  }

  // -- what happens ----------------------------------------------------------------------

  /// Wrong bytes came. They are counted for everyone; a ban that follows is returned unless the address is trusted or
  /// banned by the operator already.
  std::optional<access_ban> add_violation(const ip_address& ip, const std::string& reason,
                                          const std::string& evidence, std::int64_t now);

  // -- what the operator orders ----------------------------------------------------------

  /// What the configuration says, at each start: in place of an order for the same network, and not kept.
  void configure(const ip_network& network, access_kind kind, const std::string& reason,
                 std::int64_t now);

  /// Takes all of that back.
  void forget_configured() { list_.clear_not_kept(); }

  access_list::answer ban(const ip_network& network, const std::string& reason, std::int64_t until,
                          std::int64_t now);
  access_list::answer trust(const ip_network& network, const std::string& reason, std::int64_t now);
  /// Lifts the operator's ban of exactly that network and every other ban of an address in it, with the violations
  /// that led there. Returns how many bans that were.
  std::size_t unban(const ip_network& network, std::int64_t now);
  /// The same for all. Trust stays.
  std::size_t unban_all(std::int64_t now);
  bool untrust(const ip_network& network) { return list_.remove(network, access_kind::trust); }

  // -- keeping it ------------------------------------------------------------------------

  std::vector<std::string> to_lines(std::int64_t now) const;
  /// Takes over the lines of an earlier run. Returns those that are none of ours: damaged, or of a newer version.
  std::vector<std::string> from_lines(std::span<const std::string> lines, std::int64_t now);

 private:
  access_list list_;
  ban_ladder ladder_;
};

}  // namespace timenode::net
