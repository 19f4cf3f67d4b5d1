// What must not decode: every way to damage a line that we could think of.

#include "messages/wire_codec.hpp"

#include "wire_vectors.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace timenode;
using namespace timenode::wire;
using test::wire_vector;
using test::wire_vectors;
using json = nlohmann::ordered_json;

namespace {

malformed_line decode_malformed(std::string_view line) {
  static line_decoder decoder;
  auto result = decoder.decode(line);
  REQUIRE_MESSAGE(std::holds_alternative<malformed_line>(result), line.substr(0, 200));
  return std::get<malformed_line>(result);
}

std::string reason(std::string_view line) {
  return decode_malformed(line).reason;
}

/// Where the reason says the fault is.
std::string place(std::string_view line) {
  auto text = reason(line);
  return text.substr(0, text.find(": "));
}

std::string nested(std::string_view before, std::size_t depth, std::string_view after,
                   std::string_view open = "[", std::string_view close = "]") {
  std::string result{before};
  for (std::size_t i = 0; i < depth; ++i)
    result += open;
  for (std::size_t i = 0; i < depth; ++i)
    result += close;
  result += after;
  return result;
}

// What the types of the fields are, by name.
const std::set<std::string> signed_fields{"timestamp",    "locked_at",    "spent_at",
                                          "finalized_at", "confirmed_at", "witness_timestamp"};
const std::set<std::string> u32_fields{
    "version", "protocol_version", "vout", "sequence", "lock_time", "votes", "total_nodes"};
const std::set<std::string> optional_fields{"hash", "wallet_address", "genesis_hash"};
const std::set<std::string> fixed_arrays{"magic",
                                         "txid",
                                         "previous_hash",
                                         "merkle_root",
                                         "hash",
                                         "block_hash",
                                         "their_hash",
                                         "heartbeat_hash",
                                         "public_key",
                                         "masternode_pubkey",
                                         "witness_pubkey",
                                         "GenesisHashResponse",
                                         "TransactionVoteRequest",
                                         "GetBlocks"};

/// Walks a message and damages one value after the other.
class damager {
 public:
  // With braces the parsed value would become the only element of an array.
  explicit damager(const std::string& line) : root_(json::parse(line)) {}

  /// Returns how many damaged lines were tried.
  std::size_t run() {
    if (root_.is_object()) {
      auto kind = root_.begin().key();
      visit(root_.begin().value(), kind, kind, false);
    }
    return tried_;
  }

 private:
  void expect(const std::string& path) {
    ++tried_;
    auto line = root_.dump();
    INFO(line);
    CHECK(place(line) == path);
  }

  void expect(const std::string& path, const std::string& what) {
    ++tried_;
    auto line = root_.dump();
    INFO(line);
    CHECK(reason(line) == path + ": " + what);
  }

  /// Puts `other` in the place of `value`, which stands at `path`.
  void replace(json& value, const json& other, const std::string& path) {
    auto saved = std::move(value);
    value = other;
    expect(path);
    value = std::move(saved);
  }

  void visit(json& value, const std::string& path, const std::string& name, bool in_array) {
    for (const auto& other :
         {json(true), json(-1.5), json("text"), json::object(), json::array({json::array()})}) {
      auto same_type = other.type() == value.type();
      // The absent options are texts and a hash.
      if (!same_type && !(value.is_null() && (other.is_string() || other.is_array())))
        replace(value, other, path + (other.is_array() && value.is_array() ? "[0]" : ""));
    }
    if (!optional_fields.contains(name) || path.starts_with("Genesis") || path.starts_with("UTXO"))
      replace(value, nullptr, path);
    if (value.is_number())
      visit_number(value, path, name, in_array);
    else if (value.is_array())
      visit_array(value, path, name, in_array);
    else if (value.is_object())
      visit_object(value, path);
  }

  void visit_number(json& value, const std::string& path, const std::string& name, bool in_array) {
    auto is_byte = in_array && name != "GetBlocks" && name != "masternode_rewards";
    // One above 2^64-1, written so because JSON libraries would make it a float.
    static const std::string too_large = "18446744073709551616";
    auto line_with = [&](const std::string& number) {
      auto saved = std::exchange(value, "@@");
      auto line = root_.dump();
      line.replace(line.find("\"@@\""), 4, number);
      value = std::move(saved);
      return line;
    };
    for (const auto& number :
         {too_large, too_large + "0", std::string("1.0"), std::string("1e3"), std::string("01"),
          std::string("-0"), std::string("-"), std::string("+1"), std::string("0x1"),
          std::string("1_"), std::string(400, '1')}) {
      ++tried_;
      CHECK_MESSAGE(place(line_with(number)) == path, number);
    }
    if (signed_fields.contains(name)) {
      CHECK(place(line_with("9223372036854775808")) == path);
      CHECK(place(line_with("-9223372036854775809")) == path);
    } else {
      replace(value, -1, path);
    }
    if (u32_fields.contains(name))
      replace(value, std::uint64_t{1} << 32, path);
    if (is_byte) {
      replace(value, 256, path);
      replace(value, 1000, path);
    }
  }

  void visit_array(json& value, const std::string& path, const std::string& name, bool in_array) {
    // Arrays in arrays are pairs, but for the bytes in a pair of a voter and its signature.
    auto is_bytes = std::all_of(value.begin(), value.end(), [](auto& x) { return x.is_number(); });
    auto fixed = (in_array && !is_bytes) || fixed_arrays.contains(name) ||
                 (name == "signature" && path.starts_with("Heartbeat"));
    if (fixed) {
      auto size = std::to_string(value.size());
      auto saved = value;
      value.erase(value.size() - 1);
      expect(path, std::to_string(saved.size() - 1) + " elements, " + size + " wanted");
      value = json::array();
      expect(path, "0 elements, " + size + " wanted");
      value = saved;
      value.push_back(saved.back());
      expect(path, std::to_string(saved.size() + 1) + " elements, " + size + " wanted");
      value = std::move(saved);
    }
    for (std::size_t i = 0; i < value.size(); ++i) {
      // Long arrays of bytes are all alike.
      if (i < 3 || i + 2 > value.size() || !is_bytes)
        visit(value[i], path + "[" + std::to_string(i) + "]", name, true);
    }
  }

  void visit_object(json& value, const std::string& path) {
    auto is_variant = std::isupper(static_cast<unsigned char>(value.begin().key().front())) != 0;
    std::vector<std::string> keys;
    for (const auto& item : value.items())
      keys.push_back(item.key());
    for (const auto& key : keys) {
      auto saved = value;
      value.erase(key);
      if (is_variant)
        expect(path, "an object without a name");
      else
        expect(path + "." + key, "missing");
      value = saved;
      if (!is_variant) {
        // What is ignored is checked all the same.
        value["ignored"] = "@@";
        auto line = root_.dump();
        line.replace(line.find("\"@@\""), 4, "[1,]");
        CHECK(place(line) == path + ".ignored");
        value = std::move(saved);
      }
      visit(value[key], path + "." + key, key, false);
    }
  }

  json root_;
  std::size_t tried_ = 0;
};

}  // namespace

TEST_CASE("every value of every message is checked, and the reason names it") {
  std::size_t tried = 0;
  for (const auto& line : wire_vectors())
    tried += damager{line}.run();
  CHECK(tried > 5000);
}

TEST_CASE("no beginning of a line is a message") {
  for (const auto& line : wire_vectors())
    for (std::size_t size = 0; size < line.size(); ++size)
      decode_malformed(std::string_view{line}.substr(0, size));
}

TEST_CASE("nothing may stand behind a message") {
  for (const auto& line : wire_vectors())
    for (std::string more : {",", "]", "}", "1", "\"\"", "null", "\\", "x", "{}", "\f"})
      CHECK(reason(line + more).find("behind the message") != std::string::npos);
  CHECK(reason("\"GetPeers\"\"GetPeers\"") == "GetPeers: something behind the message");
  CHECK(reason("\"Foo\" 1") == "Foo: something behind the message");
  CHECK(reason("1\"GetPeers\"") == "message: neither a name nor an object");
}

TEST_CASE("a reason says what is wrong and where") {
  CHECK(reason("{\"GetBlocks\":[1,-1]}") == "GetBlocks[1]: not a u64");
  CHECK(reason("{\"GetBlocks\":[1]}") == "GetBlocks: 1 elements, 2 wanted");
  CHECK(reason("{\"GetBlocks\":[1,2,3]}") == "GetBlocks: 3 elements, 2 wanted");
  CHECK(reason("{\"GetBlocks\":[1,]}") == "GetBlocks[1]: not a u64");
  CHECK(reason("{\"GetBlocks\":[1 2]}") == "GetBlocks: not JSON: ',' or ']' is wanted");
  CHECK(reason("{\"GetBlocks\":\"x\"}") == "GetBlocks: not an array");
  CHECK(reason("{\"Ping\":{\"nonce\":1}}") == "Ping.timestamp: missing");
  CHECK(reason("{\"Ping\":{}}") == "Ping.nonce: missing");
  CHECK(reason("{\"Ping\":{\"nonce\":1,,}}") == "Ping: not JSON: a key is wanted");
  CHECK(reason("{\"Ping\":{\"nonce\" 1}}") == "Ping: not JSON: ':' is wanted");
  CHECK(reason("{\"Ping\":{\"nonce\":1 \"timestamp\":2}}") ==
        "Ping: not JSON: ',' or '}' is wanted");
  CHECK(reason("{\"Ping\":{\"nonce\":1,\"timestamp\":2,}}") == "Ping: not JSON: a key is wanted");
  CHECK(reason("{\"Ping\":[1,2]}") == "Ping: not an object");
  CHECK(reason("\"Ping\"") == "Ping: its content is missing");
  CHECK(reason("{\"GetPeers\":[]}") == "GetPeers: not null");
  CHECK(reason("{\"BlockRequest\":7,\"Foo\":1}") == "BlockRequest: an object with several names");
  CHECK(reason("{\"Foo\":1,\"Bar\":1}") == "Foo: an object with several names");
  CHECK(reason("{\"Foo\":1,}") == "Foo: an object with several names");
  CHECK(reason("{}") == "message: an object without a name");
  CHECK(reason("{\"Foo\"}") == "Foo: not JSON: ':' is wanted");
  CHECK(reason("{\"Foo\":}") == "Foo: not JSON: a value is wanted");
  CHECK(reason("{1:2}") == "message: not JSON: a key is wanted");
  for (auto other : {"7", "[]", "null", "true", "x", "]", ":", "-"})
    CHECK(reason(other) == "message: neither a name nor an object");
  CHECK(reason("") == "empty");
  CHECK(reason(" \t\r\n") == "empty");
  auto line = wire_vector("BlocksResponse");
  CHECK(reason("{\"BlocksResponse\":[{}]}") == "BlocksResponse[0].header: missing");
  line = wire_vector("BlockAnnouncement");
  auto root = line.find("\"merkle_root\":[") + 15;
  line.erase(root, line.find(',', root) - root + 1);
  line.replace(0, line.find(":") + 1, "{\"BlocksResponse\":[");
  line.replace(line.size() - 1, 1, "]}");
  CHECK(reason(line) == "BlocksResponse[0].header.merkle_root: 31 elements, 32 wanted");
  line = wire_vector("MasternodeAnnouncement");
  line.replace(line.find("Gold"), 4, "gold");
  CHECK(reason(line) == "MasternodeAnnouncement.tier: not a tier");
  line = wire_vector("UTXOStateUpdate");
  line.replace(line.find("SpentFinalized"), 14, "SpentForever");
  CHECK(reason(line) == "UTXOStateUpdate.state: not a variant that we know");
}

TEST_CASE("the protocol of before is recognised") {
  CHECK(reason("~W~M").starts_with("old protocol"));
  CHECK(reason("~W~M{\"Ping\":{}}\xff").starts_with("old protocol"));
  CHECK(!reason("~W~").starts_with("old protocol"));
}

TEST_CASE("the evidence is short and printable") {
  auto x = decode_malformed(std::string("\x01\xff\n~") + std::string(1000, 'x'));
  CHECK(x.evidence == "...~" + std::string(116, 'x'));
  CHECK(decode_malformed("{").evidence == "{");
  auto long_name = reason("{\"" + std::string(1'000'000, 'n') + "\":}");
  CHECK(long_name.size() < 200);
  long_name = reason("{\"Ping\":{\"" + std::string(1'000'000, 'n') + "\":}}");
  CHECK(long_name.size() < 200);
}

TEST_CASE("deep nesting ends nothing but the line") {
  for (std::size_t depth : {1'000u, 100'000u, 4'000'000u}) {
    decode_malformed(std::string(depth, '['));
    decode_malformed(std::string(depth, '{'));
    CHECK(reason(nested("{\"Foo\":", depth, "}")) == "Foo: nested too deeply");
    CHECK(reason(nested("{\"Ping\":{\"x\":", depth, ",\"nonce\":1,\"timestamp\":2}}")) ==
          "Ping.x: nested too deeply");
    CHECK(reason(nested("{\"GetBlocks\":[1,2,", depth, "]}")) == "GetBlocks[2]: nested too deeply");
  }
  CHECK(reason(nested("{\"Foo\":", 100'000, "}", "{\"a\":", "}")) == "Foo: nested too deeply");
  line_decoder decoder;
  CHECK(std::holds_alternative<unknown_message>(decoder.decode(nested("{\"Foo\":", 60, "}"))));
}

TEST_CASE("a line above 8 MiB is refused, one of 8 MiB is not") {
  line_decoder decoder;
  std::string line = "{\"Unsubscribe\":\"" + std::string(max_line_bytes, 'x');
  line.resize(max_line_bytes - 2);
  line += "\"}";
  REQUIRE(line.size() == max_line_bytes);
  CHECK(std::holds_alternative<message>(decoder.decode(line)));
  line += ' ';
  CHECK(reason(line) == "a line of 8388609 bytes, at most 8388608 are accepted");
  CHECK(decoder.decode_block(line).error().reason ==
        "a line of 8388609 bytes, at most 8388608 are accepted");
  line.append(line_decoder::padding, ' ');
  CHECK(std::holds_alternative<malformed_line>(decoder.decode_padded(line)));
}

TEST_CASE("text that is not UTF-8 is refused, wherever it stands") {
  for (std::string bad :
       {"\xff", "\x80", "\xc0\xaf", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88"}) {
    CHECK(reason("{\"Unsubscribe\":\"" + bad + "\"}") == "not UTF-8");
    CHECK(reason("{\"Foo" + bad + "\":1}") == "not UTF-8");
    CHECK(reason("{\"Ping\":{\"nonce\":1,\"timestamp\":2,\"x\":\"" + bad + "\"}}") == "not UTF-8");
    CHECK(reason("\"GetPeers\"" + bad) == "not UTF-8");
  }
}

TEST_CASE("control characters and wrong escapes in texts are refused") {
  for (char x = 0; x < 0x20; ++x) {
    decode_malformed(std::string("{\"Unsubscribe\":\"a") + x + "\"}");
    decode_malformed(std::string("{\"Foo\":\"") + x + "\"}");
    decode_malformed(std::string("{\"Foo") + x + "\":1}");
  }
  for (std::string bad : {"\\x", "\\", "\\u", "\\u12", "\\u123g", "\\u 123", "\\ud800", "\\udc00",
                          "\\ud800x", "\\ud800\\n", "\\ud800\\u0041", "\\ud800\\ud800",
                          "\\udfff\\ud800", "\\u+123", "\\a", "\\'", "\\U0041", "\\0"}) {
    decode_malformed("{\"Unsubscribe\":\"" + bad + "\"}");
    decode_malformed("{\"Unsubscribe\":\"xxxx" + bad + "yyyy\"}");
    decode_malformed("{\"Foo\":\"" + bad + "\"}");
    decode_malformed("{\"Foo\":{\"" + bad + "\":1}}");
    decode_malformed("{\"" + bad + "\":1}");
    decode_malformed("\"" + bad + "\"");
  }
}

TEST_CASE("zero bytes are refused outside texts too") {
  for (const auto& line : wire_vectors()) {
    auto step = std::max<std::size_t>(1, line.size() / 200);
    for (std::size_t at = 0; at <= line.size(); at += step) {
      auto damaged = line;
      damaged.insert(at, 1, '\0');
      decode_malformed(damaged);
    }
  }
}
