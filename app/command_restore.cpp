#include "app/backup.hpp"
#include "app/commands.hpp"
#include "app/config_file.hpp"
#include "app/unix_time.hpp"

#include <cstdio>
#include <cstdlib>

namespace timenode::app {

int run_restore(const restore_command& x) {
  const auto complain = [](const failure& why) {
    std::fprintf(stderr, "timenode: %s\n", why.reason.c_str());
    return EXIT_FAILURE;
  };
  const auto loaded = load_config(x.node.config_file, x.node.said, home_directory());
  if (!loaded)
    return complain(loaded.error());
  const auto done = restore_backup(x.from, loaded->config, x.replace, system_time());
  if (!done)
    return complain(done.error());
  std::printf("height %llu is in %s\n", static_cast<unsigned long long>(done->tip.height),
              done->data_dir.c_str());
  if (!done->kept_in.empty())
    std::printf("what was there before is in %s\n", done->kept_in.c_str());
  return EXIT_SUCCESS;
}

}  // namespace timenode::app
