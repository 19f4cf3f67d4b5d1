# Read by CAF's own CMake run (CMAKE_PROJECT_CAF_INCLUDE in deploy/setup.sh), not by ours.
# Several source files per compiler run make CAF build in less than half the time. These two
# have helpers of the same name as others' and stay by themselves. They can be named only once
# CAF has made its libraries, hence the deferral.
cmake_language(
  DEFER CALL set_source_files_properties "${CMAKE_CURRENT_SOURCE_DIR}/libcaf_core/src/binary_serializer.cpp"
  TARGET_DIRECTORY libcaf_core PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
cmake_language(
  DEFER CALL set_source_files_properties "${CMAKE_CURRENT_SOURCE_DIR}/libcaf_io/src/io/network/native_socket.cpp"
  TARGET_DIRECTORY libcaf_io PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
