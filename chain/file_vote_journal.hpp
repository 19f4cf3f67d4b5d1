#pragma once

// The vote journal on disk: a text file that grows by a line for each thing that is signed, and is written
// anew when it has grown too long.

#include "chain/journal_file.hpp"
#include "chain/vote_journal.hpp"

#include <cstddef>
#include <filesystem>
#include <memory>

namespace timenode::chain {

class file_vote_journal final : public vote_journal {
 public:
  /// A block of 2 MB has some 8 MB of JSON; beyond this the file is written anew with what still counts.
  static constexpr std::size_t rewrite_above = 16u << 20;

  /// Reads the file, or makes it. Lines cut short by a crash are left out: what they say was never sent.
  /// Fails when the file cannot be read or written, or when it is damaged otherwise: then it is not known
  /// what was signed, and the failure says what to do.
  static outcome<std::unique_ptr<file_vote_journal>>
  open(const std::filesystem::path& file, std::size_t rewrite_above_bytes = rewrite_above);

 private:
  file_vote_journal(const std::filesystem::path& file, std::size_t rewrite_above_bytes);

  outcome<void> store(const entry& x) override;
  outcome<void> rewrite();

  journal_file file_;
  std::size_t rewrite_above_;
};

}  // namespace timenode::chain
