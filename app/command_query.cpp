#include "app/commands.hpp"
#include "app/config_file.hpp"
#include "app/masternode_text.hpp"
#include "app/peer_text.hpp"
#include "app/query_text.hpp"
#include "app/rpc_client.hpp"
#include "app/terminal.hpp"
#include "app/tip_text.hpp"
#include "app/unix_time.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <system_error>

namespace timenode::app {

namespace {

using question = query_command::question;

void print(const json& x) {
  std::puts(x.dump(2).c_str());
}

rpc_outcome<void> show_status(const rpc_target& node, bool as_json) {
  const auto none = json::array();
  const std::vector<rpc_question> questions{{"getblockchaininfo", none},
                                            {"getnetworkinfo", none},
                                            {"uptime", none},
                                            {"masternodestatus", none},
                                            {"gethealth", none}};
  auto answer = ask_node(node, questions);
  if (!answer)
    return tl::unexpected{answer.error()};
  if (as_json) {
    json all;
    for (std::size_t i = 0; i < questions.size(); ++i)
      all[questions[i].method] = std::move((*answer)[i]);
    print(all);
  } else {
    print_text(status_text({(*answer)[0], (*answer)[1], (*answer)[2], (*answer)[3], (*answer)[4]},
                           system_time()));
  }
  return {};
}

/// A question, and what makes a text for people of its answer, which takes the time of now.
struct plain_question {
  const char* method;
  std::function<std::string(const json&, std::int64_t)> text;
  json params = json::array();
  std::chrono::milliseconds patience = default_rpc_deadline;
};

rpc_outcome<void> show(const rpc_target& node, const plain_question& x, bool as_json) {
  const auto answer = ask_node(node, x.method, x.params, x.patience);
  if (!answer)
    return tl::unexpected{answer.error()};
  if (as_json)
    print(*answer);
  else
    print_text(x.text(*answer, system_time()));
  return {};
}

/// For texts in which no time is.
auto timeless(std::string (*text)(const json&)) {
  return [text](const json& x, std::int64_t) { return text(x); };
}

/// Long enough for the names of peers to be resolved, and for a chain to be copied to another disk.
constexpr std::chrono::minutes chore_deadline{10};

/// The node has a working directory of its own.
std::string whole_path(const std::string& path) {
  std::error_code error;
  return std::filesystem::absolute(path, error).lexically_normal().string();
}

/// What a service manager or a monitor asks; its answer is the exit status.
int run_health(const query_command& x, const rpc_target& node) {
  const auto answer = ask_health(node.at);
  if (!answer) {
    std::fprintf(stderr, "timenode: %s\n", explain(answer.error(), node.at).c_str());
    return no_answer_status;
  }
  if (x.as_json)
    print(*answer);
  else
    print_text(health_text(*answer));
  return answer->value("ready", false) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/// How each question but `status` and `health` is asked and answered.
plain_question plain(const query_command& x) {
  const auto subject = json::array({x.subject});
  switch (x.what) {
  case question::peers:
    return {"getpeerinfo", peers_text};
  case question::masternodes:
    return {"masternodelist", masternodes_text};
  case question::explain_peer:
    return {"explainpeer", explain_peer_text, subject};
  case question::explain_masternode:
    return {"explainmasternode", explain_masternode_text, subject};
  case question::explain_tip:
    return {"explaintip", tip_text};
  case question::reload:
    return {"reload", timeless(reload_text), json::array(), chore_deadline};
  case question::backup:
    return {"backup", timeless(backup_text), json::array({whole_path(x.subject)}), chore_deadline};
  case question::actors:
    return {"getactors", actors_text};
  case question::inspect:
    return {"inspectactor", timeless(plain_text), subject};
  case question::dump:
    return {"dumpflightrecord", timeless(plain_text)};
  default:
    return {"stop", timeless(plain_text)};
  }
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
    // That a node could not be asked says nothing against it.
    return x.what == question::health ? no_answer_status : EXIT_FAILURE;
  }
  if (x.what == question::health)
    return run_health(x, *node);
  // What an actor says of itself has no other form.
  const auto as_json = x.as_json || x.what == question::inspect;
  const auto done =
      x.what == question::status ? show_status(*node, as_json) : show(*node, plain(x), as_json);
  if (done)
    return EXIT_SUCCESS;
  std::fprintf(stderr, "timenode: %s\n", explain(done.error(), node->at).c_str());
  return EXIT_FAILURE;
}

}  // namespace timenode::app
