#pragma once

// What this masternode signed for the last heights, so that it never signs anything else for them: written
// down before it is sent, and read back after a restart. The seam between the block producer and the disk;
// `file_vote_journal.hpp` is the one on disk, the one in memory below is for tests and simulation.

#include "chain/height_consensus.hpp"
#include "messages/ledger.hpp"
#include "messages/outcome.hpp"

#include <cstdint>
#include <map>
#include <vector>

namespace timenode::chain {

class vote_journal {
 public:
  /// Heights that are remembered: what is signed below them is refused, since it is not known any more what
  /// was signed there. A node works on one or two heights at a time.
  static constexpr std::uint64_t heights_kept = 8;

  virtual ~vote_journal() = default;

  /// What was signed for that height, in order.
  std::vector<signed_record> signed_for(std::uint64_t height) const;
  /// A block that a record came with, and that is needed to do the same again; null when there is none.
  block_ptr block_of(const hash256& block) const;

  /// Writes down that this is about to be signed; what was signed before may be signed again. `block`: the
  /// block itself, if others may come to need it from us (of a proposal, of a lock); may be null. When it
  /// fails, nothing may be signed: it would contradict what was, or the disk failed.
  outcome<void> write_down(std::uint64_t height, const signed_record& x, const block_ptr& block);

 protected:
  struct entry {
    std::uint64_t height = 0;
    signed_record record;
    block_ptr block;  ///< May be null.
  };

  /// Takes over what was written down before, in order.
  void restore(entry x);
  const std::vector<entry>& entries() const noexcept { return entries_; }

 private:
  /// Brings it to where it survives a crash; `entries()` does not have it yet.
  virtual outcome<void> store(const entry& x) = 0;

  void forget_old();

  std::vector<entry> entries_;  ///< Of the last heights.
  std::uint64_t highest_ = 0;
};

/// Remembers as long as it lives itself: a disk that survives the nodes of a test.
class memory_vote_journal final : public vote_journal {
 private:
  outcome<void> store(const entry&) override { return {}; }
};

}  // namespace timenode::chain
