#pragma once

// What an observer of the whole network knows of each pair of hosts: whether anything is in their way, which
// connections either end regards as established, and how long they have been apart although nothing was in
// their way. A value without clock: times come in as arguments.

#include "tests/sim/event_queue.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sim {

class pair_watch {
 public:
  /// Somebody was apart, or had two connections, for that long.
  struct finding {
    std::uint32_t a = 0;
    std::uint32_t b = 0;
    monotonic_ns since = 0;
    monotonic_ns lasted = 0;
  };

  /// Hosts are numbered from 0; all are down at first. Two connections of a pair may last that long.
  pair_watch(std::uint32_t hosts, monotonic_ns double_limit);

  /// The two should be connected whenever they can be, `within` that time.
  void want(std::uint32_t a, std::uint32_t b, monotonic_ns within) { at(a, b).within = within; }
  bool wanted(std::uint32_t a, std::uint32_t b) const { return at(a, b).within > 0; }
  /// Nobody can dial this host.
  void set_undialable(std::uint32_t host, bool x) { hosts_[host].undialable = x; }
  std::uint32_t hosts() const noexcept { return static_cast<std::uint32_t>(hosts_.size()); }

  // -- what is in their way. Each beginning has its end. --

  void host_disturbed(std::uint32_t host, bool begins, monotonic_ns now);
  void pair_disturbed(std::uint32_t a, std::uint32_t b, bool begins, monotonic_ns now);
  /// Something hit them and was over at once.
  void pair_hit(std::uint32_t a, std::uint32_t b, monotonic_ns now);
  /// Since when nothing has been in their way; none while something is.
  std::optional<monotonic_ns> clean_since(std::uint32_t a, std::uint32_t b) const;
  bool host_clean(std::uint32_t host) const noexcept { return hosts_[host].disturbances == 0; }
  bool clean_for(std::uint32_t a, std::uint32_t b, monotonic_ns span, monotonic_ns now) const {
    const auto since = clean_since(a, b);
    return since && now - *since >= span;
  }

  // -- their connections --

  /// An end regards the connection as established. Side 0 dialed.
  void established(std::uint64_t wire, int side, std::uint32_t dialer, std::uint32_t acceptor,
                   monotonic_ns now);
  /// An end does not regard it as live any more.
  void gone(std::uint64_t wire, int side, monotonic_ns now);

  // -- what was found --

  /// Looks at what still lasts.
  void finish(monotonic_ns now);
  /// Takes what was found since the last time.
  std::vector<finding> take_apart() { return std::exchange(apart_, {}); }
  std::vector<finding> take_double() { return std::exchange(double_, {}); }
  /// The longest of all, whether within the limit or not.
  const finding& longest_apart() const noexcept { return longest_apart_; }
  const finding& longest_double() const noexcept { return longest_double_; }
  /// Connections that both ends hold for established now.
  std::uint32_t links(std::uint32_t a, std::uint32_t b) const { return at(a, b).links; }
  /// The two can reach each other now: nothing is in their way, and one can dial the other.
  bool reachable(std::uint32_t a, std::uint32_t b) const {
    return clean_since(a, b) && !(hosts_[a].undialable && hosts_[b].undialable);
  }

 private:
  struct host_state {
    std::uint32_t disturbances = 1;  ///< It is down.
    monotonic_ns clean_since = 0;
    bool undialable = false;
  };
  struct pair_state {
    monotonic_ns clean_since = 0;
    monotonic_ns apart_since = 0;
    std::uint16_t disturbances = 0;
    std::uint16_t links = 0;    ///< Established for both ends.
    std::uint16_t claimed = 0;  ///< Established for an end at least.
    monotonic_ns within = 0;    ///< 0: nobody wants them to be connected.
  };
  struct wire_state {
    std::uint32_t a = 0;
    std::uint32_t b = 0;
    bool live[2] = {false, false};
  };

  std::size_t index(std::uint32_t a, std::uint32_t b) const noexcept;
  pair_state& at(std::uint32_t a, std::uint32_t b) noexcept { return pairs_[index(a, b)]; }
  const pair_state& at(std::uint32_t a, std::uint32_t b) const noexcept {
    return pairs_[index(a, b)];
  }
  void look(std::uint32_t a, std::uint32_t b, monotonic_ns now);
  void count(wire_state& x, monotonic_ns now, bool links_before, bool claimed_before);

  monotonic_ns double_limit_;
  std::vector<host_state> hosts_;
  std::vector<pair_state> pairs_;
  std::unordered_map<std::uint64_t, wire_state> wires_;  ///< That an end holds for established.
  std::map<std::pair<std::uint32_t, std::uint32_t>, monotonic_ns>
      doubles_;  ///< Pairs with two, since when.
  std::vector<finding> apart_;
  std::vector<finding> double_;
  finding longest_apart_;
  finding longest_double_;
};

}  // namespace sim
