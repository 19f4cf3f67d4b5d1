#include "app/top_page.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

using namespace timenode;
using namespace timenode::app;
using namespace std::chrono_literals;

namespace {

json peer(int id, int received) {
  return {{"id", id},           {"addr", "192.0.2." + std::to_string(id) + ":24100"},
          {"inbound", id == 1}, {"state", "established"},
          {"pingtime", 0.0123}, {"synced_blocks", 2000},
          {"conntime", 900},    {"bytesrecv", received},
          {"bytessent", 0}};
}

top_look look(int peers, int received, double busy_ms) {
  top_look x;
  x.at = std::chrono::steady_clock::time_point{} + 1s * received;
  x.unix_now = 1000;
  auto list = json::array();
  for (int i = 1; i <= peers; ++i)
    list.push_back(peer(i, received * 1000));
  x.answers = {{{"ready", true},
                {"sync", "syncing"},
                {"height", 500},
                {"target", 2000},
                {"problems", json::array()},
                {"warnings", {"look here"}}},
               {{"network", "testnet"}, {"sync", {{"blocks_per_second", 12.0}, {"peers", 2}}}},
               {{"subversion", "/timenode:0.1.0/"},
                {"connections", peers},
                {"connections_in", 1},
                {"connections_out", peers - 1},
                {"known_addresses", 9}},
               list,
               {{"masternodes", {{{"is_active", true}}, {{"is_active", false}}}}},
               {{"kinds", {{{"name", "timenode.gossip"}, {"actors", 1}, {"mailbox", 7}}}},
                {"messages",
                 {{{"actor", "timenode.gossip"}, {"count", received * 10}, {"busy_ms", busy_ms}}}}},
               {{{"time", 990'000}, {"level", "warn"}, {"text", "caf\xc3\xa9"}}},
               3700};
  return x;
}

bool has(const std::vector<std::string>& page, const std::string& part) {
  for (const auto& line : page)
    if (line.find(part) != std::string::npos)
      return true;
  return false;
}

}  // namespace

TEST_CASE("top: the first look has no rates, the second has") {
  const auto first = look(2, 1, 100);
  auto page = top_page(first, nullptr, 40);
  CHECK(has(page, "/timenode:0.1.0/ on testnet, up 1 h 1 min: ready, syncing"));
  CHECK(has(page, "[#####...............] height 500 of 2000, 12 blocks/s"));
  CHECK(has(page, "masternodes  2 known, 1 active"));
  CHECK(has(page, "attention  look here"));
  CHECK(has(page, "12.3 ms"));
  CHECK_FALSE(has(page, "kB/s"));
  page = top_page(look(2, 3, 600), &first, 40);
  CHECK(has(page, "1.0 kB/s"));  // 2,000 bytes in 2 s
  CHECK(has(page, "25.0 %"));    // 500 ms of 2 s
  CHECK(has(page, "10 s ago  warn  caf??"));
}

TEST_CASE("top: many peers do not push actors and log off the screen") {
  for (const std::size_t rows : {24u, 40u, 10u, 0u}) {
    CAPTURE(rows);
    const auto page = top_page(look(200, 1, 0), nullptr, rows);
    CHECK(has(page, "more"));
    CHECK(has(page, "timenode.gossip"));
    CHECK(has(page, "LOG"));
    if (rows >= 24)
      CHECK(page.size() <= rows);
  }
  CHECK_FALSE(has(top_page(look(200, 1, 0), nullptr, 1000), "... and"));
}

TEST_CASE("top: answers that lack everything are no harm") {
  top_look x;
  x.answers.assign(top_methods().size(), json());
  x.answers[3] = json::array();
  x.answers[6] = json::array();
  CHECK_FALSE(top_page(x, &x, 24).empty());
}
