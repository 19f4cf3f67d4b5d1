#pragma once

// The commands of the program, each a function from its options to the exit status.

#include "app/command_line.hpp"
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

/// 0 when the node answered, 1 otherwise.
int run_query(const query_command& x);

/// 0 when the key was made, shown or imported, 1 otherwise.
int run_key(const key_command& x);

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
