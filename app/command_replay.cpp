#include "app/commands.hpp"
#include "app/flight_recorder.hpp"

#include <cstdio>
#include <cstdlib>

namespace timenode::app {

int run_replay(const replay_command& x) {
  const auto timeline = read_flight_record(x.file);
  if (!timeline) {
    std::fprintf(stderr, "timenode: %s\n", timeline.error().reason.c_str());
    return EXIT_FAILURE;
  }
  std::fputs(timeline->c_str(), stdout);
  return EXIT_SUCCESS;
}

}  // namespace timenode::app
