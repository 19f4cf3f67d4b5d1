#include "app/commands.hpp"
#include "app/config_show.hpp"
#include "timenode/example_config.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace timenode::app {

namespace {

using deed = config_command::deed;

std::string name_of(const node_options& x) {
  return x.config_file ? x.config_file->string() : "command line and defaults";
}

/// Nothing that it says is wrong; some of it may have no effect.
std::string verdict(const std::vector<config_notice>& notices) {
  const auto warnings = std::ranges::count_if(
      notices, [](const config_notice& x) { return x.level >= log_level::warn; });
  if (warnings == 0)
    return "right";
  return "right, with " + std::to_string(warnings) + (warnings == 1 ? " warning" : " warnings");
}

}  // namespace

int run_config(const config_command& x) {
  if (x.what == deed::example) {
    std::fputs(std::string{example_config}.c_str(), stdout);
    return EXIT_SUCCESS;
  }
  const auto loaded = load_server_config(x.node.config_file, x.node.said, home_directory());
  if (!loaded) {
    std::fprintf(stderr, "timenode: %s\n", loaded.error().reason.c_str());
    return EXIT_FAILURE;
  }
  for (const auto& notice : loaded->notices)
    std::fprintf(stderr, "timenode: %s\n", notice.text.c_str());
  const auto name = name_of(x.node);
  if (x.what == deed::check)
    std::printf("%s: %s\n", name.c_str(), verdict(loaded->notices).c_str());
  else
    std::fputs(
        config_text(describe_config(loaded->config, x.node.said, loaded->file, name)).c_str(),
        stdout);
  return EXIT_SUCCESS;
}

int run_rpcauth(const rpcauth_command& x) {
  const auto password = random_password();
  std::printf("# in the configuration:\n[rpc]\nrpcauth = [\"%s\"]\n\n"
              "# for the client, in a file of its own (timenode ... --rpc-cookie FILE):\n%s:%s\n",
              rpc_user_line(x.name, password).c_str(), x.name.c_str(), password.c_str());
  return EXIT_SUCCESS;
}

}  // namespace timenode::app
