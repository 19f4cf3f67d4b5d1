// Random damage, with fixed seeds: nothing may crash, and what is accepted must be JSON that survives a
// round trip.

#include "messages/wire_codec.hpp"

#include "wire_vectors.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <random>

using namespace timenode::wire;
using timenode::test::wire_vectors;

namespace {

class mutator {
 public:
  explicit mutator(std::uint32_t seed) : random_{seed} {}

  std::size_t below(std::size_t limit) { return random_() % limit; }

  /// Changes, adds, removes or repeats a few bytes.
  void mutate(std::string& text) {
    for (auto changes = 1 + below(3); changes != 0 && !text.empty(); --changes) {
      auto at = below(text.size());
      auto length = std::min<std::size_t>(1 + below(8), text.size() - at);
      switch (below(6)) {
      case 0:
        text[at] = static_cast<char>(random_());
        break;
      case 1:
        text[at] = some_byte();
        break;
      case 2:
        text.insert(at, 1, some_byte());
        break;
      case 3:
        text.erase(at, length);
        break;
      case 4:
        text.insert(below(text.size()), text.substr(at, length));
        break;
      default:
        std::swap(text[at], text[below(text.size())]);
      }
    }
  }

 private:
  /// One that means something in JSON, more likely to go unnoticed than any other.
  char some_byte() {
    static constexpr std::string_view bytes = "{}[]:,\"\\ 0123456789-+.eEtfnu\n\t\x01\x0c\x1a\x1f";
    return bytes[below(bytes.size())];
  }

  std::mt19937 random_;
};

/// Whether the text is exactly one JSON value to another parser, which has no opinion when there is a
/// number that no double can hold.
std::optional<bool> is_one_value(const std::string& text) {
  try {
    return nlohmann::json::parse("[" + text + "]").size() == 1;
  } catch (const nlohmann::json::out_of_range&) {
    return std::nullopt;
  } catch (const nlohmann::json::parse_error&) {
    return false;
  }
}

}  // namespace

TEST_CASE("lines with random damage are refused or survive a round trip") {
  constexpr int rounds = 200'000;
  mutator random{20251210};
  line_decoder decoder;
  int messages = 0;
  int unknown = 0;
  for (int i = 0; i < rounds; ++i) {
    auto line = wire_vectors()[random.below(wire_vectors().size())];
    random.mutate(line);
    auto result = decoder.decode(line);
    if (auto wrong = std::get_if<malformed_line>(&result)) {
      REQUIRE(!wrong->reason.empty());
      continue;
    }
    REQUIRE_MESSAGE(is_one_value(line).value_or(true), line);
    if (auto found = std::get_if<message>(&result)) {
      ++messages;
      auto once = to_line(*found);
      auto again = decoder.decode(std::string_view{once}.substr(0, once.size() - 1));
      REQUIRE(std::holds_alternative<message>(again));
      REQUIRE(to_line(std::get<message>(again)) == once);
    } else {
      ++unknown;
    }
  }
  // Otherwise the damage is too great to test anything.
  CHECK(messages > rounds / 50);
  CHECK(unknown > rounds / 1000);
}

TEST_CASE("what is ignored is held to JSON's grammar, no more and no less") {
  const std::vector<std::string> values{
      "{\"a\":[1,2,{\"b\":null}],\"c\":\"d\\u00e9\\n\"}",
      "[-0.5,1.25E+1,0,10,-7,true,false,null,\"\",[],{}]",
      "\"\\ud83d\\ude00 \\\\ \\\" \\/ \xc3\xa9 \xf0\x9f\x98\x80\"",
      "[[[[]]],[{}],{\"x\":{\"y\":[{}]}}]",
      "-12.5e-1",
  };
  constexpr int rounds = 100'000;
  mutator random{7};
  line_decoder decoder;
  int accepted = 0;
  for (int i = 0; i < rounds; ++i) {
    auto value = values[random.below(values.size())];
    random.mutate(value);
    auto line = "{\"Foo\":" + value + "}";
    auto fine = std::holds_alternative<unknown_message>(decoder.decode(line));
    REQUIRE_MESSAGE(is_one_value(value).value_or(fine) == fine, value);
    accepted += fine ? 1 : 0;
  }
  CHECK(accepted > rounds / 20);
}

TEST_CASE("random bytes are refused") {
  mutator random{1};
  line_decoder decoder;
  for (int i = 0; i < 20'000; ++i) {
    std::string line;
    for (auto size = 1 + random.below(200); size != 0; --size)
      line += static_cast<char>(random.below(256));
    REQUIRE(std::holds_alternative<malformed_line>(decoder.decode(line)));
  }
}
