#include "app/config_show.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace timenode::app {

namespace {

std::string toml_string(std::string_view text) {
  std::string result{'"'};
  for (const char c : text) {
    if (c == '"' || c == '\\')
      result += '\\';
    result += c;
  }
  return result + '"';
}

std::string toml_path(const std::filesystem::path& x) {
  return toml_string(x.string());
}

std::string flag(bool x) {
  return x ? "true" : "false";
}

template <class Range, class F>
std::string list(const Range& range, F text) {
  std::string result;
  for (const auto& x : range)
    result += (result.empty() ? "" : ", ") + toml_string(text(x));
  return "[" + result + "]";
}

std::string host_text(const host_name& x) {
  return x.name + ":" + std::to_string(x.port);
}

std::string peers_text(const node_config& x) {
  std::vector<std::string> all;
  for (const auto& peer : x.bootstrap_peers)
    all.push_back(peer.to_string());
  for (const auto& peer : x.bootstrap_hosts)
    all.push_back(host_text(peer));
  return list(all, [](const auto& y) { return y; });
}

std::string networks_text(const std::vector<ip_network>& x) {
  return list(x, [](const auto& y) { return y.to_short_string(); });
}

/// Single addresses, or networks: whichever key they came from means the same.
std::vector<ip_network> banned_hosts(const node_config& x, bool hosts) {
  auto result = x.banned;
  std::erase_if(result, [hosts](const auto& y) { return y.is_host() != hosts; });
  return result;
}

std::string external_text(const node_config& x) {
  if (x.external_host)
    return toml_string(host_text(*x.external_host));
  return toml_string(x.external_address ? x.external_address->to_string() : std::string{});
}

std::string tier_text(wire::masternode_tier x) {
  constexpr std::array<std::string_view, 4> names{"free", "bronze", "silver", "gold"};
  return toml_string(names[static_cast<std::size_t>(x)]);
}

/// One key: its value, and whether a source says it.
struct item {
  std::string_view key;
  std::string (*value)(const node_config&);
  bool (*said)(const settings&);
};

const std::array items{
    item{"node.network", [](const node_config& x) { return toml_string(to_string(x.network)); },
         [](const settings& x) { return x.network.has_value(); }},
    item{"network.listen_address",
         [](const node_config& x) { return toml_string(x.listen.to_string()); },
         [](const settings& x) { return x.listen.has_value(); }},
    item{"network.external_address", external_text,
         [](const settings& x) { return x.external_address.has_value(); }},
    item{"network.max_peers", [](const node_config& x) { return std::to_string(x.max_peers); },
         [](const settings& x) { return x.max_peers.has_value(); }},
    item{"network.bootstrap_peers", peers_text,
         [](const settings& x) { return x.bootstrap_peers.has_value(); }},
    item{"network.discovery_url",
         [](const node_config& x) {
           return toml_string(x.discovery ? x.discovery->to_string() : std::string{});
         },
         [](const settings& x) { return x.discovery.has_value(); }},
    item{"network.blacklisted_peers",
         [](const node_config& x) { return networks_text(banned_hosts(x, true)); },
         [](const settings& x) { return x.banned_peers.has_value(); }},
    item{"network.blacklisted_subnets",
         [](const node_config& x) { return networks_text(banned_hosts(x, false)); },
         [](const settings& x) { return x.banned_subnets.has_value(); }},
    item{"network.whitelisted_peers", [](const node_config& x) { return networks_text(x.trusted); },
         [](const settings& x) { return x.trusted_peers.has_value(); }},
    item{"network.whitelist_only", [](const node_config& x) { return flag(x.trusted_only); },
         [](const settings& x) { return x.trusted_only.has_value(); }},
    item{"rpc.enabled", [](const node_config& x) { return flag(x.rpc_listen.has_value()); },
         [](const settings& x) { return x.rpc.enabled.has_value(); }},
    item{"rpc.listen_address",
         [](const node_config& x) {
           return toml_string(x.rpc_listen ? x.rpc_listen->to_string() : std::string{});
         },
         [](const settings& x) { return x.rpc.ip.has_value(); }},
    item{"rpc.rpcauth",
         [](const node_config& x) {
           // The hashes are shown: whoever may read the configuration has them anyway.
           return list(x.rpc_users,
                       [](const auto& y) { return y.name + ":" + y.salt + "$" + y.hash; });
         },
         [](const settings& x) { return x.rpc_users.has_value(); }},
    item{"rpc.cookie_file", [](const node_config& x) { return toml_path(x.rpc_cookie_file); },
         [](const settings& x) { return x.rpc_cookie_file.has_value(); }},
    item{"storage.data_dir", [](const node_config& x) { return toml_path(x.data_dir); },
         [](const settings& x) { return x.data_dir.has_value(); }},
    item{"logging.level",
         [](const node_config& x) { return toml_string(to_string(x.logging.level)); },
         [](const settings& x) { return x.level.has_value(); }},
    item{"logging.format",
         [](const node_config& x) { return toml_string(to_string(x.logging.format)); },
         [](const settings& x) { return x.format.has_value(); }},
    item{"logging.output",
         [](const node_config& x) { return toml_string(x.logging.file ? "file" : "stderr"); },
         [](const settings& x) { return x.log_to_file.has_value(); }},
    item{"logging.file_path",
         [](const node_config& x) { return toml_path(x.logging.file.value_or("")); },
         [](const settings& x) { return x.log_file.has_value(); }},
    item{"logging.max_size_mb",
         [](const node_config& x) { return std::to_string(x.logging.max_size >> 20); },
         [](const settings& x) { return x.log_max_size.has_value(); }},
    item{"logging.max_files",
         [](const node_config& x) { return std::to_string(x.logging.max_files); },
         [](const settings& x) { return x.log_max_files.has_value(); }},
    item{"masternode.enabled", [](const node_config& x) { return flag(x.masternode.enabled); },
         [](const settings& x) { return x.masternode.has_value(); }},
    item{"masternode.tier", [](const node_config& x) { return tier_text(x.masternode.tier); },
         [](const settings& x) { return x.tier.has_value(); }},
    item{"masternode.reward_address",
         [](const node_config& x) { return toml_string(x.masternode.reward_address.value_or("")); },
         [](const settings& x) { return x.reward_address.has_value(); }},
    item{"masternode.key_file",
         [](const node_config& x) { return toml_path(x.masternode.key_file); },
         [](const settings& x) { return x.key_file.has_value(); }},
    item{"masternode.passphrase_file",
         [](const node_config& x) { return toml_path(x.masternode.passphrase_file.value_or("")); },
         [](const settings& x) { return x.passphrase_file.has_value(); }},
    item{"consensus.block_time_seconds",
         [](const node_config& x) { return std::to_string(x.consensus.block_time); },
         [](const settings& x) { return x.block_time_seconds.has_value(); }},
    item{"consensus.require_signatures",
         [](const node_config& x) { return flag(x.consensus.require_signatures); },
         [](const settings& x) { return x.require_signatures.has_value(); }},
    item{"consensus.first_masternodes",
         [](const node_config& x) {
           return std::to_string(x.consensus.first_masternodes.value_or(0));
         },
         [](const settings& x) { return x.first_masternodes.has_value(); }},
    item{
        "consensus.present_set_at",
        [](const node_config& x) { return std::to_string(x.consensus.present_set_at.value_or(0)); },
        [](const settings& x) { return x.present_set_at.has_value(); }},
    item{"metrics.enabled", [](const node_config& x) { return flag(x.metrics.enabled); },
         [](const settings& x) { return x.metrics.enabled.has_value(); }},
    item{"metrics.listen_address",
         [](const node_config& x) { return toml_string(x.metrics.listen.to_string()); },
         [](const settings& x) { return x.metrics.ip.has_value() || x.metrics.port != 0; }},
};

/// Other keys of the file that say the same.
std::string_view alias_of(std::string_view key) {
  if (key == "metrics.listen_address")
    return "metrics.prometheus_port";
  if (key == "masternode.reward_address")
    return "masternode.wallet_address";
  return {};
}

std::string origin_of(const item& x, const settings& said, const file_settings& file,
                      const std::string& name) {
  if (x.said(said))
    return "command line";
  if (!x.said(file.said))
    return "default";
  for (const auto key : {x.key, alias_of(x.key)})
    if (const auto line = file.lines.find(std::string{key}); line != file.lines.end())
      return name + ":" + std::to_string(line->second);
  return name;
}

}  // namespace

std::vector<shown_setting> describe_config(const node_config& config, const settings& said,
                                           const file_settings& file, const std::string& name) {
  std::vector<shown_setting> result;
  for (const auto& x : items)
    result.push_back({std::string{x.key}, x.value(config), origin_of(x, said, file, name)});
  return result;
}

std::string config_text(const std::vector<shown_setting>& x) {
  std::string result;
  std::string section;
  for (const auto& [key, value, origin] : x) {
    const auto dot = key.find('.');
    if (key.substr(0, dot) != section) {
      section = key.substr(0, dot);
      result += (result.empty() ? "[" : "\n[") + section + "]\n";
    }
    auto line = key.substr(dot + 1) + " = " + value;
    // Comments stand below each other where lines are short.
    constexpr std::size_t column = 40;
    line.append(line.size() < column ? column - line.size() : 1, ' ');
    result += line + "# " + origin + "\n";
  }
  return result;
}

bool applies_while_running(const std::string& key) {
  for (const std::string_view x : {"logging.level", "network.bootstrap_peers", "network.max_peers",
                                   "network.blacklisted_peers", "network.blacklisted_subnets",
                                   "network.whitelisted_peers", "network.whitelist_only"})
    if (key == x)
      return true;
  return false;
}

config_changes compare_config(const std::vector<shown_setting>& before,
                              const std::vector<shown_setting>& after) {
  config_changes result;
  for (const auto& now : after) {
    const auto old = std::find_if(before.begin(), before.end(),
                                  [&now](const auto& x) { return x.key == now.key; });
    if (old == before.end() || old->value == now.value)
      continue;
    auto text = now.key + ": " + old->value + " -> " + now.value;
    if (applies_while_running(now.key)) {
      result.keys_applied.push_back(now.key);
      result.applied.push_back(std::move(text));
    } else {
      result.needs_restart.push_back(std::move(text));
    }
  }
  return result;
}

}  // namespace timenode::app
