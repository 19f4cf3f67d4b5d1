#pragma once

// Which transactions this masternode approved, so that it never approves another one that spends the same, and so that they are
// still there when all masternodes lose power at one time: who was told that a payment is final can rely on it. Written down
// before it says so, and read back after a restart. The seam between the mempool and the disk;
// `file_approval_journal.hpp` is the one on disk, the one in memory below is for tests and simulation.

#include "messages/ledger.hpp"
#include "messages/outcome.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace timenode::chain {

/// Outputs, and the transaction that may spend them.
struct approval {
  hash256 txid{};
  std::int64_t at = 0;  ///< Unix seconds.
  std::vector<outpoint> outputs;
  std::optional<transaction> tx;  ///< While it is in no block.

  bool operator==(const approval&) const = default;
};

class approval_journal {
 public:
  virtual ~approval_journal() = default;

  /// What was written down before this run began, in order. To be called once.
  virtual std::vector<approval> restore() = 0;
  /// Brings them to where they survive a crash, all at one time. When it fails, nothing may be said about them.
  virtual outcome<void> write_down(std::span<const approval> some) = 0;
  /// So much has been written that it is time for `keep_only`.
  virtual bool is_long() const noexcept = 0;
  /// Everything else is forgotten.
  virtual outcome<void> keep_only(std::span<const approval> these) = 0;
};

/// Remembers as long as it lives itself: a disk that survives the nodes of a test.
class memory_approval_journal final : public approval_journal {
 public:
  std::vector<approval> restore() override { return entries_; }
  outcome<void> write_down(std::span<const approval> some) override {
    entries_.insert(entries_.end(), some.begin(), some.end());
    return {};
  }
  bool is_long() const noexcept override { return entries_.size() > most_; }
  outcome<void> keep_only(std::span<const approval> these) override {
    entries_.assign(these.begin(), these.end());
    most_ = 2 * entries_.size() + 1000;
    return {};
  }

 private:
  std::vector<approval> entries_;
  std::size_t most_ = 1000;
};

}  // namespace timenode::chain
