#pragma once

// Which block hashes were asked of which peers, so that only answers to questions of ours count. Pure.

#include "actors/sync_types.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace timenode::sync {

/// A `GetBlockHash` to be sent.
struct hash_question {
  ip_address peer;
  std::uint64_t height = 0;

  auto operator<=>(const hash_question&) const = default;
};

class hash_desk {
 public:
  /// Most unanswered questions of one peer: a tip, a vote and a search at a time, and some that were
  /// given up but may be answered yet.
  static constexpr std::size_t max_per_peer = 8;
  /// So long after its question an answer is still one. Longer than any wait for it.
  static constexpr monotonic_ns life = in_ns(std::chrono::seconds{60});

  /// For so long the same is not asked again.
  static constexpr monotonic_ns patience = in_ns(std::chrono::seconds{10});

  /// Notes that the peer is asked for its hash at that height. False when it was just asked that, or
  /// has too much to answer: then there is nothing to send.
  bool ask(const ip_address& peer, std::uint64_t height, monotonic_ns now);

  /// Whether the peer was asked that. It has answered then.
  bool answered(const ip_address& peer, std::uint64_t height, monotonic_ns now);

  /// The peer is gone, or talks over another connection: nothing is asked of it.
  void forget(const ip_address& peer) { asked_.erase(peer); }

  /// Unanswered questions, of all peers.
  std::size_t size() const noexcept;

 private:
  struct question {
    std::uint64_t height = 0;
    monotonic_ns asked_at = 0;
  };
  /// Established peers only, which the registry's slots bound; at most `max_per_peer` each.
  std::map<ip_address, std::vector<question>> asked_;
};

}  // namespace timenode::sync
