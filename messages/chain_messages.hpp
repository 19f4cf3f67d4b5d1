#pragma once

// What actors tell each other of blocks: batches, the answers to them, and what the keeper is at.

#include "messages/ip_address.hpp"
#include "messages/ledger.hpp"

#include <caf/inspector_access.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace timenode {

// -- how blocks travel ----------------------------------------------------------

/// A block travels as its JSON text: the one encoding that every version understands.
std::string block_to_text(const block& x);
/// Null when the text is no block.
block_ptr block_from_text(const std::string& text);

template <class Inspector>
bool inspect_block(Inspector& f, block_ptr& x) {
  if constexpr (Inspector::is_loading) {
    std::string text;
    if (!f.apply(text))
      return false;
    x = block_from_text(text);
    return x != nullptr;
  } else {
    auto text = x ? block_to_text(*x) : std::string{};
    return f.apply(text);
  }
}

/// A block on its way between actors. Wraps the pointer, for CAF treats pointers in its own way.
struct block_handle {
  block_ptr block;  ///< Never null.

  template <class Inspector>
  friend bool inspect(Inspector& f, block_handle& x) {
    return inspect_block(f, x.block);
  }
};

// -- batches and what is said to them -----------------------------------------

/// Blocks, shared, on their way between actors.
struct block_batch {
  std::vector<block_ptr> blocks;

  template <class Inspector>
  friend bool inspect(Inspector& f, block_batch& x) {
    if constexpr (Inspector::is_loading) {
      std::vector<std::string> texts;
      if (!f.apply(texts))
        return false;
      x.blocks.clear();
      for (const auto& text : texts)
        if (x.blocks.push_back(block_from_text(text)); !x.blocks.back())
          return false;
      return true;
    } else {
      std::vector<std::string> texts;
      for (const auto& y : x.blocks)
        texts.push_back(block_to_text(*y));
      return f.apply(texts);
    }
  }
};

template <class Inspector>
bool inspect(Inspector& f, checked_block& x) {
  auto handle = block_handle{x.block};
  auto bytes = static_cast<std::uint64_t>(x.bytes);
  if (!f.object(x).fields(f.field("block", handle), f.field("hash", x.hash),
                          f.field("txids", x.txids), f.field("bytes", bytes)))
    return false;
  x.block = handle.block;
  x.bytes = static_cast<std::size_t>(bytes);
  return true;
}

/// Blocks that passed `chain::check_block`, in order.
struct checked_batch {
  std::vector<checked_block> blocks;

  template <class Inspector>
  friend bool inspect(Inspector& f, checked_batch& x) {
    return f.object(x).fields(f.field("blocks", x.blocks));
  }
};

/// What the block checker says.
struct check_reply {
  std::vector<checked_block> checked;  ///< From the front.
  std::string rejected;                ///< Why the next one was not; empty: all passed.

  template <class Inspector>
  friend bool inspect(Inspector& f, check_reply& x) {
    return f.object(x).fields(f.field("checked", x.checked), f.field("rejected", x.rejected));
  }
};

/// What the keeper says to blocks that it was given.
struct apply_reply {
  chain_tip tip;                      ///< Now.
  std::uint64_t applied = 0;          ///< How many from the front are stored.
  std::string rejected;               ///< Why the next one was not; empty: none was refused.
  std::uint64_t rejected_height = 0;  ///< Of the block that breaks a rule; 0: that is not why.
  bool storage_failed = false;        ///< The disk is at fault, not the block.

  template <class Inspector>
  friend bool inspect(Inspector& f, apply_reply& x) {
    return f.object(x).fields(
        f.field("tip", x.tip), f.field("applied", x.applied), f.field("rejected", x.rejected),
        f.field("rejected_height", x.rejected_height), f.field("storage_failed", x.storage_failed));
  }
};

struct keeper_snapshot {
  chain_tip tip;
  std::uint64_t blocks_applied = 0;  ///< Since start.
  std::uint64_t batches = 0;         ///< Store commits since start.
  std::uint64_t blocks_refused = 0;
  std::uint64_t final_height = 0;  ///< Highest block with a certificate; 0: none.
  std::string storage_error;       ///< Empty: the store works.

  template <class Inspector>
  friend bool inspect(Inspector& f, keeper_snapshot& x) {
    return f.object(x).fields(
        f.field("tip", x.tip), f.field("blocks_applied", x.blocks_applied),
        f.field("batches", x.batches), f.field("blocks_refused", x.blocks_refused),
        f.field("final_height", x.final_height), f.field("storage_error", x.storage_error));
  }
};

}  // namespace timenode
