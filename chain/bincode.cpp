#include "chain/bincode.hpp"

#include <bit>
#include <cstring>
#include <string>
#include <utility>

namespace timenode::chain {

namespace {

// Sizes of an empty one of each, which also bound how many can be in a number of bytes.
constexpr std::size_t length_bytes = 8;
constexpr std::size_t outpoint_bytes = 32 + 4;
constexpr std::size_t min_input_bytes = outpoint_bytes + length_bytes + 4;
constexpr std::size_t min_output_bytes = 8 + length_bytes;
constexpr std::size_t min_transaction_bytes = 4 + 2 * length_bytes + 4 + 8;
constexpr std::size_t min_reward_bytes = length_bytes + 8;

// Both ways of reading and writing integers below copy them as they lie in memory.
static_assert(std::endian::native == std::endian::little, "add byte swaps for this machine");

// Writes to memory that was measured before, so that no write has to look for room.
class writer {
 public:
  explicit writer(std::uint8_t* to) noexcept : to_(to) {}

  template <class T>
  void integer(T x) noexcept {
    std::memcpy(to_, &x, sizeof(x));
    to_ += sizeof(x);
  }
  void raw(const void* from, std::size_t size) noexcept {
    if (size != 0)  // memcpy from a null pointer is undefined, even of nothing
      std::memcpy(to_, from, size);
    to_ += size;
  }
  template <class Bytes>
  void bytes(const Bytes& x) noexcept {
    integer(std::uint64_t{x.size()});
    raw(x.data(), x.size());
  }
  void write(const block_header& x) noexcept {
    integer(x.version);
    integer(x.height);
    raw(x.previous_hash.data(), x.previous_hash.size());
    raw(x.merkle_root.data(), x.merkle_root.size());
    integer(x.timestamp);
    integer(x.block_reward);
  }
  void write(const transaction& x) noexcept {
    integer(x.version);
    integer(std::uint64_t{x.inputs.size()});
    for (const auto& input : x.inputs) {
      raw(input.previous_output.txid.data(), input.previous_output.txid.size());
      integer(input.previous_output.vout);
      bytes(input.script_sig);
      integer(input.sequence);
    }
    integer(std::uint64_t{x.outputs.size()});
    for (const auto& output : x.outputs) {
      integer(output.value);
      bytes(output.script_pubkey);
    }
    integer(x.lock_time);
    integer(x.timestamp);
  }
  void write(const block& x) noexcept {
    write(x.header);
    integer(std::uint64_t{x.transactions.size()});
    for (const auto& tx : x.transactions)
      write(tx);
    integer(std::uint64_t{x.masternode_rewards.size()});
    for (const auto& [address, value] : x.masternode_rewards) {
      bytes(address);
      integer(value);
    }
  }

 private:
  std::uint8_t* to_;
};

template <class T>
void append(const T& x, byte_string& out) {
  const auto old_size = out.size();
  out.resize(old_size + encoded_size(x));
  writer{out.data() + old_size}.write(x);
}

// Reads until the first thing that does not fit; from then on every read gives zeros and the first
// failure stays.
class reader {
 public:
  explicit reader(std::span<const std::uint8_t> bytes) noexcept : bytes_(bytes) {}

  template <class T>
  void integer(T& x, const char* field) {
    raw(&x, sizeof(x), field);
  }
  void raw(void* to, std::size_t size, const char* field) {
    if (size > bytes_.size() - at_)
      return fail_at(field, "needs " + std::to_string(size) + " bytes");
    std::memcpy(to, bytes_.data() + at_, size);
    at_ += size;
  }
  template <class Bytes>
  void bytes(Bytes& x, const char* field) {
    const auto size = length(1, field);
    const auto* from = bytes_.data() + at_;
    x.assign(from, from + size);
    at_ += size;
  }
  // A length whose elements have at least that many bytes each; 0 when they cannot be there.
  std::size_t length(std::size_t element_bytes, const char* field) {
    std::uint64_t result = 0;
    integer(result, field);
    const auto rest = bytes_.size() - at_;
    if (result > rest / element_bytes) {
      fail_at(field, "claims " + std::to_string(result) + " elements");
      return 0;
    }
    return static_cast<std::size_t>(result);
  }
  void read(block_header& x) {
    integer(x.version, "header.version");
    integer(x.height, "header.height");
    raw(x.previous_hash.data(), x.previous_hash.size(), "header.previous_hash");
    raw(x.merkle_root.data(), x.merkle_root.size(), "header.merkle_root");
    integer(x.timestamp, "header.timestamp");
    integer(x.block_reward, "header.block_reward");
  }
  void read(transaction& x) {
    integer(x.version, "transaction.version");
    x.inputs.resize(length(min_input_bytes, "transaction.inputs"));
    for (auto& input : x.inputs) {
      raw(input.previous_output.txid.data(), input.previous_output.txid.size(), "input.txid");
      integer(input.previous_output.vout, "input.vout");
      bytes(input.script_sig, "input.script_sig");
      integer(input.sequence, "input.sequence");
    }
    x.outputs.resize(length(min_output_bytes, "transaction.outputs"));
    for (auto& output : x.outputs) {
      integer(output.value, "output.value");
      bytes(output.script_pubkey, "output.script_pubkey");
    }
    integer(x.lock_time, "transaction.lock_time");
    integer(x.timestamp, "transaction.timestamp");
  }
  void read(block& x) {
    read(x.header);
    x.transactions.resize(length(min_transaction_bytes, "transactions"));
    for (auto& tx : x.transactions)
      read(tx);
    x.masternode_rewards.resize(length(min_reward_bytes, "masternode_rewards"));
    for (auto& [address, value] : x.masternode_rewards) {
      bytes(address, "masternode_rewards.address");
      integer(value, "masternode_rewards.amount");
    }
  }
  // Nothing may be left over.
  outcome<void> finish() {
    if (failure_.empty() && at_ != bytes_.size())
      fail_at("end", "has " + std::to_string(bytes_.size() - at_) + " bytes behind it");
    if (!failure_.empty())
      return fail(std::move(failure_));
    return {};
  }

 private:
  void fail_at(const char* field, const std::string& what) {
    if (failure_.empty())
      failure_ = std::string{field} + " at byte " + std::to_string(at_) + " of " +
                 std::to_string(bytes_.size()) + " " + what;
    at_ = bytes_.size();  // So that every later read fails too.
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  std::string failure_;
};

template <class T>
outcome<T> decode(std::span<const std::uint8_t> bytes) {
  T result;
  reader in{bytes};
  in.read(result);
  if (auto finished = in.finish(); !finished)
    return tl::unexpected<failure>{std::move(finished.error())};
  return result;
}

}  // namespace

std::size_t encoded_size(const transaction& x) noexcept {
  auto result = min_transaction_bytes;
  for (const auto& input : x.inputs)
    result += min_input_bytes + input.script_sig.size();
  for (const auto& output : x.outputs)
    result += min_output_bytes + output.script_pubkey.size();
  return result;
}

std::size_t encoded_size(const block& x) noexcept {
  auto result = header_bytes + 2 * length_bytes;
  for (const auto& tx : x.transactions)
    result += encoded_size(tx);
  for (const auto& reward : x.masternode_rewards)
    result += min_reward_bytes + reward.first.size();
  return result;
}

std::array<std::uint8_t, header_bytes> encode_header(const block_header& x) noexcept {
  std::array<std::uint8_t, header_bytes> result;
  writer{result.data()}.write(x);
  return result;
}

void encode(const transaction& x, byte_string& out) {
  append(x, out);
}

void encode(const block& x, byte_string& out) {
  append(x, out);
}

outcome<block_header> decode_header(std::span<const std::uint8_t> bytes) {
  return decode<block_header>(bytes);
}

outcome<transaction> decode_transaction(std::span<const std::uint8_t> bytes) {
  return decode<transaction>(bytes);
}

outcome<block> decode_block(std::span<const std::uint8_t> bytes) {
  return decode<block>(bytes);
}

}  // namespace timenode::chain
