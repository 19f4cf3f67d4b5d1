#pragma once

// Encoded answers to requests for blocks, so that many peers that sync at once cost one encoding.
// Pure.

#include "messages/ledger.hpp"
#include "messages/wire_codec.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>

namespace timenode {

/// Which message the blocks are in.
enum class range_kind : std::uint8_t { blocks, block_range };

struct range_key {
  std::uint64_t first = 0;
  std::uint64_t last = 0;  ///< As asked for; the answer may be cut short by its size.
  range_kind kind = range_kind::blocks;

  auto operator<=>(const range_key&) const = default;
};

/// Bounded by bytes; the answer that was not used for longest goes first. An answer holds as long
/// as its last block is on the chain, since all others follow from that one.
class answer_cache {
 public:
  /// 16 MiB hold some 140 answers of 101 typical blocks (limits page): peers that sync together ask
  /// for the same ranges within moments.
  static constexpr std::size_t default_bytes = std::size_t{16} << 20;

  explicit answer_cache(std::size_t max_bytes = default_bytes) : max_bytes_{max_bytes} {}

  /// Says which block the chain has at a height.
  using hash_source = std::function<std::optional<hash256>(std::uint64_t)>;

  /// The answer, if it is here and still holds; null otherwise.
  wire::shared_line find(const range_key& key, const hash_source& hash_at);

  /// Keeps an answer whose last block has that height and hash. One larger than a quarter of the
  /// cache is not kept.
  void insert(const range_key& key, std::uint64_t last_height, const hash256& last_hash,
              wire::shared_line line);

  std::size_t bytes() const noexcept { return bytes_; }
  std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct entry {
    range_key key;
    std::uint64_t last_height = 0;
    hash256 last_hash{};
    wire::shared_line line;
  };
  using entry_list = std::list<entry>;

  void erase(entry_list::iterator i);

  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  entry_list entries_;  ///< Last used first.
  std::map<range_key, entry_list::iterator> index_;
};

}  // namespace timenode
