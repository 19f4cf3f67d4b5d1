#pragma once

// What a running node answered, as text for people. Pure.

#include "app/rpc_json.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace timenode::app {

/// The answers that `timenode status` shows.
struct status_answers {
  const json& chain;       ///< getblockchaininfo
  const json& network;     ///< getnetworkinfo
  const json& uptime;      ///< uptime
  const json& masternode;  ///< masternodestatus
  const json& health;      ///< gethealth
};

/// Half a dozen lines. `now`: Unix seconds.
std::string status_text(const status_answers& x, std::int64_t now);

/// A line for each connection in an answer to getpeerinfo, oldest first, and their sum.
std::string peers_text(const json& peers, std::int64_t now);

/// An answer to gethealth: a line for each problem and warning.
std::string health_text(const json& x);

/// An answer to reload: a line for each change.
std::string reload_text(const json& x);

/// An answer to backup.
std::string backup_text(const json& x);

/// Columns as wide as their widest cell, two spaces apart. `alignment` has an 'l' or 'r' for each;
/// `rows` is not empty.
std::string table_text(const std::vector<std::vector<std::string>>& rows,
                       std::string_view alignment);

/// An answer to getactors: a line an actor, connections of the same state together, and what took
/// most time.
std::string actors_text(const json& x, std::int64_t now);

/// Any object as "name  value" lines, the nested ones indented.
std::string plain_text(const json& x);

/// "3 d 4 h", "12 min", "5 s".
std::string duration_text(std::int64_t seconds);

/// "3 min ago"; "never" for a `then` of 0. Both are Unix seconds.
std::string ago(std::int64_t then, std::int64_t now);

/// "1.2 MB", in powers of 1000.
std::string bytes_text(std::uint64_t bytes);

}  // namespace timenode::app
