#include "app/rpc_methods_table.hpp"
#include "chain/hex.hpp"

#include <algorithm>
#include <array>

namespace timenode {

namespace {

/// As the wire writes it.
std::string tier_name(wire::masternode_tier x) {
  switch (x) {
  case wire::masternode_tier::free:
    return "Free";
  case wire::masternode_tier::bronze:
    return "Bronze";
  case wire::masternode_tier::silver:
    return "Silver";
  case wire::masternode_tier::gold:
    return "Gold";
  }
  return "?";
}

void add_masternode(const masternode_entry& x, json& result) {
  result["address"] = x.ip.to_string();
  result["tier"] = tier_name(x.tier);
  result["reward_address"] = x.reward_address;
  result["public_key"] = chain::to_hex(x.key);
  result["is_active"] = x.active;
  result["is_connected"] = x.connected;
  result["is_hearsay"] = x.hearsay;
  result["last_seen"] = x.last_seen;
  result["first_seen"] = x.first_seen;
  result["heartbeat_sequence"] = x.heartbeat;
  result["attestations"] = x.attestations;
  result["uptime_start"] = x.active_since;
  result["total_uptime"] = x.uptime;
  result["status_reason"] = x.why;
}

json beat_json(const heartbeat_record& x) {
  json result;
  result["sequence"] = x.sequence;
  result["timestamp"] = x.timestamp;
  result["verified"] = x.verified;
  // Each counts once, however often it says so.
  result["witness_count"] = x.witnesses.size();
  result["unique_witnesses"] = x.witnesses.size();
  auto& witnesses = result["witnesses"] = json::array();
  for (const auto& ip : x.witnesses)
    witnesses.push_back(ip.to_string());
  return result;
}

tl::expected<node_question, rpc_error> ask_about(const rpc_view&, const rpc_args& args) {
  const auto ip = ip_argument(args[0], "address");
  if (!ip)
    return tl::unexpected{ip.error()};
  return about_masternode{*ip};
}

tl::unexpected<rpc_error> unknown(const masternode_detail& x) {
  return rpc_fail(rpc_code::not_found,
                  "No masternode is known at " + x.entry.ip.to_string() + ": " + x.belief);
}

/// Empty: it does.
std::string why_it_does_not_decide(const consensus_snapshot& consensus, const masternode_entry& x) {
  const auto& members = consensus.members;
  if (members.empty())
    return "nobody is known to" + (consensus.why.empty() ? std::string{} : ": " + consensus.why);
  if (std::find(members.begin(), members.end(), x.ip.to_string()) != members.end())
    return {};
  if (!x.active)
    return "it is inactive";
  return "the last block did not pay it; it does after one that does";
}

// -- methods ------------------------------------------------------------------------

rpc_result masternodelist(const rpc_view& view, const rpc_args&) {
  auto result = json::array();
  for (const auto& x : view.snapshot->masternodes) {
    json entry;
    add_masternode(x, entry);
    result.push_back(std::move(entry));
  }
  return result;
}

rpc_result masternodestatus(const rpc_view& view, const rpc_args&) {
  const auto& all = view.snapshot->masternodes;
  const auto own = std::find_if(all.begin(), all.end(), [](const auto& x) { return x.ours; });
  json result;
  if (own == all.end()) {
    result["status"] = "not a masternode";
    const auto& ip = view.snapshot->registry.local_ip;
    result["address"] = ip ? json(ip->to_string()) : json();
    return result;
  }
  result["status"] = own->active ? "active" : "inactive";
  add_masternode(*own, result);
  const auto& consensus = view.snapshot->consensus;
  result["decides_on_blocks"] = consensus.takes_part;
  if (!consensus.signs_nothing.empty())
    result["signs_nothing"] = consensus.signs_nothing;
  return result;
}

rpc_result explainmasternode(const rpc_view& view, const rpc_args&) {
  const auto& x = std::get<masternode_detail>(**view.reply);
  if (!x.known)
    return unknown(x);
  json result;
  add_masternode(x.entry, result);
  result["is_ours"] = x.entry.ours;
  result["belief"] = x.belief;
  result["next"] = x.next;
  if (x.next_in >= 0)
    result["next_in"] = x.next_in;
  auto& changes = result["changes"] = json::array();
  for (const auto& y : x.changes)
    changes.push_back({{"time", y.at}, {"is_active", y.active}, {"reason", y.why}});
  auto& beats = result["recent_heartbeats"] = json::array();
  for (const auto& y : x.heartbeats)
    beats.push_back(beat_json(y));
  const auto why_not = why_it_does_not_decide(view.snapshot->consensus, x.entry);
  result["decides_on_blocks"] = why_not.empty();
  if (!why_not.empty())
    result["decides_not_because"] = why_not;
  result["peer"] = explain_peer_json(*view.snapshot, x.entry.ip, view.now);
  return result;
}

/// As many as the deployed daemon gives.
constexpr std::size_t default_history = 10;

rpc_result getheartbeathistory(const rpc_view& view, const rpc_args& args) {
  const auto& x = std::get<masternode_detail>(**view.reply);
  std::size_t limit = default_history;
  if (args[1].is_number_unsigned())
    limit = args[1].get<std::size_t>();
  else if (!args[1].is_null())
    return rpc_fail(rpc_code::invalid_params, "Parameter 'limit' must be a number");
  json result;
  result["address"] = x.entry.ip.to_string();
  result["total_verified_heartbeats"] = x.verified_heartbeats;
  result["latest_sequence"] = x.entry.heartbeat;
  auto& beats = result["recent_heartbeats"] = json::array();
  for (std::size_t i = 0; i < std::min(limit, x.heartbeats.size()); ++i)
    beats.push_back(beat_json(x.heartbeats[i]));
  return result;
}

rpc_result getattestationstats(const rpc_view& view, const rpc_args&) {
  const auto& x = view.snapshot->attestations;
  json result;
  result["total_heartbeats"] = x.kept;
  result["verified_heartbeats"] = x.verified;
  result["pending_heartbeats"] = x.kept - x.verified;
  result["unique_masternodes"] = x.masternodes;
  result["total_verified_count"] = x.verified_in_all;
  // In percent.
  result["verification_rate"] =
      x.kept == 0 ? 0.0 : 100.0 * static_cast<double>(x.verified) / static_cast<double>(x.kept);
  return result;
}

constexpr std::array masternodes_entries{
    rpc_method{
        "explainmasternode", "address:string",
        "Why a masternode counts as active or not, and what the node does about its address.", true,
        explainmasternode, "object", false, ask_about},
    rpc_method{"getattestationstats", "", "What came of the heartbeats that are remembered.", true,
               getattestationstats,
               "object: total_heartbeats, verified_heartbeats, pending_heartbeats, "
               "unique_masternodes, total_verified_count, verification_rate"},
    rpc_method{"getheartbeathistory", "address:string |limit:integer",
               "The last heartbeats of a masternode, and who attested to them.", false,
               getheartbeathistory,
               "object: address, total_verified_heartbeats, latest_sequence, recent_heartbeats",
               false, ask_about},
    rpc_method{"masternodelist", "", "Every masternode that is known.", true, masternodelist},
    rpc_method{"masternodestatus", "", "Whether this node is a masternode, and an active one.",
               true, masternodestatus},
};

}  // namespace

std::span<const rpc_method> masternode_methods() noexcept {
  return masternodes_entries;
}

}  // namespace timenode
