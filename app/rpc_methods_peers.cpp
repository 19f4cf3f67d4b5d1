// What an operator orders about peers and asks about one of them. Names, parameters and errors are Bitcoin Core's where
// it has them.

#include "app/rpc_methods_table.hpp"
#include "messages/network.hpp"
#include "net/access_list.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace timenode {

namespace {

/// How long `setban` bans unless told otherwise, as Bitcoin Core.
constexpr std::int64_t default_ban_seconds = 24 * 3600;

using prepared = tl::expected<node_question, rpc_error>;

// -- parameters ---------------------------------------------------------------------

tl::unexpected<rpc_error> wrong_type(std::string_view name, std::string_view type) {
  return rpc_fail(rpc_code::invalid_params,
                  "Parameter '" + std::string{name} + "' must be " + std::string{type});
}

tl::expected<ip_network, rpc_error> network_argument(const json& x, std::string_view name) {
  if (!x.is_string())
    return wrong_type(name, "a string");
  auto network = ip_network::parse(x.get<std::string>());
  if (!network)
    return rpc_fail(rpc_code::bad_network, "Error: Invalid IP/Subnet: " + network.error().reason);
  return *network;
}

tl::expected<endpoint, rpc_error> node_argument(const json& x, const rpc_view& view) {
  if (!x.is_string())
    return wrong_type("node", "a string");
  auto to = endpoint::parse(x.get<std::string>(), default_p2p_port(view.facts.network));
  if (!to)
    return rpc_fail(rpc_code::bad_network, to.error().reason);
  return *to;
}

tl::expected<std::string, rpc_error> word_argument(const json& x, std::string_view name) {
  if (x.is_null())
    return std::string{};
  if (!x.is_string())
    return wrong_type(name, "a string");
  return x.get<std::string>();
}

/// The moment at which a ban ends.
tl::expected<std::int64_t, rpc_error> end_of_ban(const json& bantime, const json& absolute,
                                                 std::int64_t now) {
  std::int64_t time = 0;
  if (bantime.is_number_unsigned())
    time = static_cast<std::int64_t>(
        std::min<std::uint64_t>(bantime.get<std::uint64_t>(), net::for_good));
  else if (bantime.is_number_integer())
    time = bantime.get<std::int64_t>();
  else if (!bantime.is_null())
    return wrong_type("bantime", "a number of seconds");
  if (time < 0)
    return rpc_fail(rpc_code::invalid_parameter, "Parameter 'bantime' must not be negative");
  if (!absolute.is_boolean() && !absolute.is_null())
    return wrong_type("absolute", "true or false");
  if (absolute.is_boolean() && absolute.get<bool>())
    return std::min(time, net::for_good);
  return std::min(now + (time == 0 ? default_ban_seconds : std::min(time, net::for_good)),
                  net::for_good);
}

/// What an order that was not done means, in Bitcoin Core's words where it has some.
rpc_result outcome_of(const rpc_view& view) {
  const auto& reply = std::get<order_reply>(**view.reply);
  switch (reply.result) {
  case order_result::done:
    return json(nullptr);
  case order_result::already:
    return rpc_fail(rpc_code::already_there, "Error: " + reply.text);
  case order_result::not_there:
    return rpc_fail(rpc_code::bad_network, "Error: " + reply.text);
  case order_result::not_connected:
    return rpc_fail(rpc_code::not_connected, "Node not found in connected nodes");
  case order_result::refused:
    return rpc_fail(rpc_code::invalid_parameter, "Error: " + reply.text);
  case order_result::not_kept:
    return rpc_fail(rpc_code::misc_error, reply.text);
  }
  return json(nullptr);
}

// -- bans and trust -------------------------------------------------------------------

prepared ask_setban(const rpc_view& view, const rpc_args& args) {
  const auto network = network_argument(args[0], "subnet");
  const auto command = word_argument(args[1], "command");
  const auto reason = word_argument(args[4], "reason");
  const auto until = end_of_ban(args[2], args[3], view.now);
  if (!network)
    return tl::unexpected{network.error()};
  for (const auto* x : {&command, &reason})
    if (!*x)
      return tl::unexpected{x->error()};
  if (!until)
    return tl::unexpected{until.error()};
  peer_order order;
  order.network = *network;
  order.until = *until;
  order.reason = *reason;
  if (*command == "add")
    order.kind = order_kind::ban;
  else if (*command == "remove")
    order.kind = order_kind::unban;
  else
    return wrong_type("command", "\"add\" or \"remove\"");
  return order;
}

rpc_result setban(const rpc_view& view, const rpc_args& args) {
  const auto& reply = std::get<order_reply>(**view.reply);
  if (reply.result == order_result::not_there)
    return rpc_fail(rpc_code::bad_network,
                    "Error: Unban failed. Requested address/subnet was not previously banned: " +
                        reply.text);
  if (reply.result == order_result::already)
    return rpc_fail(rpc_code::already_there,
                    "Error: IP/Subnet already banned: " + args[0].get<std::string>());
  return outcome_of(view);
}

prepared ask_clearbanned(const rpc_view&, const rpc_args&) {
  peer_order order;
  order.kind = order_kind::clear_bans;
  return order;
}

rpc_result clearbanned(const rpc_view& view, const rpc_args&) {
  return outcome_of(view);
}

json ban_json(const ban_snapshot& x, std::int64_t now) {
  json result;
  result["address"] = x.network.to_string();
  result["ban_created"] = x.since;
  result["banned_until"] = x.until;
  result["ban_duration"] = x.until - x.since;
  result["time_remaining"] = std::max<std::int64_t>(x.until - now, 0);
  result["by"] = x.by_operator ? "operator" : "violations";
  result["reason"] = x.reason;
  result["evidence"] = x.evidence;
  result["lift"] = "timenode unban " + x.network.to_short_string();
  return result;
}

rpc_result listbanned(const rpc_view& view, const rpc_args&) {
  auto result = json::array();
  for (const auto& ban : view.snapshot->registry.bans)
    result.push_back(ban_json(ban, view.now));
  return result;
}

prepared ask_settrust(const rpc_view&, const rpc_args& args) {
  const auto network = network_argument(args[0], "subnet");
  const auto command = word_argument(args[1], "command");
  const auto reason = word_argument(args[2], "reason");
  if (!network)
    return tl::unexpected{network.error()};
  for (const auto* x : {&command, &reason})
    if (!*x)
      return tl::unexpected{x->error()};
  peer_order order;
  order.network = *network;
  order.reason = *reason;
  if (*command == "add")
    order.kind = order_kind::trust;
  else if (*command == "remove")
    order.kind = order_kind::untrust;
  else
    return wrong_type("command", "\"add\" or \"remove\"");
  return order;
}

rpc_result settrust(const rpc_view& view, const rpc_args&) {
  auto done = outcome_of(view);
  return done ? rpc_result{json(std::get<order_reply>(**view.reply).text)} : done;
}

rpc_result listtrusted(const rpc_view& view, const rpc_args&) {
  auto result = json::array();
  for (const auto& x : view.snapshot->registry.trusts)
    result.push_back({{"address", x.network.to_string()},
                      {"trusted_since", x.since},
                      {"reason", x.reason},
                      {"lift", "timenode untrust " + x.network.to_short_string()}});
  return result;
}

// -- connections ----------------------------------------------------------------------

prepared ask_addnode(const rpc_view& view, const rpc_args& args) {
  const auto to = node_argument(args[0], view);
  const auto command = word_argument(args[1], "command");
  if (!to)
    return tl::unexpected{to.error()};
  if (!command)
    return tl::unexpected{command.error()};
  peer_order order;
  order.to = *to;
  if (*command == "add")
    order.kind = order_kind::add_peer;
  else if (*command == "remove")
    order.kind = order_kind::remove_peer;
  else if (*command == "onetry")
    order.kind = order_kind::dial_once;
  else
    return wrong_type("command", "\"add\", \"remove\" or \"onetry\"");
  return order;
}

rpc_result addnode(const rpc_view& view, const rpc_args&) {
  const auto& reply = std::get<order_reply>(**view.reply);
  if (reply.result == order_result::already)
    return rpc_fail(rpc_code::already_there, "Error: Node already added: " + reply.text);
  if (reply.result == order_result::not_there)
    return rpc_fail(rpc_code::not_added,
                    "Error: Node could not be removed. It has not been added previously.");
  return outcome_of(view);
}

prepared ask_disconnectnode(const rpc_view& view, const rpc_args& args) {
  peer_order order;
  order.kind = order_kind::disconnect;
  const auto by_address =
      !args[0].is_null() && !(args[0].is_string() && args[0].get<std::string>().empty());
  if (by_address == !args[1].is_null())
    return rpc_fail(rpc_code::invalid_params, "Only one of address and nodeid should be provided");
  if (by_address) {
    const auto to = node_argument(args[0], view);
    if (!to)
      return tl::unexpected{to.error()};
    order.to = *to;
  } else if (args[1].is_number_unsigned()) {
    order.link = args[1].get<std::uint64_t>();
  } else {
    return wrong_type("nodeid", "the 'id' of a connection in getpeerinfo");
  }
  return order;
}

rpc_result disconnectnode(const rpc_view& view, const rpc_args&) {
  return outcome_of(view);
}

// -- explanations -----------------------------------------------------------------------

json address_json(const address_snapshot& x) {
  json result;
  result["known"] = x.known;
  if (x.known) {
    result["at"] = x.at.to_string();
    result["purpose"] = std::string{to_text(x.purpose)};
    result["named_by"] = x.source ? json(x.source->to_string()) : json(nullptr);
    result["last_success"] = x.last_success;
    result["last_seen"] = x.last_seen;
    result["failures"] = x.failures;
    result["anchor"] = x.anchor;
  }
  result["why"] = x.why;
  return result;
}

prepared ask_explainpeer(const rpc_view&, const rpc_args& args) {
  const auto ip = ip_argument(args[0], "address");
  if (!ip)
    return tl::unexpected{ip.error()};
  return about_peer{*ip};
}

rpc_result explainpeer(const rpc_view& view, const rpc_args&) {
  const auto& x = std::get<peer_explanation>(**view.reply);
  auto result = known_peer_json(x.peer, view.now);
  auto& connections = result["connections"] = json::array();
  for (const auto& connection : x.connections)
    connections.push_back(peer_json(connection));
  result["address_book"] = address_json(x.address);
  if (!x.silent.empty())
    result["did_not_answer"] = x.silent;
  return result;
}

constexpr std::array peers_entries{
    rpc_method{"addnode", "node:string command:string",
               "'add': stay connected to a peer, as if it were configured, until the node stops. "
               "'remove': no more; its connection stays. 'onetry': dial it now, once.",
               false, addnode, "null", false, ask_addnode},
    rpc_method{"clearbanned", "", "Lifts all bans. Trust stays.", false, clearbanned, "null", false,
               ask_clearbanned},
    rpc_method{"disconnectnode", "|address:string nodeid:integer",
               "Closes the connections with an address, or the one with that id in getpeerinfo. "
               "We dial such a peer again after a minute at the earliest; it may dial us at any "
               "time: to keep it out, setban.",
               false, disconnectnode, "null", false, ask_disconnectnode},
    rpc_method{"explainpeer", "address:string",
               "What the node does about an IP address and why: state, since when, the rule that "
               "applies, what happens next and when, last error, evidence of violations, ban.",
               false, explainpeer, "object", false, ask_explainpeer},
    rpc_method{"listbanned", "", "Bans with reason, evidence, end, and how to lift them.", true,
               listbanned, "array"},
    rpc_method{"listtrusted", "", "Networks that the operator trusts.", true, listtrusted, "array"},
    rpc_method{"setban",
               "subnet:string command:string|bantime:integer absolute:boolean reason:string",
               "'add': keeps an IP or network (IP/BITS) out for 'bantime' seconds (0: a day), or "
               "until then if 'absolute', and closes its connections. 'remove': lifts every ban of "
               "it or in it. Bans outlive a restart.",
               false, setban, "null", false, ask_setban},
    rpc_method{"settrust", "subnet:string command:string|reason:string",
               "'add': never bans an IP or network by itself, and always lets it in; 'remove' "
               "takes that back. Trust outlives a restart, and of a ban and trust the one for the "
               "smaller network holds. Answers with what was done, as a sentence.",
               false, settrust, "string", false, ask_settrust},
};

}  // namespace

std::span<const rpc_method> peer_methods() noexcept {
  return peers_entries;
}

json known_peer_json(const known_peer_snapshot& x, std::int64_t now) {
  json result;
  result["address"] = x.ip.to_string();
  result["state"] = x.state;
  result["state_ms"] = x.state_ms;
  result["rule"] = x.rule;
  result["next_step"] = x.next;
  result["next_step_ms"] = x.next_step_ms;
  result["wanted"] = x.wanted;
  result["purpose"] = x.wanted ? json(std::string{to_text(x.purpose)}) : json(nullptr);
  result["failures"] = x.failures;
  result["last_error"] = x.last_error;
  result["last_error_ms"] = x.last_error_ms;
  result["their_dials_fail"] = x.their_dials_fail;
  result["trusted"] = x.trusted;
  result["proven_masternode"] = x.proven_masternode;
  result["useful_ms"] = x.useful_ms;
  result["violations"] = x.violations;
  result["last_violation"] = x.last_violation;
  result["evidence"] = x.evidence;
  if (x.ban)
    result["banned"] = ban_json(*x.ban, now);
  return result;
}

json explain_peer_json(const node_snapshot& x, const ip_address& ip, std::int64_t now) {
  const auto& peers = x.registry.peers;
  const auto peer =
      std::find_if(peers.begin(), peers.end(), [&](const auto& y) { return y.ip == ip; });
  if (peer == peers.end())
    return nullptr;
  auto result = known_peer_json(*peer, now);
  auto& links = result["links"] = json::array();
  for (const auto& link : x.registry.links)
    if (link.ip == ip)
      links.push_back({{"id", link.link},
                       {"inbound", link.direction == link_direction::inbound},
                       {"state", std::string{to_text(link.phase)}}});
  return result;
}

}  // namespace timenode
