// The compiled parts of Boost.Asio and Boost.Beast, see TimenodeAsio.cmake.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
