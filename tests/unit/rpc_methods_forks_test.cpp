#include "app/tip_text.hpp"
#include "tests/unit/rpc_methods_fixture.hpp"

#include <string>

namespace {

using namespace timenode;
using rpc_test::keys;
using rpc_test::names;

hash256 hash_of(std::uint8_t x) {
  hash256 result{};
  result.fill(x);
  return result;
}

/// A node that knows a branch which three masternodes have.
struct fork_fixture : rpc_test::method_fixture {
  fork_fixture() {
    auto& forks = snapshot.sync.forks;
    forks.phase = "quiet";
    forks.same = 4;
    forks.behind = 1;
    forks.differ = 3;
    forks.unknown = 2;
    forks.switches = 1;
    branch_snapshot x;
    x.first = hash_of(0x11);
    x.tip = hash_of(0x22);
    x.fork_height = 1;
    x.height = 7;
    x.state = "undecided";
    x.why = "of 7 masternodes that answered 4 have our block, 3 the other; neither has two thirds";
    x.votes_ours = 4;
    x.votes_theirs = 3;
    x.electorate = 9;
    x.peers = {rpc_test::ip("192.0.2.1"), rpc_test::ip("192.0.2.2")};
    x.next_look_ms = 4500;
    forks.branches = {x};
  }
};

}  // namespace

TEST_CASE_FIXTURE(fork_fixture, "getchaintips lists our tip first and then the other branches") {
  const auto tips = ok("getchaintips");
  REQUIRE(tips.size() == 2);
  CHECK(tips[0] == json{{"height", 2}, {"hash", hash(2)}, {"branchlen", 0}, {"status", "active"}});
  CHECK(tips[1]["height"] == 7);
  CHECK(tips[1]["hash"] == chain::to_hex(hash_of(0x22)));
  CHECK(tips[1]["branchlen"] == 6);
  CHECK(tips[1]["status"] == "headers-only");
  CHECK(tips[1]["decision"] == "undecided");
  CHECK(tips[1]["peers"] == json::array({"192.0.2.1", "192.0.2.2"}));
  CHECK(tips[1]["votes"]["theirs"] == 3);
  snapshot.sync.forks.branches[0].state = "invalid";
  CHECK(ok("getchaintips")[1]["status"] == "invalid");
  snapshot.sync.forks.branches[0].state = "left";
  CHECK(ok("getchaintips")[1]["status"] == "valid-fork");
  snapshot.sync.forks.branches.clear();
  CHECK(ok("getchaintips").size() == 1);
}

TEST_CASE_FIXTURE(fork_fixture,
                  "explaintip tells why our tip is ours, who has others, and the votes") {
  const auto x = ok("explaintip");
  CHECK(keys(x) == names{"height", "hash", "time", "final_height", "why", "doing", "switches",
                         "peers", "branches"});
  CHECK(x["why"] ==
        "of 8 peers that told, 4 at our tip, 1 lower on our chain, 3 on another; another "
        "branch is known");
  CHECK(x["peers"]["unknown"] == 2);
  CHECK(x["branches"][0]["reason"] == snapshot.sync.forks.branches[0].why);
  CHECK(x["branches"][0]["next_look_seconds"] == 4.5);
  snapshot.sync.forks = {};
  CHECK(ok("explaintip")["why"] == "no peer has told yet which block it has at our height: ours is "
                                   "what was valid and came first");
}

TEST_CASE_FIXTURE(fork_fixture,
                  "a branch that masternodes have and that is not decided upon is a warning") {
  const auto warned = [&] {
    const auto info = ok("getblockchaininfo");
    for (const auto& x : info["warnings"])
      if (x.get<std::string>().find("explain tip") != std::string::npos)
        return x.get<std::string>();
    return std::string{};
  };
  CHECK(warned() == "3 masternodes are on another chain than ours above height 1 (undecided: " +
                        snapshot.sync.forks.branches[0].why +
                        "); 'timenode explain tip' tells more");
  snapshot.sync.forks.branches[0].votes_theirs = 0;
  CHECK(warned().empty());
  snapshot.sync.forks.branches[0].votes_theirs = 1;
  CHECK(warned().starts_with("A masternode is on another chain"));
  snapshot.sync.forks.branches[0].state = "lost";
  CHECK(warned().empty());
}

TEST_CASE_FIXTURE(fork_fixture,
                  "the tip is explained to people in a few lines and a paragraph a branch") {
  const auto x = ok("explaintip");
  const auto text = app::tip_text(x, x["time"].get<std::int64_t>() + 90);
  CHECK(text == "Tip         " + hash(2) +
                    " at height 2, 1 min old\n"
                    "Why ours    of 8 peers that told, 4 at our tip, 1 lower on our chain, 3 on "
                    "another; another "
                    "branch is known\n"
                    "Peers       4 have our tip, 1 are lower on our chain, 3 have another block, 2 "
                    "did not tell\n"
                    "Doing       quiet\n"
                    "Changed     1 times to another branch since the start\n"
                    "Branch above height 1, 6 blocks\n"
                    "  Tip       " +
                    chain::to_hex(hash_of(0x22)) +
                    " at height 7\n"
                    "  First     " +
                    chain::to_hex(hash_of(0x11)) +
                    "\n"
                    "  Held by   192.0.2.1, 192.0.2.2\n"
                    "  Votes     4 for ours, 3 for this, 0 for another, 0 without a block there; 9 "
                    "masternodes "
                    "known\n"
                    "  Decision  undecided\n"
                    "  Because   of 7 masternodes that answered 4 have our block, 3 the other; "
                    "neither has two "
                    "thirds\n"
                    "  Next look in 4 s\n");
  // Whatever a node answers, it is shown without a fault.
  CHECK(!app::tip_text(json::object(), 0).empty());
  CHECK(!app::tip_text(json::array({1}), 0).empty());
  CHECK(!app::tip_text(json{{"branches", json::array({1, json::object()})}}, 0).empty());
}
