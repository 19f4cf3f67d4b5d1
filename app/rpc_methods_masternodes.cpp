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
  result["last_seen"] = x.last_seen;
  result["first_seen"] = x.first_seen;
  result["heartbeat_sequence"] = x.heartbeat;
  result["attestations"] = x.attestations;
  result["status_reason"] = x.why;
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
  return result;
}

rpc_result explainmasternode(const rpc_view& view, const rpc_args& args) {
  const auto ip = ip_argument(args[0], "address");
  if (!ip)
    return tl::unexpected{ip.error()};
  const auto& all = view.snapshot->masternodes;
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& x) { return x.ip == *ip; });
  if (found == all.end())
    return rpc_fail(rpc_code::not_found, "No masternode is known at " + ip->to_string());
  json result;
  add_masternode(*found, result);
  result["is_ours"] = found->ours;
  result["peer"] = explain_peer_json(*view.snapshot, *ip, view.now);
  return result;
}

constexpr std::array methods{
    rpc_method{
        "explainmasternode", "address",
        "Why a masternode counts as active or not, and what the node does about its address.", true,
        explainmasternode},
    rpc_method{"masternodelist", "", "Every masternode that is known.", true, masternodelist},
    rpc_method{"masternodestatus", "", "Whether this node is a masternode, and an active one.",
               true, masternodestatus},
};

}  // namespace

std::span<const rpc_method> masternode_methods() noexcept {
  return methods;
}

}  // namespace timenode
