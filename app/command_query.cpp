#include "app/commands.hpp"
#include "app/config_file.hpp"
#include "app/masternode_text.hpp"
#include "app/peer_text.hpp"
#include "app/query_text.hpp"
#include "app/rpc_client.hpp"
#include "app/tip_text.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace timenode::app {

namespace {

using question = query_command::question;

std::int64_t unix_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void print(const json& x) {
  std::puts(x.dump(2).c_str());
}

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
}

rpc_outcome<void> show_status(const rpc_target& node, bool as_json) {
  const auto none = json::array();
  const std::vector<rpc_question> questions{{"getblockchaininfo", none},
                                            {"getnetworkinfo", none},
                                            {"uptime", none},
                                            {"masternodestatus", none}};
  auto answer = ask_node(node, questions);
  if (!answer)
    return tl::unexpected{answer.error()};
  if (as_json) {
    json all;
    for (std::size_t i = 0; i < questions.size(); ++i)
      all[questions[i].method] = std::move((*answer)[i]);
    print(all);
  } else {
    print(status_text({(*answer)[0], (*answer)[1], (*answer)[2], (*answer)[3]}, unix_now()));
  }
  return {};
}

rpc_outcome<void> show_peers(const rpc_target& node, bool as_json) {
  const auto answer = ask_node(node, "getpeerinfo");
  if (!answer)
    return tl::unexpected{answer.error()};
  if (as_json)
    print(*answer);
  else
    print(peers_text(*answer, unix_now()));
  return {};
}

/// One call whose answer needs no form of its own.
rpc_outcome<void> show(const rpc_target& node, const std::string& method, const json& params,
                       bool as_json) {
  const auto answer = ask_node(node, method, params);
  if (!answer)
    return tl::unexpected{answer.error()};
  if (as_json)
    print(*answer);
  else
    print(plain_text(*answer));
  return {};
}

rpc_outcome<void> show_tip(const rpc_target& node, bool as_json) {
  const auto answer = ask_node(node, "explaintip");
  if (!answer)
    return tl::unexpected{answer.error()};
  if (as_json)
    print(*answer);
  else
    print(tip_text(*answer, unix_now()));
  return {};
}

/// Long enough for the names of peers to be resolved, and for a chain to be copied to another disk.
constexpr std::chrono::minutes chore_deadline{10};

rpc_outcome<void> show_reload(const rpc_target& node, bool as_json) {
  const auto answer = ask_node(node, "reload", json::array(), chore_deadline);
  if (!answer)
    return tl::unexpected{answer.error()};
  if (as_json)
    print(*answer);
  else
    print(reload_text(*answer));
  return {};
}

rpc_outcome<void> show_backup(const rpc_target& node, const std::string& to, bool as_json) {
  // The node has a working directory of its own.
  std::error_code error;
  const auto directory = std::filesystem::absolute(to, error).lexically_normal().string();
  const auto answer = ask_node(node, "backup", json::array({directory}), chore_deadline);
  if (!answer)
    return tl::unexpected{answer.error()};
  if (as_json)
    print(*answer);
  else
    print(backup_text(*answer));
  return {};
}

rpc_outcome<void> show_actors(const rpc_target& node, bool as_json) {
  const auto answer = ask_node(node, "getactors");
  if (!answer)
    return tl::unexpected{answer.error()};
  if (as_json)
    print(*answer);
  else
    print(actors_text(*answer, unix_now()));
  return {};
}

/// What a service manager or a monitor asks; its answer is the exit status.
int run_health(const query_command& x, const rpc_target& node) {
  const auto answer = ask_node(node, "gethealth");
  if (!answer) {
    std::fprintf(stderr, "timenode: %s\n", explain(answer.error(), node.at).c_str());
    return no_answer_status;
  }
  if (x.as_json)
    print(*answer);
  else
    print(health_text(*answer));
  return answer->value("ready", false) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/// One call whose answer `text` turns into a form of its own.
rpc_outcome<void> show_as(const rpc_target& node, const std::string& method, const json& params,
                          bool as_json, std::string (*text)(const json&, std::int64_t)) {
  const auto answer = ask_node(node, method, params);
  if (!answer)
    return tl::unexpected{answer.error()};
  if (as_json)
    print(*answer);
  else
    print(text(*answer, unix_now()));
  return {};
}

rpc_outcome<void> explain_peer(const rpc_target& node, const std::string& ip, bool as_json) {
  const auto answer = ask_node(node, "explainpeer", json::array({ip}));
  if (!answer)
    return tl::unexpected{answer.error()};
  if (as_json)
    print(*answer);
  else
    print(explain_peer_text(*answer, unix_now()));
  return {};
}

rpc_outcome<void> ask(const query_command& x, const rpc_target& node) {
  switch (x.what) {
  case question::status:
    return show_status(node, x.as_json);
  case question::peers:
    return show_peers(node, x.as_json);
  case question::explain_peer:
    return explain_peer(node, x.subject, x.as_json);
  case question::explain_masternode:
    return show_as(node, "explainmasternode", json::array({x.subject}), x.as_json,
                   explain_masternode_text);
  case question::explain_tip:
    return show_tip(node, x.as_json);
  case question::masternodes:
    return show_as(node, "masternodelist", json::array(), x.as_json, masternodes_text);
  case question::stop:
    return show(node, "stop", json::array(), false);
  case question::health:
    return {};
  case question::reload:
    return show_reload(node, x.as_json);
  case question::backup:
    return show_backup(node, x.subject, x.as_json);
  case question::actors:
    return show_actors(node, x.as_json);
  case question::inspect:
    return show(node, "inspectactor", json::array({x.subject}), true);
  case question::dump:
    return show(node, "dumpflightrecord", json::array(), x.as_json);
  }
  return {};
}

}  // namespace

outcome<rpc_target> target_of(const node_options& x) {
  auto loaded = load_config(x.config_file, x.said, home_directory());
  if (!loaded)
    return tl::unexpected{loaded.error()};
  const auto& config = loaded->config;
  if (!config.rpc_listen)
    return fail("RPC is switched off in this configuration; the node cannot be asked");
  auto at = *config.rpc_listen;
  // A node that listens on every address is found on the one of this machine itself.
  if (at.ip.is_unspecified())
    at.ip = at.ip.is_v4() ? ip_address::from_v4({127, 0, 0, 1}) : *ip_address::parse("::1");
  return rpc_target{at, config.rpc_cookie_file};
}

int run_query(const query_command& x) {
  const auto node = target_of(x.node);
  if (!node) {
    std::fprintf(stderr, "timenode: %s\n", node.error().reason.c_str());
    return EXIT_FAILURE;
  }
  if (x.what == question::health)
    return run_health(x, *node);
  const auto done = ask(x, *node);
  if (done)
    return EXIT_SUCCESS;
  std::fprintf(stderr, "timenode: %s\n", explain(done.error(), node->at).c_str());
  return EXIT_FAILURE;
}

}  // namespace timenode::app
