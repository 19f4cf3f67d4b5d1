#pragma once

// Who is banned by itself, for how long and why: the ladder of the protocol page, section 8. A value without clock;
// `now` is Unix seconds, because bans are shown to people and outlive the process.

#include "messages/ip_network.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace timenode::net {

/// Violations of one IP are forgotten after this long without one (protocol page, section 8).
inline constexpr std::int64_t violation_memory_seconds = 3600;
/// The third violation bans for 5 min, the fifth for 1 h, the tenth for 24 h (protocol page, section 8). Every further
/// one bans for 24 h again: who comes back from a ban and goes on has not left the top of the ladder.
std::optional<std::int64_t> ban_seconds_for(std::uint32_t violations) noexcept;
/// A reason is kept up to this length: ours are shorter, and what they quote of a peer must not grow our files.
inline constexpr std::size_t max_reason_bytes = 200;
/// Evidence is cut already (messages/wire_codec.hpp); this is for what comes from a file.
inline constexpr std::size_t max_evidence_bytes = 200;

struct ban {
  ip_address ip;
  std::string reason;    ///< The last violation's.
  std::string evidence;  ///< The offending bytes, cut and printable.
  std::int64_t since = 0;
  std::int64_t until = 0;
};

class ban_ladder {
 public:
  /// Records at most this many IPs: one that misbehaves costs us a bounded amount of memory. When full, the
  /// record that was longest without a violation and is not banned makes room.
  static constexpr std::size_t max_records = 10'000;

  /// What is known of one IP that sent wrong bytes.
  struct record {
    std::uint32_t count = 0;  ///< Violations that count.
    std::int64_t last = 0;    ///< When the last one was.
    std::int64_t banned_since = 0;
    std::int64_t banned_until = 0;
    std::string reason;    ///< The last violation's.
    std::string evidence;  ///< The same.
  };

  /// Counts one violation. Returns the ban that it brought, if any.
  std::optional<ban> add_violation(const ip_address& ip, const std::string& reason,
                                   const std::string& evidence, std::int64_t now);
  /// Forgets all violations of these addresses, and so lifts their bans. Returns how many bans were in force.
  std::size_t forgive(const ip_network& network, std::int64_t now);

  /// The ban in force.
  std::optional<ban> banned(const ip_address& ip, std::int64_t now) const;
  /// All bans in force, by IP.
  std::vector<ban> bans(std::int64_t now) const;
  /// Violations that still count.
  std::uint32_t violations(const ip_address& ip, std::int64_t now) const;
  /// What is known of an IP; null: nothing that still counts.
  const record* find(const ip_address& ip, std::int64_t now) const;
  std::size_t size() const noexcept { return records_.size(); }

  // -- keeping it ------------------------------------------------------------------------

  /// A line for each record that still counts, by IP, so that a restart is no amnesty.
  std::vector<std::string> to_lines(std::int64_t now) const;
  /// Takes over one line of an earlier run. False when it is none of these; one whose time is over is taken and
  /// dropped.
  bool from_line(std::string_view line, std::int64_t now);

 private:
  static bool counts(const record& x, std::int64_t now) noexcept;
  void make_room(std::int64_t now);

  std::unordered_map<ip_address, record> records_;
};

}  // namespace timenode::net
