#pragma once

// A TOML file as a flat list, so that one source file only has to know the TOML library.

#include "messages/outcome.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace timenode::app {

/// A text in an array, which may go over many lines.
struct toml_text {
  std::string text;
  unsigned line = 0;
};

/// The beginning of a section ("[network]").
struct toml_section {};

/// A value that no key of ours takes: a date, an array of numbers, ...
struct toml_other {};

using toml_value = std::variant<toml_section, bool, std::int64_t, double, std::string,
                                std::vector<toml_text>, toml_other>;

struct toml_entry {
  std::string key;    ///< The whole of it: "network.max_peers".
  unsigned line = 0;  ///< Of the key, from 1.
  toml_value value;
  std::string shown;  ///< The value for people, cut.
};

/// All sections and values in the order of their lines; a section comes before what is in it. Fails
/// with "FILE:LINE: what is wrong" when the text is not TOML.
outcome<std::vector<toml_entry>> read_toml(std::string_view text, const std::string& file);

}  // namespace timenode::app
