#include "app/commands.hpp"
#include "app/config_file.hpp"
#include "app/query_text.hpp"
#include "app/rpc_client.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>

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

rpc_outcome<void> show_status(const endpoint& at, bool as_json) {
  const std::vector<std::string> methods{"getblockchaininfo", "getnetworkinfo", "uptime",
                                         "masternodestatus"};
  auto answers = call_rpc_everywhere({&at, 1}, methods, default_rpc_deadline);
  auto& answer = answers.front();
  if (!answer)
    return tl::unexpected{answer.error()};
  if (as_json) {
    json all;
    for (std::size_t i = 0; i < methods.size(); ++i)
      all[methods[i]] = std::move((*answer)[i]);
    print(all);
  } else {
    print(status_text({(*answer)[0], (*answer)[1], (*answer)[2], (*answer)[3]}, unix_now()));
  }
  return {};
}

rpc_outcome<void> show_peers(const endpoint& at, bool as_json) {
  const auto answer = call_rpc(at, "getpeerinfo", json::array());
  if (!answer)
    return tl::unexpected{answer.error()};
  if (as_json)
    print(*answer);
  else
    print(peers_text(*answer, unix_now()));
  return {};
}

/// One call whose answer needs no form of its own.
rpc_outcome<void> show(const endpoint& at, const std::string& method, const json& params,
                       bool as_json) {
  const auto answer = call_rpc(at, method, params);
  if (!answer)
    return tl::unexpected{answer.error()};
  if (as_json)
    print(*answer);
  else
    print(plain_text(*answer));
  return {};
}

rpc_outcome<void> ask(const query_command& x, const endpoint& at) {
  switch (x.what) {
  case question::status:
    return show_status(at, x.as_json);
  case question::peers:
    return show_peers(at, x.as_json);
  case question::explain_peer:
    return show(at, "explainpeer", json::array({x.subject}), x.as_json);
  case question::explain_masternode:
    return show(at, "explainmasternode", json::array({x.subject}), x.as_json);
  case question::stop:
    return show(at, "stop", json::array(), false);
  }
  return {};
}

}  // namespace

int run_query(const query_command& x) {
  auto loaded = load_config(x.node.config_file, x.node.said, home_directory());
  if (!loaded) {
    std::fprintf(stderr, "timenode: %s\n", loaded.error().reason.c_str());
    return EXIT_FAILURE;
  }
  const auto& at = loaded->config.rpc_listen;
  if (!at) {
    std::fprintf(stderr, "timenode: RPC is switched off in this configuration; the node cannot be "
                         "asked\n");
    return EXIT_FAILURE;
  }
  const auto done = ask(x, *at);
  if (done)
    return EXIT_SUCCESS;
  std::fprintf(stderr, "timenode: %s\n", explain(done.error(), *at).c_str());
  return EXIT_FAILURE;
}

}  // namespace timenode::app
