#pragma once

// Signatures that verified lately. The same one comes to a node more than once: with a vote and again in the certificate of the
// block, with a transaction and again in its block, and every node of a simulated network gets the same ones.

#include "messages/ledger.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace timenode::chain {

/// Remembers only that a signature is right, never that one is wrong, so nobody can fill it with rubbish. What is looked for is a
/// BLAKE2b hash under a secret key, as long as a collision has to be, so no other signature can be taken for one that was right. For one
/// thread.
class signature_cache {
 public:
  /// About as many as a thread verifies within the minute in which one comes again: with 1,000 masternodes that send a heartbeat a
  /// minute, these and what they vote. 128 KiB.
  static constexpr std::size_t places = 4096;

  /// What stands for a key, a message and a signature.
  using mark = std::array<std::uint8_t, 32>;

  /// Throws std::bad_alloc.
  signature_cache();

  mark mark_of(const public_key& key, std::span<const std::uint8_t> message,
               const signature& x) const noexcept;
  /// Whether it was added, and nothing came since that took its place.
  bool contains(const mark& x) const noexcept { return marks_[place_of(x)] == x; }
  void add(const mark& x) noexcept { marks_[place_of(x)] = x; }

 private:
  static std::size_t place_of(const mark& x) noexcept;

  mark secret_;
  std::vector<mark> marks_;  ///< All zeros: free, for nobody knows what has that mark.
};

}  // namespace timenode::chain
