#include "app/key_file.hpp"
#include "app/wallet_file.hpp"
#include "chain/hex.hpp"
#include "tests/unit/chain_support.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>

using namespace timenode;
using namespace timenode::app;
using namespace timenode::test;

namespace {

/// What costs nothing: these tests are about keys, not about the patience of guessers.
constexpr passphrase_cost cheap{1, 8192};

chain::key_pair some_keys() {
  return chain::key_pair::from_seed({{1, 2, 3}});
}

passphrase_source says(const std::string& text) {
  return [text]() -> outcome<secret_text> { return secret_text{text}; };
}

outcome<secret_text> must_not_be_asked() {
  FAIL("asked for a passphrase");
  return fail("");
}

mode_t rights_of(const std::string& file) {
  struct stat info {};
  REQUIRE(::stat(file.c_str(), &info) == 0);
  return info.st_mode & 0777;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// -- a wallet as the deployed daemon writes it ----------------------------------------

void put(std::string& to, std::uint64_t x, int bytes) {
  for (; bytes > 0; --bytes, x >>= 8)
    to.push_back(static_cast<char>(x & 0xff));
}

struct wallet_fields {
  std::uint32_t version = 1;
  std::uint32_t network = 1;  // the daemon's order: mainnet, testnet
  chain::secret_seed seed{{1, 2, 3}};
  public_key key = some_keys().public_key();
  std::string address = chain::address_of(some_keys().public_key(), network_id::testnet);
  std::optional<std::string> label = "Default Wallet";
};

std::string bytes_of(const wallet_fields& x) {
  std::string result;
  put(result, x.version, 4);
  put(result, x.network, 4);
  result.append(x.seed.begin(), x.seed.end());
  result.append(x.key.begin(), x.key.end());
  put(result, x.address.size(), 8);
  result += x.address;
  put(result, 1'766'000'000, 8);
  put(result, x.label ? 1 : 0, 1);
  if (x.label) {
    put(result, x.label->size(), 8);
    result += *x.label;
  }
  return result;
}

outcome<wallet> parse(const std::string& bytes) {
  return parse_wallet({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

std::string refusal(const wallet_fields& x) {
  const auto result = parse(bytes_of(x));
  return result ? "taken" : result.error().reason;
}

}  // namespace

// -- files ----------------------------------------------------------------------------

TEST_CASE(
    "key file: made at the first start, readable for its owner only, and the same ever after") {
  const temporary_directory dir;
  const auto file = dir.file("deep/masternode.key");
  const auto made = must(load_or_create_key(file, must_not_be_asked));
  CHECK(rights_of(file) == 0600);
  CHECK(read_file(file) == chain::to_hex(made.seed()) + "\n");
  CHECK(must(load_or_create_key(file, must_not_be_asked)).seed() == made.seed());
}

TEST_CASE("key file: an encrypted key tells whose it is, and opens with its passphrase only") {
  const temporary_directory dir;
  const auto file = dir.file("k");
  const secret_text passphrase{"correct horse"};
  REQUIRE(write_key_file(file, some_keys(), &passphrase, cheap));
  CHECK(rights_of(file) == 0600);
  CHECK_FALSE(contains(read_file(file), chain::to_hex(some_keys().seed())));
  const auto stored = must(read_key_file(file));
  CHECK(stored.encrypted());
  CHECK(stored.public_key() == some_keys().public_key());
  CHECK(must(open_key(stored, says("correct horse"))).seed() == some_keys().seed());
  CHECK(open_key(stored, says("wrong")).error().reason ==
        "the passphrase is wrong, or the key file was changed");
  CHECK(must(load_or_create_key(file, says("correct horse"))).seed() == some_keys().seed());
  const auto unanswered =
      open_key(stored, []() -> outcome<secret_text> { return fail("nobody there"); });
  CHECK(unanswered.error().reason == "nobody there");
}

TEST_CASE("key file: a key is never overwritten, and an empty passphrase seals nothing") {
  const temporary_directory dir;
  const auto file = dir.file("k");
  const secret_text nothing;
  CHECK_FALSE(write_key_file(file, some_keys(), &nothing, cheap));
  REQUIRE(write_key_file(file, some_keys()));
  const auto again = write_key_file(file, chain::key_pair::generate());
  REQUIRE_FALSE(again);
  CHECK(contains(again.error().reason, "there is a key file " + file + " already"));
  CHECK(must(read_key_file(file)).public_key() == some_keys().public_key());
}

TEST_CASE("key file: one that others may read, or that is damaged, is refused with what to do") {
  const temporary_directory dir;
  const auto file = dir.file("k");
  REQUIRE(write_key_file(file, some_keys()));
  ::chmod(file.c_str(), 0640);
  CHECK(contains(read_key_file(file).error().reason, "run chmod 600"));
  ::chmod(file.c_str(), 0600);
  write_file(file, "0102\n");
  CHECK(contains(read_key_file(file).error().reason, "64 hexadecimal digits are expected"));
  write_file(file, "");
  CHECK(contains(read_key_file(file).error().reason, "is empty"));
  CHECK(contains(read_key_file(dir.file("none")).error().reason, "cannot read the key file"));
}

TEST_CASE("key file: every byte of a sealed key that is changed is noticed") {
  const secret_text passphrase{"p"};
  const auto text = to_text(must(seal(some_keys(), passphrase, cheap)));
  CHECK(must(unseal(must(parse_sealed_key(text)), passphrase)).seed() == some_keys().seed());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n')
      continue;
    auto damaged = text;
    damaged[i] = damaged[i] == '0' ? '1' : '0';
    const auto x = parse_sealed_key(damaged);
    // A changed cost is legal to try, and gives another key; it must stay cheap enough for a test.
    if (x && x->cost.memory_bytes <= 1u << 20 && x->cost.passes <= 3)
      CHECK_FALSE(unseal(*x, passphrase));
  }
  CHECK_FALSE(parse_sealed_key(text.substr(0, text.size() / 2)));
  auto greedy = must(parse_sealed_key(text));
  greedy.cost = {1, std::size_t{4} << 30};
  CHECK(parse_sealed_key(to_text(greedy)).error().reason ==
        "its line \"argon2id\" is missing or wrong");
}

TEST_CASE("key file: two seals of one key have nothing in common") {
  const secret_text passphrase{"p"};
  const auto a = must(seal(some_keys(), passphrase, cheap));
  const auto b = must(seal(some_keys(), passphrase, cheap));
  CHECK(a.salt != b.salt);
  CHECK(a.nonce != b.nonce);
  CHECK(a.sealed != b.sealed);
}

TEST_CASE("key file: a passphrase comes from a file that only its owner reads, else from the "
          "environment") {
  const temporary_directory dir;
  const auto file = dir.file("p");
  write_file(file, "from the file\nsecond line\n");
  ::chmod(file.c_str(), 0600);
  ::setenv(passphrase_variable, "from the environment", 1);
  CHECK(must(passphrase_for(file, "k")()).view() == "from the file");
  CHECK(must(passphrase_for({}, "k")()).view() == "from the environment");
  ::unsetenv(passphrase_variable);
  ::chmod(file.c_str(), 0644);
  CHECK(contains(passphrase_from_file(file).error().reason, "run chmod 600"));
  write_file(file, "\n");
  ::chmod(file.c_str(), 0600);
  CHECK(contains(passphrase_from_file(file).error().reason, "is empty"));
  CHECK_FALSE(passphrase_from_file(dir.file("none")));
}

// -- wallets of the deployed daemon -----------------------------------------------------

TEST_CASE("wallet file: the daemon's form gives its key, network, address and label") {
  const auto x = must(parse(bytes_of({})));
  CHECK(x.keys.seed() == some_keys().seed());
  CHECK(x.network == network_id::testnet);
  CHECK(x.address == chain::address_of(some_keys().public_key(), network_id::testnet));
  CHECK(x.created_at == 1'766'000'000);
  CHECK(x.label == "Default Wallet");
  wallet_fields other;
  other.network = 0;
  other.address = chain::address_of(some_keys().public_key(), network_id::mainnet);
  other.label.reset();
  const auto y = must(parse(bytes_of(other)));
  CHECK(y.network == network_id::mainnet);
  CHECK_FALSE(y.label);
}

TEST_CASE("wallet file: what does not fit together is refused with what it is") {
  wallet_fields x;
  x.version = 2;
  CHECK(contains(refusal(x), "version 2"));
  x = {};
  x.network = 2;
  CHECK(contains(refusal(x), "number 2"));
  x = {};
  x.network = 0;
  CHECK(contains(refusal(x), "is not that of its key on mainnet"));
  x = {};
  x.key[0] ^= 1;
  CHECK(contains(refusal(x), "its public key is not that of its secret key"));
}

TEST_CASE("wallet file: one that is cut, too long, absurd or encrypted is refused") {
  const auto whole = bytes_of({});
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK_FALSE(parse(whole.substr(0, size)));
  CHECK_FALSE(parse(whole + "x"));
  auto absurd = whole;
  absurd[72 + 7] = '\x7f';  // the address's length
  CHECK_FALSE(parse(absurd));
  CHECK(contains(parse(std::string(max_wallet_bytes + 1, 'x')).error().reason,
                 "more than any wallet"));
  std::string sealed;
  put(sealed, 1, 4);
  for (const auto& part : {std::string(22, 's'), std::string(12, 'n'), std::string(100, 'c')}) {
    put(sealed, part.size(), 8);
    sealed += part;
  }
  CHECK(contains(parse(sealed).error().reason, "it is encrypted"));
}
