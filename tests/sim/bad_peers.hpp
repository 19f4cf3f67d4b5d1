#pragma once

// Strangers that do harm: that answer nothing, lie, or flood with connections.

#include "messages/ledger.hpp"
#include "tests/sim/plain_peer.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace sim {

/// What strangers know of the network that they trouble.
struct victims {
  std::vector<ip_address> hosts;
  /// The honest chain, from genesis on.
  std::function<const std::vector<timenode::block_ptr>&()> chain;
  std::function<std::int64_t()> unix_now;
};

/// Dials everybody, lets itself be dialed, and then answers nothing.
class silent_peer final : public plain_peer {
 public:
  enum class manner : std::uint8_t {
    deaf,       ///< Does not even read.
    mute,       ///< Reads and never says a word.
    handshake,  ///< Shakes hands and is silent from then on.
    claims,     ///< Claims a height, answers pings and delivers nothing.
  };
  silent_peer(sim_network& network, const ip_address& ip, std::uint64_t seed, manner how,
              const victims& whom);

 private:
  void on_start() override;
  void on_up(session& x) override;
  void on_line(session& x, const timenode::wire::decoded& line) override;
  bool reads(const session&) override { return how_ != manner::deaf; }

  manner how_;
  victims whom_;
};

/// Takes part as a peer should, and lies.
class liar_peer final : public plain_peer {
 public:
  enum class lie : std::uint8_t {
    heights,      ///< Claims blocks that there are not, and more all the time.
    blocks,       ///< Delivers blocks that are wrong.
    peers,        ///< Names addresses that are nobody's, and wrong ports of those who are there.
    masternodes,  ///< Announces others as masternodes, with keys that are not theirs.
    lines,        ///< Sends lines that are no messages.
  };
  static constexpr std::size_t lies = 5;
  liar_peer(sim_network& network, const ip_address& ip, std::uint64_t seed, lie about,
            const victims& whom);

 private:
  void on_start() override;
  void on_up(session& x) override;
  void on_line(session& x, const timenode::wire::decoded& line) override;
  void tell(std::uint64_t number);
  void greet(session& x);
  void deliver(session& x, std::uint64_t first, std::uint64_t last);
  timenode::block_ptr wrong_block(std::uint64_t height);
  ip_address some_address();

  lie about_;
  victims whom_;
};

/// Opens connections to one host, many at a time, and does nothing useful with them.
class flooder final : public plain_peer {
 public:
  flooder(sim_network& network, const ip_address& ip, std::uint64_t seed, const ip_address& victim,
          std::uint32_t connections_a_second);

 private:
  void on_start() override { flood(); }
  void on_up(session& x) override;
  void flood();

  ip_address victim_;
  std::uint32_t rate_;
};

}  // namespace sim
