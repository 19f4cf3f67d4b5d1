#pragma once

// Copies of what a node keeps: the chain, its keys and its tables. A backup is a directory that
// looks like a data directory, with a file backup.json that says what it is:
//
//   {"format":1,"network":"testnet","height":2000,"hash":"..","made_at":..,"version":"..",
//    "files":[..],"key_file":".."}

#include "app/config.hpp"
#include "app/rpc_backend.hpp"
#include "chain/rocksdb_store.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace timenode::app {

/// Makes a backup of the running node with that store and configuration in `to`, which must not
/// exist. A backup that was cut short is left as `to`.partial, and removed by the next try. What is
/// written is readable for its owner only: there are secret keys in it.
outcome<backup_report> make_backup(const chain::rocksdb_store& store, const node_config& config,
                                   const std::filesystem::path& to, std::int64_t now);

struct restore_report {
  chain_tip tip;
  std::filesystem::path data_dir;
  std::filesystem::path kept_in;  ///< Where what was there before is now; empty: there was nothing.
  /// There is a key, and nothing in the data directory tells what it signed.
  bool forgot_signatures = false;
};

/// Puts a backup into the data directory of a node that does not run. A directory that has a chain
/// is refused; when `replace` is set, what is in the way is moved aside, but for the journals of what the masternode signed: an
/// older one would let it contradict itself. The copy is opened before anything is moved. Fails when the backup is one of another network, or damaged.
outcome<restore_report> restore_backup(const std::filesystem::path& from, const node_config& config,
                                       bool replace, std::int64_t now);

}  // namespace timenode::app
