#pragma once

// What the tests of chain/ share: the protocol's vectors, the real chain, blocks made to order, and
// directories that go away.

#include "chain/chain_file.hpp"
#include "chain/genesis.hpp"
#include "chain/hashes.hpp"
#include "chain/hex.hpp"
#include "chain/validation.hpp"
#include "messages/ledger.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace timenode::test {

/// A time at which no block of these tests is in the future: 2033.
inline constexpr std::int64_t late = 2'000'000'000;

inline std::string data_file(const std::string& name) {
  return std::string{TIMENODE_TEST_DATA} + "/" + name;
}

/// `vectors.json` of the protocol.
inline const nlohmann::json& vectors() {
  static const auto result = nlohmann::json::parse(std::ifstream{data_file("vectors.json")});
  return result;
}

/// A value of the library under test that has to be there.
template <class T>
T must(outcome<T> x) {
  if (!x)
    throw std::runtime_error{x.error().reason};
  return std::move(*x);
}

// -- from the vectors' JSON ---------------------------------------------------------

template <class Bytes>
Bytes bytes_from(const nlohmann::json& x) {
  Bytes result{};
  const auto list = x.get<std::vector<std::uint8_t>>();
  if constexpr (requires { result.resize(1); })
    result.resize(list.size());
  REQUIRE(list.size() == result.size());
  std::copy(list.begin(), list.end(), result.begin());
  return result;
}

template <class Bytes>
Bytes bytes_from_hex(const nlohmann::json& x) {
  const auto result = chain::from_hex<Bytes>(x.get<std::string>());
  REQUIRE(result.has_value());
  return *result;
}

inline transaction transaction_from(const nlohmann::json& x) {
  transaction result;
  result.version = x.at("version");
  for (const auto& input : x.at("inputs")) {
    const auto& point = input.at("previous_output");
    result.inputs.push_back({{bytes_from<hash256>(point.at("txid")), point.at("vout")},
                             bytes_from<byte_string>(input.at("script_sig")),
                             input.at("sequence")});
  }
  for (const auto& output : x.at("outputs"))
    result.outputs.push_back(
        {output.at("value"), bytes_from<byte_string>(output.at("script_pubkey"))});
  result.lock_time = x.at("lock_time");
  result.timestamp = x.at("timestamp");
  return result;
}

inline block block_from(const nlohmann::json& x) {
  block result;
  const auto& header = x.at("header");
  result.header = {header.at("version"),
                   header.at("height"),
                   bytes_from<hash256>(header.at("previous_hash")),
                   bytes_from<hash256>(header.at("merkle_root")),
                   header.at("timestamp"),
                   header.at("block_reward")};
  for (const auto& tx : x.at("transactions"))
    result.transactions.push_back(transaction_from(tx));
  for (const auto& reward : x.at("masternode_rewards"))
    result.masternode_rewards.emplace_back(reward.at(0), reward.at(1));
  return result;
}

// -- the real chain -----------------------------------------------------------------

/// Blocks 0 to 2000 as the reference made them.
inline const std::vector<block_ptr>& real_chain() {
  static const auto result = [] {
    std::vector<block_ptr> blocks;
    auto file = must(chain::chain_file_reader::open(data_file("testnet-0-2000.jsonl.xz")));
    for (auto next = must(file.next()); next; next = must(file.next()))
      blocks.push_back(*next);
    return blocks;
  }();
  return result;
}

/// Blocks 1 to 2000, checked. `checked_chain()[i]` is block i + 1.
inline const std::vector<checked_block>& checked_chain() {
  static const auto result = [] {
    std::vector<checked_block> blocks;
    for (std::size_t i = 1; i < real_chain().size(); ++i)
      blocks.push_back(must(chain::check_block(real_chain()[i])));
    return blocks;
  }();
  return result;
}

// -- blocks made to order -------------------------------------------------------------

/// Sets the merkle root that the block's transactions give.
inline block_ptr seal(block x) {
  std::vector<hash256> txids;
  for (const auto& tx : x.transactions)
    txids.push_back(chain::txid(tx));
  x.header.merkle_root = chain::merkle_root(txids);
  return std::make_shared<const block>(std::move(x));
}

/// A valid block on that parent, with a coinbase that no other height has, and these transactions. Its
/// reward is split over `payees` outputs.
inline block make_block(const chain_tip& parent, std::vector<transaction> transactions = {},
                        std::size_t payees = 3) {
  block result;
  result.header.version = 1;
  result.header.height = parent.height + 1;
  result.header.previous_hash = parent.hash;
  result.header.timestamp = parent.timestamp + 600;
  result.header.block_reward = chain::block_subsidy;
  transaction coinbase;
  coinbase.version = 1;
  coinbase.timestamp = result.header.timestamp;
  for (std::size_t i = 0; i < payees; ++i) {
    const std::string address = "payee" + std::to_string(i);
    const auto value = chain::block_subsidy / payees;
    result.masternode_rewards.emplace_back(address, value);
    coinbase.outputs.push_back({value, {address.begin(), address.end()}});
  }
  result.transactions.push_back(std::move(coinbase));
  for (auto& tx : transactions)
    result.transactions.push_back(std::move(tx));
  return result;
}

inline chain_tip tip_after(const block_ptr& x) {
  return {x->header.height, chain::block_hash(x->header), x->header.timestamp, 0};
}

/// A transaction that spends the inputs into one output of that value each.
inline transaction make_transaction(const std::vector<outpoint>& inputs,
                                    const std::vector<amount>& outputs) {
  transaction result;
  result.version = 1;
  for (const auto& input : inputs)
    result.inputs.push_back({input, {1, 2, 3}, 0xffffffff});
  for (const auto value : outputs)
    result.outputs.push_back({value, {'x'}});
  return result;
}

// -- files ----------------------------------------------------------------------------

/// A new directory, removed with all that is in it at the end.
class temporary_directory {
 public:
  temporary_directory() {
    auto name = (std::filesystem::temp_directory_path() / "timenode-test.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw std::runtime_error{"no temporary directory can be made"};
    path_ = name;
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  ~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const noexcept { return path_; }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline std::string read_file(const std::string& name) {
  std::ifstream in{name, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
}

inline void write_file(const std::string& name, const std::string& bytes) {
  std::ofstream{name, std::ios::binary} << bytes;
}

}  // namespace timenode::test
