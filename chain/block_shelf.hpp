#pragma once

// Which blocks a store keeps beside its chain: those that a reorganisation took off, as long as they may
// come back. Pure; where their bytes lie is the store's business.

#include "chain/block_store.hpp"

#include <cstddef>
#include <map>
#include <span>
#include <vector>

namespace timenode::chain {

class block_shelf {
 public:
  /// Most bytes (of bincode) that are kept: 1,000 blocks, the deepest reorganisation, of 64 KiB. When there
  /// are more, the lowest go.
  static constexpr std::size_t max_bytes = std::size_t{64} << 20;

  explicit block_shelf(std::size_t limit = max_bytes) : limit_(limit) {}

  /// What a batch changes.
  struct change {
    std::vector<shelved_block> added;
    std::vector<shelved_block> dropped;
  };

  /// `removed` are the blocks that the batch takes off the chain. Those that it puts on again come off the
  /// shelf, and so does what is too deep below the new tip to come back. Nothing is both added and dropped.
  change plan(std::span<const shelved_block> removed, const store_batch& batch) const;
  void apply(const change& x);

  /// At opening: what is there.
  void add(const shelved_block& x);

  const shelved_block* find(const hash256& hash) const;
  /// In ascending order of their heights.
  std::vector<shelved_block> list() const;
  std::size_t bytes() const noexcept { return bytes_; }
  bool empty() const noexcept { return blocks_.empty(); }

 private:
  using key = std::pair<std::uint64_t, hash256>;

  void drop(const shelved_block& x);

  std::size_t limit_;
  std::map<key, shelved_block> blocks_;
  std::size_t bytes_ = 0;
};

}  // namespace timenode::chain
