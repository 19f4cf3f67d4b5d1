// The masternode table among its neighbours: what it sends as a masternode and when, and how what
// peers say reaches the book.

#include "actors/gossip.hpp"
#include "actors/masternode_table.hpp"
#include "chain/signed_messages.hpp"
#include "tests/actors/recording_actors.hpp"
#include "tests/actors/test_node.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace timenode;
using namespace test;

namespace {

const auto our_ip = *ip_address::parse("203.0.113.200");

chain::key_pair key_of(int number) {
  chain::secret_seed seed{};
  seed[0] = static_cast<std::uint8_t>(number);
  return chain::key_pair::from_seed(seed);
}

ip_address ip_of(int number) {
  return ip_address::from_v4({203, 0, 113, static_cast<std::uint8_t>(number)});
}

wire::masternode_announcement announcement_of(int number) {
  return {ip_of(number).to_string(), "TIME0reward" + std::to_string(number),
          wire::masternode_tier::silver, key_of(number).public_key()};
}

/// Records the endpoints that the table wants.
using want_record = std::shared_ptr<std::vector<std::pair<endpoint, dial_purpose>>>;

std::pair<peer_directory_actor, want_record> spawn_recording_directory(caf::actor_system& system) {
  auto record = std::make_shared<want_record::element_type>();
  auto actor = system.spawn([record]() -> peer_directory_actor::behavior_type {
    return behavior_of(
        directory_script{.on_want = [record](const endpoint& to, dial_purpose purpose) {
          record->emplace_back(to, purpose);
        }});
  });
  return {std::move(actor), std::move(record)};
}

/// A table and a real gossip with four peers.
struct fixture : test_node {
  explicit fixture(std::optional<masternode_identity> identity = {}, bool knows_itself = true) {
    if (knows_itself)
      context.local_ip = our_ip;
    std::tie(registry, told) = spawn_recording_registry(system);
    std::tie(directory, wanted) = spawn_recording_directory(system);
    std::tie(blocks, block_judge) = spawn_recording_judge(system);
    uut = system.spawn<masternode_table>(context, registry, directory, std::move(identity));
    flooder = system.spawn<gossip>(context, registry, flood_judges{blocks, judge_actor{uut}});
    self->send(uut, atom::attach_v, flooder);
    run();
    for (int i = 1; i <= 4; ++i)
      connect(i);
  }

  void connect(int number, link_direction direction = link_direction::inbound) {
    auto [actor, record] = spawn_fake_connection(system);
    peers[number] = record;
    const auto info =
        peer_info{ip_of(number), static_cast<link_id>(number), direction, {ip_of(number), 50'000}};
    for (const auto& listener : told->listeners)
      self->send(listener, atom::peer_up_v, info, actor);
    run();
  }

  void disconnect(int number) {
    for (const auto& listener : told->listeners)
      self->send(listener, atom::peer_down_v, ip_of(number));
    run();
  }

  /// A message that the connection gives to the table.
  void tell(int from, wire::message x) {
    self->send(uut, ip_of(from), std::move(x));
    run();
  }

  /// A flooded item of a peer.
  void flood(int from, wire::message x) {
    self->send(flooder, ip_of(from), std::move(x));
    run();
  }

  wire::heartbeat_broadcast heartbeat_of(int number, std::uint64_t sequence) {
    wire::heartbeat_broadcast result{.masternode_address = ip_of(number).to_string(),
                                     .sequence_number = sequence,
                                     .timestamp = unix_now()};
    chain::sign(result, key_of(number));
    return result;
  }

  auto list() { return ask<std::vector<masternode_entry>>(uut, atom::list_v); }

  std::optional<masternode_entry> entry(int number) {
    const auto all = list();
    const auto i =
        std::find_if(all.begin(), all.end(), [&](auto& x) { return x.ip == ip_of(number); });
    return i != all.end() ? std::optional{*i} : std::nullopt;
  }

  template <class Message>
  auto sent_to(int number) {
    return all_of_kind<Message>(peers[number]->lines);
  }

  connection_registry_actor registry;
  std::shared_ptr<registry_record> told;
  peer_directory_actor directory;
  want_record wanted;
  judge_actor blocks;
  std::shared_ptr<judge_record> block_judge;
  masternode_table_actor uut;
  gossip_actor flooder;
  std::map<int, std::shared_ptr<connection_record>> peers;
};

masternode_identity our_identity() {
  return {.keys = key_of(200), .reward_address = "TIME0ours", .tier = wire::masternode_tier::gold};
}

struct masternode_fixture : fixture {
  masternode_fixture() : fixture{our_identity()} {}
};

}  // namespace

// -- not being one ------------------------------------------------------------------

TEST_CASE_FIXTURE(fixture, "a node that is no masternode introduces itself with nothing and never "
                           "beats") {
  CHECK(ask<std::vector<wire::message>>(uut, atom::announce_v).empty());
  advance(1h);
  CHECK(sent_to<wire::heartbeat_broadcast>(1).empty());
  CHECK(sent_to<wire::masternode_announcement>(1).empty());
  CHECK(list().empty());
}

TEST_CASE("a node that does not know its own address is a masternode from when it learns it") {
  fixture x{our_identity(), false};
  x.advance(1h);
  CHECK(x.list().empty());
  CHECK(x.sent_to<wire::heartbeat_broadcast>(1).empty());
  x.self->send(x.uut, atom::own_address_v, our_ip);
  x.run();
  REQUIRE(x.list().size() == 1);
  CHECK(x.list().front().ours);
  const auto announced = x.sent_to<wire::masternode_announcement>(2);
  REQUIRE(announced.size() == 1);
  CHECK(announced.front().address == our_ip.to_string());
  x.advance(5min);
  CHECK(x.sent_to<wire::heartbeat_broadcast>(1).size() >= 4);
}

TEST_CASE("a masternode that turns out to have another address is there under that one only, "
          "whatever was said of it") {
  fixture x{our_identity()};
  x.tell(1, announcement_of(1));
  REQUIRE(x.list().size() == 2);
  x.self->send(x.uut, atom::own_address_v, ip_of(1));
  x.run();
  REQUIRE(x.list().size() == 1);
  CHECK(x.list().front().ip == ip_of(1));
  CHECK(x.list().front().ours);
  x.tell(1, announcement_of(1));
  CHECK(x.list().size() == 1);
}

TEST_CASE_FIXTURE(fixture, "every new peer is asked for its list, and some peer again every ten "
                           "minutes") {
  for (int i = 1; i <= 4; ++i)
    CHECK(sent_to<wire::get_masternodes>(i).size() == 1);
  advance(6h);
  std::size_t again = 0;
  for (int i = 1; i <= 4; ++i)
    again += sent_to<wire::get_masternodes>(i).size() - 1;
  CHECK(again >= 32);  // 36, give or take a tenth
  CHECK(again <= 40);
}

TEST_CASE_FIXTURE(
    fixture,
    "when eight peers that we dialed have named theirs, those that come are not asked for ten "
    "minutes") {
  for (int i = 1; i <= 4; ++i)
    tell(i, wire::masternodes_response{});  // they dialed us
  for (int i = 11; i <= 18; ++i) {
    connect(i, link_direction::outbound);
    CHECK(sent_to<wire::get_masternodes>(i).size() == 1);
    tell(i, wire::masternodes_response{});
  }
  connect(19);
  CHECK(sent_to<wire::get_masternodes>(19).empty());
  advance(11min);
  connect(20);
  CHECK(sent_to<wire::get_masternodes>(20).size() == 1);
}

TEST_CASE_FIXTURE(fixture, "a peer's announcement of itself makes it active, of another one a "
                           "dial") {
  tell(1, announcement_of(1));
  tell(1, announcement_of(9));
  CHECK(entry(1)->active);
  CHECK(entry(1)->connected);
  CHECK_FALSE(entry(9)->active);
  CHECK(*wanted ==
        std::vector{std::pair{endpoint{ip_of(1), context.p2p_port}, dial_purpose::masternode},
                    std::pair{endpoint{ip_of(9), context.p2p_port}, dial_purpose::masternode}});
}

TEST_CASE_FIXTURE(fixture, "lists are taken in answer to our questions, and not beyond") {
  tell(1, wire::masternodes_response{{announcement_of(10)}});
  tell(1, wire::masternodes_response{{announcement_of(11)}});
  tell(1, wire::masternodes_response{{announcement_of(12)}});
  CHECK(list().size() == 2);
  tell(99, wire::masternodes_response{{announcement_of(13)}});
  CHECK(list().size() == 2);
}

TEST_CASE_FIXTURE(fixture, "a masternode whose connection ends becomes inactive after 180 s and "
                           "leaves after an hour, without a message that reminds us") {
  tell(1, announcement_of(1));
  disconnect(1);
  advance(179s);
  CHECK(entry(1)->active);
  CHECK_FALSE(entry(1)->connected);
  advance(2s);
  CHECK_FALSE(entry(1)->active);
  advance(1h);
  CHECK_FALSE(entry(1));
  tell(2, announcement_of(1));  // a ghost
  CHECK_FALSE(entry(1));
  connect(1);
  tell(1, announcement_of(1));
  CHECK(entry(1)->active);
}

TEST_CASE_FIXTURE(fixture, "a masternode that stays connected stays active for a day without a "
                           "word") {
  tell(1, announcement_of(1));
  advance(24h);
  CHECK(entry(1)->active);
  CHECK(entry(1)->last_seen >= unix_now() - 1);
}

TEST_CASE_FIXTURE(fixture, "a heartbeat goes on to all others, and three witnesses make it "
                           "evidence") {
  for (int i = 1; i <= 4; ++i)
    tell(i, announcement_of(i));
  tell(1, announcement_of(9));
  const auto x = heartbeat_of(9, 1);
  flood(1, x);
  CHECK(sent_to<wire::heartbeat_broadcast>(1).empty());
  CHECK(sent_to<wire::heartbeat_broadcast>(4).size() == 1);
  for (const auto witness : {1, 2, 3}) {
    wire::heartbeat_attestation attestation{.heartbeat_hash = chain::heartbeat_hash(x),
                                            .witness_address = ip_of(witness).to_string(),
                                            .witness_timestamp = unix_now()};
    chain::sign(attestation, key_of(witness));
    CHECK_FALSE(entry(9)->active);
    flood(witness, attestation);
  }
  CHECK(entry(9)->active);
  CHECK(entry(9)->attestations == 3);
  CHECK(sent_to<wire::heartbeat_attestation>(4).size() == 3);
  // A node that is no masternode has nothing to attest with.
  for (const auto& y : sent_to<wire::heartbeat_attestation>(4))
    CHECK(y.witness_address != our_ip.to_string());
}

TEST_CASE_FIXTURE(fixture, "a forged heartbeat is a violation of who sent it") {
  tell(1, announcement_of(1));
  auto x = heartbeat_of(1, 1);
  x.signature[0] ^= 1;
  flood(2, x);
  REQUIRE(told->violations.size() == 1);
  CHECK(told->violations.front().ip == ip_of(2));
  CHECK(sent_to<wire::heartbeat_broadcast>(3).empty());
}

// -- being one --------------------------------------------------------------------------

TEST_CASE_FIXTURE(masternode_fixture, "a masternode introduces itself to every new peer, and lists "
                                      "itself") {
  const auto ours = wire::masternode_announcement{
      our_ip.to_string(), "TIME0ours", wire::masternode_tier::gold, key_of(200).public_key()};
  const auto introduction = ask<std::vector<wire::message>>(uut, atom::announce_v);
  REQUIRE(introduction.size() == 1);
  CHECK(std::get<wire::masternode_announcement>(introduction.front()) == ours);
  CHECK(sent_to<wire::masternode_announcement>(1) == std::vector{ours});
  REQUIRE(entry(200));
  CHECK(entry(200)->ours);
  CHECK(entry(200)->active);
}

TEST_CASE_FIXTURE(masternode_fixture, "a masternode beats about every 60 s, validly, to every "
                                      "peer") {
  const auto began = unix_now();
  advance(1h);
  const auto beats = sent_to<wire::heartbeat_broadcast>(1);
  CHECK(beats.size() >= 55);
  CHECK(beats.size() <= 66);
  CHECK(sent_to<wire::heartbeat_broadcast>(4) == beats);
  std::set<std::int64_t> gaps;
  for (std::size_t i = 0; i < beats.size(); ++i) {
    CHECK(chain::verify(beats[i]));
    CHECK(beats[i].masternode_address == our_ip.to_string());
    CHECK(beats[i].masternode_pubkey == key_of(200).public_key());
    // From the Unix time at start, one by one: above everything that an earlier run used.
    CHECK(beats[i].sequence_number == static_cast<std::uint64_t>(start_of_time) + i);
    CHECK(beats[i].timestamp >= began);
    if (i > 0)
      gaps.insert(beats[i].timestamp - beats[i - 1].timestamp);
  }
  CHECK(*gaps.begin() >= 53);
  CHECK(*gaps.rbegin() <= 67);
  CHECK(gaps.size() > 3);  // never in step with others
  CHECK(entry(200)->heartbeat == beats.back().sequence_number);
}

TEST_CASE_FIXTURE(masternode_fixture, "a masternode repeats its announcement to every peer with "
                                      "each beat") {
  advance(1h);
  const auto beats = sent_to<wire::heartbeat_broadcast>(2).size();
  CHECK(sent_to<wire::masternode_announcement>(2).size() == beats + 1);
}

TEST_CASE("the sequence of heartbeats begins where it is told to") {
  auto identity = our_identity();
  identity.first_sequence = 42;
  fixture x{std::move(identity)};
  x.advance(10s);
  REQUIRE(x.sent_to<wire::heartbeat_broadcast>(1).size() == 1);
  CHECK(x.sent_to<wire::heartbeat_broadcast>(1).front().sequence_number == 42);
}

TEST_CASE_FIXTURE(masternode_fixture, "a masternode attests to what it knows first hand, and the "
                                      "heartbeat leaves before the attestation of it") {
  tell(1, announcement_of(1));
  const auto x = heartbeat_of(1, 1);
  peers[3]->lines.clear();
  flood(2, x);
  REQUIRE(peers[3]->lines.size() == 2);
  CHECK(peers[3]->lines[0] == *wire::encode_shared(x));
  const auto attestation = sent_to<wire::heartbeat_attestation>(3).at(0);
  CHECK(chain::verify(attestation));
  CHECK(attestation.heartbeat_hash == chain::heartbeat_hash(x));
  CHECK(attestation.witness_address == our_ip.to_string());
  CHECK(attestation.witness_pubkey == key_of(200).public_key());
  CHECK(attestation.witness_timestamp == unix_now());
  // Also to those that had the heartbeat before us.
  CHECK(sent_to<wire::heartbeat_attestation>(2).size() == 1);
}

TEST_CASE_FIXTURE(masternode_fixture, "a masternode attests neither to hearsay nor twice") {
  tell(1, announcement_of(9));
  flood(1, heartbeat_of(9, 1));
  CHECK(sent_to<wire::heartbeat_attestation>(2).empty());
  tell(1, announcement_of(1));
  const auto x = heartbeat_of(1, 1);
  flood(2, x);
  flood(3, x);
  flood(2, x);
  CHECK(sent_to<wire::heartbeat_attestation>(4).size() == 1);
}

TEST_CASE_FIXTURE(masternode_fixture, "our own heartbeat that comes back goes no further") {
  advance(10s);
  const auto ours = sent_to<wire::heartbeat_broadcast>(1).at(0);
  flood(1, ours);
  advance(20min);  // beyond what gossip remembers
  flood(2, ours);
  const auto all = sent_to<wire::heartbeat_broadcast>(3);
  CHECK(std::count(all.begin(), all.end(), ours) == 1);
}

// -- over restarts ------------------------------------------------------------------------

namespace {

/// An archive in memory.
archive_actor spawn_archive(caf::actor_system& system,
                            std::shared_ptr<std::map<std::string, std::vector<std::string>>> kept) {
  return system.spawn([kept]() -> archive_actor::behavior_type {
    return {[kept](atom::save, const std::string& name, const std::vector<std::string>& lines) {
      (*kept)[name] = lines;
      return std::string{};
    }};
  });
}

}  // namespace

TEST_CASE_FIXTURE(fixture,
                  "the table is kept while it changes, and a new one takes it over and dials who "
                  "is in it") {
  auto kept = std::make_shared<std::map<std::string, std::vector<std::string>>>();
  const auto archive = spawn_archive(system, kept);
  auto table = system.spawn<masternode_table>(context, registry, directory, our_identity(),
                                              masternode_memory{{}, archive});
  run();
  self->send(table, ip_of(1), wire::message{announcement_of(1)});
  run();
  CHECK(kept->empty());
  advance(61s);
  REQUIRE(kept->contains("masternodes"));
  const auto lines = (*kept)["masternodes"];
  kept->clear();
  advance(100s);
  CHECK(kept->empty());  // nothing changed: it is not silent for long enough to count as inactive
  self->send(table, ip_of(1), wire::message{announcement_of(1)});
  ask<void>(table, atom::save_v);
  CHECK(kept->contains("masternodes"));

  wanted->clear();
  auto again = system.spawn<masternode_table>(context, registry, directory, our_identity(),
                                              masternode_memory{lines, archive});
  run();
  const auto list = ask<std::vector<masternode_entry>>(again, atom::list_v);
  CHECK(list.size() == 2);
  CHECK(std::count_if(list.begin(), list.end(), [](auto& x) { return x.active; }) == 2);
  REQUIRE(wanted->size() == 1);
  CHECK(wanted->front().first.ip == ip_of(1));
}

TEST_CASE(
    "the numbers of heartbeats go on above all that were sent, even when the clock was set back") {
  fixture x{our_identity()};
  auto kept = std::make_shared<std::map<std::string, std::vector<std::string>>>();
  const auto archive = spawn_archive(x.system, kept);
  auto table = x.system.spawn<masternode_table>(x.context, x.registry, x.directory, our_identity(),
                                                masternode_memory{{}, archive});
  x.self->send(table, atom::attach_v, x.flooder);
  x.run();
  x.advance(30min);
  x.ask<void>(table, atom::save_v);
  const auto own = [&](const masternode_table_actor& from) {
    for (const auto& y : x.ask<std::vector<masternode_entry>>(from, atom::list_v))
      if (y.ours)
        return y.heartbeat;
    return std::uint64_t{0};
  };
  const auto last = own(table);
  CHECK(last > 0);
  auto back = x.context;
  back.unix_now = [&x] { return x.unix_now() - 100'000; };
  auto again = x.system.spawn<masternode_table>(back, x.registry, x.directory, our_identity(),
                                                masternode_memory{(*kept)["masternodes"], archive});
  x.self->send(again, atom::attach_v, x.flooder);
  x.run();
  x.advance(10s);
  CHECK(own(again) > last);
}

TEST_CASE_FIXTURE(masternode_fixture,
                  "all who ask for masternodes get the same line, until it changes") {
  tell(1, announcement_of(1));
  const auto first = ask<encoded_line>(uut, atom::serve_v);
  CHECK(ask<encoded_line>(uut, atom::serve_v).bytes == first.bytes);
  auto x = std::get<wire::masternodes_response>(decode(*first.bytes));
  CHECK(x.masternodes.size() == 2);
  flood(1, heartbeat_of(1, 1));
  CHECK(ask<encoded_line>(uut, atom::serve_v).bytes == first.bytes);
  tell(2, announcement_of(2));
  tell(2, announcement_of(9));  // hearsay is not handed on
  x = std::get<wire::masternodes_response>(decode(*ask<encoded_line>(uut, atom::serve_v).bytes));
  CHECK(x.masternodes.size() == 3);
}
