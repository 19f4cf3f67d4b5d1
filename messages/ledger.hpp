#pragma once

// The ledger's data as it travels and is hashed: protocol page, section 3 ("Types"). Plain data with
// no behaviour; the rules live in chain/.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace timenode {

/// A fixed number of opaque bytes. `Tag` keeps hashes, keys and signatures apart.
template <std::size_t Size, class Tag>
struct opaque_bytes : std::array<std::uint8_t, Size> {
  /// True when all bytes are zero, which the protocol uses for "none".
  bool is_zero() const noexcept {
    for (auto x : *this)
      if (x != 0)
        return false;
    return true;
  }

  template <class Inspector>
  friend bool inspect(Inspector& f, opaque_bytes& x) {
    return f.apply(static_cast<std::array<std::uint8_t, Size>&>(x));
  }
};

using hash256 = opaque_bytes<32, struct hash_tag>;
using public_key = opaque_bytes<32, struct public_key_tag>;
using signature = opaque_bytes<64, struct signature_tag>;
using byte_string = std::vector<std::uint8_t>;

/// Amounts are in units of 10^-8 TIME (protocol page, section 3).
using amount = std::uint64_t;
inline constexpr amount units_per_time = 100'000'000;

struct outpoint {
  hash256 txid{};
  std::uint32_t vout = 0;

  auto operator<=>(const outpoint&) const = default;
};

struct tx_input {
  outpoint previous_output;
  byte_string script_sig;
  std::uint32_t sequence = 0;

  bool operator==(const tx_input&) const = default;
};

struct tx_output {
  amount value = 0;
  byte_string script_pubkey;

  bool operator==(const tx_output&) const = default;
};

struct transaction {
  std::uint32_t version = 0;
  std::vector<tx_input> inputs;
  std::vector<tx_output> outputs;
  std::uint32_t lock_time = 0;
  std::int64_t timestamp = 0;

  bool operator==(const transaction&) const = default;
};

struct block_header {
  std::uint32_t version = 0;
  std::uint64_t height = 0;
  hash256 previous_hash{};
  hash256 merkle_root{};
  std::int64_t timestamp = 0;  ///< Unix seconds, UTC.
  amount block_reward = 0;

  bool operator==(const block_header&) const = default;
};

struct block {
  block_header header;
  std::vector<transaction> transactions;
  std::vector<std::pair<std::string, amount>>
      masternode_rewards;  ///< Address and amount, in order.

  bool operator==(const block&) const = default;
};

/// Blocks are decoded once and never copied: they travel as shared immutable objects.
using block_ptr = std::shared_ptr<const block>;

/// A block that passed the checks which need nothing but itself (chain/validation.hpp), with what they
/// computed on the way.
struct checked_block {
  block_ptr block;
  hash256 hash{};              ///< Of the header.
  std::vector<hash256> txids;  ///< In the order of the transactions.
  std::size_t bytes = 0;       ///< Bincode size.
};

/// The stored block that all others lead to.
struct chain_tip {
  std::uint64_t height = 0;
  hash256 hash{};
  std::int64_t timestamp = 0;  ///< Of the block, Unix seconds.
  std::uint64_t utxo_count = 0;

  bool operator==(const chain_tip&) const = default;

  template <class Inspector>
  friend bool inspect(Inspector& f, chain_tip& x) {
    return f.object(x).fields(f.field("height", x.height), f.field("hash", x.hash),
                              f.field("timestamp", x.timestamp),
                              f.field("utxo_count", x.utxo_count));
  }
};

/// Hash functor for containers keyed by hashes: they are already uniform.
struct opaque_hasher {
  template <std::size_t Size, class Tag>
  std::size_t operator()(const opaque_bytes<Size, Tag>& x) const noexcept {
    std::size_t result;
    std::memcpy(&result, x.data(), sizeof(result));
    return result;
  }
};

}  // namespace timenode
