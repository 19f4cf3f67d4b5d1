// `timenode ban`, `unban`, `bans`, `trust`, `untrust` and `rpc`: what tells a running node something about peers.

#include "app/commands.hpp"
#include "app/peer_text.hpp"
#include "app/query_text.hpp"
#include "app/rpc_client.hpp"
#include "app/terminal.hpp"
#include "app/unix_time.hpp"
#include "net/access_list.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace timenode::app {

namespace {

using action = access_command::action;

/// An order waits until it is on the disk, which the node gives ten seconds.
constexpr std::chrono::milliseconds order_deadline{15'000};

/// Says what became of it: a wider ban may hold on.
rpc_outcome<void> tell_unbanned(const rpc_target& node, const std::string& network) {
  const auto bans = ask_node(node, "listbanned");
  if (!bans)
    return tl::unexpected{bans.error()};
  const auto said = ip_network::parse(network);
  for (const auto& ban : *bans)
    if (const auto wider = ip_network::parse(ban.value("address", ""));
        said && wider && wider->contains(said->base())) {
      const auto name = wider->to_short_string();
      print_text(said->to_short_string() +
                 ": its own ban is lifted, but it stays banned, for it is in " + name +
                 "; to lift that: timenode unban " + name + "\n");
      return {};
    }
  print_text((said ? said->to_short_string() : network) +
             ": every ban of it, or in it, is lifted\n");
  return {};
}

rpc_outcome<void> list(const rpc_target& node, bool as_json) {
  const std::vector<rpc_question> questions{{"listbanned", json::array()},
                                            {"listtrusted", json::array()}};
  const auto answer = ask_node(node, questions);
  if (!answer)
    return tl::unexpected{answer.error()};
  if (as_json)
    print_text(json{{"banned", (*answer)[0]}, {"trusted", (*answer)[1]}}.dump(2) + "\n");
  else
    std::fputs(bans_text((*answer)[0], (*answer)[1], system_time()).c_str(), stdout);
  return {};
}

/// Whether exactly that network is trusted: a ban that is entered now takes the place of that. (`setban` answers null, as Bitcoin
/// Core's does.)
rpc_outcome<bool> is_trusted(const rpc_target& node, const std::string& network) {
  const auto entries = ask_node(node, "listtrusted");
  if (!entries)
    return tl::unexpected{entries.error()};
  const auto said = ip_network::parse(network);
  return said && std::any_of(entries->begin(), entries->end(), [&](const json& x) {
           const auto listed = ip_network::parse(x.value("address", ""));
           return listed && *listed == *said;
         });
}

rpc_outcome<void> order(const access_command& x, const rpc_target& node) {
  const auto banning = x.what == action::ban || x.what == action::unban;
  const auto adding = x.what == action::ban || x.what == action::trust;
  auto params = json::array({x.network, adding ? "add" : "remove"});
  if (x.what == action::ban)
    for (const auto& more : {x.seconds == 0 ? json(net::for_good) : json(x.seconds),
                             json(x.seconds == 0), json(x.reason)})
      params.push_back(more);
  if (x.what == action::trust)
    params.push_back(x.reason);
  const auto was_trusted =
      x.what == action::ban ? is_trusted(node, x.network) : rpc_outcome<bool>{false};
  if (!was_trusted)
    return tl::unexpected{was_trusted.error()};
  const auto done = ask_node(node, banning ? "setban" : "settrust", params, order_deadline);
  if (!done)
    return tl::unexpected{done.error()};
  if (x.what == action::unban)
    return x.as_json ? rpc_outcome<void>{} : tell_unbanned(node, x.network);
  if (x.what != action::ban) {
    print_text(x.as_json           ? done->dump() + "\n"
               : done->is_string() ? done->get<std::string>() + "\n"
                                   : "done\n");
    return {};
  }
  if (*was_trusted && !x.as_json)
    print_text(x.network + " is not trusted any more\n");
  const auto bans = ask_node(node, "listbanned");
  if (!bans)
    return tl::unexpected{bans.error()};
  // Said as "IP", it is listed as "IP/32".
  const auto said = ip_network::parse(x.network);
  for (const auto& ban : *bans)
    if (const auto listed = ip_network::parse(ban.value("address", ""));
        said && listed && *said == *listed)
      print_text(x.as_json ? ban.dump(2) + "\n" : ban_sentence(ban));
  return {};
}

/// JSON if it is, else the text as it stands: `192.0.2.7` need not be quoted twice.
json parameter(const std::string& text) {
  auto result = json::parse(text, nullptr, false);
  return result.is_discarded() ? json(text) : result;
}

/// Does something with the node that the options name, and tells what went wrong.
template <class F>
int with_node(const node_options& options, F act) {
  const auto node = target_of(options);
  if (!node) {
    std::fprintf(stderr, "timenode: %s\n", node.error().reason.c_str());
    return EXIT_FAILURE;
  }
  const rpc_outcome<void> done = act(*node);
  if (done)
    return EXIT_SUCCESS;
  std::fprintf(stderr, "timenode: %s\n", explain(done.error(), node->at).c_str());
  return EXIT_FAILURE;
}

}  // namespace

int run_access(const access_command& x) {
  return with_node(x.node, [&x](const rpc_target& node) {
    return x.what == action::list ? list(node, x.as_json) : order(x, node);
  });
}

int run_call(const call_command& x) {
  auto params = json::array();
  for (const auto& text : x.params)
    params.push_back(parameter(text));
  return with_node(x.node, [&](const rpc_target& node) -> rpc_outcome<void> {
    const auto answer = ask_node(node, x.method, params, order_deadline);
    if (!answer)
      return tl::unexpected{answer.error()};
    print_text(answer->is_string()
                   ? answer->get<std::string>() + "\n"
                   : answer->dump(2, ' ', false, json::error_handler_t::replace) + "\n");
    return {};
  });
}

}  // namespace timenode::app
