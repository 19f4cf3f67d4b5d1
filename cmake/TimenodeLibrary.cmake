# timenode_add_library(<folder> [SOURCES <file>...] [LINKS <target>...])
#
# Makes the library timenode_<folder> out of one of the folders. LINKS may name third-party
# targets and the folders that this one may use (chain and timenode_chain are the same); they
# are PUBLIC. What no header shows can be linked PRIVATE afterwards, with
# target_link_libraries(). Without SOURCES the library is headers only.
#
# timenode_add_program(<name> SOURCES <file>... [LINKS <target>...])
#
# Makes the program build/<preset>/<name>.
#
# How the arrows between folders are kept: headers are included by their path from the top,
# "messages/wire.hpp", but the top itself is on nobody's include path. Each library instead
# brings a directory that holds nothing but a link to its own folder. So an include of another
# folder is found only when that folder's library is linked, and linking is checked here.

set(TIMENODE_FOLDERS messages chain net actors app)

set(TIMENODE_MAY_USE_messages "")
set(TIMENODE_MAY_USE_chain messages)
set(TIMENODE_MAY_USE_net messages)
set(TIMENODE_MAY_USE_actors messages chain net)
set(TIMENODE_MAY_USE_app messages chain net actors)

function(timenode_refuse_arrow folder link)
  if(NOT link MATCHES "^timenode_(.+)$" OR NOT CMAKE_MATCH_1 IN_LIST TIMENODE_FOLDERS)
    return()
  endif()
  set(other "${CMAKE_MATCH_1}")
  if(NOT other IN_LIST TIMENODE_MAY_USE_${folder})
    string(REPLACE ";" ", " allowed "${TIMENODE_MAY_USE_${folder}}")
    if(NOT allowed)
      set(allowed "no other folder")
    endif()
    message(FATAL_ERROR "${folder}/ must not link ${link}: it may use ${allowed}.")
  endif()
endfunction()

# Puts timenode_ before the folders' names in the list <variable>.
function(timenode_library_names variable)
  list(JOIN TIMENODE_FOLDERS "|" folders)
  list(TRANSFORM ${variable} REPLACE "^(${folders})$" "timenode_\\1")
  set(${variable} "${${variable}}" PARENT_SCOPE)
endfunction()

function(timenode_add_library folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINKS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "timenode_add_library(${folder}): unknown ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT folder IN_LIST TIMENODE_FOLDERS)
    message(FATAL_ERROR "timenode_add_library: '${folder}' is none of ${TIMENODE_FOLDERS}")
  endif()
  timenode_library_names(arg_LINKS)
  foreach(link IN LISTS arg_LINKS)
    timenode_refuse_arrow(${folder} "${link}")
  endforeach()

  set(include_dir "${CMAKE_BINARY_DIR}/include/${folder}")
  file(MAKE_DIRECTORY "${include_dir}")
  file(CREATE_LINK "${CMAKE_SOURCE_DIR}/${folder}" "${include_dir}/${folder}" SYMBOLIC)

  set(target timenode_${folder})
  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_SOURCES})
    target_include_directories(${target} PUBLIC "${include_dir}")
    target_link_libraries(${target} PUBLIC ${arg_LINKS})
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE "${include_dir}")
    target_link_libraries(${target} INTERFACE ${arg_LINKS})
  endif()
endfunction()

function(timenode_add_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINKS")
  timenode_library_names(arg_LINKS)
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINKS})
endfunction()

# Looks at what the libraries link in the end, so that a target_link_libraries() in a folder's
# own CMakeLists.txt is held to the same arrows.
function(timenode_check_arrows)
  foreach(folder IN LISTS TIMENODE_FOLDERS)
    if(TARGET timenode_${folder})
      foreach(property LINK_LIBRARIES INTERFACE_LINK_LIBRARIES)
        get_target_property(links timenode_${folder} ${property})
        foreach(link IN LISTS links)
          string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" link "${link}")
          timenode_refuse_arrow(${folder} "${link}")
        endforeach()
      endforeach()
    endif()
  endforeach()
endfunction()
