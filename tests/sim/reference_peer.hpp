#pragma once

// A peer that behaves as the deployed daemon does (protocol page, sections 5 and 6): it dials those whose address
// is the higher text, answers questions only on connections that it accepted, pings only from the dialing side
// and gives up at the third ping without an answer, and closes at once what it rejects.

#include "messages/ledger.hpp"
#include "tests/sim/plain_peer.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace sim {

class reference_peer final : public plain_peer {
 public:
  /// `established`: told when it holds a connection for established. `genesis`: where its chain begins.
  reference_peer(sim_network& network, const ip_address& ip, std::uint64_t seed,
                 std::vector<endpoint> known, timenode::block_ptr genesis,
                 std::function<std::int64_t()> unix_now,
                 std::function<void(const wire_record&, int)> established);

  std::uint64_t height() const noexcept { return chain_.size() - 1; }
  const timenode::block_ptr& tip() const noexcept { return chain_.back(); }
  /// It has this chain, from genesis on.
  void set_chain(std::vector<timenode::block_ptr> chain) { chain_ = std::move(chain); }
  /// A block that it made itself: taken and sent to everyone if it follows its tip.
  bool produce(const timenode::block_ptr& x);
  /// It forgets its chain when it stops.
  void lose_disk() { chain_.resize(1); }

 private:
  /// What it knows of a connection that it dialed.
  struct dialed_state {
    std::uint64_t nonce = 0;
    bool answered = true;
    int missed = 0;
    bool introduced = false;
  };

  void on_start() override;
  void on_stop() override { dialed_.clear(); }
  void on_up(session& x) override;
  void on_line(session& x, const timenode::wire::decoded& line) override;
  void on_down(session& x, const std::string& reason) override;

  bool dials(const ip_address& other) const;
  bool connected_to(const ip_address& other, std::uint64_t except) const;
  void look_round();
  void greet(session& x, const timenode::wire::message& message);
  void introduce(session& x);
  void tick(std::uint64_t number, int ticks);
  void answer(session& x, const timenode::wire::message& message);
  bool take_block(const timenode::block_ptr& x);
  void learn(session& x, const timenode::wire::message& message);
  void flood(const timenode::wire::message& message, std::uint64_t except);
  std::vector<timenode::block_ptr> range(std::uint64_t first, std::uint64_t last) const;

  std::vector<endpoint> known_;
  std::function<std::int64_t()> unix_now_;
  std::function<void(const wire_record&, int)> established_;
  std::vector<timenode::block_ptr> chain_;        ///< By height.
  std::map<std::uint64_t, dialed_state> dialed_;  ///< By session.
};

}  // namespace sim
