// Heartbeats and attestations: the part of the masternode book that judges them.

#include "actors/masternode_book.hpp"
#include "chain/signed_messages.hpp"

#include <algorithm>
#include <utility>

namespace timenode {

namespace {

flood_judgement ignore(std::string_view reason) {
  return {flood_verdict::ignore, std::string{reason}};
}

bool is_fresh(std::int64_t time, moment now) noexcept {
  // Peers send any number: no difference of two of them may overflow.
  return time >= now.unix_s - heartbeat_window && time <= now.unix_s + heartbeat_window;
}

}  // namespace

// -- heartbeats -------------------------------------------------------------------

masternode_book::heartbeat_ruling
masternode_book::judge(const ip_address& from, const wire::heartbeat_broadcast& x, moment now) {
  const auto ip = masternode_ip(x.masternode_address);
  if (!ip)
    return {.judgement = ignore("its address is no IP")};
  if (ip == local_ip_)
    return {.judgement = ignore("it names our own address")};
  if (!is_fresh(x.timestamp, now))
    return {.judgement = ignore("its time is more than 180 s from ours")};
  const auto first_hand = ip == from;
  const auto i = records_.find(*ip);
  const auto known = i != records_.end();
  // Verifying costs more than all other checks together, so it comes last.
  if (known)
    if (const auto why = why_not(i->second, x, first_hand, now); !why.empty())
      return {.judgement = ignore(why)};
  if (!chain::verify(x))
    return {.judgement = {flood_verdict::invalid, "HeartbeatBroadcast: wrong signature"}};
  if (!known) {
    auto result = heartbeat_ruling{.judgement = ignore("its masternode is not known")};
    if (hint(from, *ip, nullptr, now))
      result.to_dial.push_back(*ip);
    return result;
  }
  auto& subject = i->second;
  subject.beat_key_proven = is_proven_key(subject, x.masternode_pubkey, first_hand);
  take_over(*ip, subject, x, now);
  if (subject.belief == standing::first_hand) {
    if (x.masternode_pubkey == subject.shown.key)
      subject.key_heard_at = now.mono;
    if (first_hand) {
      heard(subject, now);
      update(subject, now, "its heartbeat came from its own IP");
    }
  }
  return {.judgement = {flood_verdict::forward, {}},
          .attest = subject.shown.active || first_hand,
          .proven = subject.shown.connected && subject.beat_key_proven};
}

bool masternode_book::is_proven_key(const record& x, const public_key& key, bool first_hand) {
  return first_hand || (x.belief == standing::first_hand && key == x.shown.key) ||
         (x.beat_at != 0 && x.beat_key_proven && key == x.beat_key);
}

std::string_view masternode_book::why_not(const record& x, const wire::heartbeat_broadcast& beat,
                                          bool first_hand, moment now) {
  if (x.beat_at == 0)
    return {};
  const auto same_key = beat.masternode_pubkey == x.beat_key;
  const auto proven = is_proven_key(x, beat.masternode_pubkey, first_hand);
  // A key that we only heard of stands back behind a proven one, whatever it signed before.
  if (!same_key && proven && !x.beat_key_proven)
    return {};
  // Time counts before the sequence number: the deployed daemon begins at 1 again when it restarts,
  // and what has a later time cannot be a replay.
  if (beat.timestamp < x.beat_time ||
      (beat.timestamp == x.beat_time && beat.sequence_number <= x.shown.heartbeat))
    return "it is not newer than the last one";
  if (!same_key) {
    const auto silent = now.mono - x.beat_at >= masternode_active_for;
    if (!proven && (!silent || x.shown.connected))
      return "another key signs this masternode's heartbeats";
    return {};
  }
  if (now.mono - x.beat_at < min_heartbeat_gap)
    return "it comes too soon after the last one";
  return {};
}

void masternode_book::take_over(const ip_address& ip, record& x,
                                const wire::heartbeat_broadcast& beat, moment now) {
  if (x.beat_at != 0)
    beats_.erase(x.beat_hash);
  if (!x.beats.empty())
    x.beats.back().witnesses = std::move(x.witnesses);
  x.beats.push_back({beat.sequence_number, beat.timestamp, false, {}});
  if (x.beats.size() > max_beat_records)
    x.beats.erase(x.beats.begin());
  x.beat_key = beat.masternode_pubkey;
  x.beat_at = now.mono;
  x.beat_time = beat.timestamp;
  x.beat_hash = chain::heartbeat_hash(beat);
  x.witnesses.clear();
  x.shown.heartbeat = beat.sequence_number;
  x.shown.attestations = 0;
  beats_[x.beat_hash] = ip;
}

void masternode_book::sent(const wire::heartbeat_broadcast& x, moment now) {
  if (const auto i = self_ ? records_.find(*self_) : records_.end(); i != records_.end())
    take_over(i->first, i->second, x, now);
}

// -- attestations -----------------------------------------------------------------

flood_judgement masternode_book::judge(const wire::heartbeat_attestation& x, moment now) {
  const auto beat = beats_.find(x.heartbeat_hash);
  if (beat == beats_.end())
    return ignore("its heartbeat is not known");
  if (!is_fresh(x.witness_timestamp, now))
    return ignore("its time is more than 180 s from ours");
  const auto i = records_.find(beat->second);
  auto& subject = i->second;
  const auto witness = masternode_ip(x.witness_address);
  if (const auto why = why_no_witness(x, i->first, witness); !why.empty())
    return ignore(why);
  if (!chain::verify(x))
    return {flood_verdict::invalid, "HeartbeatAttestation: wrong signature"};
  subject.witnesses.push_back(*witness);
  subject.shown.attestations = subject.witnesses.size();
  const auto enough = subject.witnesses.size() >= witnesses_needed(subject);
  if (enough && !subject.beats.empty() && !subject.beats.back().verified) {
    subject.beats.back().verified = true;
    ++subject.verified_beats;
    ++verified_beats_;
  }
  if (!subject.shown.ours && enough) {
    believe(i, standing::attested);
    heard(subject, now);
    update(subject, now,
           "heartbeat attested by " + std::to_string(subject.witnesses.size()) +
               " other masternodes");
  }
  return {flood_verdict::forward, {}};
}

std::string_view masternode_book::why_no_witness(const wire::heartbeat_attestation& x,
                                                 const ip_address& subject,
                                                 const std::optional<ip_address>& witness) const {
  if (!witness || witness == subject)
    return "its witness is no other masternode";
  if (witness == local_ip_)
    return "it names our own address";
  const auto i = records_.find(*witness);
  if (i == records_.end() || !i->second.shown.active)
    return "its witness is no active masternode";
  const auto& known = i->second;
  const auto announced =
      known.belief == standing::first_hand && x.witness_pubkey == known.shown.key;
  const auto beats = known.beat_at != 0 && x.witness_pubkey == known.beat_key;
  if (!announced && !beats)
    return "its witness signs with another key";
  const auto& witnesses = records_.at(subject).witnesses;
  if (witnesses.size() >= max_witnesses)
    return "enough others attested to that heartbeat";
  if (std::find(witnesses.begin(), witnesses.end(), *witness) != witnesses.end())
    return "its witness attested to that heartbeat already";
  return {};
}

std::size_t masternode_book::witnesses_needed(const record& subject) const noexcept {
  // Never none: a heartbeat alone says that its key is somewhere, not that its masternode is there.
  const auto others = active_ - (subject.shown.active && !subject.shown.ours ? 1 : 0);
  return std::clamp<std::size_t>(others, 1, enough_witnesses);
}

}  // namespace timenode
