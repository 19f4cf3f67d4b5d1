#include "app/config.hpp"

#include "chain/keys.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <utility>

namespace timenode::app {

namespace {

constexpr std::array<std::string_view, 6> level_names{"trace", "debug", "info",
                                                      "warn",  "error", "off"};
constexpr std::array<std::string_view, 2> format_names{"text", "json"};
constexpr std::array<std::string_view, 4> tier_names{"free", "bronze", "silver", "gold"};

/// A host name is at most 253 letters long (RFC 1035, section 2.3.4).
constexpr std::size_t max_host_name = 253;

std::string lower(std::string_view text) {
  std::string result{text};
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return result;
}

template <class Enum, std::size_t N>
std::optional<Enum> find_name(const std::array<std::string_view, N>& names, std::string_view text) {
  const auto found = std::find(names.begin(), names.end(), lower(text));
  if (found == names.end())
    return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

template <class T>
const std::optional<T>& first_of(const std::optional<T>& over, const std::optional<T>& under) {
  return over ? over : under;
}

template <class T>
T with_default_port(T x, std::uint16_t port) {
  if (x.port == 0)
    x.port = port;
  return x;
}

/// What is said of a service at all; an address on the upper layer switches it on.
service_setting merge(const service_setting& over, const service_setting& under) {
  service_setting result;
  result.enabled = over.enabled || !over.ip ? first_of(over.enabled, under.enabled) : true;
  result.ip = first_of(over.ip, under.ip);
  // A port belongs to the address that it was written with.
  result.port = over.ip || over.port != 0 ? over.port : under.port;
  return result;
}

endpoint address_of(const service_setting& x, std::uint16_t default_port) {
  const auto loopback = ip_address::from_v4({127, 0, 0, 1});
  return with_default_port(endpoint{x.ip.value_or(loopback), x.port}, default_port);
}

/// Replaces a leading "~" by `home`.
outcome<std::filesystem::path> expand(const std::filesystem::path& path,
                                      const std::filesystem::path& home) {
  const auto& text = path.native();
  if (text != "~" && !text.starts_with("~/"))
    return path;
  if (home.empty())
    return fail("'" + text + "' cannot be expanded: HOME is not set; write the whole path");
  return text.size() <= 2 ? home : home / text.substr(2);
}

outcome<void> expand_all(node_config& x, const std::filesystem::path& home) {
  const auto if_any = [](std::optional<std::filesystem::path>& y) { return y ? &*y : nullptr; };
  for (auto* path : {&x.data_dir, &x.masternode.key_file, &x.rpc_cookie_file,
                     if_any(x.masternode.passphrase_file), if_any(x.logging.file)}) {
    if (!path)
      continue;
    auto expanded = expand(*path, home);
    if (!expanded)
      return tl::unexpected{expanded.error()};
    *path = std::move(*expanded);
  }
  return {};
}

void place_external(node_config& to, const peer_setting& x) {
  // Whoever forwards another port to us has to say so.
  const auto port = to.listen.port;
  if (const auto* address = std::get_if<endpoint>(&x))
    to.external_address = with_default_port(*address, port);
  else
    to.external_host = with_default_port(std::get<host_name>(x), port);
}

void place_bootstrap(node_config& to, const std::vector<peer_setting>& peers) {
  // Others listen on the default port, wherever we do.
  const auto port = default_p2p_port(to.network);
  for (const auto& x : peers) {
    if (const auto* address = std::get_if<endpoint>(&x)) {
      const auto peer = with_default_port(*address, port);
      if (std::find(to.bootstrap_peers.begin(), to.bootstrap_peers.end(), peer) ==
          to.bootstrap_peers.end())
        to.bootstrap_peers.push_back(peer);
    } else {
      to.bootstrap_hosts.push_back(with_default_port(std::get<host_name>(x), port));
    }
  }
}

void place_access(node_config& to, const settings& over, const settings& under) {
  const auto append = [](std::vector<ip_network>& networks, const auto& said) {
    if (said)
      networks.insert(networks.end(), said->begin(), said->end());
  };
  append(to.banned, first_of(over.banned_peers, under.banned_peers));
  append(to.banned, first_of(over.banned_subnets, under.banned_subnets));
  append(to.trusted, first_of(over.trusted_peers, under.trusted_peers));
  to.trusted_only = first_of(over.trusted_only, under.trusted_only).value_or(false);
}

void place_logging(logging_config& to, const settings& over, const settings& under) {
  to.level = first_of(over.level, under.level).value_or(to.level);
  to.format = first_of(over.format, under.format).value_or(to.format);
  to.max_size = first_of(over.log_max_size, under.log_max_size).value_or(to.max_size);
  to.max_files = first_of(over.log_max_files, under.log_max_files).value_or(to.max_files);
  const auto& file = first_of(over.log_file, under.log_file);
  // A file on the command line is meant, whatever the configuration file says of its own.
  const auto wanted =
      over.log_file ? over.log_to_file : first_of(over.log_to_file, under.log_to_file);
  if (wanted.value_or(file.has_value()))
    to.file = file;
}

void place_consensus(chain::consensus_rules& to, const settings& over, const settings& under) {
  if (const auto& x = first_of(over.block_time_seconds, under.block_time_seconds))
    to.block_time = static_cast<std::int64_t>(*x);
  // A new network of one's own begins with signatures; a chain that others made is followed as it is.
  to.require_signatures =
      first_of(over.require_signatures, under.require_signatures).value_or(to.is_private());
  if (const auto& x = first_of(over.first_masternodes, under.first_masternodes))
    to.first_masternodes = *x == 0 ? std::optional<std::size_t>{} : *x;
  if (const auto& x = first_of(over.present_set_at, under.present_set_at))
    to.present_set_at = *x == 0 ? std::optional<std::uint64_t>{} : *x;
}

}  // namespace

std::string_view to_string(log_level x) noexcept {
  return level_names[static_cast<std::size_t>(x)];
}

std::string_view to_string(log_format x) noexcept {
  return format_names[static_cast<std::size_t>(x)];
}

// -- texts ------------------------------------------------------------------------

std::optional<network_id> parse_network(std::string_view text) {
  constexpr std::array<std::string_view, 2> names{"testnet", "mainnet"};
  return find_name<network_id>(names, text);
}

std::optional<log_level> parse_log_level(std::string_view text) {
  return find_name<log_level>(level_names, text);
}

std::optional<log_format> parse_log_format(std::string_view text) {
  return lower(text) == "pretty" ? log_format::text : find_name<log_format>(format_names, text);
}

std::optional<wire::masternode_tier> parse_tier(std::string_view text) {
  return find_name<wire::masternode_tier>(tier_names, text);
}

outcome<endpoint> parse_address(std::string_view text) {
  if (const auto ip = ip_address::parse(text))
    return endpoint{*ip, 0};
  // Without a default, a missing port is refused; but then it was an address, and we are not here.
  return endpoint::parse(text, 0);
}

outcome<peer_setting> parse_peer(std::string_view text) {
  auto address = parse_address(text);
  if (address)
    return peer_setting{*address};
  const auto name = text.substr(0, text.find(':'));
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  // What looks like an address but is none (256.1.1.1) must not become a name. No top-level domain
  // is a number.
  const auto last = name.substr(name.rfind('.') == name.npos ? 0 : name.rfind('.') + 1);
  if (name.empty() || name.size() > max_host_name || name.front() == '-' ||
      !std::all_of(name.begin(), name.end(), is_letter) ||
      std::all_of(last.begin(), last.end(), is_digit))
    return tl::unexpected{address.error()};
  host_name result{std::string{name}, 0};
  if (name.size() < text.size()) {
    const auto port = text.substr(name.size() + 1);
    const auto end = port.data() + port.size();
    const auto parsed = std::from_chars(port.data(), end, result.port);
    if (parsed.ec != std::errc{} || parsed.ptr != end || result.port == 0)
      return tl::unexpected{address.error()};
  }
  return peer_setting{std::move(result)};
}

// -- layers -----------------------------------------------------------------------

outcome<void> check_listeners(const node_config& x) {
  struct listener {
    std::string_view what;
    std::optional<endpoint> at;
  };
  const std::array listeners{
      listener{"peers (network.listen_address)", x.listen},
      listener{"RPC (rpc.listen_address)", x.rpc_listen},
      listener{"metrics (metrics.listen_address)",
               x.metrics.enabled ? std::optional{x.metrics.listen} : std::nullopt},
  };
  for (std::size_t i = 0; i < listeners.size(); ++i)
    for (std::size_t j = i + 1; j < listeners.size(); ++j) {
      const auto& [first, a] = listeners[i];
      const auto& [second, b] = listeners[j];
      if (a && b && a->port == b->port &&
          (a->ip == b->ip || a->ip.is_unspecified() || b->ip.is_unspecified()))
        return fail("port " + std::to_string(a->port) + " is wanted twice, for " +
                    std::string{first} + " and for " + std::string{second} +
                    ": give one of them another port");
    }
  return {};
}

outcome<node_config> make_config(const settings& over, const settings& under,
                                 const std::filesystem::path& home) {
  node_config x;
  x.network = first_of(over.network, under.network).value_or(x.network);
  x.listen = with_default_port(first_of(over.listen, under.listen).value_or(endpoint{}),
                               default_p2p_port(x.network));
  if (const auto& external = first_of(over.external_address, under.external_address))
    place_external(x, *external);
  x.max_peers = first_of(over.max_peers, under.max_peers).value_or(x.max_peers);
  if (const auto& peers = first_of(over.bootstrap_peers, under.bootstrap_peers))
    place_bootstrap(x, *peers);
  place_access(x, over, under);
  x.discovery = first_of(over.discovery, under.discovery);

  const auto rpc = merge(over.rpc, under.rpc);
  if (rpc.enabled.value_or(true))
    x.rpc_listen = address_of(rpc, default_rpc_port(x.network));
  const auto metrics = merge(over.metrics, under.metrics);
  x.metrics.enabled = metrics.enabled.value_or(true);
  x.metrics.listen = address_of(metrics, default_metrics_port(x.network));

  const auto default_dir = x.network == network_id::mainnet ? "~/.timenode" : "~/.timenode/testnet";
  x.data_dir = first_of(over.data_dir, under.data_dir).value_or(default_dir);
  x.rpc_users = first_of(over.rpc_users, under.rpc_users).value_or(std::vector<rpc_user>{});
  x.rpc_cookie_file =
      first_of(over.rpc_cookie_file, under.rpc_cookie_file).value_or(x.data_dir / ".cookie");
  place_logging(x.logging, over, under);

  x.masternode.enabled = first_of(over.masternode, under.masternode).value_or(false);
  x.masternode.tier = first_of(over.tier, under.tier).value_or(x.masternode.tier);
  x.masternode.reward_address = first_of(over.reward_address, under.reward_address);
  x.masternode.key_file =
      first_of(over.key_file, under.key_file).value_or(x.data_dir / "masternode.key");
  x.masternode.passphrase_file = first_of(over.passphrase_file, under.passphrase_file);
  place_consensus(x.consensus, over, under);

  if (auto expanded = expand_all(x, home); !expanded)
    return tl::unexpected{expanded.error()};
  if (x.consensus.is_private() && x.network == network_id::mainnet)
    return fail("consensus.block_time_seconds = " + std::to_string(x.consensus.block_time) +
                " is for private networks: mainnet has a block every " +
                std::to_string(chain::block_time_seconds) +
                " s; remove it, or set node.network = \"testnet\"");
  if (x.masternode.reward_address)
    if (auto fine = chain::check_address(*x.masternode.reward_address, x.network); !fine)
      return fail("masternode.reward_address = \"" + *x.masternode.reward_address +
                  "\": " + fine.error().reason + "; allowed is an address of " +
                  std::string{to_string(x.network)});
  return x;
}

std::filesystem::path home_directory() {
  // Read before the first thread starts.
  if (const auto* home = std::getenv("HOME"); home && *home)  // NOLINT(concurrency-mt-unsafe)
    return home;
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  if (getpwuid_r(getuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found)
    return found->pw_dir;
  return {};
}

}  // namespace timenode::app
