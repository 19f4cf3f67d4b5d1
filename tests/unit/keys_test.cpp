#include "chain/base58.hpp"
#include "chain/keys.hpp"
#include "tests/unit/chain_support.hpp"

using namespace timenode;
using namespace timenode::test;

namespace {

byte_string bytes_of(const std::string& hex) {
  return chain::bytes_from_hex(hex).value();
}

}  // namespace

TEST_CASE("keys and addresses are the vectors', on both networks") {
  for (const auto& vector : vectors().at("addresses")) {
    const auto key =
        chain::key_pair::from_seed(bytes_from_hex<chain::secret_seed>(vector.at("secret_key_hex")));
    CHECK(chain::to_hex(key.public_key()) == vector.at("public_key_hex"));
    CHECK(chain::to_hex(key.seed()) == vector.at("secret_key_hex"));
    const std::string testnet = vector.at("testnet");
    const std::string mainnet = vector.at("mainnet");
    CHECK(chain::address_of(key.public_key(), network_id::testnet) == testnet);
    CHECK(chain::address_of(key.public_key(), network_id::mainnet) == mainnet);
    CHECK(chain::is_valid_address(testnet, network_id::testnet));
    CHECK(chain::is_valid_address(mainnet, network_id::mainnet));
    CHECK_FALSE(chain::is_valid_address(testnet, network_id::mainnet));
    CHECK_FALSE(chain::is_valid_address(mainnet, network_id::testnet));
  }
}

TEST_CASE("the addresses that the real chain pays are valid") {
  for (const auto& [address, value] : real_chain().at(2000)->masternode_rewards)
    CHECK(chain::is_valid_address(address, network_id::testnet));
}

TEST_CASE("an address with any one character changed is not valid") {
  const std::string address = vectors().at("addresses").at(0).at("testnet");
  for (std::size_t i = 0; i < address.size(); ++i) {
    for (const char c : {'2', 'Z', 'z', '0', '1', ' '}) {
      auto wrong = address;
      wrong[i] = c;
      CHECK(chain::is_valid_address(wrong, network_id::testnet) == (wrong == address));
    }
  }
}

TEST_CASE("what is wrong with an address is said") {
  const auto reason = [](const std::string& text) {
    return chain::check_address(text, network_id::testnet).error().reason;
  };
  const std::string good = vectors().at("addresses").at(0).at("testnet");
  CHECK(reason("") == "the address does not begin with \"TIME\"");
  CHECK(reason("TIME") == "the address has neither 0 (testnet) nor 1 (mainnet) after \"TIME\"");
  CHECK(reason("TIME2abc") == "the address has neither 0 (testnet) nor 1 (mainnet) after \"TIME\"");
  CHECK(reason("TIME1abc") == "the address is one of the other network, not of testnet");
  CHECK(reason("TIME0") == "the address holds 0 bytes, not 24");
  CHECK(reason(good + "x") == "the address holds 25 bytes, not 24");
  CHECK(reason("TIME0l") == "the address has a character that is not base58, or is too long");
  CHECK(reason("TIME0" + std::string(1'000'000, 'z')) ==
        "the address has a character that is not base58, or is too long");
}

TEST_CASE("base58 keeps leading zeros and gives the known texts") {
  // From Bitcoin's own tests.
  const std::vector<std::pair<std::string, std::string>> known{
      {"", ""},
      {"61", "2g"},
      {"626262", "a3gV"},
      {"73696d706c792061206c6f6e6720737472696e67", "2cFupjhnEsSn59qHXstmK2ffpLv2"},
      {"00eb15231dfceb60925886b67d065299925915aeb172c06647", "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L"},
      {"00000000000000000000", "1111111111"},
  };
  for (const auto& [hex, text] : known) {
    CHECK(chain::base58_encode(bytes_of(hex)) == text);
    CHECK(chain::base58_decode(text) == bytes_of(hex));
  }
  for (const std::string wrong : {"0", "O", "I", "l", " a", "a ", "a\n"})
    CHECK_FALSE(chain::base58_decode(wrong).has_value());
}

TEST_CASE("signatures are RFC 8032's and verify only as they are") {
  // RFC 8032, section 7.1, test 3.
  const auto key = chain::key_pair::from_seed(*chain::from_hex<chain::secret_seed>(
      "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"));
  const byte_string message = bytes_of("af82");
  auto signature = key.sign(message);
  CHECK(chain::to_hex(signature) ==
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
  CHECK(chain::verify(key.public_key(), message, signature));
  for (std::size_t i = 0; i < signature.size(); i += 7) {
    signature[i] = static_cast<std::uint8_t>(signature[i] ^ 1);
    CHECK_FALSE(chain::verify(key.public_key(), message, signature));
    signature[i] = static_cast<std::uint8_t>(signature[i] ^ 1);
  }
  CHECK_FALSE(chain::verify(key.public_key(), bytes_of("af83"), signature));
  CHECK_FALSE(chain::verify(chain::key_pair::generate().public_key(), message, signature));
  CHECK_FALSE(chain::verify(public_key{}, message, signature));
}

TEST_CASE("a signature of a wrong length does not verify") {
  const auto key = chain::key_pair::generate();
  const byte_string message{1, 2, 3};
  const auto signature = key.sign(message);
  byte_string bytes{signature.begin(), signature.end()};
  const auto verifies = [&] {
    return chain::verify(key.public_key(), message, std::span<const std::uint8_t>{bytes});
  };
  CHECK(verifies());
  bytes.push_back(0);
  CHECK_FALSE(verifies());
  bytes.resize(63);
  CHECK_FALSE(verifies());
  bytes.clear();
  CHECK_FALSE(verifies());
}

TEST_CASE("two new keys differ") {
  CHECK(chain::key_pair::generate().public_key() != chain::key_pair::generate().public_key());
}
