#include "app/query_text.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

using namespace timenode;
using namespace timenode::app;

TEST_CASE("query text: the status of a node in a few lines") {
  const auto chain = json::parse(R"({"chain":"testnet","blocks":812,"bestblockhash":"ab12",
    "time":1000000,"sync":{"state":"syncing","target":2000,"blocks_per_second":99.7,"eta_seconds":12},
    "warnings":["The store fails: disk full"]})");
  const auto network = json::parse(R"({"subversion":"/timenode:0.1.0/","connections":5,
    "connections_in":3,"connections_out":2,"known_addresses":17})");
  const auto masternode =
      json::parse(R"({"status":"inactive","status_reason":"no heartbeat yet"})");
  CHECK(status_text({chain, network, json(3700), masternode, json::object()}, 1'000'090) ==
        "Node        /timenode:0.1.0/ on testnet, up 1 h 1 min\n"
        "Chain       height 812, syncing to 2000, 100 blocks/s, 12 s left\n"
        "Tip         ab12, 1 min old\n"
        "Peers       5 connected: 3 inbound, 2 outbound; 17 addresses known\n"
        "Masternode  inactive: no heartbeat yet\n"
        "Warning     The store fails: disk full\n");
}

TEST_CASE("query text: a status of another form is shown as far as it goes") {
  const json nothing;
  const auto text = status_text({nothing, nothing, nothing, nothing, nothing}, 0);
  CHECK(text.find("height 0") != std::string::npos);
  CHECK(text.find("Warnings    none") != std::string::npos);
}

TEST_CASE("query text: peers are a table, oldest first, with their sum") {
  const auto peers = json::parse(R"([
    {"id":7,"addr":"192.0.2.7:24100","inbound":false,"state":"established","conntime":1000,
     "pingtime":0.0123,"minping":0.0101,"synced_blocks":2000,"bytessent":999,"bytesrecv":1234567,
     "subver":"0.1.0"},
    {"id":3,"addr":"192.0.2.3:51515","inbound":true,"state":"handshaking","conntime":0,
     "synced_blocks":-1,"bytessent":0,"bytesrecv":0,"subver":""}])");
  CHECK(
      peers_text(peers, 1065) ==
      "ADDRESS          DIR  STATE           UP     PING     BEST  HEIGHT   SENT  RECEIVED  "
      "VERSION\n"
      "192.0.2.3:51515  in   handshaking      -        -        -       -    0 B       0 B\n"
      "192.0.2.7:24100  out  established  1 min  12.3 ms  10.1 ms    2000  999 B    1.2 MB  0.1.0\n"
      "2 connections: 1 inbound, 1 outbound\n");
  CHECK(peers_text(json::array(), 0) == "No connections.\n");
}

TEST_CASE("query text: any answer can be shown as plain text") {
  const auto x = json::parse(R"({"address":"192.0.2.1","failures":3,"links":[{"id":1},{"id":2}],
    "none":[],"deep":{"a":true}})");
  CHECK(plain_text(x) == "address   192.0.2.1\n"
                         "failures  3\n"
                         "links:\n"
                         "  -\n"
                         "    id  1\n"
                         "  -\n"
                         "    id  2\n"
                         "none      none\n"
                         "deep:\n"
                         "  a  true\n");
  CHECK(plain_text(json("stopping")) == "stopping\n");
}

TEST_CASE("query text: durations and sizes are short") {
  CHECK(duration_text(-5) == "0 s");
  CHECK(duration_text(59) == "59 s");
  CHECK(duration_text(60) == "1 min");
  CHECK(duration_text(3599) == "59 min");
  CHECK(duration_text(3600) == "1 h");
  CHECK(duration_text(90'000) == "1 d 1 h");
  CHECK(bytes_text(999) == "999 B");
  CHECK(bytes_text(1000) == "1.0 kB");
  CHECK(bytes_text(2'500'000'000) == "2.5 GB");
}
