# timenode_embed(<target> <file> <header> <variable>)
#
# Makes the text of <file> a constant of the program: "timenode/<header>" defines
# timenode::<variable>, a std::string_view.

function(timenode_embed target file header variable)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  file(READ "${file}" text)
  set(output "${CMAKE_BINARY_DIR}/generated/timenode/${header}")
  file(WRITE "${output}.new"
"// Generated from ${file} by cmake/TimenodeEmbed.cmake.
#pragma once

#include <string_view>

namespace timenode {

inline constexpr std::string_view ${variable} = R\"embedded(${text})embedded\";

}  // namespace timenode
")
  # Only a change makes anything compile again.
  file(COPY_FILE "${output}.new" "${output}" ONLY_IF_DIFFERENT)
  target_include_directories(${target} PRIVATE "${CMAKE_BINARY_DIR}/generated")
endfunction()
