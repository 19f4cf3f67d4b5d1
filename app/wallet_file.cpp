#include "app/wallet_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace timenode::app {

namespace {

/// Bincode as the daemon writes it: little-endian integers of fixed size, lengths of eight bytes. After
/// the first thing that does not fit, everything reads as nothing.
class reader {
 public:
  explicit reader(std::span<const std::uint8_t> bytes) noexcept : left_{bytes} {}

  template <class T>
  T integer() noexcept {
    std::array<std::uint8_t, sizeof(T)> bytes{};
    fill(bytes);
    std::uint64_t result = 0;
    for (std::size_t i = bytes.size(); i-- > 0;)
      result = result << 8 | bytes[i];
    return static_cast<T>(result);
  }

  template <class Bytes>
  void fill(Bytes& to) noexcept {
    if (left_.size() < to.size()) {
      good_ = false;
      left_ = {};
      return;
    }
    std::copy_n(left_.begin(), to.size(), to.begin());
    left_ = left_.subspan(to.size());
  }

  std::string text() {
    const auto size = integer<std::uint64_t>();
    if (size > left_.size()) {
      good_ = false;
      left_ = {};
      return {};
    }
    const auto bytes = left_.first(static_cast<std::size_t>(size));
    left_ = left_.subspan(bytes.size());
    return {bytes.begin(), bytes.end()};
  }

  bool finished() const noexcept { return good_ && left_.empty(); }

 private:
  std::span<const std::uint8_t> left_;
  bool good_ = true;
};

/// The newer form: version, salt as text, nonce of 12 bytes, ciphertext.
bool looks_encrypted(std::span<const std::uint8_t> bytes) {
  reader in{bytes};
  in.integer<std::uint32_t>();
  const auto salt = in.text();
  const auto nonce = in.text();
  const auto sealed = in.text();
  return in.finished() && !salt.empty() && nonce.size() == 12 && !sealed.empty();
}

}  // namespace

outcome<wallet> parse_wallet(std::span<const std::uint8_t> bytes) {
  if (bytes.size() > max_wallet_bytes)
    return fail("it has " + std::to_string(bytes.size()) + " bytes, more than any wallet");
  if (looks_encrypted(bytes))
    return fail(
        "it is encrypted, as newer versions of the daemon write it; export the key there first");
  reader in{bytes};
  const auto version = in.integer<std::uint32_t>();
  const auto network = in.integer<std::uint32_t>();
  chain::secret_seed seed{};
  public_key key{};
  in.fill(seed);
  in.fill(key);
  auto address = in.text();
  const auto created_at = in.integer<std::int64_t>();
  const auto has_label = in.integer<std::uint8_t>();
  std::optional<std::string> label;
  if (has_label == 1)
    label = in.text();
  if (!in.finished() || has_label > 1)
    return fail("it is not a wallet of the daemon: " + std::to_string(bytes.size()) +
                " bytes do not fit its form");
  if (version != 1)
    return fail("it is a wallet of version " + std::to_string(version) +
                "; only version 1 is known");
  // The daemon's own order of the networks.
  if (network > 1)
    return fail("it is of a network that is not known, number " + std::to_string(network));
  const auto id = network == 0 ? network_id::mainnet : network_id::testnet;
  auto keys = chain::key_pair::from_seed(seed);
  std::fill(seed.begin(), seed.end(), std::uint8_t{0});
  if (keys.public_key() != key)
    return fail("its public key is not that of its secret key: it is damaged");
  if (chain::address_of(key, id) != address)
    return fail("its address " + address + " is not that of its key on " +
                std::string{to_string(id)} + ": it is damaged");
  return wallet{id, std::move(keys), std::move(address), created_at, std::move(label)};
}

}  // namespace timenode::app
