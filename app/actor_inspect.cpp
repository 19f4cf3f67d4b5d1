#include "app/actor_inspect.hpp"

#include "chain/hex.hpp"

#include <caf/json_writer.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace timenode {

namespace {

/// Hashes and keys: as many bytes, and nothing else.
bool is_bytes(const json& x) {
  return x.is_array() && (x.size() == 32 || x.size() == 64) &&
         std::all_of(x.begin(), x.end(), [](const json& y) {
           return y.is_number_unsigned() && y.get<std::uint64_t>() <= 255;
         });
}

/// The address in {"v6":..,"bytes":[..]}.
std::string address_text(const json& x) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = x["bytes"][i].get<std::uint8_t>();
  if (x["v6"].get<bool>())
    return ip_address::from_v6(bytes).to_string();
  return ip_address::from_v4({bytes[12], bytes[13], bytes[14], bytes[15]}).to_string();
}

/// From what machines exchange to what an operator reads: without the types of objects, addresses
/// and hashes as their texts.
void tidy(json& x) {
  if (x.is_object())
    x.erase("@type");
  if (x.is_structured())
    for (auto& y : x)
      tidy(y);
  if (x.is_object() && x.size() == 2 && x.contains("v6") && x.contains("bytes") &&
      x["bytes"].size() == 16)
    x = address_text(x);
  else if (x.is_object() && x.size() == 2 && x.contains("port") && x.contains("ip") &&
           x["ip"].is_string())
    x = x["ip"].get<std::string>() + ":" + x["port"].dump();
  else if (is_bytes(x))
    x = chain::to_hex(x.get<std::vector<std::uint8_t>>());
}

/// By CAF's inspection, so that a new field of a snapshot is shown at once.
template <class T>
json to_json(const T& x) {
  caf::json_writer writer;
  writer.skip_empty_fields(false);
  if (!writer.apply(x))
    return nullptr;
  const auto text = writer.str();
  auto result = json::parse(text.begin(), text.end(), nullptr, false);
  tidy(result);
  return result;
}

// CAF writes no maps whose keys are no texts.

json claims_json(const sync_snapshot& x) {
  auto result = json::object();
  for (const auto& [ip, height] : x.claims)
    result[ip.to_string()] = height;
  return result;
}

json sync_json(sync_snapshot x) {
  auto claims = claims_json(x);
  x.claims.clear();
  auto result = to_json(x);
  result["claims"] = std::move(claims);
  return result;
}

json whole_json(const node_snapshot& given) {
  auto x = given;
  auto sync = sync_json(x.sync);
  x.sync.claims.clear();
  auto result = to_json(x);
  result["sync"] = std::move(sync);
  return result;
}

struct part {
  std::string_view name;
  json (*take)(const node_snapshot&);
};

constexpr std::array parts{
    part{"block-producer", [](const node_snapshot& x) { return to_json(x.consensus); }},
    part{"chain-keeper", [](const node_snapshot& x) { return to_json(x.keeper); }},
    part{"connection-registry", [](const node_snapshot& x) { return to_json(x.registry); }},
    part{"gossip", [](const node_snapshot& x) { return to_json(x.gossip); }},
    part{"masternode-table", [](const node_snapshot& x) { return to_json(x.masternodes); }},
    part{"mempool", [](const node_snapshot& x) { return to_json(x.mempool); }},
    part{"peer-directory", [](const node_snapshot& x) { return to_json(x.directory); }},
    part{"sync-engine", [](const node_snapshot& x) { return sync_json(x.sync); }},
    part{"telemetry", whole_json},
};

}  // namespace

std::vector<std::string> inspectable_actors() {
  std::vector<std::string> result;
  for (const auto& x : parts)
    result.emplace_back(x.name);
  return result;
}

outcome<json> inspect_actor(const node_snapshot& x, const std::string& name) {
  constexpr std::string_view prefix = "timenode.";
  const auto wanted = std::string_view{name}.substr(name.starts_with(prefix) ? prefix.size() : 0);
  for (const auto& y : parts)
    if (y.name == wanted)
      return y.take(x);
  if (const auto ip = ip_address::parse(name)) {
    auto result = json::array();
    for (const auto& peer : x.peers)
      if (peer.ip == *ip)
        result.push_back(to_json(peer));
    if (!result.empty())
      return result;
    return fail("there is no connection with " + ip->to_string());
  }
  std::string known;
  for (const auto& y : parts)
    known += std::string{y.name} + ", ";
  return fail("no actor '" + name.substr(0, 64) + "' tells about itself; those that do are " +
              known + "and connections by their peer's address");
}

}  // namespace timenode
