// The sync engine when its peers have another chain than it: it ends on the branch that the protocol's
// rule gives, whole, whatever some of them do, and keeps its own otherwise.

#include "tests/actors/scripted_peer.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace timenode;
using namespace test;

namespace {

hash256 hash_of(const block_ptr& x) {
  return chain::block_hash(x->header);
}

/// The state of unspent outputs that a chain leads to.
chain::utxo_digest digest_of(const block_list& blocks) {
  chain::memory_store store{network_id::testnet};
  chain::chain_state state{store};
  std::vector<checked_block> checked;
  for (std::size_t i = 1; i < blocks.size(); ++i)
    checked.push_back(must_check(blocks[i]));
  if (state.apply(checked, start_of_time + 1'000'000, false).applied != checked.size())
    throw std::runtime_error{"the chain is not valid"};
  return store.utxo_state();
}

/// A node that has stored a chain, and connected masternodes that have others.
struct fork_world : sync_world {
  explicit fork_world(const block_list& ours) {
    store_blocks({ours.begin() + 1, ours.end()});
    start();
  }

  peer masternode(const std::string& ip, peer_script script) {
    auto result = make(ip, std::move(script));
    enter_masternode(result.ip);
    up(result);
    return result;
  }

  std::vector<peer> masternodes_with(const block_list& blocks, std::size_t count,
                                     const std::string& net = "10.0.0.") {
    std::vector<peer> result;
    for (std::size_t i = 0; i < count; ++i)
      result.push_back(masternode(net + std::to_string(i + 1), {.chain = blocks, .delay = 20ms}));
    return result;
  }

  bool is_on(const block_list& blocks) const { return store->tip().hash == hash_of(blocks.back()); }
  bool comes_to(const block_list& blocks, std::chrono::nanoseconds limit) {
    return advance_until([&] { return is_on(blocks); }, limit);
  }

  branch_snapshot only_branch() {
    const auto forks = look().forks;
    REQUIRE(forks.branches.size() == 1);
    return forks.branches.front();
  }

  std::size_t ranges_asked(const std::vector<peer>& of) const {
    std::size_t result = 0;
    for (const auto& x : of)
      result += x.log->ranges.size();
    return result;
  }
};

const auto ours = real_blocks(40);

}  // namespace

TEST_CASE("a node changes over to the branch of all masternodes, longer, equal or shorter") {
  for (const std::uint64_t length : {15, 10, 1}) {
    CAPTURE(length);
    const auto theirs = branch_of(real_chain(), 30, length);
    fork_world w{ours};
    const auto peers = w.masternodes_with(theirs, 5);
    REQUIRE(w.comes_to(theirs, 60s));
    CHECK(w.store->utxo_state() == digest_of(theirs));
    CHECK(w.violations->empty());
    // Our old blocks are kept, and known as a branch.
    CHECK(w.store->shelved().size() == 10);
    CHECK(*w.store->block_on_shelf(hash_of(ours[40])) == *ours[40]);
    const auto left = w.only_branch();
    CHECK(left.state == "left");
    CHECK(left.fork_height == 30);
    CHECK(left.height == 40);
    CHECK(left.tip == hash_of(ours[40]));
    CHECK(left.peers.empty());
    w.advance(1min);
    const auto x = w.look();
    CHECK(x.state == "idle");
    CHECK(x.forks.phase == "quiet");
    CHECK(x.forks.same == 5);
    CHECK(x.forks.switches == 1);
    CHECK(x.buffered_bytes == 0);
    // The network is told of it.
    REQUIRE(!w.flooded->empty());
  }
}

TEST_CASE("a change back to a chain that we had fetches only what it has grown by") {
  const auto theirs = branch_of(real_chain(), 30, 15);
  fork_world w{ours};
  const auto peers = w.masternodes_with(theirs, 5);
  REQUIRE(w.comes_to(theirs, 60s));
  const auto back = real_blocks(45);
  for (const auto& x : peers) {
    x.script->chain = back;
    x.log->ranges.clear();
  }
  REQUIRE(w.comes_to(back, 2min));
  for (const auto& x : peers)
    for (const auto& y : x.log->ranges)
      CHECK(y.first == 41);
}

TEST_CASE("all blocks of ours are undone by one commit, together with the first of theirs") {
  const auto theirs = branch_of(real_chain(), 30, 25);
  fork_world w{ours};
  w.store->commits.clear();
  w.masternodes_with(theirs, 5);
  REQUIRE(w.comes_to(theirs, 60s));
  REQUIRE(!w.store->commits.empty());
  CHECK(w.store->commits.front() == std::pair<std::size_t, bool>{25, true});
}

TEST_CASE("a fork of equal height is found without any announcement") {
  const auto theirs = branch_of(real_chain(), 39, 1);
  fork_world w{ours};
  const auto peers = w.masternodes_with(ours, 5);
  w.advance(2min);
  CHECK(w.is_on(ours));
  for (const auto& x : peers)
    x.script->chain = theirs;
  CHECK(w.comes_to(theirs, 60s));
}

TEST_CASE("a peer alone does not bring a node over, however long its chain") {
  const auto theirs = branch_of(real_chain(), 30, 500);
  fork_world w{ours};
  const auto honest = w.masternodes_with(ours, 5);
  const auto liar = w.add("10.0.1.1", {.chain = theirs});
  w.advance(10min);
  CHECK(w.is_on(ours));
  CHECK(liar.log->ranges.empty());
  CHECK(liar.log->requests.size() <= 4);  // before it is known to be on another branch
  // What it costs is asked for now and then.
  for (const auto& x : honest)
    CHECK(x.log->hashes.size() < 100);
  CHECK(w.look().target == 40);
  // Also when it is a masternode, and even two of them.
  w.masternode("10.0.1.2", {.chain = theirs});
  w.masternode("10.0.1.3", {.chain = theirs});
  w.advance(10min);
  CHECK(w.is_on(ours));
  CHECK(w.violations->empty());
}

TEST_CASE("without enough masternodes that answer nothing is decided, and the node says so") {
  const auto theirs = branch_of(real_chain(), 30, 15);
  fork_world w{ours};
  auto peers = w.masternodes_with(theirs, 4);
  peers.push_back(w.masternode("10.0.0.5", {.chain = theirs, .answers_hashes = false}));
  peers.push_back(w.masternode("10.0.0.6", {.chain = theirs, .answers_hashes = false}));
  w.advance(3min);
  CHECK(w.is_on(ours));
  const auto branch = w.only_branch();
  CHECK(branch.state == "undecided");
  CHECK(branch.why ==
        "of 4 masternodes that answered 0 have our block, 4 the other; 5 must answer");
  CHECK(branch.peers.size() >= 4);
  CHECK(w.ranges_asked(peers) == 0);
  peers[4].script->answers_hashes = true;
  CHECK(w.comes_to(theirs, 70s));
}

TEST_CASE("in a network of fewer than five other masternodes all of them must answer") {
  const auto theirs = branch_of(real_chain(), 30, 15);
  fork_world w{ours};
  w.masternodes_with(theirs, 3);
  CHECK(w.comes_to(theirs, 60s));

  fork_world two{ours};
  two.masternodes_with(theirs, 2);
  two.advance(3min);
  CHECK(two.is_on(ours));
}

TEST_CASE("peers that are no masternodes have no vote") {
  const auto theirs = branch_of(real_chain(), 30, 15);
  fork_world w{ours};
  for (int i = 1; i <= 20; ++i)
    w.add("10.0.2." + std::to_string(i), {.chain = theirs});
  w.masternodes_with(ours, 3);
  w.advance(5min);
  CHECK(w.is_on(ours));
}

TEST_CASE("masternodes in two halves end on the branch with the lower hash") {
  const auto other = branch_of(real_chain(), 30, 12);
  const auto ours_is_lower = hash_of(ours[31]) < hash_of(other[31]);
  for (const auto we_have_lower : {true, false}) {
    const auto& mine = we_have_lower == ours_is_lower ? ours : other;
    const auto& theirs = we_have_lower == ours_is_lower ? other : ours;
    fork_world w{mine};
    w.masternodes_with(mine, 3, "10.0.0.");
    w.masternodes_with(theirs, 3, "10.0.1.");
    if (we_have_lower) {
      w.advance(3min);
      CHECK(w.is_on(mine));
      CHECK(w.only_branch().state == "lost");
    } else {
      CHECK(w.comes_to(theirs, 60s));
    }
  }
}

TEST_CASE("a node that one liar led aside comes back when the network has its next block") {
  fork_world w{ours};
  const auto honest = w.masternodes_with(ours, 5);
  const auto liar = w.add("10.0.1.1", {.chain = ours});
  w.advance(1s);
  const auto lie = branch_of(real_chain(), 40, 30, "liar");
  liar.script->chain = lie;
  REQUIRE(w.judge(liar, lie[41]).verdict == flood_verdict::forward);
  w.advance(2min);
  CHECK(w.is_on(lie));  // nobody has another block at those heights
  const auto truth = real_blocks(41);
  for (const auto& x : honest)
    x.script->chain = truth;
  CHECK(w.judge(honest[0], truth[41]).verdict == flood_verdict::ignore);
  CHECK(w.comes_to(truth, 15s));
  CHECK(w.violations->empty());
  // And it is not led aside the same way again.
  w.advance(5min);
  CHECK(w.is_on(truth));
}

TEST_CASE("a branch with an invalid block is not taken over, and whoever sent it answers for it") {
  SUBCASE("that shows in the block itself") {
    auto theirs = branch_of(real_chain(), 30, 15);
    theirs[38] = tampered(*theirs[38]);
    fork_world w{ours};
    const auto peers = w.masternodes_with(theirs, 5);
    w.advance(2min);
    CHECK(w.is_on(ours));
    CHECK(w.only_branch().state == "invalid");
    CHECK(w.only_branch().why.find("block 38: ") == 0);
    CHECK(!w.violations->empty());
    CHECK(w.violations->size() <= 5);
    for (const auto& x : *w.violations)
      CHECK(x.reason.find("block 38") != std::string::npos);
  }
  SUBCASE("that shows only in the chain") {
    auto theirs = branch_of(real_chain(), 30, 7);
    theirs.push_back(overspending(*theirs.back()));
    theirs = branch_of(theirs, 38, 5);
    fork_world w{ours};
    const auto before = w.store->utxo_state();
    w.masternodes_with(theirs, 5);
    w.advance(2min);
    CHECK(w.is_on(ours));
    CHECK(w.store->utxo_state() == before);
    REQUIRE(w.violations->size() == 1);
    CHECK(w.violations->front().reason.find("block 38") != std::string::npos);
    const auto branch = w.only_branch();
    CHECK(branch.state == "invalid");
    CHECK(branch.why.find("block 38") != std::string::npos);
    // Not tried again and again.
    const auto commits = w.store->commits.size();
    w.advance(5min);
    CHECK(w.store->commits.size() == commits);
    CHECK(w.violations->size() == 1);
  }
}

TEST_CASE("one good holder is enough to fetch the branch from") {
  const auto theirs = branch_of(real_chain(), 30, 300);
  fork_world w{ours};
  auto peers = w.masternodes_with(theirs, 7);
  peers[0].script->answers_blocks = false;
  peers[1].script->distort = [](block_list& x) { x.clear(); };
  peers[2].script->distort = [](block_list& x) {
    if (!x.empty())
      x[x.size() / 2] = tampered(*x[x.size() / 2]);
  };
  peers[3].script->distort = [](block_list& x) {
    if (x.size() > 1)
      x.resize(1);
  };
  peers[4].script->distort = [](block_list& x) { x = {real_chain()[1], real_chain()[2]}; };
  peers[5].script->chain = branch_of(theirs, 35, 250, "yet another");
  CHECK(w.comes_to(theirs, 120s));
  for (const auto& x : *w.violations)
    CHECK(x.ip == peers[2].ip);
}

TEST_CASE("who claims more than it has does not hold up the change") {
  const auto theirs = branch_of(real_chain(), 30, 15);
  fork_world w{ours};
  auto peers = w.masternodes_with(theirs, 5);
  peers[0].script->claim = 2000;
  peers[1].script->claim = ~std::uint64_t{0};
  CHECK(w.comes_to(theirs, 60s));
}

TEST_CASE("a reorganisation goes back a thousand blocks and no more") {
  const auto mine = real_blocks(1600);
  SUBCASE("a thousand") {
    const auto theirs = branch_of(real_chain(), 600, 100);
    fork_world w{mine};
    w.masternodes_with(theirs, 5);
    CHECK(w.comes_to(theirs, 60s));
    CHECK(w.store->utxo_state() == digest_of(theirs));
  }
  SUBCASE("one more") {
    const auto theirs = branch_of(real_chain(), 599, 100);
    fork_world w{mine};
    w.masternodes_with(theirs, 5);
    w.advance(5min);
    CHECK(w.is_on(mine));
    CHECK(w.only_branch().state == "too-deep");
    CHECK(w.violations->empty());
  }
}

TEST_CASE("a certified block of ours is final, whatever the others have") {
  const auto theirs = branch_of(real_chain(), 30, 15);
  fork_world w{ours};
  w.store->final = 31;
  const auto peers = w.masternodes_with(theirs, 5);
  w.advance(3min);
  CHECK(w.is_on(ours));
  CHECK(w.ranges_asked(peers) == 0);
  w.store->final = 30;
  CHECK(w.comes_to(theirs, 11min));
}

TEST_CASE("a disk that fails while changing over leaves our chain, and the change comes later") {
  const auto theirs = branch_of(real_chain(), 30, 15);
  fork_world w{ours};
  w.store->full = true;
  w.masternodes_with(theirs, 5);
  w.advance(2min);
  CHECK(w.is_on(ours));
  CHECK(w.violations->empty());
  w.store->full = false;
  CHECK(w.comes_to(theirs, 3min));
}

TEST_CASE("the other branch grows while it is fetched, and the node ends on its top") {
  auto theirs = branch_of(real_chain(), 30, 15);
  fork_world w{ours};
  const auto peers = w.masternodes_with(theirs, 5);
  for (int i = 0; i < 20; ++i) {
    w.advance(500ms);
    theirs = branch_of(theirs, theirs.size() - 1, 1);
    for (const auto& x : peers) {
      x.script->chain = theirs;
      w.self->send(*w.engine, x.ip, wire::message{wire::block_height_response{theirs.size() - 1}});
    }
  }
  CHECK(w.comes_to(theirs, 90s));
}

TEST_CASE("a node far below on the wrong branch gets to the top of the right one") {
  const auto mine = branch_of(real_chain(), 20, 10, "mine");
  fork_world w{mine};
  w.masternodes_with(real_chain(), 5);
  CHECK(w.comes_to(real_chain(), 60s));
  CHECK(w.store->utxo_state() == digest_of(real_chain()));
}

TEST_CASE("hundred liars with a branch each do not keep a node from the masternodes' branch") {
  const auto theirs = branch_of(real_chain(), 30, 15);
  fork_world w{ours};
  for (int i = 1; i <= 100; ++i) {
    const auto lie = branch_of(real_chain(), 10 + static_cast<std::uint64_t>(i % 20), 20,
                               "liar" + std::to_string(i));
    w.add("10.0.3." + std::to_string(i), {.chain = lie, .delay = 4s});
  }
  w.advance(30s);
  CHECK(w.is_on(ours));
  w.masternodes_with(theirs, 5);
  CHECK(w.comes_to(theirs, 60s));
  CHECK(w.look().forks.branches.size() <= 16);
}

TEST_CASE("a third of liars among the masternodes, each with a branch of its own, change nothing") {
  const auto theirs = branch_of(real_chain(), 30, 15);
  fork_world w{ours};
  for (int i = 1; i <= 4; ++i)
    w.masternode("10.0.3." + std::to_string(i),
                 {.chain = branch_of(real_chain(), 20 + static_cast<std::uint64_t>(i), 30,
                                     "liar" + std::to_string(i))});
  w.masternodes_with(theirs, 9);
  CHECK(w.comes_to(theirs, 90s));
  w.advance(10min);
  CHECK(w.is_on(theirs));
  CHECK(w.look().forks.switches == 1);
}

TEST_CASE("answers about hashes that were not asked for change nothing") {
  fork_world w{ours};
  const auto peers = w.masternodes_with(ours, 5);
  w.advance(1s);
  for (std::uint64_t h = 1; h < 40; ++h)
    for (const auto& x : peers)
      w.self->send(*w.engine, x.ip, wire::message{wire::block_hash_response{h, hash256{}}});
  w.advance(2min);
  CHECK(w.is_on(ours));
  CHECK(w.look().forks.branches.empty());
  CHECK(w.look().forks.same == 5);
}

TEST_CASE("how the peers' chains compare with ours shows in the snapshot") {
  fork_world w{ours};
  w.add("10.0.0.1", {.chain = ours});
  w.add("10.0.0.2", {.chain = real_blocks(30)});
  w.add("10.0.0.3", {.chain = branch_of(real_chain(), 30, 15)});
  w.add("10.0.0.4", {.chain = ours, .answers_hashes = false});
  w.advance(5s);
  const auto x = w.look().forks;
  CHECK(x.same == 1);
  CHECK(x.behind == 1);
  CHECK(x.differ == 1);
  CHECK(x.unknown == 1);
}

TEST_CASE("peers on another branch are not counted as having more than we") {
  const auto theirs = branch_of(real_chain(), 30, 100);
  fork_world w{ours};
  const auto peer = w.add("10.0.0.1", {.chain = theirs});
  w.advance(2min);
  CHECK(w.look().target == 40);
  CHECK(w.look().claims.at(peer.ip) == 130);
  // It comes over to our chain and has more.
  peer.script->chain = real_blocks(60);
  CHECK(w.reaches(60, 100s));
}
