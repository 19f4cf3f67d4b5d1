#pragma once

// The addresses that we know, and which of them the registry should connect: pure policy of the
// peer directory, without actor, clock or socket.
//
// What peers name is hearsay: it makes an address worth a try, and nothing else. Only our own
// success proves an address, only our own failures end it, and no source can fill the book with its
// own.

#include "messages/node_messages.hpp"
#include "net/random.hpp"

#include <boost/container/flat_map.hpp>
#include <boost/unordered_map.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace timenode {

/// Addresses in the book, configured ones apart: about 1 MiB. At the limit an address that was
/// never reached goes for a new one: of the source that has most of them the one that failed most,
/// of these the oldest. Those that were reached stay.
inline constexpr std::size_t max_addresses = 4096;
/// Addresses that one source named and that were never reached: 16 sources together can fill the
/// book, one cannot; and as soon as there is a seventeenth, the others make room for it in turn. A
/// source is an address group, for it costs nothing to speak from a thousand addresses of one.
inline constexpr std::size_t max_addresses_per_source = 256;
/// Discovered addresses of one group (`net::group_of`): they tend to have one owner. Local
/// addresses are exempt, for a test network is one group.
inline constexpr std::size_t max_addresses_per_group = 64;
/// Masternodes that never had a connection with us. At the limit one that failed too often makes
/// room.
inline constexpr std::size_t max_unmet_masternodes = 1024;
/// ... and how many of them are wanted at a time, when there is no good peer: that many strangers are dialed because somebody
/// named them.
inline constexpr std::size_t max_unmet_masternodes_wanted = 256;
/// Discovered peers that we are to dial and that are tried at a time, when there is no good peer (`enough_peers`); with each
/// that there is it is less.
inline constexpr std::size_t max_tries = 8;
/// The same for those that are to dial us: waiting costs nothing, so more of them.
inline constexpr std::size_t max_waits = 32;
/// With this many peers that an operator named, that are masternodes or that we reached ourselves a node is in no hurry to
/// find more: as many as Bitcoin Core's full outbound connections. Peers that merely dialed us do not count, so that nobody
/// can make us lazy by dialing.
inline constexpr std::size_t enough_peers = 8;
/// Strangers (discovered, and we never had to do with them) that are then wanted at a time, those that we are to dial and
/// those that are to dial us each. Names cost nothing: who is told of thousands of hosts that are not there must not
/// knock at all of them for hours, which looks like a scan of the network to whoever hosts us.
inline constexpr std::size_t max_strangers_at_ease = 1;
/// ... and so many of `max_unmet_masternodes_wanted`, for the same reason: that somebody is a masternode is hearsay, too. (With eight a
/// node among a hundred spent two fifths of its dials on names that a liar had made up hours before. The newest names come first, so
/// one that is there is not behind all of these.)
inline constexpr std::size_t max_unmet_masternodes_at_ease = 3;
/// A peer that failed so often is no try any more, but one that waits out its backoff.
inline constexpr std::uint32_t failures_of_a_try = 3;
/// A discovered peer leaves the book after that many failed dials in a row (architecture, section
/// 5) ...
inline constexpr std::uint32_t max_dial_failures = 10;
/// ... unless it was connected less than this long ago, in seconds: a host that is set up anew, or a
/// site without power, is not forgotten for that.
inline constexpr std::int64_t forgotten_after = 6 * 3600;
/// A peer that is not configured and whose connection lasted less than that has turned us away, as one does whose places are all
/// taken: it is not wanted for a while, and others have their turn.
inline constexpr monotonic_ns turned_away_within = 10'000'000'000;
/// ... for this long, twice as long each time in a row, up to the longest. Where more nodes look for peers than there
/// are places all would knock at all of the others, again and again.
inline constexpr monotonic_ns first_rest = 60'000'000'000;
inline constexpr monotonic_ns longest_rest = 3'600'000'000'000;
/// A masternode may do so this often in a row before it rests: everybody wants all of them, and they keep places for each other.
inline constexpr std::uint32_t patience_with_masternodes = 2;
/// With enough peers a discovered one is wanted anew this often at most.
inline constexpr monotonic_ns wanted_at_ease_every = 5'000'000'000;
/// ... and half as often for each that turned us away, one after the other, so many times: in a network with more nodes than places
/// there is always somebody who was not asked yet, and everybody would knock somewhere every five seconds for good. At the most
/// after 320 s: less than the ten minutes after which what peers name is fresh again.
inline constexpr std::uint32_t most_ease_doublings = 6;
/// The same for each stranger in a row that is not there, but at the most after 80 s: who has been told of 4,000 hosts that do not
/// exist would dial one every few seconds for two days, while those of them that do exist are found by dialing us.
inline constexpr std::uint32_t most_unreached_doublings = 4;
/// Of the peers that were connected when the node stopped, that many are dialed first at the next
/// start: those that were connected longest. Whoever feeds a starting node addresses of his own
/// comes too late then. As many as Bitcoin Core's full outbound connections, and again as many for
/// those that were down meanwhile.
inline constexpr std::size_t max_anchors = 16;
/// Of what a peer answers to one question, only so many addresses are looked at.
inline constexpr std::size_t max_learned_at_once = 1000;

class address_book {
 public:
  /// @param local_ip Our own, when known: never learned, and decides whether local addresses are.
  /// @param default_port Of addresses that come without one.
  /// @param max_peers Peers to be connected, configured ones apart.
  address_book(std::optional<ip_address> local_ip, std::uint16_t default_port,
               std::size_t max_peers);

  /// Another number of peers to be connected, configured ones apart; counts from the next plan on.
  void set_max_peers(std::size_t x) noexcept { max_peers_ = x; }
  std::size_t size() const noexcept { return entries_.size(); }

  // -- where addresses come from --------------------------------------------------------

  /// The operator wants it: never given up. False when it is configured with that port already, or
  /// our own.
  bool add_configured(const endpoint& x);
  /// The operator does not insist any more: it becomes a discovered one. False when it was not
  /// configured.
  bool remove_configured(const ip_address& ip);
  /// A masternode is said to be there. False when there is no room, or it cannot be a peer.
  bool add_masternode(const endpoint& x);
  /// `source` named these texts. What is no address of a possible peer is skipped. Returns how many
  /// are new.
  std::size_t learn(std::span<const std::string> texts, const ip_address& source);

  /// Our own address became known, or another one.
  void set_own_address(const ip_address& ip);

  // -- what happens ------------------------------------------------------------------------

  /// A connection is established. One that we dialed proves its address; of a peer that dialed us
  /// we only guess where it listens.
  void connected(const peer_info& peer, std::int64_t unix_now);
  void disconnected(const ip_address& ip, std::int64_t unix_now);
  /// How long the connection lasted that has just ended: too short a one turned us away.
  void connection_lasted(const ip_address& ip, monotonic_ns duration, monotonic_ns now);
  /// A dial ended. Returns true when the peer left the book for it: it is not wanted any more.
  bool dialed(const dial_report& report, std::int64_t unix_now);

  // -- what follows --------------------------------------------------------------------------

  struct plan {
    std::vector<std::pair<endpoint, dial_purpose>> want;
    std::vector<ip_address> unwant;
  };

  /// What to ask of the registry now, beyond what was asked before. `random` chooses among equals.
  plan make_plan(random_source& random, monotonic_ns now);
  /// When time alone changes what the next plan says; none: it does not.
  std::optional<monotonic_ns> waits_until() const;

  /// Up to `count` endpoints to tell others: connected ones first, then such as we reached once.
  std::vector<std::string> sample(std::size_t count, random_source& random) const;

  // -- showing and keeping it (address_book_lines.cpp) ----------------------------------------

  directory_snapshot snapshot() const;
  address_snapshot explain(const ip_address& ip) const;

  /// A line each for all but configured ones:
  /// "ip:port purpose last-success last-seen failures source", and " anchor" for some.
  std::vector<std::string> to_lines(std::int64_t unix_now) const;
  /// Takes over lines of an earlier run, within the limits; skips what is wrong. Returns how many
  /// it took.
  std::size_t from_lines(std::span<const std::string> lines);
  /// Grows with every change of what `to_lines` gives.
  std::uint64_t changes() const noexcept { return changes_; }

 private:
  struct entry {
    endpoint at;
    dial_purpose purpose = dial_purpose::discovered;
    ip_address source = {};         ///< Unspecified: our own knowledge.
    std::int64_t last_success = 0;  ///< Of a dial of ours, Unix seconds; 0: we never reached it.
    std::int64_t last_seen = 0;     ///< Connected, whoever dialed, Unix seconds; 0: never.
    std::int64_t connected_at = 0;  ///< While it is connected, Unix seconds.
    std::uint32_t failures = 0;     ///< In a row.
    std::uint32_t turned_away = 0;  ///< Connections in a row that ended at once.
    monotonic_ns rests_until = 0;   ///< For that; 0: it does not.
    bool anchor = false;            ///< Of the last run, and not tried out yet.
    bool wanted = false;            ///< Asked of the registry.
    bool connected = false;
    bool met = false;         ///< Was connected in this run, whoever dialed.
    bool we_dial = true;      ///< By the direction rule.
    std::uint64_t order = 0;  ///< In which it came.
    std::size_t place = 0;    ///< In its `candidate_pool`.
    /// Its address group; none: a local address.
    std::optional<ip_address> group = {};
  };
  using entry_map = boost::unordered_map<ip_address, entry, std::hash<ip_address>>;
  /// What goes first when room is needed goes first in here: most failures (negated), then the
  /// oldest.
  using rank = std::pair<std::int64_t, std::uint64_t>;
  using ranked = std::map<rank, entry*>;
  using score = std::tuple<bool, std::uint32_t, bool, bool, std::uint64_t>;
  using scored = std::vector<std::pair<score, entry*>>;

  /// Discovered ones that could be wanted, anchors apart, by failures, so that some of the best are at hand without a look
  /// at all.
  class candidate_pool {
   public:
    void add(entry& x);
    void remove(const entry& x);
    bool empty() const noexcept { return by_failures_.empty(); }
    /// Some of those that failed least, at least `count` when there are as many.
    std::vector<entry*> draw(std::size_t count, random_source& random) const;

   private:
    std::map<std::uint32_t, std::vector<entry*>> by_failures_;
  };

  static bool is_unproven(const entry& x) noexcept;
  static bool is_unmet_masternode(const entry& x) noexcept;
  static bool is_evictable(const entry& x) noexcept;
  static bool is_pending(const entry& x) noexcept;
  static bool is_try(const entry& x) noexcept;
  static bool is_candidate(const entry& x) noexcept;
  static bool is_stranger(const entry& x) noexcept;
  static bool is_reachable(const entry& x) noexcept;
  static rank rank_of(const entry& x) noexcept;
  bool make_room();
  bool add(entry x);
  bool has_room(const entry& x);
  bool drop_failed_masternode();
  void index(entry& x);
  void unindex(const entry& x);
  void erase(entry_map::iterator i);
  /// All changes of an entry that stays go through here, so that the indexes follow; but for what none of them asks (`dialed`).
  template <class F>
  void change(entry& x, F f) {
    unindex(x);
    f(x);
    index(x);
  }

  void plan_always(plan& result);
  void plan_unmet_masternodes(plan& result);
  void plan_discovered(plan& result, random_source& random, monotonic_ns now);
  std::size_t free_slots() const;
  void end_rests(monotonic_ns now);
  monotonic_ns pause_at_ease() const noexcept;
  std::size_t unmet_masternodes() const noexcept {
    return unmet_wanted_.size() + unmet_idle_.size();
  }
  bool is_at_ease() const noexcept { return good_peers_ >= enough_peers; }
  std::size_t at_a_time(std::size_t alone, std::size_t at_ease) const noexcept;
  static bool is_good_peer(const entry& x) noexcept;
  std::vector<entry*> candidates(std::size_t tries, std::size_t waits, random_source& random) const;
  score score_of(const entry& x, random_source& random) const;
  void want(entry& x, plan& result);
  void unwant(entry& x, plan& result);
  std::optional<entry> parse_line(std::string_view line) const;
  std::string why(const entry& x) const;

  std::optional<ip_address> local_ip_;
  std::uint16_t default_port_;
  std::size_t max_peers_;
  entry_map entries_;
  /// With where it (probably) listens, as text: peers ask for these. Side by side in memory, for that is a walk over all.
  boost::container::flat_map<ip_address, std::string> connected_;
  std::uint64_t added_ = 0;
  // What the registry still has to hear of, with the next plan:
  std::vector<ip_address> dropped_;  ///< Left the book while they were wanted.
  std::vector<ip_address> renewed_;  ///< May be wanted already, but for another purpose.

  std::optional<monotonic_ns> wanted_at_;  ///< When a discovered one was wanted last.
  std::uint32_t turned_away_in_row_ =
      0;                                ///< Discovered ones that turned us away since one kept us.
  std::uint32_t unreached_in_row_ = 0;  ///< Strangers that were not there since one was.
  bool paced_ = false;                  ///< One would be, if that had not been so lately.

  // Derived from `entries_` by `index` and `unindex`, so that a plan, which follows every dial, and an answer
  // to a peer walk only what they need:
  std::size_t configured_ = 0;
  std::size_t good_peers_ = 0;  ///< Connected ones that count for `enough_peers`.
  std::size_t configured_connected_ = 0;
  std::map<ip_address, entry*>
      due_;  ///< Not wanted, and to be so whatever else is: configured, or a masternode we met.
  ranked unmet_wanted_;    ///< Masternodes that we never met, wanted ...
  ranked unmet_idle_;      ///< ... and not.
  ranked pending_;         ///< Discovered ones that are wanted and not connected.
  std::size_t tries_ = 0;  ///< Of these, those that are tries, and we are to dial ...
  std::size_t waits_ = 0;  ///< ... or they are.
  ranked strangers_;       ///< Of these, those that we never had to do with.
  std::map<ip_address, entry*> anchors_;    ///< Not wanted yet.
  std::map<ip_address, entry*> reachable_;  ///< Not connected, and our last dial reached them.
  std::set<std::pair<monotonic_ns, ip_address>>
      resting_;  ///< Those that turned us away, by when that counts no more.
  candidate_pool to_dial_;
  candidate_pool to_wait_for_;
  std::map<ip_address, std::size_t> engaged_by_group_;  ///< Wanted or connected, not local ones.
  std::map<ip_address, std::size_t>
      unproven_by_source_;                      ///< Discovered ones, by the source's group.
  std::map<ip_address, std::size_t> by_group_;  ///< Discovered, not local ones.
  std::map<ip_address, std::map<rank, ip_address>> evictable_;  ///< By the source's group.
  std::uint64_t changes_ = 0;
};

}  // namespace timenode
