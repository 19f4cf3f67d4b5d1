#include "chain/chain_file.hpp"
#include "messages/wire_codec.hpp"
#include "tests/unit/chain_support.hpp"

#include <sys/stat.h>
#include <sys/wait.h>

using namespace timenode;
using namespace timenode::test;

namespace fs = std::filesystem;

namespace {

std::string original() {
  return data_file("testnet-0-2000.jsonl.xz");
}

// All bytes of a file, decompressed if it is compressed.
std::string unpacked(const std::string& name) {
  auto in = must(chain::input_stream::open(name));
  std::string result;
  std::array<char, 1000> buffer;
  while (const auto got = must(in.read(buffer)))
    result.append(buffer.data(), got);
  return result;
}

std::string line_of(std::size_t height) {
  std::string result;
  wire::encode_block(*real_chain()[height], result);
  return result + "\n";
}

// Reads to the end or the first failure: how many blocks, and the failure.
std::pair<std::size_t, std::string> read_all(const std::string& name) {
  auto file = chain::chain_file_reader::open(name);
  if (!file)
    return {0, file.error().reason};
  for (std::size_t count = 0;; ++count) {
    const auto next = file->next();
    if (!next)
      return {count, next.error().reason};
    if (!*next)
      return {count, "the end"};
  }
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a chain file is written as it was read, plain and compressed, byte for byte") {
  const temporary_directory directory;
  const auto expected = unpacked(original());
  REQUIRE(std::count(expected.begin(), expected.end(), '\n') == 2001);
  for (const std::string name : {"chain.jsonl", "chain.jsonl.xz"}) {
    auto out = must(chain::chain_file_writer::create(directory.file(name)));
    for (const auto& x : real_chain())
      REQUIRE(out.write(*x).has_value());
    CHECK_FALSE(fs::exists(directory.file(name)));
    REQUIRE(out.finish().has_value());
    CHECK(unpacked(directory.file(name)) == expected);
    CHECK(read_all(directory.file(name)) == std::pair<std::size_t, std::string>{2001, "the end"});
  }
  CHECK(read_file(directory.file("chain.jsonl")) == expected);
  const auto packed = fs::file_size(directory.file("chain.jsonl.xz"));
  CHECK(packed * 5 < expected.size());
  CHECK(std::distance(fs::directory_iterator{directory.path()}, fs::directory_iterator{}) == 2);
}

TEST_CASE("xz itself reads what we wrote") {
  if (std::system("command -v xz >/dev/null") != 0) {
    MESSAGE("xz is not installed: not tested");
    return;
  }
  const temporary_directory directory;
  auto out = must(chain::output_stream::create(directory.file("a.xz")));
  REQUIRE(out.write(std::string(1'000'000, 'a')).has_value());
  REQUIRE(out.finish().has_value());
  const auto command = "xz -d '" + directory.file("a.xz") + "'";
  CHECK(std::system(command.c_str()) == 0);
  CHECK(read_file(directory.file("a")) == std::string(1'000'000, 'a'));
}

TEST_CASE("compression is told by the bytes, not by the name") {
  const temporary_directory directory;
  fs::copy(original(), directory.file("chain.jsonl"));
  CHECK(read_all(directory.file("chain.jsonl")).first == 2001);
  write_file(directory.file("chain.xz"), line_of(0) + line_of(1));
  CHECK(read_all(directory.file("chain.xz")) == std::pair<std::size_t, std::string>{2, "the end"});
}

TEST_CASE("several xz files one after the other are one file") {
  const temporary_directory directory;
  const auto once = read_file(original());
  write_file(directory.file("twice.xz"), once + once);
  CHECK(read_all(directory.file("twice.xz")) ==
        std::pair<std::size_t, std::string>{4002, "the end"});
}

TEST_CASE("empty lines, returns and a missing last newline do not matter") {
  const temporary_directory directory;
  auto last = line_of(2);
  last.pop_back();
  write_file(directory.file("a"), "\n" + line_of(0) + "\r\n  \n" + line_of(1) + "\n\n" + last);
  auto file = must(chain::chain_file_reader::open(directory.file("a")));
  for (const std::uint64_t line : {2u, 5u, 8u}) {
    REQUIRE(must(file.next()).has_value());
    CHECK(file.line() == line);
  }
  CHECK_FALSE(must(file.next()).has_value());
  CHECK(file.line() == 8);
  write_file(directory.file("b"), "");
  CHECK(read_all(directory.file("b")) == std::pair<std::size_t, std::string>{0, "the end"});
}

TEST_CASE("progress goes up to the size of the file on the disk") {
  auto file = must(chain::chain_file_reader::open(original()));
  const auto size = fs::file_size(original());
  CHECK(file.bytes_total() == size);
  std::uint64_t before = 0;
  while (must(file.next())) {
    CHECK(file.bytes_consumed() >= before);
    before = file.bytes_consumed();
  }
  CHECK(file.bytes_consumed() == size);
}

TEST_CASE("a line that is no block is named by its number") {
  const temporary_directory directory;
  const auto name = directory.file("a");
  const auto at_line_3 = [&](const std::string& line) {
    write_file(name, line_of(0) + line_of(1) + line + "\n" + line_of(2));
    const auto [count, reason] = read_all(name);
    CHECK(count == 2);
    return reason;
  };
  CHECK(at_line_3("not JSON").starts_with("line 3: "));
  CHECK(at_line_3("{}").starts_with("line 3: "));
  CHECK(at_line_3("[]").starts_with("line 3: "));
  CHECK(at_line_3("\"GetBlockHeight\"").starts_with("line 3: "));
  CHECK(at_line_3(line_of(2).substr(0, 200)).starts_with("line 3: "));
  CHECK(at_line_3(std::string("\0\0\0", 3)).starts_with("line 3: "));
  CHECK(at_line_3(std::string(100'000, '[')).starts_with("line 3: "));
}

TEST_CASE("a line above 8 MiB is refused without taking memory for all of it") {
  const temporary_directory directory;
  const auto name = directory.file("a.xz");
  auto out = must(chain::output_stream::create(name));
  REQUIRE(out.write(line_of(0)).has_value());
  for (int i = 0; i < 100; ++i)  // 100 MiB in some kilobytes.
    REQUIRE(out.write(std::string(1u << 20, ' ')).has_value());
  REQUIRE(out.finish().has_value());
  CHECK(read_all(name) ==
        std::pair<std::size_t, std::string>{1, "line 2: it is longer than 8388608 bytes"});
}

TEST_CASE("a compressed file that ends early or is damaged is said to be so") {
  const temporary_directory directory;
  const auto name = directory.file("a.xz");
  const auto good = read_file(original());
  write_file(name, good.substr(0, good.size() / 2));
  auto result = read_all(name);
  CHECK(result.first > 100);
  CHECK(contains(result.second,
                 "a.xz cannot be decompressed: it ends in the middle of its compressed data"));
  write_file(name, good.substr(0, 8));
  CHECK(contains(read_all(name).second, "it ends in the middle of its compressed data"));
  for (const auto place : {std::size_t{10}, good.size() / 2, good.size() - 3}) {
    auto bad = good;
    bad[place] = static_cast<char>(bad[place] ^ 0x10);
    write_file(name, bad);
    result = read_all(name);
    CHECK(contains(result.second, "cannot be decompressed: "));
    CHECK(result.second.starts_with("line "));
  }
  write_file(name, good + "something else");
  CHECK(contains(read_all(name).second, "cannot be decompressed: "));
}

TEST_CASE("a file that is not there, or is a directory, is said to be so") {
  CHECK(contains(read_all("/nowhere/chain.jsonl").second,
                 "/nowhere/chain.jsonl cannot be opened: No such file or directory"));
  const temporary_directory directory;
  CHECK(contains(read_all(directory.path()).second, " is a directory, not a chain file"));
}

TEST_CASE("a file that is not finished leaves nothing behind, and the old one in its place") {
  const temporary_directory directory;
  const auto name = directory.file("chain.jsonl");
  write_file(name, "old");
  {
    auto out = must(chain::chain_file_writer::create(name));
    REQUIRE(out.write(*real_chain()[0]).has_value());
  }
  CHECK(read_file(name) == "old");
  CHECK(std::distance(fs::directory_iterator{directory.path()}, fs::directory_iterator{}) == 1);
  auto out = must(chain::chain_file_writer::create(name));
  REQUIRE(out.write(*real_chain()[0]).has_value());
  REQUIRE(out.finish().has_value());
  CHECK(read_file(name) == line_of(0));
  struct stat about {};
  REQUIRE(::stat(name.c_str(), &about) == 0);
  const auto mask = ::umask(0);
  ::umask(mask);
  CHECK((about.st_mode & 0777) == (0666 & ~mask));
}

TEST_CASE("a place that cannot be written to is said to be so") {
  CHECK(contains(chain::chain_file_writer::create("/nowhere/a").error().reason,
                 "/nowhere/a cannot be written: No such file or directory"));
  auto full = must(chain::output_stream::create("/dev/full"));
  auto written = full.write(std::string(1u << 20, 'x'));
  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().reason == "/dev/full cannot be written: No space left on device");
}

TEST_CASE("a device or pipe is written to, not replaced") {
  auto out = must(chain::output_stream::create("/dev/null"));
  REQUIRE(out.write("x").has_value());
  REQUIRE(out.finish().has_value());
  CHECK(fs::is_character_file("/dev/null"));
}

TEST_CASE("a file can come through a pipe that gives little at a time") {
  const temporary_directory directory;
  const auto pipe = directory.file("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  for (const bool compressed : {false, true}) {
    const auto command =
        std::string{compressed ? "cat '" : "xz -dc '"} + original() + "' > '" + pipe + "' &";
    REQUIRE(std::system(command.c_str()) == 0);
    auto file = must(chain::chain_file_reader::open(pipe));
    CHECK_FALSE(file.bytes_total().has_value());
    std::size_t count = 0;
    while (must(file.next()))
      ++count;
    CHECK(count == 2001);
  }
}
