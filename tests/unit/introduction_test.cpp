// What two of us tell each other after the handshake, and what follows for who dials.

#include "messages/wire_codec.hpp"
#include "net/introduction.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace timenode::net;
using enum pair_role;

namespace {

ip_address ip(const char* text) {
  return ip_address::parse(text).value();
}

wire::version_info version(std::vector<std::string> capabilities,
                           const std::string& listen = "0.0.0.0:24100") {
  wire::version_info result;
  result.listen_addr = listen;
  result.capabilities = std::move(capabilities);
  return result;
}

/// Both sides of a pair after they introduced themselves.
struct pair_view {
  std::optional<ip_address> a_claims, b_claims;  ///< Their own addresses, as each holds them.
  ip_address a_seen, b_seen;                     ///< As the other one sees them.

  std::pair<pair_role, pair_role> roles(std::uint64_t nonce_a, std::uint64_t nonce_b) const {
    return {role_by_introduction(a_claims, nonce_a, b_seen, {nonce_b, b_claims, a_seen}),
            role_by_introduction(b_claims, nonce_b, a_seen, {nonce_a, a_claims, b_seen})};
  }
};

}  // namespace

TEST_CASE("what is said is read back") {
  auto capabilities = introduce(0x0123456789abcdef, ip("192.0.2.7"));
  CHECK(capabilities == std::vector<std::string>{"node=0123456789abcdef", "sees=192.0.2.7"});
  capabilities.push_back("commit-cert");
  const auto x = read_introduction(version(capabilities, "203.0.113.1:24100"));
  CHECK(x.nonce == 0x0123456789abcdefu);
  CHECK(x.our_ip == ip("192.0.2.7"));
  CHECK(x.its_ip == ip("203.0.113.1"));
  CHECK(other_capabilities(capabilities) == std::vector<std::string>{"commit-cert"});
  CHECK(introduce(0, ip("192.0.2.7")).empty());
}

TEST_CASE("who says nothing or nonsense of himself is simply unknown") {
  for (const auto* listen :
       {"", "0.0.0.0:24100", "[::]:24100", "example.org:24100", "224.0.0.1:1", "nonsense"}) {
    const auto x = read_introduction(
        version({"node=", "node=123", "node=0123456789abcdeg", "node=0000000000000000",
                 "sees=", "sees=0.0.0.0", "sees=example.org", "sees=255.255.255.255"},
                listen));
    CHECK(x == introduction{});
  }
}

TEST_CASE("of a version and of capabilities without end only a little is kept") {
  auto said = version(std::vector<std::string>(100'000, std::string(1000, 'c')));
  said.version = std::string(8'000'000, 'v');
  const auto kept = keep(said);
  CHECK(kept.version == std::string(max_version_text, 'v'));
  CHECK(kept.version.capacity() <= max_version_text);
  REQUIRE(kept.capabilities.size() == max_capabilities);
  CHECK(kept.capabilities.capacity() == max_capabilities);
  CHECK(kept.capabilities.back() == std::string(max_version_text, 'c'));

  auto usual = version({"commit-cert", "ballots"});
  usual.version = "0.1.0";
  const auto all = keep(usual);
  CHECK(all.version == "0.1.0");
  CHECK(all.capabilities == std::vector<std::string>{"commit-cert", "ballots"});
}

TEST_CASE("the deployed daemon, which has no number, changes nothing") {
  const auto said = read_introduction(version({}, "203.0.113.9:24100"));
  CHECK(role_by_introduction(ip("203.0.113.5"), 7, ip("203.0.113.9"), said) == they_dial);
  CHECK(role_by_introduction(ip("203.0.113.5"), 7, ip("203.0.113.1"), said) == we_dial);
  CHECK(role_by_introduction(std::nullopt, 7, ip("203.0.113.1"), said) == unknown);
}

TEST_CASE("when both sides agree who is elected the numbers do not matter") {
  const auto x =
      pair_view{ip("203.0.113.1"), ip("203.0.113.2"), ip("203.0.113.1"), ip("203.0.113.2")};
  CHECK(x.roles(1, 2) == std::pair{they_dial, we_dial});
  CHECK(x.roles(2, 1) == std::pair{they_dial, we_dial});
}

TEST_CASE("whatever both sides believe of their addresses, after the introduction exactly one is "
          "elected") {
  const std::vector<std::optional<ip_address>> claims{
      std::nullopt, ip("203.0.113.1"), ip("203.0.113.2"), ip("198.51.100.77"), ip("2001:db8::1")};
  const std::vector<ip_address> seen{ip("203.0.113.1"), ip("203.0.113.2"), ip("10.0.0.1"),
                                     ip("2001:db8::2")};
  int combinations = 0;
  for (const auto& a : claims)
    for (const auto& b : claims)
      for (const auto& a_seen : seen)
        for (const auto& b_seen : seen)
          for (const auto& [nonce_a, nonce_b] : {std::pair{1, 2}, std::pair{2, 1}}) {
            const auto [of_a, of_b] = pair_view{a, b, a_seen, b_seen}.roles(
                static_cast<std::uint64_t>(nonce_a), static_cast<std::uint64_t>(nonce_b));
            CHECK(
                ((of_a == we_dial && of_b == they_dial) || (of_a == they_dial && of_b == we_dial)));
            ++combinations;
          }
  CHECK(combinations == 5 * 5 * 4 * 4 * 2);
}
