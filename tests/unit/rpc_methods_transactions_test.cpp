// Transactions and money by RPC.

#include "app/rpc_amounts.hpp"
#include "chain/bincode.hpp"
#include "chain/payment.hpp"
#include "tests/transactions.hpp"
#include "tests/unit/rpc_methods_fixture.hpp"

using namespace rpc_test;

namespace {

/// A node whose key is that of owner 0, who has three outputs; owner 1 has one.
struct wallet_fixture : method_fixture {
  wallet_fixture() {
    node = &backend;
    backend.key = test::owner(0);
    backend.offer.txid[0] = 0xab;
    add(1, 0, 5 * units_per_time);
    add(2, 0, 20 * units_per_time);
    add(3, 0, 10 * units_per_time);
    add(4, 1, 1'000 * units_per_time);
  }

  void add(std::uint8_t n, unsigned owner, amount value) {
    hash256 txid{};
    txid[0] = n;
    backend.chain_.listed.emplace_back(
        outpoint{txid, n}, chain::coin{value, test::pay(test::address(owner), 1).script_pubkey});
  }

  /// What was offered last.
  transaction offered() { return std::get<offered_transaction>(backend.questions.back()).tx; }
};

std::string hex(const transaction& x) {
  byte_string bytes;
  chain::encode(x, bytes);
  return chain::to_hex(bytes);
}

std::string quoted(const std::string& x) {
  return "\"" + x + "\"";
}

}  // namespace

TEST_CASE("amounts are exact in JSON in both directions") {
  for (const amount x : {amount{0}, amount{1}, amount{10}, amount{12'345'678}, amount{99'999'999},
                         amount{10'000'000'000}, amount{6'710'886'399'999'999},
                         amount{6'710'886'400'000'000}, ~amount{0}}) {
    const auto text = time_amount(x).dump();
    CHECK(amount_of(json::parse(text)).value() == x);
    CHECK(amount_of(json(chain::to_decimal(x))).value() == x);
  }
  CHECK(time_amount(12'345'678).dump() == "0.12345678");
  CHECK(time_amount(~amount{0}).is_string());
  CHECK(amount_of(json::parse("0.1")).value() == 10'000'000);
  CHECK(amount_of(json::parse("1e-8")).value() == 1);
  CHECK(amount_of(json::parse("3")).value() == 300'000'000);
  for (const auto* x :
       {"0.123456789", "-1", "1e300", "67108864.5", "null", "[]", "\"1e3\"", "true"})
    CHECK_FALSE(amount_of(json::parse(x)).has_value());
}

TEST_CASE_FIXTURE(wallet_fixture,
                  "money is sent by a signed transaction, and what is left comes back") {
  const auto to = test::address(7);
  CHECK(ok("sendtoaddress", "[" + quoted(to) + ", 9.5]") == chain::to_hex(backend.offer.txid));
  const auto x = offered();
  REQUIRE(x.inputs.size() == 1);
  CHECK(x.inputs[0].previous_output.vout == 3);  // the smallest that is enough
  REQUIRE(x.outputs.size() == 2);
  CHECK(x.outputs[0] == test::pay(to, 950'000'000));
  CHECK(x.outputs[1].script_pubkey == test::pay(test::address(0), 1).script_pubkey);
  CHECK(x.timestamp == backend.unix_now());
  CHECK(chain::check_signature(x.inputs[0], test::pay(test::address(0), 1).script_pubkey,
                               chain::signing_hash(x), network_id::testnet)
            .has_value());
  ok("sendtoaddress", "[" + quoted(to) + ", \"30.00000001\"]");
  CHECK(offered().outputs[0].value == 3'000'000'001);
  CHECK(offered().inputs.size() == 3);
}

TEST_CASE_FIXTURE(wallet_fixture,
                  "what is being spent is not spent again, and what waits is spent last") {
  const auto& coins = backend.chain_.listed;
  backend.pending.spent = {{coins[1].first.txid, coins[1].first.vout, coins[1].second.value}};
  backend.pending.received = {{hash256{}, 9, 50 * units_per_time}};
  const auto to = quoted(test::address(7));
  ok("sendtoaddress", "[" + to + ", 12]");
  CHECK(offered().inputs.size() == 2);
  ok("sendtoaddress", "[" + to + ", 40]");
  CHECK(offered().inputs.size() == 1);
  CHECK(offered().inputs[0].previous_output.vout == 9);
  const auto failed = run("sendtoaddress", "[" + to + ", 65]");
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == rpc_code::insufficient_funds);
  CHECK(failed.error().message.find("there are 65.00000000 TIME to spend") != std::string::npos);
}

TEST_CASE_FIXTURE(wallet_fixture,
                  "money is not sent to a wrong address, of a wrong amount, or without a key") {
  CHECK(error("sendtoaddress", R"(["TIME0nobody", 1])") == -5);
  const auto to = quoted(test::address(7));
  CHECK(error("sendtoaddress", "[" + to + ", -1]") == -32602);
  CHECK(error("sendtoaddress", "[" + to + ", 0.000000001]") == -32602);
  CHECK(error("sendtoaddress", "[" + to + ", 0.000001]") == -6);  // dust
  CHECK(error("sendtoaddress", "[7, 1]") == -32602);
  backend.offer.refused = "there is no room";
  CHECK(error("sendtoaddress", "[" + to + ", 1]") == -26);
  backend.key.reset();
  CHECK(error("sendtoaddress", "[" + to + ", 1]") == -4);
  node = nullptr;
  CHECK(error("sendtoaddress", "[" + to + ", 1]") == -4);
}

TEST_CASE_FIXTURE(wallet_fixture, "a balance is what is unspent in blocks") {
  CHECK(ok("getbalance", "[" + quoted(test::address(0)) + "]").dump() == "35.0");
  CHECK(ok("getbalance", "[" + quoted(test::address(5)) + "]").dump() == "0.0");
  CHECK(ok("getbalance").dump() == "0.0");  // of the reward address
  snapshot.masternodes.clear();
  CHECK(ok("getbalance").dump() == "35.0");
  backend.key.reset();
  CHECK(error("getbalance") == -32602);
  CHECK(ok("listunspent", "[1, 99, [" + quoted(test::address(1)) + "]]")[0]["amount"].dump() ==
        "1000.0");
}

TEST_CASE_FIXTURE(wallet_fixture, "a transaction is made, signed and sent in three steps") {
  const auto& coin = backend.chain_.listed[1].first;
  const auto made =
      ok("createrawtransaction", "[[{\"txid\": " + quoted(chain::to_hex(coin.txid)) +
                                     ", \"vout\": 2}], {" + quoted(test::address(7)) + ": 19.9}]")
          .get<std::string>();
  const auto bytes = chain::bytes_from_hex(made);
  REQUIRE(bytes);
  const auto x = chain::decode_transaction(*bytes);
  REQUIRE(x.has_value());
  CHECK(x->inputs[0].previous_output == coin);
  CHECK(x->inputs[0].script_sig.empty());
  CHECK(x->outputs[0] == test::pay(test::address(7), 1'990'000'000));
  const auto done = ok("signrawtransactionwithwallet", "[" + quoted(made) + "]");
  CHECK(done["complete"] == true);
  ok("sendrawtransaction", "[" + done["hex"].dump() + "]");
  auto expected = *x;
  chain::sign(expected, test::owner(0));
  CHECK(offered() == expected);
  backend.offer.refused = "its fee is 0 units";
  CHECK(run("sendrawtransaction", "[" + done["hex"].dump() + "]").error().message ==
        "The transaction is refused: its fee is 0 units");
  CHECK(error("sendrawtransaction", R"(["zz"])") == -22);
  CHECK(error("sendrawtransaction", R"(["00"])") == -22);
  CHECK(error("sendrawtransaction", "[1]") == -32602);
  CHECK(error("createrawtransaction", "[[{}], {}]") == -32602);
  CHECK(error("createrawtransaction", R"([[], {"TIME0x": 1}])") == -5);
}

TEST_CASE_FIXTURE(wallet_fixture, "a transaction is found where it waits and in its block") {
  const auto block = backend.chain().block_at(2);
  const auto id = chain::to_hex(chain::txid(block->transactions[1]));
  CHECK(ok("getrawtransaction", "[" + quoted(id) + "]") == hex(block->transactions[1]));
  auto x = ok("getrawtransaction", "[" + quoted(id) + ", true]");
  CHECK(x["txid"] == id);
  CHECK(x["confirmations"] == 1);
  CHECK(x["blockhash"] == hash(2));
  CHECK(x["vout"][0]["value"] == "184467440737.09551615");
  CHECK(ok("getrawtransaction",
           "[" + quoted(id) + ", 1, " + quoted(hash(2)) + "]")["blockheight"] == 2);
  CHECK(error("getrawtransaction", "[" + quoted(id) + ", 1, " + quoted(hash(1)) + "]") == -5);
  CHECK(ok("gettransaction", "[" + quoted(id) + "]")["details"][0]["category"] == "receive");
  const auto unknown = quoted(std::string(64, '0'));
  CHECK(error("getrawtransaction", "[" + unknown + "]") == -5);
  CHECK(error("gettransaction", "[" + unknown + "]") == -5);
  CHECK(error("gettransaction", R"(["abc"])") == -32602);

  backend.waiting.known = true;
  backend.waiting.tx = test::spend(0, {{hash256{}, 1}}, {test::pay(test::address(1), 150'000'000)});
  backend.waiting.entry = {.txid = chain::txid(backend.waiting.tx),
                           .bytes = 200,
                           .fee = 150'000,
                           .since = 77,
                           .final_since = 78,
                           .approvals = 5,
                           .rejections = 0,
                           .depends = {},
                           .spent_by = {}};
  x = ok("gettransaction", "[" + unknown + "]");
  CHECK(x["confirmations"] == 0);
  CHECK(x["amount"].dump() == "1.5");
  CHECK(x["fee"].dump() == "0.0015");
  CHECK(x["finalized"] == true);
  CHECK(x["approvals"] == 5);
  CHECK(x["hex"] == hex(backend.waiting.tx));
}

TEST_CASE_FIXTURE(wallet_fixture, "what waits is listed, and summed up") {
  CHECK(ok("getrawmempool") == json::array());
  mempool_entry entry;
  entry.txid[0] = 1;
  entry.bytes = 250;
  entry.fee = 1'000;
  entry.depends = {hash256{}};
  backend.pool = {entry};
  const auto id = chain::to_hex(entry.txid);
  CHECK(ok("getrawmempool") == json::array({id}));
  const auto x = ok("getrawmempool", "[true]")[id];
  CHECK(x["vsize"] == 250);
  CHECK(x["fee"].dump() == "1e-05");
  CHECK(x["depends"] == json::array({std::string(64, '0')}));
  CHECK(x["finalized"] == false);
  snapshot.mempool.size = 3;
  snapshot.mempool.final_count = 2;
  snapshot.mempool.fees = 150'000'000;
  const auto info = ok("getmempoolinfo");
  CHECK(info["loaded"] == true);
  CHECK(info["size"] == 3);
  CHECK(info["pending"] == 1);
  CHECK(info["total_fee"].dump() == "1.5");
}
