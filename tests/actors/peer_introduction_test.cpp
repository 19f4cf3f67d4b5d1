// What two nodes tell each other of themselves after the handshake.

#include "tests/actors/one_connection.hpp"

using namespace timenode;
using namespace test;

namespace {

/// A connection of a node that has a number, says what it is, and knows its own address or not.
struct introducing : test_node {
  introducing() {
    context.nonce = 77;
    auto version = std::make_shared<wire::version_info>();
    version->version = "1.2.3";
    version->listen_addr = "0.0.0.0:24100";
    version->capabilities = {"commit-cert"};
    context.introduction = version;
  }

  void begin(std::optional<ip_address> own_ip = {}) {
    actor = system.spawn<peer_connection>(
        std::make_shared<const node_context>(context),
        link_spec{7, link_direction::inbound, peer_address, own_ip}, wire_end,
        spawn_registry(system, record), std::make_shared<const peer_routes>());
    run();
    wire_end->say({good_handshake});
    run();
  }

  /// The last `Version` that the peer was told.
  wire::version_info told_last() {
    wire::version_info result;
    for (const auto& x : wire_end->heard())
      if (const auto* version = std::get_if<wire::version_info>(&x))
        result = *version;
    return result;
  }

  void say_version(std::vector<std::string> capabilities, const std::string& listen) {
    wire::version_info x;
    x.listen_addr = listen;
    x.capabilities = std::move(capabilities);
    wire_end->say({x});
    run();
  }

  std::shared_ptr<told> record = std::make_shared<told>();
  std::shared_ptr<fake_connection> wire_end = std::make_shared<fake_connection>(peer_address);
  peer_connection_actor actor;
};

}  // namespace

TEST_CASE_FIXTURE(introducing, "after the handshake a peer is told our number, how we see it, and "
                               "our own address if we know it") {
  begin();
  auto said = told_last();
  CHECK(said.capabilities ==
        std::vector<std::string>{"commit-cert", "node=000000000000004d", "sees=10.0.0.2"});
  CHECK(said.listen_addr == "0.0.0.0:24100");
  // An address that we learn later is told then.
  self->send(actor, atom::own_address_v, *ip_address::parse("30.0.0.7"));
  run();
  CHECK(told_last().listen_addr == "30.0.0.7:24100");
}

TEST_CASE_FIXTURE(introducing, "an own address that is known from the start is told at once") {
  begin(*ip_address::parse("30.0.0.7"));
  CHECK(told_last().listen_addr == "30.0.0.7:24100");
}

TEST_CASE_FIXTURE(
    introducing,
    "what a peer says of itself goes to the registry, and is not shown as a capability") {
  begin();
  say_version({"commit-cert", "node=00000000000000ff", "sees=30.0.0.7"}, "20.0.0.1:24100");
  REQUIRE(record->introductions.size() == 1);
  CHECK(record->introductions[0] ==
        introduction{255, *ip_address::parse("20.0.0.1"), *ip_address::parse("30.0.0.7")});
  CHECK(ask<peer_snapshot>(actor, atom::snapshot_v).capabilities ==
        std::vector<std::string>{"commit-cert"});
}

TEST_CASE_FIXTURE(introducing,
                  "a peer that fills a line with capabilities has only a few of them kept "
                  "and shown") {
  begin();
  say_version(std::vector<std::string>(50'000, std::string(100, 'c')), "");
  const auto seen = ask<peer_snapshot>(actor, atom::snapshot_v);
  CHECK(seen.phase == link_phase::established);
  CHECK(seen.violations == 0);
  REQUIRE(seen.capabilities.size() == net::max_capabilities);
  CHECK(seen.capabilities[0] == std::string(net::max_version_text, 'c'));
}

TEST_CASE_FIXTURE(introducing,
                  "a peer that says our own number is ourselves, whatever its address") {
  begin();
  say_version({"node=000000000000004d"}, "");
  CHECK(wire_end->closed);
  REQUIRE(record->reports.size() == 1);
  CHECK(record->reports[0].cause == link_end::self);
  CHECK(record->introductions.empty());
  CHECK(record->violations.empty());
}
