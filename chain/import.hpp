#pragma once

// Moving a chain between a store and a chain file.

#include "chain/chain_file.hpp"
#include "chain/chain_state.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace timenode::chain {

/// How far an import or export is.
struct transfer_progress {
  std::uint64_t blocks = 0;  ///< Read from the file, or written to it.
  std::uint64_t height = 0;  ///< Import: of our tip. Export: of the last block written.
  std::uint64_t bytes = 0;   ///< Import: taken from the file, as it lies on the disk. Export: 0.
  std::optional<std::uint64_t> bytes_total;  ///< Import: of the file, if it is one.
};

/// Told about once in a thousand blocks. Returning false stops the transfer. May be empty.
using transfer_callback = std::function<bool(const transfer_progress&)>;

/// Why an import did not go to the end of the file.
struct import_stop {
  std::uint64_t line = 0;               ///< The line that was not taken, from 1.
  std::optional<std::uint64_t> height;  ///< Of its block, if it is one.
  std::string reason;                   ///< The rule and the values.
  bool storage_failed = false;          ///< The store is at fault, not the file.
  bool cancelled = false;               ///< The callback wanted it.
};

struct import_report {
  std::uint64_t lines = 0;    ///< Lines read.
  std::uint64_t applied = 0;  ///< Blocks stored.
  std::uint64_t skipped = 0;  ///< Blocks that we had already, with the same hash.
  std::optional<import_stop> stopped;
};

/// Applies the blocks of a file. It may begin at the genesis block, in the middle of our chain or on its
/// top, as long as what it holds of our chain is the same. Stops at the first block that is bad, that
/// differs from ours, or that leaves a hole; what came before stays, and survives a power cut. `now`: Unix
/// seconds by our clock.
import_report import_chain(chain_file_reader& from, chain_state& to, std::int64_t now,
                           const transfer_callback& progress = {});

/// Writes blocks first..last (both included, cut at the tip) and finishes the file. Returns how many they
/// were. Fails when the chain ends below `first`, when the store or the file fails, and when a
/// reorganisation takes blocks away meanwhile; there is no file then.
outcome<std::uint64_t> export_chain(const chain_reader& from, std::uint64_t first,
                                    std::uint64_t last, chain_file_writer& to,
                                    const transfer_callback& progress = {});

}  // namespace timenode::chain
