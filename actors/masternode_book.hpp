#pragma once

// What is known of masternodes, and which of it is believed: pure policy of the masternode table,
// without actor, clock or socket.
//
// Where knowledge comes from, the strongest first:
//   first hand   over a connection with the masternode's own IP
//   attested     a heartbeat that enough other active masternodes say to have seen
//   hint         somebody named it: worth a dial, and nothing else; never makes or keeps it active
//
// Two keys belong to a masternode: the one that it announces, and the one that signs its heartbeats
// and attestations. The deployed daemon uses two different ones
// (connection-reference-accepts.jsonl), so the second is learned from the heartbeats themselves.

#include "actors/expiring_set.hpp"
#include "messages/node_messages.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace timenode {

// -- times ------------------------------------------------------------------------

/// Active until there was no evidence of life for this long: three heartbeats.
inline constexpr monotonic_ns masternode_active_for = 180'000'000'000;
/// Forgotten after this long without evidence.
inline constexpr monotonic_ns masternode_kept_for = 3'600'000'000'000;
/// After it was forgotten, what others say does not bring it back for this long: longer than
/// anybody else keeps it, so that a dead masternode cannot be passed round for ever.
inline constexpr monotonic_ns tombstone_for = 7'200'000'000'000;
/// Another announced key is taken when the old one was not heard of for this long.
inline constexpr monotonic_ns key_silence = 3'600'000'000'000;
/// Heartbeats and attestations whose time is further from ours are ignored, in seconds.
inline constexpr std::int64_t heartbeat_window = 180;
/// Heartbeats of one masternode that come faster are ignored: a third of the period of 60 s.
inline constexpr monotonic_ns min_heartbeat_gap = 20'000'000'000;

// -- limits -----------------------------------------------------------------------

/// Masternodes in the book: some MiB. At the limit hints make room, then the longest silent
/// inactive one; active ones stay, and newcomers are turned away.
inline constexpr std::size_t max_masternodes = 10'000;
/// Of which hints. At the limit the source with the most hints loses its oldest to one with fewer.
inline constexpr std::size_t max_hints = 5'000;
/// Hints that one peer may have in the book at a time.
inline constexpr std::size_t max_hints_per_source = 1'000;
/// Of a list that a peer sends, only so many are looked at.
inline constexpr std::size_t max_listed = 10'000;
/// Attestations of one heartbeat that are verified and sent on. Three suffice; without a limit
/// their number grows with the square of the number of masternodes.
inline constexpr std::size_t max_witnesses = 16;
/// Attestations that make a heartbeat evidence of life; fewer when there are fewer other
/// masternodes.
inline constexpr std::size_t enough_witnesses = 3;
/// Heartbeats of one masternode that are remembered, and times that it became active or inactive: what an
/// operator looks back at. With 10,000 masternodes at most 30 MB.
inline constexpr std::size_t max_beat_records = 8;
inline constexpr std::size_t max_changes = 8;
/// A reward address has 38 characters; longer texts than this are not kept.
inline constexpr std::size_t max_reward_address = 64;

/// A moment on both clocks: spans are measured on the first, messages carry the second.
struct moment {
  monotonic_ns mono = 0;
  std::int64_t unix_s = 0;
};

/// Ourselves, when we are a masternode.
struct masternode_self {
  ip_address ip;
  std::string reward_address;
  wire::masternode_tier tier = wire::masternode_tier::free;
  public_key key{};
};

class masternode_book {
 public:
  /// @param local_ip Our own address, when known: what others say of it is not listened to.
  explicit masternode_book(std::optional<ip_address> local_ip);

  /// Our own IP became known, or is another one: what is known of either goes, our own entry too.
  void set_own_address(const ip_address& ip);
  /// Enters ourselves.
  void add_self(const masternode_self& self, moment now);

  // -- first hand -------------------------------------------------------------------

  void connected(const ip_address& ip, moment now);
  void disconnected(const ip_address& ip, moment now);

  // -- what peers say. Results are masternodes that are new here and worth a dial. --------

  /// An announcement: believed for the IP that it comes from, a hint for any other.
  std::vector<ip_address> announced(const ip_address& from, const wire::masternode_announcement& x,
                                    moment now);
  /// A list: the same for each entry. Its sender's own entry is first hand: it is how the deployed
  /// daemon announces itself on a connection that it accepted.
  std::vector<ip_address> listed(const ip_address& from, const wire::masternodes_response& x,
                                 moment now);

  struct heartbeat_ruling {
    flood_judgement judgement;
    /// We should attest to it, if we are a masternode: it is new and valid, and that its sender is
    /// there is more than hearsay to us.
    bool attest = false;
    /// Its masternode is connected, and the key that signed it has shown itself over that connection: no hearsay,
    /// and no mere claim.
    bool proven = false;
    std::vector<ip_address> to_dial = {};
  };

  /// A heartbeat that came from that peer. Makes hints at most of masternodes that are not known.
  heartbeat_ruling judge(const ip_address& from, const wire::heartbeat_broadcast& x, moment now);
  /// An attestation.
  flood_judgement judge(const wire::heartbeat_attestation& x, moment now);

  /// Our own heartbeat is sent: attestations of it count from now on.
  void sent(const wire::heartbeat_broadcast& x, moment now);

  // -- time ---------------------------------------------------------------------------

  /// Works off what is due, and says when the next is.
  std::optional<monotonic_ns> expire(moment now);

  // -- reading ------------------------------------------------------------------------

  /// All of them, by IP.
  std::vector<masternode_entry> list(moment now) const;
  /// Those that are known first hand or attested, by IP: hearsay, of which there may be thousands, is left out.
  std::vector<masternode_entry> believed(moment now) const;
  /// One of them; nothing is known of others.
  masternode_detail explain(const ip_address& ip, moment now) const;
  attestation_stats stats() const;
  /// Changes when what `GetMasternodes` is answered with does.
  std::uint64_t revision() const noexcept { return revision_; }

  // -- over restarts (masternode_lines.cpp) -------------------------------------------

  /// What is known first hand or attested, and the tombstones, as lines.
  std::vector<std::string> to_lines(moment now) const;
  /// Takes over what `to_lines` wrote, when the book is new: who was active then is so for 180 s from now, if
  /// that was not more than an hour ago, for it was us who did not listen. Returns whom to dial. Lines that
  /// cannot be read are left out.
  std::vector<ip_address> restore(const std::vector<std::string>& lines, moment now);

  std::size_t size() const noexcept { return records_.size(); }
  /// Active ones, ourselves included.
  std::size_t active() const noexcept { return active_ + (self_ ? 1 : 0); }
  std::size_t hints() const noexcept { return hint_count_; }

 private:
  enum class standing : std::uint8_t { hint, attested, first_hand };

  struct record {
    masternode_entry shown;
    standing belief = standing::hint;
    ip_address hint_source;         ///< Of a hint: who named it first.
    std::uint64_t hint_order = 0;   ///< Of a hint: its place in the order in which they came.
    monotonic_ns heard_at = 0;      ///< Last evidence of life; of a hint, when it came.
    monotonic_ns key_heard_at = 0;  ///< The announced key was used, first hand or in a heartbeat.
    // The last heartbeat:
    public_key beat_key{};
    bool beat_key_proven = false;  ///< Came from its own IP, or is the announced key.
    monotonic_ns beat_at = 0;      ///< 0: none yet.
    std::int64_t beat_time = 0;
    hash256 beat_hash{};
    std::vector<ip_address> witnesses;
    // What an operator looks back at, the latest last:
    // (Vectors, though they are short queues: an empty deque keeps 576 bytes, and a book may have thousands of hints.)
    std::vector<masternode_change> changes;
    std::vector<heartbeat_record>
        beats;  ///< The last one's witnesses are above, until the next one comes.
    std::uint64_t verified_beats = 0;
    std::int64_t active_before = 0;  ///< Seconds, up to the last time that it became inactive.
  };
  using record_map = std::map<ip_address, record>;

  bool declare(const ip_address& ip, const wire::masternode_announcement& x, moment now);
  bool hint(const ip_address& from, const ip_address& ip, const wire::masternode_announcement* x,
            moment now);
  bool make_room_for_hint(const ip_address& from);
  bool make_room();
  bool evict_hint(std::size_t if_more_than);
  std::size_t hints_of(const ip_address& source) const;
  void believe(record_map::iterator i, standing belief);
  static void heard(record& x, moment now);
  void update(record& x, moment now, std::string why);
  static void note(record& x, moment now, std::string why);
  masternode_entry shown(const record& x, moment now) const;
  void restore_record(const std::vector<std::string>& fields, std::int64_t away, moment now);
  record_map::iterator remove(record_map::iterator i);

  static bool is_proven_key(const record& x, const public_key& key, bool first_hand);
  static std::string_view why_not(const record& x, const wire::heartbeat_broadcast& beat,
                                  bool first_hand, moment now);
  void take_over(const ip_address& ip, record& x, const wire::heartbeat_broadcast& beat,
                 moment now);
  std::string_view why_no_witness(const wire::heartbeat_attestation& x, const ip_address& subject,
                                  const std::optional<ip_address>& witness) const;
  std::size_t witnesses_needed(const record& subject) const noexcept;

  std::optional<ip_address> local_ip_;
  std::optional<ip_address> self_;  ///< Our own entry's key in `records_`.
  record_map records_;
  std::set<ip_address> believed_;        ///< Those in `records_` that are no hints.
  std::map<hash256, ip_address> beats_;  ///< Whose last heartbeat has that hash; one a record.
  std::map<ip_address, std::map<std::uint64_t, ip_address>> hints_;  ///< By source, in their order.
  std::size_t hint_count_ = 0;
  std::uint64_t hints_made_ = 0;
  std::size_t active_ = 0;  ///< Without ourselves.
  std::uint64_t revision_ = 0;
  std::uint64_t verified_beats_ = 0;  ///< Of all that ever were in here.
  std::set<ip_address> connected_;    ///< As many as the registry has.
  expiring_set<ip_address> tombstones_{max_masternodes};
};

/// The IP of a masternode as messages name it; a ":port" on it is dropped. None when it is no
/// host's address.
std::optional<ip_address> masternode_ip(std::string_view text);

}  // namespace timenode
