#include "app/backup.hpp"
#include "app/commands.hpp"
#include "app/unix_time.hpp"
#include "app/with_config.hpp"

#include <fmt/format.h>

namespace timenode::app {

int run_restore(const restore_command& x) {
  return with_config(x.node, [&x](const node_config& config) -> outcome<void> {
    const auto done = restore_backup(x.from, config, x.replace, system_time());
    if (!done)
      return tl::unexpected{done.error()};
    fmt::print("height {} is in {}\n", done->tip.height, done->data_dir.string());
    if (!done->kept_in.empty())
      fmt::print("what was there before is in {}\n", done->kept_in.string());
    if (done->forgot_signatures)
      fmt::print("nothing here tells what the key signed: if it was a masternode's, and that ran "
                 "in the last five hours, "
                 "copy its votes.journal and approvals.journal to {} before you start it, or wait "
                 "until then\n",
                 done->data_dir.string());
    return {};
  });
}

}  // namespace timenode::app
