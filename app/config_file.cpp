#include "app/config_file.hpp"

#include "app/config_keys.hpp"
#include "app/toml_entries.hpp"
#include "chain/keys.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <memory>
#include <system_error>
#include <utility>

namespace timenode::app {

namespace {

/// Where a rule puts what it read.
struct target {
  settings& said;
  std::vector<config_notice>& notices;
  std::string where;  ///< "FILE:LINE: "
  unsigned line = 0;
  std::optional<toml_text> culprit{};  ///< Which element of a list is wrong.
};

/// Takes a value; false when it is not allowed.
using reader = bool (*)(const toml_value& value, target& to);

struct key_rule {
  std::string_view key;
  std::string_view allowed;
  reader read;
};

// -- kinds of values ----------------------------------------------------------------

/// An empty text is as if the key were not there: the deployed daemon writes such into its files.
template <class Take>
bool text(const toml_value& value, Take take) {
  const auto* x = std::get_if<std::string>(&value);
  return x && (x->empty() || take(*x));
}

template <class T, class Parse>
bool word(const toml_value& value, std::optional<T>& to, Parse parse) {
  return text(value, [&](const std::string& x) { return (to = parse(x)).has_value(); });
}

bool flag(const toml_value& value, std::optional<bool>& to) {
  const auto* x = std::get_if<bool>(&value);
  if (x)
    to = *x;
  return x != nullptr;
}

bool number(const toml_value& value, std::int64_t least, std::int64_t most,
            std::optional<std::size_t>& to) {
  const auto* x = std::get_if<std::int64_t>(&value);
  if (!x || *x < least || *x > most)
    return false;
  to = static_cast<std::size_t>(*x);
  return true;
}

bool path(const toml_value& value, std::optional<std::filesystem::path>& to) {
  return text(value, [&to](const std::string& x) {
    to = x;
    return true;
  });
}

/// An address to listen on.
bool service(const toml_value& value, service_setting& to) {
  return text(value, [&](const std::string& x) {
    const auto address = parse_address(x);
    if (!address)
      return false;
    to.ip = address->ip;
    if (address->port != 0)
      to.port = address->port;
    return true;
  });
}

// -- keys with rules of their own ----------------------------------------------------

bool read_bootstrap_peers(const toml_value& value, target& to) {
  const auto* texts = std::get_if<std::vector<toml_text>>(&value);
  if (!texts)
    return false;
  auto& peers = to.said.bootstrap_peers.emplace();
  for (const auto& x : *texts) {
    auto peer = parse_peer(x.text);
    if (!peer) {
      to.culprit = x;
      return false;
    }
    peers.push_back(std::move(*peer));
  }
  return true;
}

bool add_rpc_user(const toml_text& x, target& to) {
  auto user = parse_rpc_user(x.text);
  if (user)
    to.said.rpc_users->push_back(std::move(*user));
  else
    to.culprit = toml_text{"...", x.line};  // It may hold a password.
  return user.has_value();
}

bool read_rpc_users(const toml_value& value, target& to) {
  to.said.rpc_users.emplace();
  if (const auto* one = std::get_if<std::string>(&value))
    return one->empty() || add_rpc_user({*one, to.line}, to);
  const auto* texts = std::get_if<std::vector<toml_text>>(&value);
  return texts && std::all_of(texts->begin(), texts->end(),
                              [&to](const toml_text& x) { return add_rpc_user(x, to); });
}

/// A list of IP addresses and networks.
bool read_networks(const toml_value& value, std::optional<std::vector<ip_network>>& to,
                   std::optional<toml_text>& culprit) {
  const auto* texts = std::get_if<std::vector<toml_text>>(&value);
  if (!texts)
    return false;
  auto& networks = to.emplace();
  for (const auto& x : *texts) {
    const auto network = ip_network::parse(x.text);
    if (!network) {
      culprit = x;
      return false;
    }
    networks.push_back(*network);
  }
  return true;
}

bool read_discovery(const toml_value& value, target& to) {
  return text(value, [&to](const std::string& x) {
    auto at = web_address::parse(x);
    if (at)
      to.said.discovery = std::move(*at);
    return at.has_value();
  });
}

bool read_output(const toml_value& value, target& to) {
  return text(value, [&to](const std::string& x) {
    to.said.log_to_file = x == "file";
    return x == "file" || x == "stdout" || x == "stderr";
  });
}

bool read_tier(const toml_value& value, target& to) {
  return text(value, [&to](const std::string& x) {
    // Newer daemons find the tier in the chain by the collateral, which this one does not look at.
    if (x == "auto") {
      to.notices.push_back(
          {log_level::info, to.where + "masternode.tier = \"auto\" means free here"});
      to.said.tier = wire::masternode_tier::free;
      return true;
    }
    return (to.said.tier = parse_tier(x)).has_value();
  });
}

bool is_some_address(const std::string& x) {
  return chain::is_valid_address(x, network_id::testnet) ||
         chain::is_valid_address(x, network_id::mainnet);
}

bool read_reward_address(const toml_value& value, target& to) {
  return text(value, [&to](const std::string& x) {
    to.said.reward_address = x;
    return is_some_address(x);
  });
}

/// The address in the deployed daemon's own sample file is none, so that a wrong one is only worth
/// a warning.
bool read_wallet_address(const toml_value& value, target& to) {
  return text(value, [&to](const std::string& x) {
    if (!is_some_address(x))
      to.notices.push_back(
          {log_level::warn, to.where + "masternode.wallet_address = \"" + x +
                                "\" is not a TIME address and is not used: rewards go to the "
                                "address of this node's own key"});
    else if (!to.said.reward_address)
      to.said.reward_address = x;
    return true;
  });
}

bool read_prometheus_port(const toml_value& value, target& to) {
  std::optional<std::size_t> port;
  if (!number(value, 1, 65535, port))
    return false;
  // The listen address, if it has a port, says it more exactly.
  if (to.said.metrics.port == 0)
    to.said.metrics.port = static_cast<std::uint16_t>(*port);
  return true;
}

// -- all keys -------------------------------------------------------------------------

constexpr std::string_view yes_or_no = "true or false";
constexpr std::string_view some_path = "a path in quotes";
constexpr std::string_view networks =
    "a list of IP addresses or networks (192.0.2.0/24), each in quotes";
constexpr std::string_view address = "an IP address in quotes, with or without \":port\"";

constexpr auto
    rules =
        std::
            to_array<key_rule>(
                {
                    {"node.network", "\"testnet\" or \"mainnet\"",
                     [](const toml_value& x, target& to) {
                       return word(x, to.said.network, parse_network);
                     }},
                    {"network.listen_address", address,
                     [](const toml_value& x, target& to) {
                       return text(x, [&to](const std::string& y) {
                         const auto at = parse_address(y);
                         if (at)
                           to.said.listen = *at;
                         return at.has_value();
                       });
                     }},
                    {"network.external_address",
                     "an IP address or a host name in quotes, with or without \":port\"",
                     [](const toml_value& x, target& to) {
                       return text(x, [&to](const std::string& y) {
                         auto at = parse_peer(y);
                         if (at)
                           to.said.external_address = std::move(*at);
                         return at.has_value();
                       });
                     }},
                    {"network.max_peers", "a whole number from 1 to 10000",
                     [](const toml_value& x, target& to) {
                       return number(x, 1, 10'000, to.said.max_peers);
                     }},
                    {"network.bootstrap_peers",
                     "a list of IP addresses or host names, each in quotes, with or without "
                     "\":port\"",
                     read_bootstrap_peers},
                    {"network.discovery_url", "an http:// or https:// address in quotes",
                     read_discovery},
                    {"network.blacklisted_peers", networks,
                     [](const toml_value& x, target& to) {
                       return read_networks(x, to.said.banned_peers, to.culprit);
                     }},
                    {"network.blacklisted_subnets", networks,
                     [](const toml_value& x, target& to) {
                       return read_networks(x, to.said.banned_subnets, to.culprit);
                     }},
                    {"network.whitelisted_peers", networks,
                     [](const toml_value& x, target& to) {
                       return read_networks(x, to.said.trusted_peers, to.culprit);
                     }},
                    {"network.whitelist_only", yes_or_no,
                     [](const toml_value& x, target& to) { return flag(x, to.said.trusted_only); }},
                    {"rpc.enabled", yes_or_no,
                     [](const toml_value& x, target& to) { return flag(x, to.said.rpc.enabled); }},
                    {"rpc.listen_address", address,
                     [](const toml_value& x, target& to) { return service(x, to.said.rpc); }},
                    {"rpc.rpcauth",
                     "a list of lines NAME:SALT$HASH, each in quotes; 'timenode rpcauth NAME' "
                     "makes them",
                     read_rpc_users},
                    {"rpc.cookie_file", some_path,
                     [](const toml_value& x, target& to) {
                       return path(x, to.said.rpc_cookie_file);
                     }},
                    {"storage.data_dir", some_path,
                     [](const toml_value& x, target& to) { return path(x, to.said.data_dir); }},
                    {"logging.level",
                     "\"trace\", \"debug\", \"info\", \"warn\", \"error\" or \"off\"",
                     [](const toml_value& x, target& to) {
                       return word(x, to.said.level, parse_log_level);
                     }},
                    {"logging.format", "\"text\" (or \"pretty\") or \"json\"",
                     [](const toml_value& x, target& to) {
                       return word(x, to.said.format, parse_log_format);
                     }},
                    {"logging.output", "\"file\", or \"stderr\" (\"stdout\" means the same)",
                     read_output},
                    {"logging.file_path", some_path,
                     [](const toml_value& x, target& to) { return path(x, to.said.log_file); }},
                    {"logging.max_size_mb", "a whole number from 1 to 1024",
                     [](const toml_value& x, target& to) {
                       if (!number(x, 1, 1024, to.said.log_max_size))
                         return false;
                       *to.said.log_max_size <<= 20;
                       return true;
                     }},
                    {"logging.max_files", "a whole number from 1 to 100",
                     [](const toml_value& x, target& to) {
                       return number(x, 1, 100, to.said.log_max_files);
                     }},
                    {"masternode.enabled", yes_or_no,
                     [](const toml_value& x, target& to) { return flag(x, to.said.masternode); }},
                    {"masternode.tier", "\"free\", \"bronze\", \"silver\" or \"gold\"", read_tier},
                    {"masternode.reward_address", "a TIME address in quotes", read_reward_address},
                    {"masternode.wallet_address", "a TIME address in quotes", read_wallet_address},
                    {"masternode.key_file", some_path,
                     [](const toml_value& x, target& to) { return path(x, to.said.key_file); }},
                    {"masternode.passphrase_file", some_path,
                     [](const toml_value& x,
                        target& to) { return path(x, to.said.passphrase_file); }},
                    {"consensus.block_time_seconds", "a whole number from 1 to 600",
                     [](const toml_value& x, target& to) {
                       return number(x, 1, 600, to.said.block_time_seconds);
                     }},
                    {"consensus.require_signatures", yes_or_no,
                     [](const toml_value& x, target& to) {
                       return flag(x, to.said.require_signatures);
                     }},
                    {"consensus.first_masternodes", "0, or a whole number from 3 to 10000",
                     [](const toml_value& x, target& to) {
                       return number(x, 0, 10'000, to.said.first_masternodes) &&
                              (to.said.first_masternodes == 0 || to.said.first_masternodes >= 3);
                     }},
                    {"consensus.present_set_at", "a height, or 0",
                     [](const toml_value& x, target& to) {
                       return number(x, 0, std::numeric_limits<std::int64_t>::max(),
                                     to.said.present_set_at);
                     }},
                    {"metrics.enabled", yes_or_no,
                     [](const toml_value& x,
                        target& to) { return flag(x, to.said.metrics.enabled); }},
                    {"metrics.listen_address", address,
                     [](const toml_value& x, target& to) { return service(x, to.said.metrics); }},
                    {"metrics.prometheus_port", "a whole number from 1 to 65535",
                     read_prometheus_port},
                });

const key_rule* find_rule(std::string_view key) {
  for (const auto& rule : rules)
    if (rule.key == key)
      return &rule;
  return nullptr;
}

/// Whether a section of that name, or one above it, was reported as unknown.
bool in_section(std::string_view key, const std::vector<std::string>& sections) {
  for (const auto& x : sections)
    if (key.starts_with(x + "."))
      return true;
  return false;
}

std::string wrong_value(const std::string& file, const toml_entry& x, const key_rule& rule,
                        const std::optional<toml_text>& culprit) {
  const auto line = culprit ? culprit->line : x.line;
  const auto what = culprit ? " holds \"" + culprit->text + "\"" : " = " + x.shown;
  return file + ":" + std::to_string(line) + ": " + x.key + what + ": allowed is " +
         std::string{rule.allowed};
}

std::string join(const std::vector<std::string>& words) {
  std::string result;
  for (const auto& x : words)
    result += (result.empty() ? "" : ", ") + x;
  return result;
}

}  // namespace

outcome<file_settings> parse_config(std::string_view text, const std::string& name) {
  const auto entries = read_toml(text, name);
  if (!entries)
    return tl::unexpected{entries.error()};
  file_settings result;
  std::vector<std::string> unknown_sections;
  std::vector<std::string> unused;
  std::string wrong;  // All of it, so that nobody has to try again for each.
  const auto note = [&wrong](const std::string& line) {
    wrong += (wrong.empty() ? "" : "\n") + line;
  };
  for (const auto& x : *entries) {
    const auto where = name + ":" + std::to_string(x.line) + ": ";
    const auto is_section = std::holds_alternative<toml_section>(x.value);
    if (in_section(x.key, unknown_sections))
      continue;
    if (is_section && is_known_section(x.key))
      continue;
    if (is_section && !find_rule(x.key)) {
      unknown_sections.push_back(x.key);
      result.notices.push_back({log_level::warn, where + "the section [" + x.key +
                                                     "] is not known; did you mean [" +
                                                     std::string{nearest_section(x.key)} + "]?"});
    } else if (const auto* rule = find_rule(x.key)) {
      auto to = target{result.said, result.notices, where, x.line, {}};
      result.lines[x.key] = x.line;
      if (!rule->read(x.value, to))
        note(wrong_value(name, x, *rule, to.culprit));
    } else if (is_unused_key(x.key)) {
      unused.push_back(x.key);
    } else if (is_known_section(x.key)) {
      note(where + x.key + " = " + x.shown + ": " + x.key + " is a section; write [" + x.key +
           "] and its keys below it");
    } else {
      result.notices.push_back({log_level::warn, where + "the key " + x.key +
                                                     " is not known; did you mean " +
                                                     std::string{nearest_key(x.key)} + "?"});
    }
  }
  if (!wrong.empty())
    return fail(wrong);
  if (!unused.empty())
    result.notices.push_back(
        {log_level::info, name + ": not used by this program: " + join(unused)});
  return result;
}

outcome<file_settings> read_config_file(const std::filesystem::path& file) {
  const auto complain = [&file](int error) {
    return fail("cannot read the configuration file " + file.string() + ": " +
                std::generic_category().message(error));
  };
  const auto close = [](std::FILE* x) { std::fclose(x); };
  const std::unique_ptr<std::FILE, decltype(close)> in{std::fopen(file.c_str(), "re"), close};
  if (!in)
    return complain(errno);
  std::string text(max_config_bytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), in.get()));
  if (std::ferror(in.get()))
    return complain(errno);
  if (text.size() > max_config_bytes)
    return fail("the configuration file " + file.string() + " is larger than 1 MiB");
  return parse_config(text, file.string());
}

outcome<loaded_config> load_config(const std::optional<std::filesystem::path>& file,
                                   const settings& over, const std::filesystem::path& home) {
  file_settings under;
  if (file) {
    auto read = read_config_file(*file);
    if (!read)
      return tl::unexpected{read.error()};
    under = std::move(*read);
  }
  auto config = make_config(over, under.said, home);
  if (!config)
    return tl::unexpected{config.error()};
  auto notices = under.notices;
  return loaded_config{std::move(*config), std::move(notices), std::move(under)};
}

outcome<loaded_config> load_server_config(const std::optional<std::filesystem::path>& file,
                                          const settings& over, const std::filesystem::path& home) {
  auto result = load_config(file, over, home);
  if (result)
    if (const auto fine = check_listeners(result->config); !fine)
      return tl::unexpected{fine.error()};
  return result;
}

}  // namespace timenode::app
