#pragma once

// Brings faults about, one after the other and several at a time, whenever it is told to and until it is told to heal
// everything.

#include "tests/sim/bad_peers.hpp"
#include "tests/sim/faults.hpp"
#include "tests/sim/plain_peer.hpp"
#include "tests/sim/world.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sim {

class nemesis {
 public:
  nemesis(world& where, fault_set what, std::uint64_t seed);

  /// Faults begin, each kind every few minutes. Also again, some ten minutes after `heal` or later.
  void start();
  /// All faults end now, all hosts come back, and none begins any more until `start`.
  void heal();
  /// Does this once, now, somewhere.
  void strike(fault what);

  /// How often each kind struck.
  const std::map<std::string, std::uint64_t>& strikes() const noexcept { return strikes_; }

 private:
  void next(fault what, std::uint32_t storm);
  void tell(fault what, const std::string& text);
  /// Calls `undo` after that time, or when everything is healed.
  void until(monotonic_ns span, std::function<void()> undo);
  monotonic_ns between(monotonic_ns least, monotonic_ns most);
  std::uint32_t some_host();
  std::uint32_t some_node();
  std::pair<std::uint32_t, std::uint32_t> some_pair();
  std::vector<std::uint32_t> some_hosts(std::uint32_t count);
  void block(std::uint32_t from, std::uint32_t to, bool blocked);
  void block_all(const std::vector<std::uint32_t>& from, const std::vector<std::uint32_t>& to,
                 bool blocked);
  void come_back(std::uint32_t host, monotonic_ns after);
  void ail(std::uint32_t host, bool begins);

  void latency();
  void resets();
  void loss();
  void one_way();
  void partition();
  void half_open();
  void end_half_open(std::uint32_t a, std::uint32_t b, monotonic_ns well_since);
  void crash(bool lose_disk);
  bool may_lose_disk(std::uint32_t host);
  void site();
  void clock();
  void slow_reader();
  void slow_disk();
  void pause();
  void silent();
  void liar();
  void flood();
  void clog();
  victims everybody();
  void admit(std::unique_ptr<plain_peer> stranger, monotonic_ns span);
  ip_address strange_address();

  world& world_;
  fault_set what_;
  timenode::random_source random_;
  bool healing_ = false;
  std::uint32_t storm_ = 0;  ///< Counts how often faults began.
  std::uint64_t last_undo_ = 0;
  std::map<std::uint64_t, std::function<void()>> undo_;  ///< What is under way.
  std::vector<std::uint32_t> ailments_;                  ///< By host.
  std::set<std::uint32_t> busy_hosts_;  ///< With a fault that a host has once only.
  std::set<std::pair<std::uint32_t, std::uint32_t>> lossy_;
  std::optional<std::uint32_t>
      forgetful_;  ///< The masternode that may lose its disk where people cheat.
  std::uint32_t strangers_made_ = 0;
  std::vector<std::unique_ptr<plain_peer>> strangers_;
  std::map<std::string, std::uint64_t> strikes_;
};

}  // namespace sim
