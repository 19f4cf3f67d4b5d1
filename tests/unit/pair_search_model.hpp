#pragma once

// Nodes, each a `peer_link` for each other node, on a network that delays, loses and breaks: the
// states of the exhaustive search (pair_search.hpp) and the steps between them.
//
// Time goes in ticks of half a second. A message may arrive at once or up to `max_delay` ticks
// later; the messages of one direction of one connection stay in order, all others overtake each
// other freely. Timers fire when they are due. Faults (a crash, a broken connection) come at every
// moment at which something happens.

#include "net/peer_link.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace test::pair_search {

using namespace timenode;
using net::pair_role;
using net::peer_link;
using net::peer_link_rules;

using ticks = std::int32_t;
inline constexpr monotonic_ns tick = 500'000'000;
inline constexpr ticks ticks_a_second = 2;
inline constexpr ticks connect_ticks = 5 * ticks_a_second;  ///< As net::connect_timeout.
inline constexpr ticks handshake_ticks =
    10 * ticks_a_second;  ///< As handshake_timeout of peer_connection.
inline constexpr ticks ping_ticks = 33 * ticks_a_second;  ///< The longest pause between two pings.
inline constexpr int pings_until_dead = 3;

/// What the random generator of a machine yields when it is asked: an outcome near the lower and
/// one near the upper end of whatever range it draws from.
enum class draw : std::uint8_t { low, high };

/// One thing to search.
struct scenario {
  std::string name;
  std::size_t nodes = 2;
  /// What node `a` holds itself for towards node `b`: roles[a][b].
  std::array<std::array<pair_role, 3>, 3> roles{};
  std::array<peer_link_rules, 3> rules{};
  /// Who knows of the others from the start and wants them connected.
  std::array<bool, 3> wants{true, true, true};
  /// Dials from node `a` to node `b` get no answer: unreachable[a][b].
  std::array<std::array<bool, 3>, 3> unreachable{};
  /// What may be drawn, for each node: outcomes to branch over.
  std::array<std::vector<draw>, 3> draws{std::vector{draw::low, draw::high},
                                         std::vector{draw::low, draw::high},
                                         std::vector{draw::low, draw::high}};
  ticks max_delay = 1;  ///< Of a message. Below `elected_grace`, on which the rules rely.
  ticks max_start = 0;  ///< The last node starts this long after the first at most.
  ticks max_down = 4;   ///< A crashed node is back after this long at most.
  int crashes = 0;      ///< Of processes and of whole hosts, together.
  int losses = 0;       ///< Connections that break, told to both ends or only to one.
  /// Two nodes that hold themselves for the same side may draw nearly the same wait and then close
  /// both connections: that must not be for good, but it is no error.
  bool may_collide = false;
  /// With three nodes: those of different pairs do not meet but in crashes, so that within one
  /// instant the order of pairs is fixed. (What a crash can interrupt is still every combination of
  /// what each pair has done by then.)
  bool pairs_in_turn = false;
  /// Nodes want each other as configured peers do; else as one that was named by somebody.
  bool steadfast = true;
  /// After the handshake nodes tell each other who they are, and hold themselves from then on for this.
  std::optional<std::array<std::array<pair_role, 3>, 3>> introduced;
  bool tell_longest = false;  ///< For debugging: puts the longest way into words.
};

enum class end_state : std::uint8_t { none, connecting, handshaking, up, closed, gone };
enum class word : std::uint8_t { syn, syn_ack, handshake, ack, version, ping, pong, fin, reset };

struct in_flight {
  word what;
  std::uint8_t age = 0;
};

/// What one node holds of a connection. `closed`: its machine was not told yet that the socket is
/// gone.
struct connection_end {
  end_state state = end_state::none;
  bool probing = false;
  bool tie_lost = false;  ///< We closed it as a duplicate.
  std::uint8_t age = 0;   ///< Ticks in `closed`.
  std::uint8_t silent_pings = 0;
  ticks due = 0;  ///< When its timer fires; 0: none.

  bool live() const noexcept {
    return state == end_state::connecting || state == end_state::handshaking ||
           state == end_state::up;
  }
};

struct connection {
  link_id id = 0;
  std::uint8_t dialer = 0;                     ///< Which side of the pair.
  std::array<connection_end, 2> ends{};        ///< By side of the pair.
  std::array<std::vector<in_flight>, 2> to{};  ///< What is on its way to that side.
};

struct node_pair {
  std::array<std::uint8_t, 2> node{};
  std::vector<peer_link> machine;  ///< One a side.
  std::vector<connection> connections;
  std::array<ticks, 2>
      overlap{};  ///< For how long a side has had more than one established connection.
};

struct node_state {
  bool up = false;
  bool host_up = true;
  bool started = false;
  ticks down_since = 0;
};

enum class step_kind : std::uint8_t {
  start,
  crash,
  crash_host,
  deliver,
  told_gone,
  end_timer,
  early_ping,
  machine_timer,
  break_both,
  break_one,
  pass,
  advance,
};

struct step {
  step_kind kind{};
  std::uint8_t pair = 0;  ///< Or the node.
  std::uint8_t index = 0;
  std::uint8_t side = 0;
  draw drawn = draw::low;
};

class world {
 public:
  explicit world(const scenario& s);

  /// Everything that can happen next. None but faults: the end.
  std::vector<step> steps() const;
  /// Lets it happen; returns how many ticks went by. Says what it does if `log` is not null.
  ticks take(const step& x, std::string* log = nullptr);

  /// The same for states that differ only in names and in the time of day.
  std::uint64_t key() const;
  /// Each pair of nodes has one connection, both ends hold it for established, and nothing is under
  /// way.
  bool settled() const;
  bool faults_over() const;
  bool everyone_up() const;
  /// The node that draws in this step, if one does.
  std::size_t drawer(const step& x) const;
  /// A machine drew a number in the last step.
  bool drew() const noexcept { return drew_; }
  /// The last step closed the last connection of a pair that both ends held, both as duplicates.
  bool collided() const noexcept { return collided_; }
  const std::string& violation() const noexcept { return violation_; }

 private:
  monotonic_ns now_ns() const noexcept { return (now_ + 2) * tick; }
  ticks until(monotonic_ns deadline) const noexcept;
  bool orphan(const node_pair& p, const connection& c, std::size_t side) const;
  bool must_move(const node_pair& p) const;
  ticks next_advance() const;
  bool fault_free() const { return crashes_ == scenario_->crashes && losses_ == scenario_->losses; }
  void steps_of(std::size_t pair, std::vector<step>& out) const;

  template <class Call>
  void tell(node_pair& p, std::size_t side, Call call);
  void carry_out(node_pair& p, std::size_t side, const net::link_actions& actions);
  void dial(node_pair& p, std::size_t side);
  void close(node_pair& p, std::size_t side, const net::do_close& x);
  void deliver(node_pair& p, std::size_t index, std::size_t side);
  void end(node_pair& p, connection& c, std::size_t side, link_end cause);
  void fire(node_pair& p, connection& c, std::size_t side);
  void start(std::size_t node);
  void crash(std::size_t node, bool host);
  void advance(ticks by);
  void tidy();
  void check();
  void fail(std::string what);
  void say(const std::string& what);
  std::string describe(const step& x) const;

  const scenario* scenario_;
  std::vector<node_state> nodes_;
  std::vector<node_pair> pairs_;
  ticks now_ = 0;
  int crashes_ = 0;
  int losses_ = 0;
  std::uint8_t turn_ = 0;
  link_id last_id_ = 0;
  // About the last step only.
  draw drawn_ = draw::low;
  bool drew_ = false;
  bool collided_ = false;
  std::string violation_;
  std::string* log_ = nullptr;
};

}  // namespace test::pair_search
