#pragma once

// How a command begins and ends that works on the files of a node which does not run.

#include "app/commands.hpp"
#include "app/config_file.hpp"

#include <cstdio>
#include <cstdlib>

namespace timenode::app {

/// Calls `act(const node_config&)`, which gives an `outcome<void>`, with the configuration that the options name.
/// Returns the exit status; what went wrong is on standard error.
template <class F>
int with_config(const node_options& options, F act) {
  const auto loaded = load_config(options.config_file, options.said, home_directory());
  const outcome<void> done = loaded ? act(loaded->config) : tl::unexpected{loaded.error()};
  if (done)
    return EXIT_SUCCESS;
  std::fprintf(stderr, "timenode: %s\n", done.error().reason.c_str());
  return EXIT_FAILURE;
}

}  // namespace timenode::app
