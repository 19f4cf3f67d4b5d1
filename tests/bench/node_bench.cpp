// Whole nodes as processes on loopback: sync, serving, round trips, memory of a connection.

#include "chain/bincode.hpp"
#include "chain/sha256.hpp"
#include "tests/bench/bare_database.hpp"
#include "tests/bench/bench.hpp"
#include "tests/bench/long_chain.hpp"
#include "tests/bench/running_node.hpp"

#include <poll.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <thread>

namespace bench {

namespace {

using namespace timenode;
namespace fs = std::filesystem;

/// The longest that peers may claim: a testnet of 600 s blocks has not been due for more yet.
constexpr std::uint64_t long_height = 50'000;
constexpr std::uint64_t short_height = 5'000;

std::uint64_t height_of(const options& x) {
  return x.quick ? short_height : long_height;
}

/// A directory of ours that goes away with all that is in it.
class scratch {
 public:
  explicit scratch(const options& x)
      : path_{fs::path{x.directory} /
              ("timenode-bench-" + std::to_string(clock::now().time_since_epoch().count()))} {
    fs::create_directories(path_);
  }
  ~scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;

  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

/// A data directory with the whole chain, made by `timenode import`.
void import_chain(const options& x, const long_chain& chain, const fs::path& file,
                  const fs::path& directory) {
  {
    std::ofstream out{file};
    for (const auto& text : chain.texts)
      out << text << '\n';
  }
  fs::create_directories(directory);
  run_program({x.program, "import", file.string(), "--network", "testnet", "--data-dir",
               (directory / "data").string()});
}

/// Blocks a second of a node that begins with nothing, from its first blocks on.
double sync_rate(const options& x, const fs::path& directory, const std::vector<std::string>& peers,
                 std::uint64_t height) {
  const running_node node{x.program, "127.0.90.9", directory, peers};
  node.wait_ready();
  std::uint64_t first = 0;
  auto begin = clock::now();
  const auto started = begin;
  for (;;) {
    const auto now = node.height();
    if (first == 0 && now > 0) {
      first = now;
      begin = clock::now();
    }
    if (now == height)
      return static_cast<double>(height - first) / seconds_since(begin);
    if (seconds_since(started) > 300)
      throw std::runtime_error{"the node does not catch up: it is at " + std::to_string(now)};
    poll(nullptr, 0, 25);  // each question costs the node about a millisecond
  }
}

/// One thread that does nothing but parse, hash and store.
double bare_sync_rate(const long_chain& chain, const fs::path& directory) {
  constexpr std::size_t batch = 100;
  std::vector<simdjson::padded_string> lines;
  std::vector<byte_string> hashed;
  for (std::uint64_t i = 1; i <= chain.height(); i += batch)
    lines.emplace_back(blocks_line(chain, i, i + batch - 1));
  for (std::size_t i = 1; i < chain.blocks.size(); ++i) {
    auto& bytes = hashed.emplace_back();
    for (const auto& tx : chain.blocks[i]->transactions)
      chain::encode(tx, bytes);
  }
  bare_database database{directory};
  simdjson::dom::parser parser;
  const auto begin = clock::now();
  std::uint64_t next = 1;
  for (const auto& line : lines) {
    keep(parser.parse(line).error());
    const auto count = std::min<std::uint64_t>(batch, chain.height() + 1 - next);
    for (auto i = next; i < next + count; ++i) {
      keep(chain::sha256(chain::encode_header(chain.blocks[i]->header)));
      keep(chain::sha256(hashed[i - 1]));
    }
    database.write(next, {chain.texts.data() + next, count});
    next += count;
  }
  return static_cast<double>(chain.height()) / seconds_since(begin);
}

results run_sync(const options& x) {
  const auto& chain = chain_of(height_of(x));
  const scratch place{x};
  import_chain(x, chain, place / "chain.jsonl", place / "0");
  std::vector<std::unique_ptr<running_node>> sources;
  results result;
  std::vector<std::string> peers;
  for (const std::size_t count : {1u, 2u, 4u}) {
    while (sources.size() < count) {
      const auto number = std::to_string(sources.size());
      if (number != "0")
        fs::copy(place / "imported", place / number, fs::copy_options::recursive);
      else
        fs::copy(place / "0", place / "imported", fs::copy_options::recursive);
      peers.push_back("127.0.90." + std::to_string(10 + sources.size()));
      sources.push_back(std::make_unique<running_node>(x.program, peers.back(), place / number));
      sources.back()->wait_ready();
    }
    std::vector<double> ours;
    std::vector<double> bare;
    for (int i = 0; i < (x.quick ? 1 : 3); ++i) {
      const auto name = std::to_string(count) + "-" + std::to_string(i);
      bare.push_back(bare_sync_rate(chain, place / ("bare-" + name)));
      ours.push_back(sync_rate(x, place / ("sync-" + name), peers, chain.height()));
    }
    result.push_back({"sync " + std::to_string(chain.height()) + " blocks from " +
                          std::to_string(count) + (count == 1 ? " peer" : " peers"),
                      median(ours), "blocks/s", median(bare),
                      "one thread that parses, hashes, writes synced batches of 100"});
  }
  return result;
}

/// Reads ranges of 100 blocks, four questions at once, which is what a node works on for one peer.
double serve_rate(const running_node& node, const long_chain& chain) {
  constexpr std::uint64_t range = 100;
  tcp_stream peer{"127.0.90.5", node.ip(), 24100};
  shake_hands(peer);
  std::uint64_t asked = 1;
  std::uint64_t served = 1;
  const auto ask = [&] {
    if (asked > chain.height())
      return;
    const auto last = std::min(asked + range - 1, chain.height());
    peer.write("{\"GetBlocks\":[" + std::to_string(asked) + "," + std::to_string(last) + "]}\n");
    asked = last + 1;
  };
  for (int i = 0; i < 4; ++i)
    ask();
  const auto begin = clock::now();
  while (served <= chain.height())
    if (peer.line().starts_with("{\"BlocksResponse\"")) {
      served += range;
      ask();
    }
  return static_cast<double>(chain.height()) / seconds_since(begin);
}

/// The same bytes from a thread that has them ready.
double bare_serve_rate(const long_chain& chain) {
  std::vector<std::string> lines;
  std::size_t bytes = 0;
  for (std::uint64_t i = 1; i <= chain.height(); i += 100) {
    lines.push_back(blocks_line(chain, i, i + 99));
    bytes += lines.back().size();
  }
  loopback wire;
  const auto begin = clock::now();
  std::thread thread{[&] {
    for (const auto& x : lines)
      wire.there().write(x);
  }};
  for (std::size_t i = 0; i < lines.size(); ++i)
    keep(wire.here().line());
  const auto took = seconds_since(begin);
  thread.join();
  return static_cast<double>(chain.height()) / took;
}

results run_serve(const options& x) {
  const auto& chain = chain_of(height_of(x));
  const scratch place{x};
  import_chain(x, chain, place / "chain.jsonl", place / "0");
  const running_node node{x.program, "127.0.90.10", place / "0"};
  node.wait_ready();
  std::vector<double> cold{serve_rate(node, chain)};
  std::vector<double> ours;
  std::vector<double> bare;
  for (int i = 0; i < 5; ++i) {
    ours.push_back(serve_rate(node, chain));
    bare.push_back(bare_serve_rate(chain));
  }
  const std::string ceiling = "one thread that writes the finished lines to a socket";
  return {
      {"serve blocks the first time, from the disk", cold[0], "blocks/s", median(bare), ceiling},
      {"serve blocks again", median(ours), "blocks/s", median(bare), ceiling}};
}

constexpr const char* ping = "{\"Ping\":{\"nonce\":1,\"timestamp\":1}}\n";
constexpr const char* pong = "{\"Pong\":{\"nonce\":1,\"timestamp\":1}}\n";

/// Reads that many lines, in large pieces.
void read_lines(tcp_stream& from, int count) {
  std::vector<char> chunk(256u << 10);
  for (int lines = 0; lines < count;) {
    const auto got = from.read(chunk.data(), chunk.size());
    if (got == 0)
      throw std::runtime_error{"the connection ended"};
    lines += static_cast<int>(std::count(chunk.data(), chunk.data() + got, '\n'));
  }
}

/// Many questions on the way at once: answers a second. The line that the answers begin with is read first.
double pipelined(tcp_stream& peer, const std::string& question, std::string_view answer,
                 int count) {
  constexpr int at_once = 1000;
  std::string questions;
  for (int i = 0; i < at_once; ++i)
    questions += question;
  // What else the node says now and then counts as an answer; it is some lines of millions.
  peer.write(question);
  while (!peer.line().starts_with(answer)) {
  }
  const auto begin = clock::now();
  std::thread asker{[&] {
    for (int i = 0; i < count / at_once; ++i)
      peer.write(questions);
  }};
  read_lines(peer, count);
  const auto result = count / seconds_since(begin);
  asker.join();
  return result;
}

/// The same answered by a thread that does nothing but count lines and write as many.
double bare_pipelined(int count) {
  loopback wire;
  std::thread echo{[&] {
    std::vector<char> chunk(256u << 10);
    std::string answers;
    for (int lines = 0; lines < count;) {
      const auto got = wire.there().read(chunk.data(), chunk.size());
      const auto here = std::count(chunk.data(), chunk.data() + got, '\n');
      answers.clear();
      for (int i = 0; i < here; ++i)
        answers += pong;
      wire.there().write(answers);
      lines += static_cast<int>(here);
    }
  }};
  std::string questions;
  for (int i = 0; i < 1000; ++i)
    questions += ping;
  const auto begin = clock::now();
  std::thread asker{[&] {
    for (int i = 0; i < count / 1000; ++i)
      wire.here().write(questions);
  }};
  read_lines(wire.here(), count);
  const auto result = count / seconds_since(begin);
  asker.join();
  echo.join();
  return result;
}

/// Round trips of one small question at a time, and many on the way.
results run_round_trips(const options& x) {
  const scratch place{x};
  const running_node node{x.program, "127.0.90.10", place / "0"};
  node.wait_ready();
  // Who is not trusted may send five pings a second.
  run_program({x.program, "trust", "127.0.90.5", "--rpc", std::string{node.ip()} + ":24101"});
  tcp_stream peer{"127.0.90.5", node.ip(), 24100};
  shake_hands(peer);
  const auto await = [&](std::string_view what) {
    while (!peer.line().starts_with(what)) {
    }
  };

  std::vector<double> pings;
  const int count = x.quick ? 2000 : 20'000;
  for (int i = 0; i < count; ++i) {
    const auto begin = clock::now();
    peer.write(ping);
    await("{\"Pong\"");
    pings.push_back(1e6 * seconds_since(begin));
  }

  // A socket's own round trip, with a thread that answers each line.
  loopback wire;
  constexpr int bare_count = 2000;
  std::thread echo{[&] {
    for (int i = 0; i < bare_count; ++i) {
      wire.there().line();
      wire.there().write(pong);
    }
  }};
  std::vector<double> bare;
  for (int i = 0; i < bare_count; ++i) {
    const auto begin = clock::now();
    wire.here().write(ping);
    wire.here().line();
    bare.push_back(1e6 * seconds_since(begin));
  }
  echo.join();

  const auto pings_a_second = pipelined(peer, ping, "{\"Pong\"", x.quick ? 500'000 : 3'000'000);
  const auto bare_pings = bare_pipelined(x.quick ? 500'000 : 3'000'000);
  const auto heights_a_second = pipelined(peer, "\"GetBlockHeight\"\n", "{\"BlockHeightResponse\"",
                                          x.quick ? 50'000 : 200'000);

  const auto bare_median = median(bare);
  return {{"ping to pong, one by one, median", median(pings), "us", bare_median,
           "two threads and a socket", true},
          {"ping to pong, one by one, 95 of 100", percentile(pings, 0.95), "us",
           percentile(bare, 0.95), "two threads and a socket", true},
          {"pings, pipelined", pings_a_second, "answers/s", bare_pings,
           "the same by a thread that looks for newlines"},
          {"questions for the height, pipelined", heights_a_second, "answers/s", 0, {}}};
}

/// What a connection that says nothing costs after its handshake.
results run_memory(const options& x) {
  const scratch place{x};
  const running_node node{x.program, "127.0.90.250", place / "0"};
  node.wait_ready();
  const int count = x.quick ? 50 : 100;
  std::vector<std::unique_ptr<tcp_stream>> peers;
  const auto add = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      auto& peer = peers.emplace_back(
          std::make_unique<tcp_stream>("127.0." + std::to_string(i) + ".1", node.ip(), 24100));
      shake_hands(*peer);
    }
  };
  add(0, 10);  // what the first ones bring is no cost of each
  const auto before = node.memory();
  add(10, count);
  const auto after = node.memory();
  return {{"memory of an idle connection in the process",
           static_cast<double>(after - std::min(after, before)) / (count - 10) / 1024,
           "KiB",
           0,
           {},
           true}};
}

const registration sync_registered{"sync", run_sync};
const registration serve_registered{"serve", run_serve};
const registration round_trips_registered{"round-trips", run_round_trips};
const registration memory_registered{"memory", run_memory};

}  // namespace

}  // namespace bench
