#include "actors/metrics.hpp"
#include "tests/actors/test_node.hpp"

#include <caf/telemetry/collector/prometheus.hpp>
#include <doctest/doctest.h>

#include <string>

namespace {

using namespace timenode;

/// Metrics in a system of their own.
class fixture : public test::test_node {
 public:
  fixture() : metrics{system.metrics()} {}

  /// Whether Prometheus would read this.
  bool shows(const std::string& line) {
    const auto text =
        to_string(caf::telemetry::collector::prometheus{}.collect_from(system.metrics()));
    return text.find(line) != std::string::npos;
  }

  node_metrics metrics;
};

}  // namespace

TEST_CASE_FIXTURE(fixture, "messages and bytes that were sent are counted by kind") {
  metrics.sent("{\"Ping\":{\"nonce\":1,\"timestamp\":2}}\n\"GetPeers\"\n\"Surprise\"\n");
  CHECK(shows("timenode_messages_total{direction=\"out\",kind=\"Ping\"} 1 "));
  CHECK(shows("timenode_message_bytes_total{direction=\"out\",kind=\"Ping\"} 35 "));
  CHECK(shows("timenode_messages_total{direction=\"out\",kind=\"GetPeers\"} 1 "));
  CHECK(shows("timenode_message_bytes_total{direction=\"out\",kind=\"GetPeers\"} 11 "));
  CHECK(shows("timenode_messages_total{direction=\"out\",kind=\"unknown\"} 1 "));
  CHECK(shows("timenode_messages_total{direction=\"in\",kind=\"Ping\"} 0 "));
}

TEST_CASE_FIXTURE(fixture, "every kind of line that we encode is counted under its own name") {
  wire::version_info version;
  version.version = "a \"quoted\" text";
  for (const auto& message : {wire::message{wire::handshake{}}, wire::message{wire::get_blocks{}},
                              wire::message{wire::get_masternodes{}}, wire::message{version}}) {
    metrics.sent(*wire::encode_shared(message));
    CHECK(shows("timenode_messages_total{direction=\"out\",kind=\"" +
                std::string{wire::kind_name(message)} + "\"} 1 "));
  }
}

TEST_CASE_FIXTURE(fixture, "bytes of a read go to its kind, those of several kinds to 'mixed'") {
  wire::received_batch pongs;
  pongs.lines = {wire::message{wire::pong{}}, wire::message{wire::pong{}}};
  pongs.bytes = 80;
  metrics.received(pongs);
  wire::received_batch mixed;
  mixed.lines = {wire::message{wire::pong{}}, wire::unknown_message{}, wire::malformed_line{}};
  mixed.bytes = 200;
  metrics.received(mixed);
  metrics.received({});
  CHECK(shows("timenode_messages_total{direction=\"in\",kind=\"Pong\"} 3 "));
  CHECK(shows("timenode_message_bytes_total{direction=\"in\",kind=\"Pong\"} 80 "));
  CHECK(shows("timenode_messages_total{direction=\"in\",kind=\"unknown\"} 1 "));
  CHECK(shows("timenode_messages_total{direction=\"in\",kind=\"malformed\"} 1 "));
  CHECK(shows("timenode_message_bytes_total{direction=\"in\",kind=\"mixed\"} 200 "));
}

TEST_CASE_FIXTURE(fixture,
                  "a connection is in the gauge of its phase from its beginning to its end") {
  const auto count = [&](link_phase phase) {
    return metrics.connections(link_direction::outbound, phase);
  };
  metrics.link_state(link_direction::outbound, std::nullopt, link_phase::connecting);
  CHECK(count(link_phase::connecting) == 1);
  metrics.link_state(link_direction::outbound, link_phase::connecting, link_phase::handshaking);
  CHECK(count(link_phase::connecting) == 0);
  CHECK(count(link_phase::handshaking) == 1);
  CHECK(shows("timenode_connections{direction=\"outbound\",state=\"handshaking\"} 1 "));
  CHECK(shows("timenode_connections{direction=\"inbound\",state=\"handshaking\"} 0 "));
  metrics.link_state(link_direction::outbound, link_phase::handshaking, std::nullopt);
  metrics.link_ended(link_end::handshake_timeout);
  CHECK(count(link_phase::handshaking) == 0);
  CHECK(shows("timenode_connections_ended_total{cause=\"handshake timed out\"} 1 "));
}

TEST_CASE_FIXTURE(fixture, "numbers of the node are shown as they are set") {
  metrics.height(2000);
  metrics.sync_target(2100);
  metrics.masternodes(3, 1);
  metrics.blocks_applied(7);
  metrics.banned();
  metrics.round_trip(20'000);
  metrics.invariant_violated(invariant::one_truth);
  CHECK(shows("timenode_height 2000 "));
  CHECK(shows("timenode_sync_target 2100 "));
  CHECK(shows("timenode_masternodes{state=\"known\"} 3 "));
  CHECK(shows("timenode_masternodes{state=\"active\"} 1 "));
  CHECK(shows("timenode_blocks_applied_total 7 "));
  CHECK(shows("timenode_bans_total 1 "));
  CHECK(shows("timenode_ping_round_trip_seconds_count 1.000000 "));
  CHECK(shows("timenode_invariant_violations_total{name=\"one-truth\"} 1 "));
  CHECK(metrics.violations(invariant::one_truth) == 1);
}

TEST_CASE_FIXTURE(fixture, "every metric is there from the start, at zero") {
  for (std::size_t kind = 0; kind < wire::message_kinds; ++kind)
    CHECK(shows("kind=\"" + std::string{wire::kind_name(kind)} + "\"} 0 "));
  for (std::size_t i = 0; i < invariant_count; ++i)
    CHECK(shows("timenode_invariant_violations_total{name=\"" +
                std::string{to_text(static_cast<invariant>(i))} + "\"} 0 "));
  CHECK(shows("timenode_connections_ended_total{cause=\"duplicate\"} 0 "));
}
