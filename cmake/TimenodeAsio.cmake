# timenode::asio: Boost.Asio and Boost.Beast. Both are headers only by default, which makes
# every source file that includes them compile the whole of them; here they are compiled once.

add_library(timenode_asio STATIC "${CMAKE_CURRENT_LIST_DIR}/asio.cpp")
target_link_libraries(timenode_asio PUBLIC Boost::headers OpenSSL::SSL OpenSSL::Crypto
                                           Threads::Threads)
target_compile_definitions(
  timenode_asio PUBLIC BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
                       BOOST_ASIO_NO_DEPRECATED)
if(TIMENODE_SANITIZE MATCHES "thread")
  # Thread sanitizer does not model fences and would take what they order for races.
  target_compile_definitions(timenode_asio PUBLIC BOOST_ASIO_DISABLE_FENCED_BLOCK)
endif()
add_library(timenode::asio ALIAS timenode_asio)
