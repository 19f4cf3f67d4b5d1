# timenode_precompile(): headers that CAF's, Asio's and doctest's users all read are compiled
# once per target. Nothing depends on it: with TIMENODE_PRECOMPILE off, as for clang-tidy, every
# source file still includes what it uses.

option(TIMENODE_PRECOMPILE "Precompile the large third-party headers" ON)

function(timenode_precompile)
  if(NOT TIMENODE_PRECOMPILE)
    return()
  endif()
  set(standard <algorithm> <chrono> <functional> <map> <memory> <optional> <string> <unordered_map>
               <vector>)
  set(caf <caf/actor_system.hpp> <caf/actor_system_config.hpp> <caf/event_based_actor.hpp>
          <caf/scoped_actor.hpp> <caf/stateful_actor.hpp> <caf/typed_actor.hpp>
          <caf/typed_event_based_actor.hpp>)
  set(asio <boost/asio.hpp>)

  foreach(target IN ITEMS timenode_actors actor_tests sim_tests unit_tests)
    if(TARGET ${target})
      target_precompile_headers(${target} PRIVATE ${caf} ${standard})
    endif()
  endforeach()
  foreach(target IN ITEMS timenode_net)
    if(TARGET ${target})
      target_precompile_headers(${target} PRIVATE ${asio} ${standard})
    endif()
  endforeach()
  foreach(target IN ITEMS actor_tests sim_tests unit_tests)
    if(TARGET ${target})
      target_precompile_headers(${target} PRIVATE <doctest/doctest.h>)
      # The file that makes doctest's main() must see the header anew.
      get_target_property(sources ${target} SOURCES)
      list(FILTER sources INCLUDE REGEX "(^|/)main\\.cpp$")
      get_target_property(directory ${target} SOURCE_DIR)
      set_source_files_properties(${sources} DIRECTORY "${directory}"
                                  PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
    endif()
  endforeach()
endfunction()
