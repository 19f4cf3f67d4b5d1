#pragma once

// The wire lines that the reference wrote, from tests/data/vectors.json.

#include <nlohmann/json.hpp>

#include <fstream>
#include <string>
#include <vector>

namespace timenode::test {

/// All lines under "wire", without newlines.
inline const std::vector<std::string>& wire_vectors() {
  static const auto lines = [] {
    std::ifstream in{TIMENODE_TEST_DATA "/vectors.json"};
    return nlohmann::json::parse(in).at("wire").get<std::vector<std::string>>();
  }();
  return lines;
}

/// The first line of that kind.
inline const std::string& wire_vector(const std::string& kind) {
  for (const auto& line : wire_vectors())
    if (line.starts_with("\"" + kind + "\"") || line.starts_with("{\"" + kind + "\":"))
      return line;
  throw std::out_of_range{"no vector of " + kind};
}

}  // namespace timenode::test
