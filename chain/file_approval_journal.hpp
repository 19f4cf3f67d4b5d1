#pragma once

// The approval journal on disk: a text file that grows by a line for each transaction, and is written anew when most of it
// counts no more.

#include "chain/approval_journal.hpp"
#include "chain/journal_file.hpp"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace timenode::chain {

class file_approval_journal final : public approval_journal {
 public:
  /// Some 10,000 transactions of a payment's size: written anew in a tenth of a second, not more than every half a minute at
  /// 500 a second.
  static constexpr std::size_t least_long = 16u << 20;

  /// Reads the file, or makes it. Lines cut short by a crash are left out: what they say was never sent. Fails when the file
  /// cannot be read or written, or when it is damaged otherwise: then it is not known what was approved, and the failure
  /// says what to do.
  static outcome<std::unique_ptr<file_approval_journal>>
  open(const std::filesystem::path& file, std::size_t least_long_bytes = least_long);

  std::vector<approval> restore() override { return std::move(restored_); }
  outcome<void> write_down(std::span<const approval> some) override;
  /// Twice what it was when it was written anew, and at least `least_long`.
  bool is_long() const noexcept override { return file_.size() > long_from_; }
  outcome<void> keep_only(std::span<const approval> these) override;

 private:
  file_approval_journal(const std::filesystem::path& file, std::size_t least_long_bytes);

  journal_file file_;
  std::size_t least_long_;
  std::size_t long_from_;
  std::vector<approval> restored_;
};

}  // namespace timenode::chain
