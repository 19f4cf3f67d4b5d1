#pragma once

// The small lists of the data directory as files, one a list: "access.list" with bans and trust, "addresses.list" with
// the address book. Text, for whoever wants to look.

#include "net/line_store.hpp"

#include <cstddef>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

namespace timenode::app {

/// A list above this is not ours: the longest, 10,000 offenders with their evidence, has 5 MiB.
inline constexpr std::size_t max_list_bytes = 16u << 20;

/// Thread-safe. A list is written beside the old one, brought to the disk and then put in its place, so that after a
/// crash or on a full disk there is the old one or the new one, whole.
class line_files final : public net::line_store {
 public:
  /// @param directory Exists.
  explicit line_files(std::filesystem::path directory);

  outcome<std::vector<std::string>> load(const std::string& name) override;
  outcome<void> save(const std::string& name, const std::vector<std::string>& lines) override;

 private:
  std::filesystem::path file_of(const std::string& name) const;

  std::filesystem::path directory_;
  std::mutex writing_;
};

}  // namespace timenode::app
