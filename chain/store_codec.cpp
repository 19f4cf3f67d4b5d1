#include "chain/store_codec.hpp"

#include <bit>
#include <cstring>

namespace timenode::chain {

namespace {

static_assert(std::endian::native == std::endian::little, "add byte swaps for this machine");

// The fewest bytes that a record can have, which bound how many can be in a number of bytes.
constexpr std::size_t min_coin_bytes = 3;
constexpr std::size_t min_spent_bytes = 32 + min_coin_bytes;
constexpr std::size_t min_vote_bytes = 2;

void put_number(std::uint64_t x, std::string& out) {
  for (; x >= 0x80; x >>= 7)
    out.push_back(static_cast<char>(x | 0x80));
  out.push_back(static_cast<char>(x));
}

void put_coin(std::uint32_t vout, const coin& x, std::string& out) {
  put_number(vout, out);
  put_number(x.value, out);
  put_number(x.script_pubkey.size(), out);
  out.append(x.script_pubkey.begin(), x.script_pubkey.end());
}

// Reads until the first thing that does not fit; from then on all reads give nothing.
class reader {
 public:
  explicit reader(std::span<const char> bytes) noexcept : left_(bytes) {}

  bool raw(void* to, std::size_t size) noexcept {
    if (size > left_.size())
      return give_up();
    std::memcpy(to, left_.data(), size);
    left_ = left_.subspan(size);
    return true;
  }

  bool number(std::uint64_t& x) noexcept {
    x = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (left_.empty())
        return give_up();
      const auto byte = static_cast<std::uint8_t>(left_.front());
      left_ = left_.subspan(1);
      const auto bits = std::uint64_t{byte} & 0x7f;
      if (shift == 63 && bits > 1)  // More than 64 bits.
        return give_up();
      x |= bits << shift;
      if (byte < 0x80)
        return true;
    }
    return give_up();
  }

  bool count(std::uint64_t& x, std::size_t element_bytes) noexcept {
    if (number(x) && x <= left_.size() / element_bytes)
      return true;
    x = 0;  // So that nobody makes room for what cannot be there.
    return give_up();
  }

  bool next_coin(std::uint32_t& vout, coin& x) {
    std::uint64_t number_read = 0;
    if (!number(number_read) || (number_read > UINT32_MAX && !give_up()))
      return false;
    vout = static_cast<std::uint32_t>(number_read);
    std::uint64_t size = 0;
    if (!number(x.value) || !count(size, 1))
      return false;
    take(size, x.script_pubkey);
    return true;
  }

  /// A length and as many bytes.
  template <class Bytes>
  bool sized(Bytes& x) {
    std::uint64_t size = 0;
    if (!count(size, 1))
      return false;
    take(size, x);
    return true;
  }

  bool finished() const noexcept { return good_ && left_.empty(); }

 private:
  template <class Bytes>
  void take(std::uint64_t size, Bytes& x) {
    const auto bytes = left_.first(static_cast<std::size_t>(size));
    x.assign(bytes.begin(), bytes.end());
    left_ = left_.subspan(bytes.size());
  }

  bool give_up() noexcept {
    good_ = false;
    left_ = {};
    return false;
  }

  std::span<const char> left_;
  bool good_ = true;
};

}  // namespace

void encode_coins(const coin_group& x, std::string& out) {
  out.clear();
  put_number(x.size(), out);
  for (const auto& [vout, value] : x)
    put_coin(vout, value, out);
}

void encode_undo(const block_undo& x, std::string& out) {
  out.clear();
  put_number(x.spent.size(), out);
  for (const auto& [point, value] : x.spent) {
    out.append(point.txid.begin(), point.txid.end());
    put_coin(point.vout, value, out);
  }
}

void encode_certificate(const block_certificate& x, std::string& out) {
  out.assign(x.block_hash.begin(), x.block_hash.end());
  put_number(x.signatures.size(), out);
  for (const auto& [voter, made] : x.signatures) {
    put_number(voter.size(), out);
    out.append(voter);
    put_number(made.size(), out);
    out.append(made.begin(), made.end());
  }
}

std::array<char, 56> encode_tip(const chain_tip& x) noexcept {
  std::array<char, 56> result;
  std::memcpy(result.data(), &x.height, 8);
  std::memcpy(result.data() + 8, &x.timestamp, 8);
  std::memcpy(result.data() + 16, &x.utxo_count, 8);
  std::memcpy(result.data() + 24, x.hash.data(), 32);
  return result;
}

std::array<char, 8> encode_height(std::uint64_t height) noexcept {
  std::array<char, 8> result;
  for (std::size_t i = result.size(); i-- > 0; height >>= 8)
    result[i] = static_cast<char>(height);
  return result;
}

outcome<coin_group> decode_coins(std::span<const char> bytes) {
  coin_group result;
  reader in{bytes};
  std::uint64_t count = 0;
  in.count(count, min_coin_bytes);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint32_t vout = 0;
    coin x;
    if (!in.next_coin(vout, x))
      break;
    result.emplace_hint(result.end(), vout, std::move(x));
  }
  if (!in.finished() || result.size() != count || count == 0)
    return fail("a record of unspent outputs (" + std::to_string(bytes.size()) +
                " bytes) cannot be understood");
  return result;
}

outcome<block_undo> decode_undo(std::span<const char> bytes) {
  block_undo result;
  reader in{bytes};
  std::uint64_t count = 0;
  in.count(count, min_spent_bytes);
  result.spent.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    auto& [point, value] = result.spent.emplace_back();
    if (!in.raw(point.txid.data(), point.txid.size()) || !in.next_coin(point.vout, value))
      break;
  }
  if (!in.finished() || result.spent.size() != count)
    return fail("a record of undo data (" + std::to_string(bytes.size()) +
                " bytes) cannot be understood");
  return result;
}

outcome<block_certificate> decode_certificate(std::uint64_t height, std::span<const char> bytes) {
  block_certificate result;
  result.height = height;
  reader in{bytes};
  in.raw(result.block_hash.data(), result.block_hash.size());
  std::uint64_t count = 0;
  in.count(count, min_vote_bytes);
  result.signatures.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    auto& [voter, made] = result.signatures.emplace_back();
    if (!in.sized(voter) || !in.sized(made))
      break;
  }
  if (!in.finished() || result.signatures.size() != count)
    return fail("the certificate of block " + std::to_string(height) + " (" +
                std::to_string(bytes.size()) + " bytes) cannot be understood");
  return result;
}

outcome<chain_tip> decode_tip(std::span<const char> bytes) {
  chain_tip result;
  reader in{bytes};
  in.raw(&result.height, 8);
  in.raw(&result.timestamp, 8);
  in.raw(&result.utxo_count, 8);
  in.raw(result.hash.data(), 32);
  if (!in.finished())
    return fail("the record of the tip (" + std::to_string(bytes.size()) +
                " bytes) cannot be understood");
  return result;
}

outcome<std::uint64_t> decode_height(std::span<const char> bytes) {
  if (bytes.size() != 8)
    return fail("a height has " + std::to_string(bytes.size()) + " bytes instead of 8");
  std::uint64_t result = 0;
  for (const char byte : bytes)
    result = result << 8 | static_cast<std::uint8_t>(byte);
  return result;
}

}  // namespace timenode::chain
