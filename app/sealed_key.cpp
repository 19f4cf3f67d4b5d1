#include "app/sealed_key.hpp"

#include "chain/hex.hpp"

#include <sodium.h>

#include <charconv>
#include <map>
#include <optional>
#include <span>
#include <system_error>

namespace timenode::app {

namespace {

static_assert(sizeof(sealed_key::salt) == crypto_pwhash_SALTBYTES);
static_assert(sizeof(sealed_key::nonce) == crypto_secretbox_NONCEBYTES);
static_assert(sizeof(sealed_key::sealed) == sizeof(chain::secret_seed) + crypto_secretbox_MACBYTES);

/// Bytes that are wiped when they are done with.
template <std::size_t Size>
struct wiped : std::array<std::uint8_t, Size> {
  ~wiped() { sodium_memzero(this->data(), this->size()); }
};

using box_key = wiped<crypto_secretbox_KEYBYTES>;

outcome<void> derive(const secret_text& passphrase, const passphrase_cost& cost,
                     const std::array<std::uint8_t, 16>& salt, box_key& key) {
  const auto text = passphrase.view();
  if (crypto_pwhash(key.data(), key.size(), text.data(), text.size(), salt.data(), cost.passes,
                    cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13) == 0)
    return {};
  return fail("the key cannot be made of the passphrase: " +
              std::to_string(cost.memory_bytes >> 20) + " MiB of memory are needed and not free");
}

template <class T>
bool number(std::string_view text, T& to) {
  const auto end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, to);
  return result.ec == std::errc{} && result.ptr == end;
}

/// The lines after the first, as names with values.
std::map<std::string_view, std::string_view> fields_of(std::string_view text) {
  std::map<std::string_view, std::string_view> result;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto space = line.find(' ');
    if (space != line.npos)
      result.emplace(line.substr(0, space), line.substr(space + 1));
  }
  return result;
}

}  // namespace

outcome<sealed_key> seal(const chain::key_pair& keys, const secret_text& passphrase,
                         const passphrase_cost& cost) {
  if (passphrase.empty())
    return fail("the passphrase is empty");
  if (sodium_init() < 0)
    return fail("the system gives no random numbers");
  sealed_key result;
  result.cost = cost;
  result.key = keys.public_key();
  randombytes_buf(result.salt.data(), result.salt.size());
  randombytes_buf(result.nonce.data(), result.nonce.size());
  box_key key;
  if (auto derived = derive(passphrase, cost, result.salt, key); !derived)
    return tl::unexpected{std::move(derived.error())};
  auto seed = keys.seed();
  crypto_secretbox_easy(result.sealed.data(), seed.data(), seed.size(), result.nonce.data(),
                        key.data());
  sodium_memzero(seed.data(), seed.size());
  return result;
}

outcome<chain::key_pair> unseal(const sealed_key& x, const secret_text& passphrase) {
  if (sodium_init() < 0)
    return fail("the system gives no random numbers");
  box_key key;
  if (auto derived = derive(passphrase, x.cost, x.salt, key); !derived)
    return tl::unexpected{std::move(derived.error())};
  chain::secret_seed seed{};
  if (crypto_secretbox_open_easy(seed.data(), x.sealed.data(), x.sealed.size(), x.nonce.data(),
                                 key.data()) != 0)
    return fail("the passphrase is wrong, or the key file was changed");
  auto result = chain::key_pair::from_seed(seed);
  sodium_memzero(seed.data(), seed.size());
  if (result.public_key() != x.key)
    return fail("the key file was changed: its public key is not that of its secret key");
  return result;
}

std::string to_text(const sealed_key& x) {
  return std::string{sealed_key_header} + "\nargon2id " + std::to_string(x.cost.passes) + " " +
         std::to_string(x.cost.memory_bytes) + "\nsalt " + chain::to_hex(x.salt) + "\nnonce " +
         chain::to_hex(x.nonce) + "\nsealed " + chain::to_hex(x.sealed) + "\npublic " +
         chain::to_hex(x.key) + "\n";
}

outcome<sealed_key> parse_sealed_key(std::string_view text) {
  const auto header = text.substr(0, text.find('\n'));
  if (header != sealed_key_header)
    return fail("its first line is not \"" + std::string{sealed_key_header} + "\"");
  const auto fields = fields_of(text.substr(header.size()));
  const auto value = [&fields](std::string_view name) {
    const auto found = fields.find(name);
    return found != fields.end() ? found->second : std::string_view{};
  };
  const auto wrong = [](std::string_view name) {
    return fail("its line \"" + std::string{name} + "\" is missing or wrong");
  };
  sealed_key result;
  const auto cost = value("argon2id");
  const auto space = cost.find(' ');
  if (space == cost.npos || !number(cost.substr(0, space), result.cost.passes) ||
      !number(cost.substr(space + 1), result.cost.memory_bytes) ||
      result.cost.passes > max_passphrase_cost.passes ||
      result.cost.memory_bytes > max_passphrase_cost.memory_bytes ||
      result.cost.passes < crypto_pwhash_OPSLIMIT_MIN ||
      result.cost.memory_bytes < crypto_pwhash_MEMLIMIT_MIN)
    return wrong("argon2id");
  if (!chain::from_hex(value("salt"), result.salt))
    return wrong("salt");
  if (!chain::from_hex(value("nonce"), result.nonce))
    return wrong("nonce");
  if (!chain::from_hex(value("sealed"), result.sealed))
    return wrong("sealed");
  if (!chain::from_hex(value("public"), result.key))
    return wrong("public");
  return result;
}

}  // namespace timenode::app
