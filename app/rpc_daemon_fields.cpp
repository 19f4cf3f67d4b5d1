#include "app/rpc_daemon_fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace timenode {

namespace {

/// What the daemon always says: it means nothing on this network, and clients of Bitcoin want it.
constexpr const char* services = "0000000000000409";
constexpr double smallest_fee = 0.00001;

void add(json& to, const char* name, json value) {
  if (!to.contains(name))
    to[name] = std::move(value);
}

void add_chain(const rpc_view& view, json& to) {
  add(to, "network", to.value("chain", std::string{}));
  to["chain"] = view.facts.network == network_id::mainnet ? "main" : "test";
  add(to, "difficulty", 1.0);
  // 64 hexadecimal digits: every block is worth one.
  auto work = std::string(64, '0');
  constexpr std::string_view digits = "0123456789abcdef";
  auto height = view.chain.tip().height;
  for (auto digit = work.rbegin(); height > 0; height /= 16)
    *digit++ = digits[height % 16];
  add(to, "chainwork", work);
  add(to, "pruned", false);
  add(to, "consensus", "BFT");
  add(to, "instant_finality", true);
}

void add_block(json& to) {
  if (to.is_object())
    add(to, "previousblockhash", std::string(64, '0'));  // Of the genesis block.
}

void add_network_info(const rpc_view& view, json& to) {
  add(to, "localservices", services);
  add(to, "localrelay", true);
  add(to, "timeoffset", 0);
  add(to, "networks",
      json::array({{{"name", std::string{to_string(view.facts.network)}},
                    {"limited", false},
                    {"reachable", true},
                    {"proxy", ""},
                    {"proxy_randomize_credentials", false}}}));
  add(to, "relayfee", smallest_fee);
  add(to, "incrementalfee", smallest_fee);
}

void add_peers(const rpc_view& view, json& to) {
  const auto& masternodes = view.snapshot->masternodes;
  for (auto& peer : to) {
    add(peer, "services", services);
    add(peer, "lastseen", peer.value("lastrecv", std::int64_t{0}));
    add(peer, "timeoffset", 0);
    const auto addr = peer.value("addr", std::string{});
    const auto at = endpoint::parse(addr, 0);
    const auto found = std::find_if(masternodes.begin(), masternodes.end(),
                                    [&at](const auto& x) { return at && x.ip == at->ip; });
    if (found != masternodes.end()) {
      add(peer, "tier", wire::to_text(found->tier));
      add(peer, "active", found->active);
    }
  }
}

/// In TIME.
std::uint64_t collateral_of(const std::string& tier) {
  return tier == "Bronze" ? 1'000 : tier == "Silver" ? 10'000 : tier == "Gold" ? 100'000 : 0;
}

void add_masternode(const rpc_view& view, json& to) {
  if (!to.is_object() || !to.contains("first_seen"))
    return;
  const auto first = to.value("first_seen", std::int64_t{0});
  const auto last = to.value("last_seen", std::int64_t{0});
  const auto is_active = to.value("is_active", false);
  add(to, "wallet_address", to.value("reward_address", std::string{}));
  add(to, "collateral", collateral_of(to.value("tier", std::string{})));
  add(to, "registered_at", first);
  add(to, "last_heartbeat", last);
  add(to, "uptime_start", first);
  add(to, "total_uptime",
      first == 0 ? std::int64_t{0}
                 : std::max<std::int64_t>((is_active ? view.now : last) - first, 0));
}

void add_masternode_list(const rpc_view& view, json& to) {
  if (to.is_array())
    to = json{{"total", to.size()}, {"masternodes", std::move(to)}};
  add(to, "total", to["masternodes"].size());
  for (auto& x : to["masternodes"])
    add_masternode(view, x);
}

void add_masternode_status(const rpc_view& view, json& to) {
  add_masternode(view, to);
  if (!to.contains("tier"))
    add(to, "message", "This node is not configured as a masternode");
  else
    add(to, "message", to.value("status_reason", std::string{}));
}

void add_address(json& to) {
  for (const auto* name : {"ismine", "iswatchonly", "isscript", "iswitness"})
    add(to, name, false);
  add(to, "scriptPubKey", "");
}

}  // namespace

void add_daemon_fields(std::string_view method, const rpc_view& view, json& result) {
  if (method == "getblockchaininfo")
    add_chain(view, result);
  else if (method == "getblock")
    add_block(result);
  else if (method == "getnetworkinfo")
    add_network_info(view, result);
  else if (method == "getpeerinfo")
    add_peers(view, result);
  else if (method == "masternodelist")
    add_masternode_list(view, result);
  else if (method == "masternodestatus")
    add_masternode_status(view, result);
  else if (method == "validateaddress")
    add_address(result);
}

}  // namespace timenode
