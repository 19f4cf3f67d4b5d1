#include "app/http_guard.hpp"

#include "messages/ip_address.hpp"

#include <algorithm>
#include <string>

namespace timenode {

namespace {

bool is_port(std::string_view x) {
  // Some clients leave the port empty behind the colon, which the standard allows.
  return x.size() <= 5 &&
         std::all_of(x.begin(), x.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_localhost(std::string_view x) {
  constexpr std::string_view name = "localhost";
  return std::equal(x.begin(), x.end(), name.begin(), name.end(), [](char left, char right) {
    return left == right || (left >= 'A' && left <= 'Z' && left - 'A' + 'a' == right);
  });
}

}  // namespace

bool host_is_address(std::string_view host) {
  auto name = host;
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    if (end == std::string_view::npos)
      return false;
    const auto rest = host.substr(end + 1);
    if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1))))
      return false;
    const auto ip = ip_address::parse(host.substr(1, end - 1));
    return ip && host.substr(1, end - 1).find(':') != std::string_view::npos;
  }
  if (const auto colon = host.find(':'); colon != std::string_view::npos) {
    if (!is_port(host.substr(colon + 1)))
      return false;
    name = host.substr(0, colon);
  }
  return is_localhost(name) || ip_address::parse(name).has_value();
}

bool origin_is_own_page(std::string_view origin, std::string_view host) {
  for (const std::string_view scheme : {"http://", "https://"})
    if (origin.starts_with(scheme) && !host.empty() && origin.substr(scheme.size()) == host)
      return true;
  return false;
}

}  // namespace timenode
