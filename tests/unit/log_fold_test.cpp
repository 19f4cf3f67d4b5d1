#include "actors/log_fold.hpp"

#include <doctest/doctest.h>

using namespace timenode;

namespace {

constexpr monotonic_ns second = 1'000'000'000;

ip_address at(std::uint32_t x) {
  return ip_address::from_v4({20, static_cast<std::uint8_t>(x >> 16),
                              static_cast<std::uint8_t>(x >> 8), static_cast<std::uint8_t>(x)});
}

}  // namespace

TEST_CASE("a peer that does the same again and again has five lines, then one a minute that counts "
          "the others") {
  log_fold x;
  int lines = 0;
  std::uint64_t left_out = 0;
  for (int i = 0; i < 600; ++i)  // once a second, for ten minutes
    if (const auto y = x.note(at(1), second + i * second)) {
      ++lines;
      left_out += *y;
    }
  CHECK(lines >= 13);
  CHECK(lines <= 15);
  CHECK(left_out + static_cast<std::uint64_t>(lines) > 530);  // the last ones are not told yet
  CHECK(log_fold::suffix(0).empty());
  CHECK(log_fold::suffix(7).find("7 more") != std::string::npos);
}

TEST_CASE("another peer has its own line meanwhile") {
  log_fold x;
  for (int i = 0; i < 100; ++i)
    x.note(at(1), second);
  CHECK_FALSE(x.note(at(1), second));
  CHECK(x.note(at(2), second));
}

TEST_CASE("a flood from everywhere is folded, too, in bounded memory") {
  log_fold x;
  int lines = 0;
  for (std::uint32_t i = 0; i < 100'000; ++i)
    lines += x.note(at(i), second + i * (second / 1000)).has_value();
  CHECK(lines <= 200 + 5 * 100 + 1);
  CHECK(lines >= 200);
}
