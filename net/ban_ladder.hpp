#pragma once

// Who is banned, for how long and why: the ladder of the protocol page, section 8. A value without clock;
// `now` is Unix seconds, because bans are shown to people and outlive the process.

#include "messages/ip_address.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace timenode::net {

/// Violations of one IP are forgotten after this long without one (protocol page, section 8).
inline constexpr std::int64_t violation_memory_seconds = 3600;
/// The third violation bans for 5 min, the fifth for 1 h, the tenth for 24 h (protocol page, section 8).
std::optional<std::int64_t> ban_seconds_for(std::uint32_t violations) noexcept;

struct ban {
  ip_address ip;
  std::string reason;   ///< The last violation's.
  std::string evidence; ///< The offending bytes, cut and printable.
  std::int64_t until = 0;
};

class ban_ladder {
public:
  /// Records at most this many IPs: one that misbehaves costs us a bounded amount of memory. When full, the
  /// record that was longest without a violation and is not banned makes room.
  static constexpr std::size_t max_records = 10'000;

  /// Counts one violation. Returns the ban that it brought, if any.
  std::optional<ban> add_violation(const ip_address& ip, const std::string& reason,
                                   const std::string& evidence, std::int64_t now);
  /// The ban in force.
  std::optional<ban> banned(const ip_address& ip, std::int64_t now) const;
  /// All bans in force.
  std::vector<ban> bans(std::int64_t now) const;
  /// Violations that still count.
  std::uint32_t violations(const ip_address& ip, std::int64_t now) const;
  std::size_t size() const noexcept { return records_.size(); }

private:
  struct record {
    std::uint32_t count = 0;
    std::int64_t last = 0;
    std::int64_t banned_until = 0;
    std::string reason;
    std::string evidence;
  };

  void make_room(std::int64_t now);

  std::unordered_map<ip_address, record> records_;
};

} // namespace timenode::net
