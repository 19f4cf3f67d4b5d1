#include "app/host_names.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

namespace timenode::app {

namespace {

/// More than a name of one node has; a name that leads to a thousand must not fill the plan.
constexpr std::size_t max_addresses = 16;

ip_address to_ip(const sockaddr* address) {
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof(v6));
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return ip_address::from_v6(bytes);
  }
  sockaddr_in v4{};
  std::memcpy(&v4, address, sizeof(v4));
  std::array<std::uint8_t, 4> bytes{};
  std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
  return ip_address::from_v4(bytes);
}

/// Never empty when it succeeds.
outcome<std::vector<ip_address>> look_up(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  if (const auto error = getaddrinfo(name.c_str(), nullptr, &hints, &list); error != 0)
    return fail(gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner{list, freeaddrinfo};
  std::vector<ip_address> result;
  for (const auto* x = list; x && result.size() < max_addresses; x = x->ai_next) {
    if (x->ai_family != AF_INET && x->ai_family != AF_INET6)
      continue;
    const auto ip = to_ip(x->ai_addr);
    if (std::find(result.begin(), result.end(), ip) == result.end())
      result.push_back(ip);
  }
  if (result.empty())
    return fail("it has no IP address");
  return result;
}

config_notice left_out(std::string_view key, const host_name& x, const failure& why) {
  return {log_level::warn, std::string{key} + ": " + x.name + " is left out: " + why.reason};
}

}  // namespace

std::vector<config_notice> resolve_hosts(node_config& x) {
  std::vector<config_notice> notices;
  for (const auto& host : std::exchange(x.bootstrap_hosts, {})) {
    const auto found = look_up(host.name);
    if (!found) {
      notices.push_back(left_out("network.bootstrap_peers", host, found.error()));
      continue;
    }
    for (const auto& ip : *found) {
      const auto peer = endpoint{ip, host.port};
      if (std::find(x.bootstrap_peers.begin(), x.bootstrap_peers.end(), peer) ==
          x.bootstrap_peers.end())
        x.bootstrap_peers.push_back(peer);
    }
  }
  if (const auto host = std::exchange(x.external_host, {})) {
    if (const auto found = look_up(host->name))
      x.external_address = endpoint{found->front(), host->port};
    else
      notices.push_back(left_out("network.external_address", *host, found.error()));
  }
  return notices;
}

}  // namespace timenode::app
