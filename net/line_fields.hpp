#pragma once

// Lines of fields, as the small files in the data directory hold them: readable, and whatever a field contains it
// stays one line.

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace timenode::net {

/// Joins fields by tabs. A tab, line break or backslash in a field is written as \t, \n, \r or \\.
inline std::string join_fields(const std::vector<std::string>& fields) {
  std::string result;
  for (const auto& field : fields) {
    if (&field != &fields.front())
      result += '\t';
    for (const auto c : field) {
      switch (c) {
      case '\t':
        result += "\\t";
        break;
      case '\n':
        result += "\\n";
        break;
      case '\r':
        result += "\\r";
        break;
      case '\\':
        result += "\\\\";
        break;
      default:
        result += c;
      }
    }
  }
  return result;
}

/// The fields of a line that `join_fields` made. An unknown escape stands for its letter.
inline std::vector<std::string> split_fields(std::string_view line) {
  std::vector<std::string> result(1);
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\t') {
      result.emplace_back();
    } else if (line[i] == '\\' && i + 1 < line.size()) {
      const auto c = line[++i];
      result.back() += c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c;
    } else {
      result.back() += line[i];
    }
  }
  return result;
}

/// A whole number that fills the field. None when it is not one, or does not fit.
template <class Int>
std::optional<Int> number_field(std::string_view field) {
  Int result = 0;
  const auto end = field.data() + field.size();
  const auto parsed = std::from_chars(field.data(), end, result);
  if (field.empty() || parsed.ec != std::errc{} || parsed.ptr != end)
    return std::nullopt;
  return result;
}

}  // namespace timenode::net
