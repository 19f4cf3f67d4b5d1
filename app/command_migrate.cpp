#include "app/commands.hpp"
#include "app/config_file.hpp"
#include "chain/migration.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

namespace timenode::app {

int run_migrate(const migrate_command& x) {
  const auto complain = [](const failure& why) {
    std::fprintf(stderr, "timenode: %s\n", why.reason.c_str());
    return EXIT_FAILURE;
  };
  const auto loaded = load_config(x.node.config_file, x.node.said, home_directory());
  if (!loaded)
    return complain(loaded.error());
  const auto done = chain::migrate_store(chain_directory(loaded->config));
  if (!done)
    return complain(done.error());
  for (const auto& step : done->done)
    fmt::print("done: {}\n", step);
  if (done->done.empty())
    fmt::print("the chain has schema {}, which is this program's: nothing to do\n", done->to);
  else
    fmt::print("the chain has schema {} now, it had {}\n", done->to, done->from);
  return EXIT_SUCCESS;
}

}  // namespace timenode::app
