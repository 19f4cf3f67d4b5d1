// The masternode book over restarts: lines of fields, one for each masternode and tombstone.

#include "actors/masternode_book.hpp"
#include "chain/hex.hpp"
#include "net/line_fields.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace timenode {

namespace {

constexpr monotonic_ns second = 1'000'000'000;

// The first line says when all of it was true; every other line begins with what it is.
constexpr std::string_view head_name = "saved";
constexpr std::string_view masternode_name = "masternode";
constexpr std::string_view tombstone_name = "tombstone";
constexpr std::size_t masternode_fields = 16;
constexpr std::array<std::string_view, 4> tier_words{"free", "bronze", "silver", "gold"};

/// What is known of a masternode that was not heard of for so long is of no use to anybody.
constexpr std::int64_t restored_within = 30 * 86'400;

template <class Int>
Int number_or_zero(std::string_view field) {
  return net::number_field<Int>(field).value_or(0);
}

}  // namespace

std::vector<std::string> masternode_book::to_lines(moment now) const {
  std::vector<std::string> result;
  result.push_back(net::join_fields({std::string{head_name}, std::to_string(now.unix_s)}));
  for (const auto& [ip, x] : records_) {
    if (x.shown.ours || x.belief == standing::hint)
      continue;
    const auto entry = shown(x, now);
    result.push_back(net::join_fields(
        {std::string{masternode_name}, ip.to_string(), x.shown.reward_address,
         std::string{tier_words[static_cast<std::size_t>(x.shown.tier)]},
         chain::to_hex(x.shown.key), x.belief == standing::first_hand ? "first-hand" : "attested",
         x.shown.active ? "active" : "inactive", std::to_string(x.shown.first_seen),
         std::to_string(entry.last_seen), std::to_string(entry.uptime),
         x.beat_at != 0 ? chain::to_hex(x.beat_key) : "-", x.beat_key_proven ? "proven" : "claimed",
         std::to_string(x.beat_time), std::to_string(x.shown.heartbeat),
         std::to_string(x.verified_beats), x.shown.why}));
  }
  tombstones_.for_each(now.mono, [&](const ip_address& ip, monotonic_ns until) {
    result.push_back(net::join_fields({std::string{tombstone_name}, ip.to_string(),
                                       std::to_string(now.unix_s + (until - now.mono) / second)}));
  });
  return result;
}

std::vector<ip_address> masternode_book::restore(const std::vector<std::string>& lines,
                                                 moment now) {
  std::vector<ip_address> result;
  std::int64_t away = 0;
  for (const auto& line : lines) {
    const auto fields = net::split_fields(line);
    if (fields[0] == head_name && fields.size() == 2) {
      // A clock that was set back meanwhile tells nothing.
      away = std::max<std::int64_t>(now.unix_s - number_or_zero<std::int64_t>(fields[1]), 0);
    } else if (fields[0] == tombstone_name && fields.size() == 3) {
      const auto ip = ip_address::parse(fields[1]);
      const auto left = number_or_zero<std::int64_t>(fields[2]) - now.unix_s;
      if (ip && left > 0 && left <= tombstone_for / second)
        tombstones_.insert(*ip, now.mono, now.mono + left * second);
    } else if (fields[0] == masternode_name && fields.size() == masternode_fields) {
      restore_record(fields, away, now);
    }
  }
  for (const auto& [ip, x] : records_)
    if (!x.shown.ours)
      result.push_back(ip);
  return result;
}

void masternode_book::restore_record(const std::vector<std::string>& fields, std::int64_t away,
                                     moment now) {
  const auto ip = masternode_ip(fields[1]);
  const auto tier = std::find(tier_words.begin(), tier_words.end(), fields[3]);
  const auto key = chain::from_hex<public_key>(fields[4]);
  const auto last_seen = number_or_zero<std::int64_t>(fields[8]);
  if (!ip || ip == local_ip_ || records_.contains(*ip) || records_.size() >= max_masternodes ||
      tier == tier_words.end() || !key || last_seen < now.unix_s - restored_within)
    return;
  auto& x = records_[*ip];
  x.shown.ip = *ip;
  x.shown.reward_address = fields[2];
  x.shown.tier = static_cast<wire::masternode_tier>(tier - tier_words.begin());
  x.shown.key = *key;
  x.belief = fields[5] == "first-hand" ? standing::first_hand : standing::attested;
  believed_.insert(*ip);
  x.shown.first_seen = number_or_zero<std::int64_t>(fields[7]);
  x.shown.last_seen = std::min(last_seen, now.unix_s);
  x.active_before = number_or_zero<std::int64_t>(fields[9]);
  if (const auto beat_key = chain::from_hex<public_key>(fields[10])) {
    x.beat_key = *beat_key;
    x.beat_key_proven = fields[11] == "proven";
    x.beat_time = number_or_zero<std::int64_t>(fields[12]);
    // When it came is not known on this clock: long enough ago for the next one.
    x.beat_at = now.mono - min_heartbeat_gap;
    if (x.beat_at == 0)
      x.beat_at = -1;
  }
  x.shown.heartbeat = number_or_zero<std::uint64_t>(fields[13]);
  x.verified_beats = number_or_zero<std::uint64_t>(fields[14]);
  x.shown.why = fields[15];
  // Its announced key was in use as long as it was there.
  x.key_heard_at = now.mono - std::min(away * second, key_silence);
  if (x.key_heard_at == 0)
    x.key_heard_at = -1;
  const auto was_active = fields[6] == "active";
  if (was_active && away * second <= masternode_kept_for) {
    x.heard_at = now.mono;
    update(x, now, "was active before this node's restart");
  } else {
    // Long ago, or silent already: not active, but known for the time that one is kept.
    x.heard_at = now.mono - masternode_active_for;
    if (was_active)
      note(x, now, "this node was away for more than an hour");
  }
}

}  // namespace timenode
