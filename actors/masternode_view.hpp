#pragma once

// The masternodes as we see them at a moment, for blocks: whom a block has to pay, and who decides on it.
// Pure.

#include "chain/rewards.hpp"
#include "messages/masternode_messages.hpp"
#include "messages/network.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace timenode {

/// Active for so long, in seconds, and heard of so recently, that every other masternode must know it too: a
/// block that leaves it out is disputed. Two heartbeats, and one and a half.
inline constexpr std::int64_t surely_active_for = 120;
inline constexpr std::int64_t surely_heard_within = 90;
/// Not heard of first hand for so long that no other masternode can take it for active: it counts for 180 s
/// after its last sign of life, of which two of us may know one that is 180 s apart.
inline constexpr std::int64_t surely_gone_after = 360;

/// Who decides on a block.
struct member_set {
  /// Those whose address and key we know, by the address as messages write it.
  std::map<std::string, public_key> known;
  /// How many there are, the unknown included.
  std::size_t size = 0;

  bool operator==(const member_set&) const = default;
};

class masternode_view {
 public:
  masternode_view() = default;
  /// @param now Unix seconds.
  masternode_view(std::vector<masternode_entry> entries, std::int64_t now, network_id network);

  /// What a block that we make now pays: each active masternode with an address of this network, in the order
  /// of their addresses as text, as leaders are chosen.
  chain::reward_list rewards() const;

  /// Why we would not prepare a block that pays these; empty: we would. It pays every masternode that is
  /// surely active, none that is surely gone, each its share.
  std::string dispute(const chain::reward_list& paid) const;

  /// The masternodes that a block paid: they decide on the next one. That changes with certified blocks only,
  /// so no two parts of a network that lost sight of each other can each take itself for the whole. Two that
  /// have one reward address are told apart by which of them is active, then by who was seen first, then by their
  /// address: who announces an address that was paid before it came does not get the seat.
  member_set paid_by(const chain::reward_list& paid) const;

  /// The active ones: who decides where no block says who does.
  member_set present() const;

  std::size_t active() const noexcept;

 private:
  enum class presence : std::uint8_t { surely_gone, unsure, surely_active };

  struct candidate {
    masternode_entry entry;
    std::string address;  ///< As text.
    presence there = presence::unsure;
  };

  std::vector<const candidate*> payable() const;

  std::vector<candidate> all_;  ///< Known first hand or attested, by address as text.
};

}  // namespace timenode
