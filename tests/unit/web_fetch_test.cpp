// Addresses on the web, and lists of peers from there.

#include "app/peer_discovery.hpp"
#include "app/web_fetch.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace timenode::app;

namespace {

web_address parsed(const char* text) {
  const auto x = web_address::parse(text);
  REQUIRE_MESSAGE(x.has_value(), text);
  return *x;
}

}  // namespace

TEST_CASE("a web address is taken apart") {
  CHECK(parsed("https://seeds.example/peers.json") ==
        web_address{true, "seeds.example", 443, "/peers.json"});
  CHECK(parsed("http://seeds.example") == web_address{false, "seeds.example", 80, "/"});
  CHECK(parsed("http://127.0.0.1:8080/a?b=c#d") == web_address{false, "127.0.0.1", 8080, "/a?b=c"});
  CHECK(parsed("https://[2001:db8::1]:8443?x") == web_address{true, "2001:db8::1", 8443, "/?x"});
  CHECK(parsed("https://[2001:db8::1]/").to_string() == "https://[2001:db8::1]/");
  CHECK(parsed("http://seeds.example:8080/a").to_string() == "http://seeds.example:8080/a");
}

TEST_CASE("what is no web address is refused with the text and the reason") {
  for (const auto* text :
       {"", "seeds.example", "ftp://seeds.example", "http://", "https:///x", "http://a b/",
        "http://seeds.example:0/", "http://seeds.example:65536/", "http://seeds.example:x/",
        "http://me@seeds.example/", "http://[example]/", "http://a\r\nHost: b/"}) {
    const auto x = web_address::parse(text);
    REQUIRE_MESSAGE(!x.has_value(), text);
    CHECK(x.error().reason.find(text) != std::string::npos);
  }
}

TEST_CASE("a list of peers is an array of texts, or one inside an object") {
  using texts = std::vector<std::string>;
  CHECK(parse_peer_list(R"(["192.0.2.1:24100", "2001:db8::1"])") ==
        texts{"192.0.2.1:24100", "2001:db8::1"});
  CHECK(parse_peer_list(R"({"network": "testnet", "peers": ["192.0.2.1"]})") == texts{"192.0.2.1"});
  CHECK(parse_peer_list("[]") == texts{});
  CHECK(parse_peer_list(R"(["192.0.2.1", 7, null, {"ip": "192.0.2.2"}])") == texts{"192.0.2.1"});
  std::string many = "[\"x\"";
  for (int i = 0; i < 5000; ++i)
    many += ",\"x\"";
  CHECK(parse_peer_list(many + "]")->size() == max_listed_peers);
  for (const auto* text : {"", "<html>", "{}", "7", "\"192.0.2.1\"", "[\"192.0.2.1\""})
    CHECK_FALSE(parse_peer_list(text).has_value());
}
