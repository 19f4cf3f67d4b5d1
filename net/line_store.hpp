#pragma once

// The seam to the small files of the data directory: lists of lines, by name, that outlive the process. Two
// implementations: files (app/line_files.hpp), and the one in memory below for tests and simulation.

#include "messages/outcome.hpp"

#include <map>
#include <string>
#include <vector>

namespace timenode::net {

/// The lists that a node keeps.
inline constexpr const char* access_lines =
    "access";  ///< Bans, trust, violations (net/access_control.hpp).
inline constexpr const char* masternode_lines =
    "masternodes";  ///< The masternode table (actors/masternode_book.hpp).
inline constexpr const char* address_lines =
    "addresses";  ///< The address book (actors/address_book.hpp).

class line_store {
 public:
  virtual ~line_store() = default;
  /// The lines that were saved last under that name; none when there was nothing. The failure says what is wrong with
  /// the file and what to do.
  virtual outcome<std::vector<std::string>> load(const std::string& name) = 0;
  /// Saves lines under that name, in place of what was there: all of them or, after a crash at any instruction, what
  /// was there before. May block for as long as the disk takes. A line holds no line break.
  virtual outcome<void> save(const std::string& name, const std::vector<std::string>& lines) = 0;
};

/// Keeps lines as long as it lives itself: a disk that survives the nodes of a test.
class memory_line_store final : public line_store {
 public:
  outcome<std::vector<std::string>> load(const std::string& name) override { return lists_[name]; }
  outcome<void> save(const std::string& name, const std::vector<std::string>& lines) override {
    lists_[name] = lines;
    return {};
  }

 private:
  std::map<std::string, std::vector<std::string>> lists_;
};

}  // namespace timenode::net
