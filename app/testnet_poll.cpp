#include "app/testnet_poll.hpp"

#include "app/rpc_client.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace timenode::app {

namespace {

std::string text_in(const json& x, const char* name) {
  const auto found = x.is_object() ? x.find(name) : x.end();
  return found != x.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

template <class T>
T number_in(const json& x, const char* name) {
  const auto found = x.is_object() ? x.find(name) : x.end();
  return found != x.end() && found->is_number() ? found->get<T>() : T{};
}

std::optional<link_view> link_of(const json& x) {
  const auto at = endpoint::parse(text_in(x, "addr"), 1);
  if (!at || text_in(x, "state") != "established")
    return std::nullopt;
  link_view result;
  result.peer = at->ip;
  const auto inbound = x.find("inbound");
  result.inbound = inbound != x.end() && inbound->is_boolean() && inbound->get<bool>();
  result.pongs = number_in<std::uint64_t>(x, "pongreceived");
  if (x.contains("pingtime"))
    result.ping_ms = number_in<double>(x, "pingtime") * 1e3;
  return result;
}

}  // namespace

node_view view_of(const ip_address& ip, const json& chain, const json& peers, const json& network) {
  node_view result;
  result.ip = ip;
  result.height = number_in<std::uint64_t>(chain, "blocks");
  result.tip = text_in(chain, "bestblockhash");
  if (const auto sync = chain.is_object() ? chain.find("sync") : chain.end(); sync != chain.end()) {
    result.sync_state = text_in(*sync, "state");
    result.target = number_in<std::uint64_t>(*sync, "target");
    result.blocks_per_second = number_in<double>(*sync, "blocks_per_second");
  }
  if (peers.is_array())
    for (const auto& x : peers)
      if (auto link = link_of(x))
        result.links.push_back(*link);
  if (const auto found = network.is_object() ? network.find("invariant_violations") : network.end();
      found != network.end())
    for (const auto& x : *found)
      result.violations += x.is_number() ? x.get<std::uint64_t>() : 0;
  return result;
}

std::vector<node_view> poll_nodes(std::span<const endpoint> rpc,
                                  std::chrono::milliseconds deadline) {
  static const std::vector<std::string> methods{"getblockchaininfo", "getpeerinfo",
                                                "getnetworkinfo"};
  const auto answers = call_rpc_everywhere(rpc, methods, deadline);
  std::vector<node_view> result;
  for (std::size_t i = 0; i < rpc.size(); ++i) {
    if (const auto& x = answers[i]) {
      result.push_back(view_of(rpc[i].ip, (*x)[0], (*x)[1], (*x)[2]));
    } else {
      result.emplace_back();
      result.back().ip = rpc[i].ip;
      result.back().trouble = "no answer: " + x.error().reason;
    }
  }
  return result;
}

}  // namespace timenode::app
