#include "app/rpc_methods_table.hpp"
#include "messages/wire.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace timenode {

namespace {

/// "0.1.0" as Bitcoin Core writes it: 10000 a major, 100 a minor, 1 a patch version.
std::int64_t version_number(std::string_view text) {
  std::int64_t result = 0;
  for (auto weight : {10'000, 100, 1}) {
    std::int64_t part = 0;
    const auto end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, part);
    if (parsed.ec != std::errc{})
      break;
    result += weight * part;
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    if (text.starts_with('.'))
      text.remove_prefix(1);
  }
  return result;
}

/// Connections that are up, of one direction or of both.
std::size_t established(const node_snapshot& x, std::optional<link_direction> direction = {}) {
  const auto& links = x.registry.links;
  return static_cast<std::size_t>(std::count_if(links.begin(), links.end(), [&](const auto& link) {
    return link.phase == link_phase::established && (!direction || link.direction == *direction);
  }));
}

json links_by_state(const node_snapshot& x) {
  json result;
  for (auto phase : {link_phase::connecting, link_phase::handshaking, link_phase::established,
                     link_phase::closing})
    result[std::string{to_text(phase)}] =
        std::count_if(x.registry.links.begin(), x.registry.links.end(),
                      [&](const auto& link) { return link.phase == phase; });
  return result;
}

json counts_json(const std::map<std::string, std::uint64_t>& x) {
  auto result = json::object();
  for (const auto& [name, count] : x)
    result[name] = count;
  return result;
}

double in_seconds(std::int64_t microseconds) {
  return static_cast<double>(microseconds) / 1e6;
}

}  // namespace

json peer_json(const peer_snapshot& x) {
  json result;
  result["id"] = x.link;
  result["addr"] = x.remote.to_string();
  if (x.local)
    result["addrlocal"] = x.local->to_string();
  result["inbound"] = x.direction == link_direction::inbound;
  result["state"] = std::string{to_text(x.phase)};
  result["conntime"] = x.connected_at;
  result["lastsend"] = x.last_send_at;
  result["lastrecv"] = x.last_received_at;
  result["bytessent"] = x.bytes_sent;
  result["bytesrecv"] = x.bytes_received;
  result["sendqueuebytes"] = x.send_queue_bytes;
  result["messagessent"] = x.messages_sent;
  result["messagesrecv"] = x.messages_received;
  if (x.ping_us)
    result["pingtime"] = in_seconds(*x.ping_us);
  if (x.min_ping_us)
    result["minping"] = in_seconds(*x.min_ping_us);
  result["pingsent"] = x.pings_sent;
  result["pongreceived"] = x.pongs_received;
  result["pinganswered"] = x.pings_answered;
  result["synced_blocks"] = x.height ? json(*x.height) : json(-1);
  result["is_masternode"] = x.is_masternode;
  result["version"] = wire::protocol_version;
  result["subver"] = x.version;
  result["capabilities"] = x.capabilities;
  result["violations"] = x.violations;
  result["unknown_messages"] = x.unknown_messages;
  result["dropped_messages"] = x.dropped_messages;
  result["over_limit"] = counts_json(x.over_limit);
  result["left_out_messages"] = x.left_out_messages;
  return result;
}

namespace {

// -- methods ------------------------------------------------------------------------

rpc_result getconnectioncount(const rpc_view& view, const rpc_args&) {
  return json(established(*view.snapshot));
}

rpc_result getnetworkinfo(const rpc_view& view, const rpc_args&) {
  const auto& x = *view.snapshot;
  json result;
  result["version"] = version_number(view.facts.version);
  result["subversion"] = "/timenode:" + view.facts.version + "/";
  result["protocolversion"] = wire::protocol_version;
  result["connections"] = established(x);
  result["connections_in"] = established(x, link_direction::inbound);
  result["connections_out"] = established(x, link_direction::outbound);
  result["networkactive"] = true;
  auto& addresses = result["localaddresses"] = json::array();
  if (x.registry.local_ip)
    addresses.push_back(
        {{"address", x.registry.local_ip->to_string()}, {"port", view.facts.p2p_port}});
  result["localaddress_source"] = x.registry.local_ip_source;
  result["links_by_state"] = links_by_state(x);
  result["known_addresses"] = x.directory.known;
  result["known_address_groups"] = x.directory.groups;
  result["reached_addresses"] = x.directory.reached;
  result["connections_ended"] = counts_json(x.registry.ended);
  result["connections_refused"] = counts_json(x.registry.refused);
  result["banned"] = x.registry.bans.size();
  result["trusted"] = x.registry.trusts.size();
  auto& gossip = result["gossip"];
  gossip["seen"] = x.gossip.seen;
  gossip["forwarded"] = x.gossip.forwarded;
  gossip["duplicates"] = x.gossip.duplicates;
  gossip["invalid"] = x.gossip.invalid;
  result["invariant_violations"] = counts_json(x.invariant_violations);
  result["warnings"] = warnings_json(x);
  return result;
}

rpc_result getpeerinfo(const rpc_view& view, const rpc_args&) {
  auto result = json::array();
  for (const auto& peer : view.snapshot->peers)
    result.push_back(peer_json(peer));
  return result;
}

constexpr std::array network_entries{
    rpc_method{"getconnectioncount", "", "How many connections are established.", true,
               getconnectioncount},
    rpc_method{"getnetworkinfo", "",
               "The network side of the node. 'connections' are the established ones; all that "
               "have a socket "
               "are in 'links_by_state'.",
               true, getnetworkinfo},
    rpc_method{"getpeerinfo", "", "Every connection, as it describes itself.", true, getpeerinfo},
};

}  // namespace

std::span<const rpc_method> network_methods() noexcept {
  return network_entries;
}

}  // namespace timenode
