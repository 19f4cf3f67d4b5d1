#pragma once

// The commands of the program, each a function from its options to the exit status.

#include "app/command_line.hpp"
#include "app/rpc_client.hpp"
#include "messages/outcome.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace timenode::app {

/// 0 after an orderly stop, 1 otherwise.
int run_node(const run_command& x);

/// 0 when the whole file was taken or written, 1 otherwise.
int run_transfer(const transfer_command& x);

/// 0 when in the end all nodes had the same chain and each pair exactly one connection, pinged from
/// both ends; 1 otherwise.
int run_testnet(const testnet_command& x);

/// 0 when everything held that must always hold, 1 otherwise. In the program only, for it is the tests' simulator.
int run_simulate(const simulate_command& x);

/// 0 when the node answered, 1 otherwise. For `health`: 0 when the node is ready, 1 when it is not,
/// `no_answer_status` when it does not say.
int run_query(const query_command& x);
inline constexpr int no_answer_status = 3;

/// 0 when the configuration is right, 1 otherwise.
int run_config(const config_command& x);

/// 0 when the chain is right, or repaired; 1 otherwise.
int run_check(const check_command& x);

/// 0 when the store is of this program's schema in the end, 1 otherwise.
int run_migrate(const migrate_command& x);

/// 0 when the backup is in place, 1 otherwise.
int run_restore(const restore_command& x);

/// 0 when the file is a flight record, 1 otherwise.
int run_replay(const replay_command& x);

/// 0 when the node answered to the end, 1 otherwise.
int run_top(const top_command& x);

/// 0.
int run_rpcauth(const rpcauth_command& x);

/// The node that the options name, to be asked by RPC.
outcome<rpc_target> target_of(const node_options& x);

/// 0 when the key was made, shown or imported, 1 otherwise.
int run_key(const key_command& x);

/// 0 when the node did it, 1 otherwise.
int run_access(const access_command& x);

/// 0 when the node did it, 1 otherwise.
int run_wallet(const wallet_command& x);

/// 0 when the node answered, 1 otherwise.
int run_call(const call_command& x);

/// Raises the soft limit of open files to the hard one: each peer takes one.
void raise_file_limit();

/// Imports a file into the chain of a node, with a progress bar. Returns the height of its tip; the
/// failure is a sentence with line, height and reason. `stop` is asked now and then whether to end
/// it.
outcome<std::uint64_t> import_file(const node_config& node, const std::string& file,
                                   const std::function<bool()>& stop);

/// Writes the chain of a node to a file, in the same way. Returns the number of blocks.
outcome<std::uint64_t> export_file(const node_config& node, const std::string& file,
                                   const std::function<bool()>& stop);

}  // namespace timenode::app
