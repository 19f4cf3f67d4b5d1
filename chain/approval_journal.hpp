#pragma once

// Which transactions this masternode approved, so that it never approves another one that spends the same: written down before
// it says so, and read back after a restart. The seam between the mempool and the disk; `file_approval_journal.hpp` is the
// one on disk, the one in memory below is for tests and simulation.

#include "messages/ledger.hpp"
#include "messages/outcome.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace timenode::chain {

/// One output, and the transaction that may spend it.
struct approved_output {
  outpoint output;
  hash256 txid{};
  std::int64_t at = 0;  ///< Unix seconds.

  bool operator==(const approved_output&) const = default;
};

class approval_journal {
 public:
  virtual ~approval_journal() = default;

  /// What was written down before this run began, in order.
  virtual std::vector<approved_output> restored() const = 0;
  /// Brings them to where they survive a crash, all at one time. When it fails, nothing may be said about them.
  virtual outcome<void> write_down(std::span<const approved_output> some) = 0;
  /// So much has been written that it is time for `keep_only`.
  virtual bool is_long() const noexcept = 0;
  /// Everything else is forgotten.
  virtual outcome<void> keep_only(std::span<const approved_output> these) = 0;
};

/// Remembers as long as it lives itself: a disk that survives the nodes of a test.
class memory_approval_journal final : public approval_journal {
 public:
  std::vector<approved_output> restored() const override { return entries_; }
  outcome<void> write_down(std::span<const approved_output> some) override {
    entries_.insert(entries_.end(), some.begin(), some.end());
    return {};
  }
  bool is_long() const noexcept override { return entries_.size() > most_; }
  outcome<void> keep_only(std::span<const approved_output> these) override {
    entries_.assign(these.begin(), these.end());
    most_ = 2 * entries_.size() + 1000;
    return {};
  }

 private:
  std::vector<approved_output> entries_;
  std::size_t most_ = 1000;
};

}  // namespace timenode::chain
