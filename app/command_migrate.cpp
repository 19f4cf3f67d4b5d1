#include "app/commands.hpp"
#include "app/with_config.hpp"
#include "chain/migration.hpp"

#include <fmt/format.h>

namespace timenode::app {

int run_migrate(const migrate_command& x) {
  return with_config(x.node, [](const node_config& config) -> outcome<void> {
    const auto done = chain::migrate_store(chain_directory(config));
    if (!done)
      return tl::unexpected{done.error()};
    for (const auto& step : done->done)
      fmt::print("done: {}\n", step);
    if (done->done.empty())
      fmt::print("the chain has schema {}, which is this program's: nothing to do\n", done->to);
    else
      fmt::print("the chain has schema {} now, it had {}\n", done->to, done->from);
    return {};
  });
}

}  // namespace timenode::app
