#pragma once

// The life of one pair of nodes, as seen from our side: who dials and when, which of two connections
// stays, when to try again (architecture, section 5). A value with no clock, socket or actor: the
// connection registry holds one for each IP that it knows, tells it what happened and does what it says;
// the exhaustive search in the tests drives two and three of them against each other.

#include "messages/link_types.hpp"
#include "net/random.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace timenode::net {

/// Which side of the pair is elected to dial (net/direction.hpp).
enum class pair_role : std::uint8_t {
  we_dial,
  they_dial,
  unknown,  ///< We do not know our own IP: we may dial anyone.
};

/// The numbers of the rules. The defaults are the architecture's, section 5, and have their reasons there.
struct peer_link_rules {
  /// How long the side that is not elected waits for the other's dial before it dials itself; and again after a dial of its own
  /// that failed, too, for then it is not the direction that is at fault. Once such a dial has got through, it dials as the elected
  /// side does.
  monotonic_ns their_dial_wait = 30'000'000'000;
  double their_dial_jitter = 0.2;
  /// How long the elected side leaves both connections of a pair up before it closes the one that goes. The
  /// deployed daemon elects the other side and closes what it rejects at once: this lets us see that first,
  /// so that the pair does not lose both.
  monotonic_ns elected_grace = 1'000'000'000;
  /// How long the other side waits for the elected one to do so.
  monotonic_ns duplicate_grace = 5'000'000'000;
  /// How long an old connection may take to prove that it lives when its peer opens a new one.
  monotonic_ns probe_wait = 5'000'000'000;
  /// A connection that was established for this long was a success: the backoff starts anew.
  monotonic_ns stable_after = 60'000'000'000;
  /// One that was established for this long shows that the peer is there: pauses are short again, though not yet at
  /// their shortest. A peer that restarts again and again is noticed up to 30 s later by a ping alone; with the
  /// longest pause after it, the pair would be apart for more than 60 s (invariant `one-link`).
  monotonic_ns lasting_after = 10'000'000'000;
  /// The longest pause between two dials of a peer that was never connected and is not configured: it may not exist.
  monotonic_ns longest_backoff = 300'000'000'000;
  /// The same for all others. A pair is to be connected within 60 s of both being up (invariant `one-link`), and that
  /// the other side is up again shows in nothing but a dial: so one has to come, connect and shake hands in less.
  monotonic_ns longest_backoff_met = 45'000'000'000;
  /// ... but for a peer that no dial of ours ever reached only until so many have failed, some 40 minutes: it came by a dial of its own,
  /// and will again. Who is gone for good, as most who come by once are, would be knocked at twice a minute for hours. (Longer than a
  /// network is usually in pieces: when it is whole again, and the other side's node was started anew meanwhile, this side finds it.)
  std::uint32_t patience_unreached = 60;
  /// After an operator closed the connections of a peer it is not dialed for this long: time for what he is at.
  monotonic_ns operator_pause = 60'000'000'000;
  /// Handshakes of one IP that may be under way at once on connections that it dialed.
  std::size_t max_handshakes = 2;
  /// Tests of the search only: drops whichever connection was seen second, at once, as a naive node would.
  bool drop_second_seen = false;
};

/// Dial the peer now, then tell `dial_started`.
struct do_dial {};
/// Close this connection; then comes `closing` and, when its socket is gone, `gone`.
struct do_close {
  link_id link;
  link_end cause;
  std::string reason;
};
/// Find out whether this connection lives; `alive` if so.
struct do_probe {
  link_id link;
};
/// From now on the peer is reached through this connection.
struct do_peer_up {
  link_id link;
};
/// The peer has no established connection any more.
struct do_peer_down {};
/// A dial of ours ended: with a handshake, or with a failure (how many in a row).
struct do_report_dial {
  bool reached;
  std::uint32_t failures;
  std::string reason;
};
using link_action =
    std::variant<do_dial, do_close, do_probe, do_peer_up, do_peer_down, do_report_dial>;
using link_actions = std::vector<link_action>;

class peer_link {
 public:
  /// One connection of the pair.
  struct link {
    link_id id = 0;
    link_direction direction = link_direction::inbound;
    link_phase phase = link_phase::handshaking;
    monotonic_ns established_at = 0;  ///< Once established.
    monotonic_ns probe_deadline = 0;  ///< 0: no probe is under way.

    bool operator==(const link&) const = default;
  };

  /// `rules` are not copied, for a node has thousands of these: they must outlive it.
  peer_link(const peer_link_rules& rules, pair_role role, std::uint64_t seed);
  peer_link(peer_link_rules&&, pair_role, std::uint64_t) = delete;

  // -- what the registry tells; each returns what is to be done --------------------------

  /// The peer should be connected from now on. `steadfast`: as a configured peer, which is there even if it never was
  /// connected.
  link_actions want(monotonic_ns now, bool steadfast = false);
  /// The peer is to be dialed at once, if it is not connected; also when it is not wanted, once then.
  link_actions dial_now(monotonic_ns now);
  /// It need not be dialed any more. Connections stay.
  link_actions unwant(monotonic_ns now);
  /// `do_dial` cannot be carried out now (banned, no place free): ask again at `at`, if still wanted.
  link_actions postpone(monotonic_ns at);
  /// What an operator closed it for lets it be dialed again as others are (a ban keeps it away by itself): no pause.
  link_actions end_pause(monotonic_ns now);
  /// Our own IP became known or changed.
  link_actions set_role(pair_role role, monotonic_ns now);
  /// A dial of ours has begun, as `do_dial` said.
  link_actions dial_started(link_id link, monotonic_ns now);
  /// A dial's socket is up; its handshake is under way.
  void connected(link_id link);
  /// The peer dialed us and policy has nothing against it.
  link_actions accepted(link_id link, monotonic_ns now);
  /// The handshake on a connection is done.
  link_actions handshaken(link_id link, monotonic_ns now);
  /// Something came over a connection after a probe.
  link_actions alive(link_id link, monotonic_ns now);
  /// A connection closes or has failed: it is of no use from now on.
  link_actions closing(link_id link, link_end cause, const std::string& reason, monotonic_ns now);
  /// Its socket and actor are gone.
  link_actions gone(link_id link, monotonic_ns now);
  /// Time has passed.
  link_actions tick(monotonic_ns now);

  // -- what it knows ------------------------------------------------------------------------

  /// When `tick` has something to do; none if nothing is due by itself.
  std::optional<monotonic_ns> next_deadline() const;
  const std::vector<link>& links() const noexcept { return links_; }
  bool wanted() const noexcept { return wanted_; }
  /// The connection that the peer is reached through.
  std::optional<link_id> primary() const noexcept { return primary_; }
  /// Nothing to remember: not wanted and no connection.
  bool forgettable() const noexcept { return !wanted_ && links_.empty() && not_before_ == 0; }
  std::uint32_t failures() const noexcept { return failures_; }
  /// It was established at some time.
  bool met() const noexcept { return met_; }
  const std::string& last_error() const noexcept { return last_error_; }
  /// When that was. Only with a `last_error`.
  monotonic_ns last_error_at() const noexcept { return last_error_at_; }
  bool their_dials_fail() const noexcept { return their_dials_fail_; }
  /// Our last dial by itself followed a wait for theirs that was in vain.
  bool waited_in_vain() const noexcept { return waited_in_vain_; }
  /// When we dial, and when one of two established connections goes, if nothing comes before.
  std::optional<monotonic_ns> dial_at() const noexcept { return dial_at_; }
  std::optional<monotonic_ns> settle_at() const noexcept { return settle_at_; }
  pair_role role() const noexcept { return role_; }
  /// "established", "waiting-for-their-dial", ... (architecture, section 5).
  std::string_view state_name() const noexcept;
  /// The rule that applies, as a sentence for people.
  std::string rule() const;
  /// What happens next if nothing comes before, as a sentence for people; without the time, which is
  /// `next_deadline`.
  std::string next_step() const;

  /// Tests only: chooses what is drawn next, so that a search can try each outcome.
  void reseed(std::uint64_t seed) noexcept { random_ = random_source{seed}; }

 private:
  bool we_should_dial() const noexcept;
  link* find(link_id id) noexcept;
  std::size_t live_links() const noexcept;
  const link* other_established(link_id id) const noexcept;
  void schedule_dial(monotonic_ns now);
  void note_error(const std::string& reason, monotonic_ns now);
  monotonic_ns longest_pause() const noexcept;
  void settle(monotonic_ns now);
  void decide_rest(monotonic_ns now, link_actions& out);
  void drop(link& x, link_end cause, std::string reason, link_actions& out);
  void choose_primary(link_actions& out);

  const peer_link_rules* rules_;  ///< Never null.
  pair_role role_;
  random_source random_;
  bool wanted_ = false;
  bool steadfast_ = false;
  bool met_ = false;             ///< Was established at some time ...
  bool reached_ = false;         ///< ... by a dial of ours.
  bool waited_in_vain_ = false;  ///< For their dial, before the one of ours that is under way.
  bool their_dials_fail_ = false;
  std::uint32_t failures_ = 0;
  std::string last_error_;
  monotonic_ns last_error_at_ = 0;
  std::vector<link> links_;  ///< At most a handful: see `max_handshakes`.
  std::optional<link_id> primary_;
  std::optional<monotonic_ns> dial_at_;  ///< Our next dial, if no connection comes before.
  monotonic_ns not_before_ =
      0;  ///< No dial by itself until then, for an operator disconnected it; or 0.
  std::optional<monotonic_ns> settle_at_;  ///< When one of two established connections goes.
};

}  // namespace timenode::net
