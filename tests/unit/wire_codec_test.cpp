#include "messages/wire_codec.hpp"

#include "wire_vectors.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <set>

using namespace timenode;
using namespace timenode::wire;
using test::wire_vector;
using test::wire_vectors;

namespace {

message decode_message(std::string_view line) {
  line_decoder decoder;
  auto result = decoder.decode(line);
  if (auto wrong = std::get_if<malformed_line>(&result))
    FAIL("malformed: " << wrong->reason << " in " << wrong->evidence);
  REQUIRE(std::holds_alternative<message>(result));
  return std::get<message>(std::move(result));
}

std::string without_newline(std::string line) {
  REQUIRE(line.ends_with('\n'));
  line.pop_back();
  return line;
}

block_ptr some_block() {
  return std::get<block_announcement>(decode_message(wire_vector("BlockAnnouncement"))).block;
}

/// A block whose JSON has about that many bytes.
block_ptr block_of_size(std::size_t bytes) {
  auto result = std::make_shared<block>(*some_block());
  // "255," is four bytes.
  result->transactions.at(0).outputs.at(0).script_pubkey.assign(bytes / 4, 255);
  return result;
}

std::vector<block_ptr> blocks_in(const std::string& line) {
  auto x = decode_message(without_newline(line));
  if (auto range = std::get_if<block_range_response>(&x))
    return range->blocks;
  return std::get<blocks_response>(std::move(x)).blocks;
}

}  // namespace

TEST_CASE("every line of the reference decodes, and encodes to the same bytes") {
  REQUIRE(wire_vectors().size() > 40);
  for (const auto& line : wire_vectors()) {
    INFO(line);
    CHECK(without_newline(to_line(decode_message(line))) == line);
  }
}

TEST_CASE("the lines of the reference cover every kind of message") {
  std::set<std::size_t> kinds;
  for (const auto& line : wire_vectors())
    kinds.insert(decode_message(line).index());
  // Kinds of our own come behind the reference's, so that these keep their places.
  CHECK(kinds.size() == 47);
  CHECK(*kinds.rbegin() == 46);
  CHECK(message_kinds == 48);
}

TEST_CASE("a ballot is written with its phase by name, and read back") {
  block_ballot x{7, 2, ballot_phase::lock, {{1}}, "203.0.113.9", {4, 5}};
  const auto line = to_line(x);
  CHECK(line.starts_with(
      "{\"BlockBallot\":{\"height\":7,\"round\":2,\"phase\":\"Lock\",\"block_hash\":[1,0,"));
  CHECK(line.ends_with("0],\"voter\":\"203.0.113.9\",\"signature\":[4,5]}}\n"));
  CHECK(std::get<block_ballot>(decode_message(without_newline(line))) == x);
  x.phase = ballot_phase::prepare;
  CHECK(std::get<block_ballot>(decode_message(without_newline(to_line(x)))) == x);
  auto wrong = without_newline(to_line(x));
  wrong.replace(wrong.find("Prepare"), 7, "prepare");
  line_decoder decoder;
  CHECK(std::get<malformed_line>(decoder.decode(wrong)).reason == "BlockBallot.phase: not a phase");
}

TEST_CASE("the name of a kind is the name on the wire") {
  for (const auto& line : wire_vectors()) {
    auto name = std::string{kind_name(decode_message(line))};
    CHECK((line.starts_with("{\"" + name + "\":") || line == "\"" + name + "\""));
  }
  CHECK(kind_name(message_kinds) == "no message");
}

TEST_CASE("fields are decoded into their members") {
  auto version = std::get<version_info>(decode_message(wire_vector("Version")));
  CHECK(version.commit_date == "2025-12-18");
  CHECK(version.capabilities == std::vector<std::string>{"a", "b"});
  CHECK(!version.wallet_address);
  CHECK(version.genesis_hash->starts_with("cd0aa985"));
  auto range = std::get<get_blocks>(decode_message("{\"GetBlocks\":[1,100]}"));
  CHECK(range.start == 1);
  CHECK(range.end == 100);
  auto block = some_block();
  CHECK(block->header.height == 7);
  CHECK(block->header.previous_hash[0] == 144);
  CHECK(block->header.merkle_root[31] == 131);
  CHECK(block->masternode_rewards.size() == 3);
  CHECK(block->transactions.at(0).outputs.at(0).value == 1000000007);
  auto masternode =
      std::get<masternode_announcement>(decode_message(wire_vector("MasternodeAnnouncement")));
  CHECK(masternode.tier == masternode_tier::gold);
}

TEST_CASE("integers cover the full range of their types") {
  auto x = std::get<ping>(decode_message(
      R"({"Ping":{"nonce":18446744073709551615,"timestamp":-9223372036854775808}})"));
  CHECK(x.nonce == std::numeric_limits<std::uint64_t>::max());
  CHECK(x.timestamp == std::numeric_limits<std::int64_t>::min());
  x = std::get<ping>(decode_message(R"({"Ping":{"nonce":0,"timestamp":9223372036854775807}})"));
  CHECK(x.nonce == 0);
  CHECK(x.timestamp == std::numeric_limits<std::int64_t>::max());
  // Every number of digits, since they are read eight at a time.
  std::uint64_t number = 0;
  for (std::uint64_t digit = 1; digit <= 19; ++digit) {
    number = number * 10 + digit % 10;
    message request{get_block_hash{number}};
    CHECK(std::get<get_block_hash>(decode_message(without_newline(to_line(request)))).height ==
          number);
  }
}

TEST_CASE(
    "a ping or pong is judged alike whether it is written as all write it or with a space more") {
  line_decoder decoder;
  const auto verdict = [&decoder](const std::string& line) {
    const auto x = decoder.decode(line);
    if (const auto* wrong = std::get_if<malformed_line>(&x))
      return "wrong: " + wrong->reason;
    return std::holds_alternative<unknown_message>(x) ? "unknown" : to_line(std::get<message>(x));
  };
  std::size_t fine = 0;
  for (const std::string kind : {"Ping", "Pong", "Pung"})
    for (const std::string nonce : {"0", "7", "18446744073709551615", "18446744073709551616", "007",
                                    "-1", "-0", "1.5", "1e3", "\"1\"", "", "+1"})
      for (const std::string time :
           {"0", "1766000000", "-1766000000", "9223372036854775807", "-9223372036854775808",
            "9223372036854775808", "-0", "-01", "x", ""})
        for (const std::string end : {"}}", "}}}", "}", "", ",\"more\":1}}"}) {
          const auto rest = "\":{\"nonce\":" + nonce + ",\"timestamp\":" + time + end;
          const auto told = verdict("{\"" + kind + rest);
          CHECK(told == verdict("{ \"" + kind + rest));
          fine += told.starts_with("{\"P");
        }
  CHECK(fine >= 2 * 3 * 5);
}

TEST_CASE("every byte value is read and written, alone and among others") {
  for (unsigned value = 0; value < 256; ++value) {
    hash256 hash{};
    hash.fill(static_cast<std::uint8_t>(value));
    hash[value % 32] = static_cast<std::uint8_t>(255 - value);
    auto line = without_newline(to_line(genesis_hash_response{hash}));
    CHECK(std::get<genesis_hash_response>(decode_message(line)).hash == hash);
  }
}

TEST_CASE("byte strings of any length are read") {
  for (std::size_t size : {0, 1, 2, 63, 64, 127, 128, 129, 255, 256, 257, 1023, 5000}) {
    block_vote vote;
    for (std::size_t i = 0; i < size; ++i)
      vote.signature.push_back(static_cast<std::uint8_t>(i * 7));
    CHECK(std::get<block_vote>(decode_message(without_newline(to_line(vote)))) == vote);
  }
}

TEST_CASE("named fields may come in any order, with others between them") {
  auto x = std::get<ping>(decode_message(
      R"({"Ping":{"more":{"a":[1,2.5e3,"\u00e9",null,true,{}],"nonce":5},"timestamp":-3,"nonce":9,"":[]}})"));
  CHECK(x == ping{9, -3});
  x = std::get<ping>(decode_message(R"({"Ping":{"nonce":9,"timestamp":-3,"x":0}})"));
  CHECK(x == ping{9, -3});
  x = std::get<ping>(decode_message(R"({"Ping":{"nonce":9,"x":0,"timestamp":-3}})"));
  CHECK(x == ping{9, -3});
}

TEST_CASE("a key and a name may be spelled with escapes") {
  auto x = std::get<ping>(decode_message(R"({"P\u0069ng":{"n\u006Fnce":1,"timestamp":2}})"));
  CHECK(x == ping{1, 2});
}

TEST_CASE("the last one of two equal fields counts") {
  auto x = std::get<ping>(decode_message(R"({"Ping":{"nonce":1,"timestamp":2,"nonce":3}})"));
  CHECK(x == ping{3, 2});
  auto y = std::get<subscribe>(decode_message(
      R"({"Subscribe":{"id":"a","addresses":["b","c"],"outpoints":[],"addresses":["d"]}})"));
  CHECK(y.addresses == std::vector<std::string>{"d"});
}

TEST_CASE("white space between tokens changes nothing") {
  for (const auto& line : wire_vectors()) {
    std::string spaced;
    auto in_text = false;
    for (auto x : line) {
      // No vector has an escaped quote.
      in_text = in_text != (x == '"');
      auto is_mark = std::strchr("[]{},:", x) != nullptr;
      if (is_mark && !in_text)
        spaced += std::string{" \t\r\n"} + x + "\n ";
      else
        spaced += x;
    }
    INFO(spaced);
    CHECK(without_newline(to_line(decode_message(spaced))) == line);
  }
}

TEST_CASE("a message without fields may have null as its content") {
  CHECK(std::holds_alternative<get_peers>(decode_message(R"({"GetPeers":null})")));
  CHECK(std::holds_alternative<get_peers>(decode_message("\"GetPeers\"")));
  utxo_state_update update;
  update.output.txid[31] = 7;
  auto line = without_newline(to_line(update));
  line.replace(line.find("\"Unspent\""), 9, "{\"Unspent\":null}");
  auto x = std::get<utxo_state_update>(decode_message(line));
  CHECK(std::holds_alternative<utxo_unspent>(x.state));
  CHECK(x.output.txid[31] == 7);
}

TEST_CASE("texts are escaped as serde does, and read back") {
  std::string all;
  for (char x = 1; x < 127; ++x)
    all += x;
  all += '\0';
  all += '\x7f';
  all += "\u00e9\u20ac\U0001f600";
  message x{unsubscribe{all}};
  auto line = without_newline(to_line(x));
  CHECK(std::get<unsubscribe>(decode_message(line)).id == all);
  CHECK(without_newline(to_line(unsubscribe{"\"\\/\b\f\n\r\t\x01\x1f\x7f\u00e9"})) ==
        "{\"Unsubscribe\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\u00e9\"}");
  CHECK(
      std::get<unsubscribe>(decode_message(R"({"Unsubscribe":"\ud83d\uDE00\/\u0041\u00e9\u20ac"})"))
          .id == "\U0001f600/A\u00e9\u20ac");
  std::string longer(100'000, 'x');
  longer[70'000] = '\n';
  CHECK(std::get<unsubscribe>(decode_message(without_newline(to_line(unsubscribe{longer})))).id ==
        longer);
}

TEST_CASE("an unknown name is no violation") {
  line_decoder decoder;
  auto name_of = [&](std::string_view line) {
    auto result = decoder.decode(line);
    REQUIRE(std::holds_alternative<unknown_message>(result));
    return std::get<unknown_message>(result).name;
  };
  CHECK(name_of("\"Foo\"") == "Foo");
  CHECK(name_of(R"({"Foo":{"a":[1,2,{"b":-0.5E+3}]}})") == "Foo");
  CHECK(name_of(R"({"":null})") == "");
  CHECK(name_of(R"({"ping":{"nonce":1,"timestamp":2}})") == "ping");
  CHECK(name_of("\"a\\u0000\\n\u00e9\"") == "a....");
  CHECK(name_of("\"" + std::string(1000, 'x') + "\"") == std::string(64, 'x'));
}

TEST_CASE("a decoder can be moved and used on") {
  line_decoder first;
  CHECK(std::holds_alternative<message>(first.decode("\"GetPeers\"")));
  auto second = std::move(first);
  CHECK(std::holds_alternative<message>(second.decode("\"GetPeers\"")));
}

TEST_CASE("what stands behind a padded line is not part of it") {
  line_decoder decoder;
  std::string text = R"({"BlockRequest":7})";
  auto size = text.size();
  for (std::string behind : {"9", "]", "}", "\"", "\n{\"BlockRequest\":8}", " "}) {
    auto padded = text + behind + std::string(line_decoder::padding, '9');
    auto whole = decoder.decode_padded(std::string_view{padded}.substr(0, size));
    REQUIRE(std::holds_alternative<message>(whole));
    CHECK(std::get<block_request>(std::get<message>(whole)).height == 7);
    auto cut = decoder.decode_padded(std::string_view{padded}.substr(0, size - 1));
    CHECK(std::holds_alternative<malformed_line>(cut));
  }
}

TEST_CASE("blocks of a chain file are decoded and written alike") {
  line_decoder decoder;
  std::string text;
  encode_block(*some_block(), text);
  auto result = decoder.decode_block(text);
  REQUIRE(result);
  CHECK(**result == *some_block());
  CHECK(decoder.decode_block("[]").error().reason == "block: not an object");
  CHECK(decoder.decode_block(text + "x").error().reason == "block: something behind the block");
  CHECK(decoder.decode_block("").error().reason == "block: empty");
  auto height = text.find("\"height\":");
  text.insert(height + 9, "-");
  CHECK(decoder.decode_block(text).error().reason == "block.header.height: not a u64");
}

TEST_CASE("a response has at most 101 blocks") {
  std::vector<block_ptr> blocks(150, some_block());
  CHECK(blocks_in(*encode_blocks_response(blocks)).size() == 101);
  CHECK(blocks_in(*encode_block_range_response(blocks)).size() == 101);
  CHECK(*encode_blocks_response({}) == "{\"BlocksResponse\":[]}\n");
  CHECK(*encode_block_range_response({}) == "{\"BlockRangeResponse\":[]}\n");
}

TEST_CASE("a response of several blocks is what the message would be") {
  std::vector<block_ptr> blocks(3, some_block());
  CHECK(*encode_blocks_response(blocks) == to_line(blocks_response{blocks}));
  CHECK(*encode_block_range_response(blocks) == *encode_shared(block_range_response{blocks}));
}

TEST_CASE("a response has at most 4 MiB, but always a block") {
  std::vector<block_ptr> blocks(10, block_of_size(1 << 20));
  auto line = encode_blocks_response(blocks);
  CHECK(line->size() <= max_blocks_response_bytes);
  CHECK(blocks_in(*line).size() == 3);
  blocks.assign(2, block_of_size(5 << 20));
  line = encode_blocks_response(blocks);
  CHECK(line->size() > max_blocks_response_bytes);
  CHECK(blocks_in(*line).size() == 1);
  // One that fits into no line is not sent: it would be taken for an attack.
  blocks.assign(2, block_of_size(9 << 20));
  CHECK(*encode_blocks_response(blocks) == "{\"BlocksResponse\":[]}\n");
  // Exactly at the limit.
  std::string half;
  encode_block(*block_of_size(1 << 20), half);
  blocks.assign(4, block_of_size(1 << 20));
  auto four = std::string_view{"{\"BlocksResponse\":[,,,]}\n"}.size() + 4 * half.size();
  auto spare =
      static_cast<std::int64_t>(max_blocks_response_bytes) - static_cast<std::int64_t>(four);
  auto last = std::make_shared<block>(*blocks[3]);
  REQUIRE(spare < 0);
  auto& script = last->transactions[0].outputs[0].script_pubkey;
  script.resize(script.size() - static_cast<std::size_t>(-spare + 3) / 4);
  auto left_over = (4 - static_cast<std::size_t>(-spare) % 4) % 4;
  blocks[3] = last;
  // The voter's name takes what is left over, byte by byte.
  last->masternode_rewards[0].first += std::string(left_over, 'x');
  line = encode_blocks_response(blocks);
  CHECK(line->size() == max_blocks_response_bytes);
  CHECK(blocks_in(*line).size() == 4);
  last->masternode_rewards[0].first += 'x';
  CHECK(blocks_in(*encode_blocks_response(blocks)).size() == 3);
}

TEST_CASE("a message is its line where actors send it to other machines") {
  for (const auto& line : wire_vectors()) {
    message x;
    REQUIRE(from_line(line + "\n", x));
    CHECK(to_line(x) == line + "\n");
    REQUIRE(from_line(line, x));
  }
  message x{get_peers{}};
  CHECK(!from_line("\"Foo\"\n", x));
  CHECK(!from_line("{", x));
  CHECK(std::holds_alternative<get_peers>(x));
}
