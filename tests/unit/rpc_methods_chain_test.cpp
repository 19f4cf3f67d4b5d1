#include "chain/bincode.hpp"
#include "messages/wire_codec.hpp"
#include "tests/unit/rpc_methods_fixture.hpp"

#include <cctype>
#include <string>

namespace {

using namespace timenode;
using fixture = rpc_test::method_fixture;
using rpc_test::keys;
using rpc_test::names;

}  // namespace

TEST_CASE_FIXTURE(fixture, "getblockchaininfo tells the chain and its download") {
  const auto x = ok("getblockchaininfo");
  CHECK(keys(x) == names{"chain", "blocks", "headers", "bestblockhash", "time", "mediantime",
                         "verificationprogress", "initialblockdownload", "utxo_count", "block_time",
                         "require_signatures", "sync", "warnings"});
  CHECK(x["block_time"] == 600);
  CHECK(x["require_signatures"] == false);
  CHECK(x["chain"] == "testnet");
  CHECK(x["blocks"] == 2);
  CHECK(x["headers"] == 8);
  CHECK(x["bestblockhash"] == hash(2));
  const auto genesis_time = backend.chain().block_at(0)->header.timestamp;
  CHECK(x["time"] == genesis_time + 1200);
  CHECK(x["mediantime"] == genesis_time + 600);
  CHECK(x["verificationprogress"] == 0.25);
  CHECK(x["initialblockdownload"] == true);
  CHECK(x["utxo_count"] == 42);
  CHECK(x["sync"]["state"] == "syncing");
  CHECK(x["sync"]["target"] == 8);
  CHECK(x["sync"]["peers"] == 5);
  CHECK(x["sync"]["outstanding"] == 6);
  CHECK(x["sync"]["buffered_blocks"] == 7);
  CHECK(x["sync"]["blocks_per_second"] == 12.5);
  CHECK(x["sync"]["eta_seconds"] == 90);
}

TEST_CASE_FIXTURE(fixture, "a node at its target is done downloading, also when one block is due") {
  snapshot.sync.target = 2;
  auto x = ok("getblockchaininfo");
  CHECK(x["headers"] == 2);
  CHECK(x["verificationprogress"] == 1.0);
  CHECK(x["initialblockdownload"] == false);
  snapshot.sync.target = 3;
  CHECK(ok("getblockchaininfo")["initialblockdownload"] == false);
  // A snapshot older than the chain does not take headers below blocks.
  snapshot.sync.target = 0;
  CHECK(ok("getblockchaininfo")["headers"] == 2);
}

TEST_CASE_FIXTURE(fixture, "getblockcount and getbestblockhash are the tip's") {
  CHECK(ok("getblockcount") == 2);
  CHECK(ok("getblockcount").is_number_integer());
  CHECK(ok("getbestblockhash") == hash(2));
}

TEST_CASE_FIXTURE(fixture, "getblockhash names the block at a height") {
  CHECK(ok("getblockhash", "[0]") ==
        "062446a00f5dc1aa0c842ce4e1beb400ee89ead29c247c14a44921dd7b5e1dea");
  CHECK(ok("getblockhash", R"({"height":2})") == hash(2));
  CHECK(error("getblockhash", "[3]") == -8);
  CHECK(error("getblockhash", "[-1]") == -8);
  CHECK(error("getblockhash", "[18446744073709551615]") == -8);
  CHECK(error("getblockhash", "[1.5]") == -32602);
  CHECK(error("getblockhash", "[\"1\"]") == -32602);
  CHECK(error("getblockhash", "[true]") == -32602);
  CHECK(error("getblockhash") == -32602);
  CHECK(error("getblockhash", "[null]") == -32602);
  CHECK(error("getblockhash", "[1,2]") == -32602);
  CHECK(error("getblockhash", R"({"hight":1})") == -32602);
}

TEST_CASE_FIXTURE(fixture, "getblock describes a block with the ids of its transactions") {
  const auto& block = *backend.chain().block_at(1);
  const auto x = ok("getblock", "[\"" + hash(1) + "\"]");
  CHECK(keys(x) == names{"hash", "confirmations", "height", "version", "merkleroot", "time",
                         "mediantime", "block_reward", "previousblockhash", "nextblockhash", "size",
                         "nTx", "tx", "masternode_rewards"});
  CHECK(x["hash"] == hash(1));
  CHECK(x["confirmations"] == 2);
  CHECK(x["height"] == 1);
  CHECK(x["version"] == 1);
  CHECK(x["merkleroot"] == chain::to_hex(block.header.merkle_root));
  CHECK(x["time"] == block.header.timestamp);
  CHECK(x["block_reward"].get<std::uint64_t>() == 10'000'000'001u);
  CHECK(x["previousblockhash"] == hash(0));
  CHECK(x["nextblockhash"] == hash(2));
  CHECK(x["size"] == chain::encoded_size(block));
  CHECK(x["nTx"] == 2);
  REQUIRE(x["tx"].size() == 2);
  CHECK(x["tx"][0] == chain::to_hex(chain::txid(block.transactions[0])));
  CHECK(x["tx"][1] == chain::to_hex(chain::txid(block.transactions[1])));
  CHECK(x["masternode_rewards"] == json::parse(R"([{"address":"TIME0abc","amount":10000000001}])"));
}

TEST_CASE_FIXTURE(fixture, "getblock takes a height, a hash of either case, and names") {
  const auto by_height = ok("getblock", "[1]");
  CHECK(by_height["hash"] == hash(1));
  auto upper = hash(1);
  for (auto& c : upper)
    c = static_cast<char>(std::toupper(c));
  CHECK(ok("getblock", "[\"" + upper + "\",1]") == by_height);
  CHECK(ok("getblock", R"({"blockhash":1,"verbosity":1})") == by_height);
  CHECK(ok("getblock", "[1,true]") == by_height);
  CHECK(ok("getblock", "[1,null]") == by_height);
}

TEST_CASE_FIXTURE(fixture, "the first block has none before it and the last none behind") {
  const auto first = ok("getblock", "[0]");
  CHECK_FALSE(first.contains("previousblockhash"));
  CHECK(first["confirmations"] == 3);
  const auto last = ok("getblock", "[2]");
  CHECK_FALSE(last.contains("nextblockhash"));
  CHECK(last["confirmations"] == 1);
}

TEST_CASE_FIXTURE(fixture, "getblock with verbosity 2 shows whole transactions, exactly") {
  const auto tx = ok("getblock", "[1,2]")["tx"][1];
  const auto& real = backend.chain().block_at(1)->transactions[1];
  CHECK(tx["txid"] == chain::to_hex(chain::txid(real)));
  CHECK(tx["version"] == 2);
  CHECK(tx["size"] == chain::encoded_size(real));
  CHECK(tx["locktime"] == 7);
  CHECK(tx["time"] == 0);
  REQUIRE(tx["vin"].size() == 1);
  CHECK(tx["vin"][0]["txid"] == chain::to_hex(real.inputs[0].previous_output.txid));
  CHECK(tx["vin"][0]["vout"] == 3);
  CHECK(tx["vin"][0]["scriptSig"]["hex"] == "dead");
  CHECK(tx["vin"][0]["sequence"] == 4294967295u);
  REQUIRE(tx["vout"].size() == 1);
  CHECK(tx["vout"][0]["value"].get<std::uint64_t>() == 18'446'744'073'709'551'615u);
  CHECK(tx["vout"][0]["n"] == 0);
  CHECK(tx["vout"][0]["scriptPubKey"]["hex"] == "00ff");
  // A script that is no text has no address, one that is has.
  CHECK_FALSE(tx["vout"][0]["scriptPubKey"].contains("address"));
  const auto coinbase = ok("getblock", "[1,2]")["tx"][0];
  CHECK(coinbase["vout"][0]["scriptPubKey"]["address"] == "TIME0abc");
  CHECK(coinbase["vin"].empty());
}

TEST_CASE_FIXTURE(fixture, "getblock with verbosity 0 is the text that peers exchange") {
  std::string text;
  wire::encode_block(*backend.chain().block_at(1), text);
  CHECK(ok("getblock", "[1,0]") == text);
  CHECK(ok("getblock", "[1,false]") == text);
}

TEST_CASE_FIXTURE(fixture, "getblock says what is wrong with its arguments") {
  CHECK(error("getblock") == -32602);
  CHECK(error("getblock", "[3]") == -8);
  CHECK(error("getblock", "[-1]") == -8);
  CHECK(error("getblock", "[\"" + std::string(64, '0') + "\"]") == -5);
  CHECK(error("getblock", "[\"" + std::string(63, '0') + "\"]") == -32602);
  CHECK(error("getblock", "[\"" + std::string(64, 'g') + "\"]") == -32602);
  CHECK(error("getblock", "[\"1\"]") == -32602);
  CHECK(error("getblock", "[1.0]") == -32602);
  CHECK(error("getblock", "[[]]") == -32602);
  CHECK(error("getblock", "[1,3]") == -8);
  CHECK(error("getblock", "[1,-1]") == -8);
  CHECK(error("getblock", "[1,\"1\"]") == -32602);
  CHECK(error("getblock", "[1,1,1]") == -32602);
}
