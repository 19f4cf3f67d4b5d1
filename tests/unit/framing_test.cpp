#include "net/framing.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

using namespace timenode;
using net::line_framer;

namespace {

/// What a stream of bytes became.
struct result {
  std::vector<std::string> lines;
  bool faulted = false;
  std::string evidence;
  bool operator==(const result&) const = default;
};

/// Feeds `bytes` in pieces that end at `cuts`. Each piece gets a buffer of its own with just the
/// padding that it must have, so that a sanitizer sees every byte too far.
result frame(const std::string& bytes, const std::vector<std::size_t>& cuts, std::size_t limit) {
  line_framer framer{limit};
  result got;
  std::size_t from = 0;
  auto feed = [&](std::size_t to) {
    std::vector<char> chunk(bytes.begin() + static_cast<std::ptrdiff_t>(from),
                            bytes.begin() + static_cast<std::ptrdiff_t>(to));
    chunk.resize(chunk.size() + wire::line_decoder::padding);
    framer.feed({chunk.data(), to - from});
    unsigned touched = 0;
    while (auto line = framer.next()) {
      got.lines.emplace_back(*line);
      for (std::size_t i = 0; i < line->size() + wire::line_decoder::padding; ++i)
        touched += static_cast<unsigned char>(line->data()[i]);
    }
    CHECK(touched < ~0u);
    CHECK(framer.buffered() <= limit);
    from = to;
  };
  for (auto cut : cuts)
    feed(cut);
  feed(bytes.size());
  got.faulted = framer.faulted();
  got.evidence = framer.evidence();
  return got;
}

/// The same by the plainest means.
result expected(const std::string& bytes, std::size_t limit) {
  result want;
  std::string line;
  for (char x : bytes) {
    if (x == '\n') {
      if (!line.empty())
        want.lines.push_back(line);
      line.clear();
    } else if (line += x; line.size() > limit) {
      want.faulted = true;
      want.evidence = line.substr(0, std::min<std::size_t>(120, limit));
      break;
    }
  }
  return want;
}

}  // namespace

TEST_CASE("framing: lines, empty lines, and a rest") {
  auto got = frame("one\n\n\ntwo\r\n three \nrest", {}, 100);
  CHECK(got.lines == std::vector<std::string>{"one", "two\r", " three "});
  CHECK_FALSE(got.faulted);
}

TEST_CASE("framing: a line of exactly the limit is accepted, one byte more is not") {
  CHECK(frame("12345678\n", {}, 8).lines == std::vector<std::string>{"12345678"});
  auto got = frame("a\n123456789\nb\n", {}, 8);
  CHECK(got.lines == std::vector<std::string>{"a"});
  CHECK(got.faulted);
  CHECK(got.evidence == "12345678");
}

TEST_CASE("framing: a fault is found before the line ends") {
  CHECK(frame("123456789", {}, 8).faulted);
  CHECK_FALSE(frame("12345678", {}, 8).faulted);
}

TEST_CASE("framing: nothing comes after a fault") {
  line_framer framer{4};
  std::string chunk = "12345\nab\n" + std::string(wire::line_decoder::padding, '\0');
  for (int i = 0; i < 2; ++i) {
    framer.feed({chunk.data(), 9});
    CHECK_FALSE(framer.next());
    CHECK(framer.faulted());
    CHECK(framer.buffered() == 0);
  }
}

TEST_CASE("framing: evidence is printable") {
  CHECK(frame("a\x01\xff\"b.........", {}, 5).evidence == "a..\"b");
}

TEST_CASE("framing: a raised limit holds for the line that has begun") {
  line_framer framer{8};
  auto feed = [&framer](std::string text) {
    auto size = text.size();
    text.append(wire::line_decoder::padding, '\0');
    framer.feed({text.data(), size});
    auto line = framer.next();
    return line ? std::string{*line} : std::string{};
  };
  CHECK(feed("12345678").empty());
  framer.limit(16);
  CHECK(feed("90abcdef\n") == "1234567890abcdef");
  CHECK_FALSE(framer.faulted());
}

TEST_CASE("framing: any split of the same bytes gives the same lines") {
  std::mt19937 random{20251210};
  auto below = [&random](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>{0, n - 1}(random);
  };
  for (int round = 0; round < 3000; ++round) {
    auto limit = 1 + below(40);
    std::string bytes;
    for (auto lines = below(12); lines > 0; --lines) {
      // Mostly at or below the limit: a fault ends the interesting part.
      bytes.append(below(limit + (below(8) == 0 ? 3 : 1)), static_cast<char>('a' + below(26)));
      if (below(10) != 0)
        bytes += '\n';
    }
    std::vector<std::size_t> cuts;
    for (std::size_t at = 0; at < bytes.size();) {
      at = std::min(at + below(1 + below(30)), bytes.size());  // Empty pieces too.
      cuts.push_back(at);
      if (below(40) == 0)
        break;
    }
    auto want = expected(bytes, limit);
    CAPTURE(bytes);
    CAPTURE(limit);
    CHECK(frame(bytes, cuts, limit) == want);
    CHECK(frame(bytes, {}, limit) == want);
  }
}

TEST_CASE("framing: every single split of one stream") {
  const std::string bytes = "{\"Ping\":{\"nonce\":1,\"timestamp\":2}}\n\n\"GetPeers\"\r\nhalf";
  auto want = expected(bytes, 64);
  CHECK(want.lines.size() == 2);
  for (std::size_t i = 0; i <= bytes.size(); ++i)
    for (std::size_t k = i; k <= bytes.size(); ++k)
      CHECK(frame(bytes, {i, k}, 64) == want);
}

TEST_CASE("framing: counts what will be lines") {
  CHECK(net::count_lines("") == 0);
  CHECK(net::count_lines("a\nb\n\n\nc") == 2);
  CHECK(net::count_lines("\n\n\n") == 0);
}
