#include "actors/gossip.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace timenode {

namespace {

template <class... Ts>
bool is_one_of(const wire::message& x) noexcept {
  return (std::holds_alternative<Ts>(x) || ...);
}

/// So that this actor's random numbers are not those of another with the same seed.
constexpr std::uint64_t seed_salt = 0x676f'7373'6970'0001;

bool is_beat(const wire::message& x) noexcept {
  return is_one_of<wire::heartbeat_broadcast, wire::heartbeat_attestation>(x);
}

/// The kinds that are sent on from peer to peer (protocol page, section 3).
bool is_flooded(const wire::message& x) noexcept {
  return is_one_of<wire::block_announcement, wire::heartbeat_broadcast, wire::heartbeat_attestation,
                   wire::transaction_broadcast, wire::transaction_vote, wire::transaction_finalized,
                   wire::transaction_rejected, wire::block_proposal, wire::block_vote,
                   wire::block_commit, wire::utxo_state_update, wire::block_ballot>(x);
}

}  // namespace

gossip_state::gossip_state(gossip_actor::pointer self, node_context context,
                           connection_registry_actor registry, flood_judges judges)
    : self_{self}, context_{std::move(context)}, registry_{std::move(registry)},
      judges_{std::move(judges)}, random_{context_.seed ^ seed_salt} {}

gossip_actor::behavior_type gossip_state::make_behavior() {
  self_->send(registry_, atom::subscribe_v, peer_listener_actor{self_});
  return {
      [this](atom::flood, const wire::message& item) { flood(item); },
      [this](atom::snapshot) { return snapshot(); },
      // -- peer listener ---
      [this](atom::peer_up, const peer_info& info, const peer_connection_actor& connection) {
        on_peer_up(info, connection);
      },
      [this](atom::peer_down, const ip_address& ip) { peers_.erase(ip); },
      // -- messages of peers ---
      [this](const ip_address& from, wire::message& item) { on_item(from, item); },
  };
}

void gossip_state::on_peer_up(const peer_info& info, const peer_connection_actor& connection) {
  // Another connection of the same peer takes over; what the peer may send stays one limit.
  auto& known = peers_[info.ip];
  known.connection = connection;
  known.link = info.link;
}

// -- items of peers ---------------------------------------------------------------

void gossip_state::on_item(const ip_address& from, wire::message& item) {
  const auto [judge, timeout] = judge_of(item);
  if (judge == nullptr) {
    ++counts_.without_judge;
    return;
  }
  auto line = encoded_line{wire::encode_shared(item), wire::is_told_again(item)};
  const auto hash = item_hash(*line.bytes);
  if (const auto i = judging_.find(hash); i != judging_.end()) {
    ++counts_.duplicates;
    auto& senders = i->second.senders;
    if (std::find(senders.begin(), senders.end(), from) == senders.end())
      senders.push_back(from);
    return;
  }
  const auto now = monotonic_now(*self_);
  if (seen_.contains(hash, now)) {
    ++counts_.duplicates;
    return;
  }
  // What others brought first is no fault of the peer that brings it again: when blocks follow each other fast
  // every peer hands on the ballots of all.
  if (!within_limit(from) || !has_room(from, line.bytes->size())) {
    ++counts_.over_limit;
    return;
  }
  seen_.add(hash, now);
  const auto known = peers_.find(from);
  hold(hash, {std::move(line),
              {from},
              wire::capability_for(item),
              known != peers_.end() ? known->second.link : 0,
              is_beat(item) ? beats_go_on_to : everybody});
  self_->request(*judge, timeout, atom::judge_v, from, std::move(item))
      .then([this, hash](const flood_judgement& judgement) { on_judgement(hash, judgement); },
            [this, hash](const caf::error&) { on_no_judgement(hash); });
}

void gossip_state::on_judgement(const hash256& hash, const flood_judgement& judgement) {
  const auto item = release(hash);
  if (!item)  // Sent on in the meantime, as an item of our own.
    return;
  switch (judgement.verdict) {
  case flood_verdict::forward:
    ++counts_.forwarded;
    send(item->line, item->capability, item->senders, item->most);
    note_useful(item->senders.front());
    return;
  case flood_verdict::ignore:
    ++counts_.ignored;
    seen_.ignored(hash, monotonic_now(*self_));
    return;
  case flood_verdict::invalid:
    ++counts_.invalid;
    // Only the first sender answers for it: the others may not have judged it yet either, and
    // what one judgement cost us is one violation.
    self_->send(registry_, violation{item->senders.front(), item->link, judgement.reason,
                                     evidence_of(*item->line.bytes)});
    return;
  }
}

void gossip_state::note_useful(const ip_address& ip) {
  const auto known = peers_.find(ip);
  if (known == peers_.end())
    return;
  // Once in a while is enough for what the registry makes of it.
  auto& told_at = known->second.useful_told_at;
  const auto now = monotonic_now(*self_);
  if (told_at != 0 && now - told_at < useful_told_every)
    return;
  told_at = now;
  self_->send(registry_, atom::useful_v, ip);
}

void gossip_state::on_no_judgement(const hash256& hash) {
  if (!release(hash))
    return;
  seen_.forget(hash);
  ++counts_.ignored;
}

// -- items of our own -------------------------------------------------------------

void gossip_state::flood(const wire::message& item) {
  if (!is_flooded(item))
    return;
  const auto line = encoded_line{wire::encode_shared(item), wire::is_told_again(item)};
  const auto hash = item_hash(*line.bytes);
  if (const auto item_of_others = release(hash)) {
    // It came from outside too and is being judged; that it is ours settles it.
    ++counts_.forwarded;
    send(item_of_others->line, item_of_others->capability, item_of_others->senders);
    return;
  }
  if (!seen_.add_own(hash, monotonic_now(*self_))) {
    ++counts_.duplicates;
    return;
  }
  ++counts_.forwarded;
  send(line, wire::capability_for(item), {});
}

// -- limits and sending -----------------------------------------------------------

std::pair<const judge_actor*, std::chrono::seconds>
gossip_state::judge_of(const wire::message& item) const noexcept {
  if (is_one_of<wire::block_announcement>(item))
    return {&judges_.blocks, block_judge_timeout};
  if (is_one_of<wire::heartbeat_broadcast, wire::heartbeat_attestation>(item))
    return {&judges_.masternodes, beat_judge_timeout};
  if (judges_.consensus && is_one_of<wire::block_proposal, wire::block_commit>(item))
    return {&judges_.consensus, block_judge_timeout};
  if (judges_.consensus && is_one_of<wire::block_vote, wire::block_ballot>(item))
    return {&judges_.consensus, beat_judge_timeout};
  if (judges_.transactions &&
      is_one_of<wire::transaction_broadcast, wire::transaction_vote, wire::transaction_finalized,
                wire::transaction_rejected>(item))
    return {&judges_.transactions, beat_judge_timeout};
  return {nullptr, {}};
}

bool gossip_state::within_limit(const ip_address& from) {
  const auto known = peers_.find(from);
  auto& limit = known != peers_.end() ? known->second.limit : strangers_;
  return limit.take(monotonic_now(*self_));
}

bool gossip_state::has_room(const ip_address& from, std::size_t bytes) const {
  const auto i = load_by_peer_.find(from);
  const auto its = i != load_by_peer_.end() ? i->second : load{};
  return load_.items < max_judging && load_.bytes + bytes <= max_judging_bytes &&
         its.items < max_judging_per_peer && its.bytes + bytes <= max_judging_bytes_per_peer;
}

void gossip_state::hold(const hash256& hash, judged_item item) {
  for (auto* x : {&load_, &load_by_peer_[item.senders.front()]}) {
    ++x->items;
    x->bytes += item.line.bytes->size();
  }
  judging_.emplace(hash, std::move(item));
}

std::optional<gossip_state::judged_item> gossip_state::release(const hash256& hash) {
  auto node = judging_.extract(hash);
  if (!node)
    return std::nullopt;
  auto& item = node.mapped();
  const auto its = load_by_peer_.find(item.senders.front());
  for (auto* x : {&load_, &its->second}) {
    --x->items;
    x->bytes -= item.line.bytes->size();
  }
  if (its->second.items == 0)
    load_by_peer_.erase(its);
  return std::move(item);
}

void gossip_state::send(const encoded_line& line, std::string_view capability,
                        const std::vector<ip_address>& except, std::size_t most) {
  std::vector<const peer_connection_actor*> to;
  for (const auto& [ip, x] : peers_)
    if (std::find(except.begin(), except.end(), ip) == except.end())
      to.push_back(&x.connection);
  if (to.size() > most) {
    for (std::size_t i = 0; i < most; ++i)
      std::swap(to[i], to[i + random_.below(to.size() - i)]);
    to.resize(most);
  }
  for (const auto* x : to) {
    if (capability.empty())
      self_->send(*x, line);
    else
      self_->send(*x, atom::extension_v, std::string{capability}, line);
  }
}

gossip_snapshot gossip_state::snapshot() const {
  auto result = counts_;
  result.seen = seen_.size();
  return result;
}

}  // namespace timenode
