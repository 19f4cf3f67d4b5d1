// Messages: lines of JSON to structs and back.

#include "messages/wire_codec.hpp"
#include "tests/bench/bench.hpp"
#include "tests/bench/long_chain.hpp"

#include <simdjson.h>

#include <stdexcept>

namespace bench {

namespace {

using namespace timenode;

constexpr std::uint64_t range = 100;  // what one request of a node that syncs asks for

results run(const options&) {
  const auto& chain = chain_of(2 * range);
  const auto line = blocks_line(chain, 1, range);
  const simdjson::padded_string padded{line};
  wire::line_decoder decoder;
  simdjson::dom::parser parser;
  const auto text = std::string_view{line}.substr(0, line.size() - 1);

  results result;
  const auto [decoded, parsed] = rates(
      range,
      [&] {
        const auto x = decoder.decode_padded({padded.data(), text.size()});
        if (!std::holds_alternative<wire::message>(x))
          throw std::runtime_error{"the line of blocks is not understood"};
        keep(x);
      },
      [&] { keep(parser.parse(padded).error()); });
  result.push_back({"decode a range of 100 blocks", decoded, "blocks/s", parsed,
                    "simdjson's DOM of the same text, nothing checked or copied"});

  const std::span<const block_ptr> blocks{chain.blocks.data() + 1, range};
  std::string copy;
  const auto [encoded, copied] = rates(
      range, [&] { keep(wire::encode_blocks_response(blocks)); },
      [&] {
        auto x = std::make_shared<const std::string>(line);
        keep(x);
      });
  result.push_back(
      {"encode a range of 100 blocks", encoded, "blocks/s", copied, "a copy of the finished text"});

  const std::string ping = R"({"Ping":{"nonce":1234567890123,"timestamp":1766000000}})";
  const simdjson::padded_string padded_ping{ping};
  const auto [pings, parsed_pings] = rates(
      1000,
      [&] {
        for (int i = 0; i < 1000; ++i)
          keep(decoder.decode_padded({padded_ping.data(), ping.size()}));
      },
      [&] {
        for (int i = 0; i < 1000; ++i)
          keep(parser.parse(padded_ping).error());
      });
  result.push_back(
      {"decode a ping", pings, "messages/s", parsed_pings, "simdjson's DOM of the same text"});

  const wire::message pong{wire::pong{1'234'567'890'123, 1'766'000'000}};
  std::string out;
  const auto [pongs, copied_pongs] = rates(
      1000,
      [&] {
        out.clear();
        for (int i = 0; i < 1000; ++i)
          wire::encode(pong, out);
        keep(out);
      },
      [&] {
        copy.clear();
        for (int i = 0; i < 1000; ++i)
          copy += ping;
        keep(copy);
      });
  result.push_back(
      {"encode a pong", pongs, "messages/s", copied_pongs, "a copy of the finished text"});
  return result;
}

const registration registered{"codec", run};

}  // namespace

}  // namespace bench
