#include "chain/signed_messages.hpp"
#include "tests/unit/chain_support.hpp"

using namespace timenode;
using namespace timenode::test;

namespace {

chain::key_pair key_from(const nlohmann::json& hex) {
  return chain::key_pair::from_seed(bytes_from_hex<chain::secret_seed>(hex));
}

wire::heartbeat_broadcast vector_heartbeat() {
  const auto& x = vectors().at("heartbeat").at("heartbeat");
  return {x.at("masternode_address"), x.at("sequence_number"), x.at("timestamp"),
          bytes_from<public_key>(x.at("masternode_pubkey")),
          bytes_from<signature>(x.at("signature"))};
}

wire::heartbeat_attestation vector_attestation() {
  const auto& x = vectors().at("attestation").at("attestation");
  return {bytes_from<hash256>(x.at("heartbeat_hash")), x.at("witness_address"),
          bytes_from<public_key>(x.at("witness_pubkey")), x.at("witness_timestamp"),
          bytes_from<signature>(x.at("signature"))};
}

}  // namespace

TEST_CASE("a heartbeat is hashed, signed and verified as in the vectors") {
  const auto& vector = vectors().at("heartbeat");
  const auto expected = vector_heartbeat();
  CHECK(chain::to_hex(chain::heartbeat_hash(expected)) == vector.at("hash"));
  CHECK(chain::verify(expected));

  auto x = expected;
  x.masternode_pubkey = {};
  x.signature = {};
  chain::sign(x, key_from(vector.at("secret_key_hex")));
  CHECK(x == expected);
}

TEST_CASE("a heartbeat with any field changed does not verify") {
  const auto changed = [](auto change) {
    auto x = vector_heartbeat();
    change(x);
    return chain::verify(x);
  };
  CHECK_FALSE(changed([](auto& x) { x.masternode_address += "0"; }));
  CHECK_FALSE(changed([](auto& x) { ++x.sequence_number; }));
  CHECK_FALSE(changed([](auto& x) { --x.timestamp; }));
  CHECK_FALSE(changed([](auto& x) { x.signature[0] ^= 1; }));
  CHECK_FALSE(
      changed([](auto& x) { x.masternode_pubkey = chain::key_pair::generate().public_key(); }));
}

TEST_CASE("an attestation is signed and verified as in the vectors") {
  const auto expected = vector_attestation();
  CHECK(expected.heartbeat_hash == chain::heartbeat_hash(vector_heartbeat()));
  CHECK(chain::verify(expected));
  auto x = expected;
  x.witness_pubkey = {};
  x.signature = {};
  chain::sign(x, key_from(vectors().at("attestation").at("secret_key_hex")));
  CHECK(x == expected);
}

TEST_CASE("an attestation with any field changed does not verify") {
  const auto changed = [](auto change) {
    auto x = vector_attestation();
    change(x);
    return chain::verify(x);
  };
  CHECK_FALSE(changed([](auto& x) { x.heartbeat_hash[31] ^= 1; }));
  CHECK_FALSE(changed([](auto& x) { x.witness_address = "203.0.113.12"; }));
  CHECK_FALSE(changed([](auto& x) { ++x.witness_timestamp; }));
  CHECK_FALSE(changed([](auto& x) { x.signature[63] ^= 1; }));
}

TEST_CASE("a block vote is signed as in the vectors, and says yes or no under the signature") {
  const auto& vector = vectors().at("block_vote");
  const auto key = key_from(vector.at("secret_key_hex"));
  wire::block_vote x;
  x.block_hash = bytes_from_hex<hash256>(vectors().at("blocks").at(0).at("hash"));
  x.approve = true;
  CHECK(chain::to_hex(chain::signed_bytes(x)) == vector.at("signed_bytes_hex"));
  chain::sign(x, key);
  CHECK(chain::to_hex(x.signature) == vector.at("signature_hex"));
  CHECK(chain::verify(x, key.public_key()));
  x.approve = false;
  CHECK_FALSE(chain::verify(x, key.public_key()));
  CHECK(chain::signed_bytes(x).back() == 0);
  x.approve = true;
  x.signature.pop_back();
  CHECK_FALSE(chain::verify(x, key.public_key()));
}

TEST_CASE("a block proposal is signed as in the vectors") {
  const auto& vector = vectors().at("block_proposal");
  // The vector does not name its key; it is the one of the votes and heartbeats.
  const auto key = key_from(vectors().at("block_vote").at("secret_key_hex"));
  wire::block_proposal x;
  x.block = std::make_shared<const block>(block_from(vectors().at("blocks").at(0).at("block")));
  CHECK(chain::to_hex(chain::signed_bytes(x)) == vector.at("signed_bytes_hex"));
  chain::sign(x, key);
  CHECK(chain::to_hex(x.signature) == vector.at("signature_hex"));
  CHECK(chain::verify(x, key.public_key()));
  x.block = std::make_shared<const block>(block_from(vectors().at("blocks").at(1).at("block")));
  CHECK_FALSE(chain::verify(x, key.public_key()));
}

TEST_CASE("a transaction vote is signed and verified as in the vectors") {
  const auto& vector = vectors().at("transaction_vote");
  const auto& vote = vector.at("vote");
  const wire::transaction_vote expected{bytes_from<hash256>(vote.at("txid")), vote.at("voter"),
                                        vote.at("approve"), vote.at("timestamp"),
                                        bytes_from<byte_string>(vote.at("signature"))};
  const auto key = key_from(vector.at("secret_key_hex"));
  CHECK(chain::to_hex(chain::signed_bytes(expected)) == vector.at("signed_bytes_hex"));
  CHECK(chain::verify(expected, key.public_key()));
  auto x = expected;
  x.signature.clear();
  CHECK_FALSE(chain::verify(x, key.public_key()));
  chain::sign(x, key);
  CHECK(x == expected);
  x.timestamp = -x.timestamp;
  CHECK_FALSE(chain::verify(x, key.public_key()));
}
