// What people see of bans and of one peer.

#include "app/peer_text.hpp"
#include "net/access_list.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace timenode;
using namespace timenode::app;

namespace {

constexpr std::int64_t now = 1'766'000'000;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

json ban(const char* address, std::int64_t until) {
  return {{"address", address},    {"ban_created", now - 100},
          {"banned_until", until}, {"time_remaining", until - now},
          {"by", "operator"},      {"reason", "spam"},
          {"evidence", "GET /"},   {"lift", "timenode unban 203.0.113.5"}};
}

}  // namespace

TEST_CASE("bans are a table with what is left, why, and how to lift one") {
  const auto text =
      bans_text(json::array({ban("203.0.113.5/32", now + 7300), ban("10.0.0.0/8", net::for_good)}),
                json::array(), now);
  CHECK(contains(text, "203.0.113.5  "));
  CHECK_FALSE(contains(text, "/32"));
  CHECK(contains(text, "10.0.0.0/8"));
  CHECK(contains(text, "2 h 1 min"));
  CHECK(contains(text, "for good"));
  CHECK(contains(text, "spam"));
  CHECK(contains(text, "GET /"));
  CHECK(contains(text, "timenode unban"));
  CHECK_FALSE(contains(text, "TRUSTED"));
}

TEST_CASE("nobody banned is said, and trust is shown beside") {
  const auto text = bans_text(
      json::array(),
      json::array(
          {{{"address", "2001:db8::1/128"}, {"trusted_since", now - 120}, {"reason", "mine"}}}),
      now);
  CHECK(contains(text, "Nobody is banned."));
  CHECK(contains(text, "2001:db8::1 "));
  CHECK(contains(text, "2 min ago"));
  CHECK(contains(text, "mine"));
}

TEST_CASE("a ban is a sentence that says how long and how to lift it") {
  CHECK(ban_sentence(ban("203.0.113.5/32", now + 60)) ==
        "203.0.113.5 is banned for 1 min; lift it by: timenode unban 203.0.113.5\n");
  CHECK(contains(ban_sentence(ban("203.0.113.5/32", net::for_good)), "is banned for good;"));
}

TEST_CASE("a peer is explained by state, since when, rule, what is next and when, last error, "
          "evidence and ban") {
  json x{{"address", "203.0.113.5"},
         {"state", "backing-off"},
         {"state_ms", 65'000},
         {"rule", "our IP is the higher one: we dial"},
         {"next_step", "we dial then"},
         {"next_step_ms", 2'500},
         {"wanted", true},
         {"purpose", "configured"},
         {"failures", 4},
         {"last_error", "connection refused"},
         {"last_error_ms", 3'000},
         {"violations", 2},
         {"last_violation", "not JSON"},
         {"evidence", "GET / HTTP/1.1"},
         {"connections", json::array()},
         {"address_book",
          {{"known", true},
           {"at", "203.0.113.5:24100"},
           {"why", "configured: always wanted"},
           {"last_success", now - 3600},
           {"last_seen", 0}}}};
  const auto text = explain_peer_text(x, now);
  for (const auto* part :
       {"backing-off, for 1 min", "yes: configured", "we dial\n", "in 3 s: we dial then",
        "connection refused, 3 s ago; 4 failed in a row", "2; the last: not JSON", "GET / HTTP/1.1",
        "dialed with success 1 h ago, last seen never"})
    CHECK_MESSAGE(contains(text, part), part << " in\n" << text);
  CHECK_FALSE(contains(text, "Ban"));
  x["state"] = "established";
  CHECK(contains(explain_peer_text(x, now), "connection refused, 3 s ago; connected since\n"));
  x["banned"] = ban("203.0.113.0/24", now + 60);
  CHECK(contains(explain_peer_text(x, now), "of 203.0.113.0/24, by operator, 1 min left: spam"));
}

TEST_CASE("an answer of another version is shown as far as it goes") {
  CHECK(contains(explain_peer_text(json::object(), now), "State"));
  CHECK(contains(explain_peer_text({{"state", 7}, {"connections", 5}}, now), "State"));
  CHECK(contains(bans_text(json(nullptr), json(nullptr), now), "Nobody"));
}
