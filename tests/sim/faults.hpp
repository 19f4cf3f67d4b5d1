#pragma once

// The faults of a simulation by name.

#include "messages/outcome.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sim {

enum class fault : std::uint8_t {
  latency,      ///< Hosts and wires that are slow and uneven.
  resets,       ///< Connections are reset, once or again and again.
  loss,         ///< One direction between two hosts loses some packets, or all.
  one_way,      ///< Some hosts do not reach some others, which reach them.
  partition,    ///< Two groups do not reach each other.
  half_open,    ///< A box between two hosts forgets their connection.
  nat,          ///< Some hosts cannot be dialed, all the time.
  crash,        ///< A process is killed or a host loses power, at any message, and comes back.
  disk_loss,    ///< The same, with an empty disk.
  site,         ///< All hosts of an address group restart together.
  clock,        ///< A wall clock jumps or drifts.
  slow_reader,  ///< A host does not read.
  slow_disk,    ///< What waits for a disk waits long.
  pause,        ///< A process stands still and goes on.
  silent,       ///< Strangers that answer nothing.
  liar,         ///< Strangers that lie: heights, blocks, peers, masternodes.
  flood,        ///< Strangers that open connections and send nothing, or rubbish.
  clog,         ///< Hosts lose touch one after the other and find it again in another order.
};
inline constexpr std::size_t fault_count = 18;

std::string_view to_text(fault x) noexcept;
/// What it does, for a help page.
std::string_view describe(fault x) noexcept;

class fault_set {
 public:
  static fault_set all() noexcept;
  /// "all", "none", or names with commas between.
  static timenode::outcome<fault_set> parse(std::string_view text);

  bool contains(fault x) const noexcept { return (bits_ & bit(x)) != 0; }
  fault_set& add(fault x) noexcept {
    bits_ |= bit(x);
    return *this;
  }
  bool empty() const noexcept { return bits_ == 0; }
  std::vector<fault> list() const;
  /// As `parse` takes it.
  std::string to_string() const;
  bool operator==(const fault_set&) const = default;

 private:
  static constexpr std::uint32_t bit(fault x) noexcept { return 1u << static_cast<unsigned>(x); }
  std::uint32_t bits_ = 0;
};

}  // namespace sim
