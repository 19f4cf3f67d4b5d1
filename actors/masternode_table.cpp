#include "actors/masternode_table.hpp"

#include "actors/metrics.hpp"
#include "chain/signed_messages.hpp"
#include "net/line_fields.hpp"
#include "net/line_store.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

namespace timenode {

namespace {

/// So that this actor's random numbers are not those of another with the same seed.
constexpr std::uint64_t seed_salt = 0x6d61'7374'6572'6e6f;

/// The line with the number that our next heartbeat may have.
constexpr const char* sequence_name = "sequence";

encoded_line line_of(const wire::message& x) {
  return {wire::encode_shared(x)};
}

}  // namespace

masternode_table_state::masternode_table_state(masternode_table_actor::pointer self,
                                               node_context context,
                                               connection_registry_actor registry,
                                               dial_wish_actor directory,
                                               std::optional<masternode_identity> identity,
                                               masternode_memory memory)
    : self_{self}, context_{std::move(context)}, registry_{std::move(registry)},
      directory_{std::move(directory)}, identity_{std::move(identity)}, random_{context_.seed ^
                                                                                seed_salt},
      book_{context_.local_ip}, archive_{std::move(memory.archive)} {
  if (identity_)
    next_sequence_ = identity_->first_sequence != 0
                         ? identity_->first_sequence
                         : static_cast<std::uint64_t>(context_.unix_now());
  become_ourselves();
  restore(memory.kept);
}

masternode_table_actor::behavior_type masternode_table_state::make_behavior() {
  self_->send(registry_, atom::subscribe_v, peer_listener_actor{self_});
  ask_at_ = now().mono + random_.jitter(list_period, masternode_jitter);
  if (archive_)
    save_at_ = now().mono + table_saved_every;
  if (identity_ && !is_masternode())
    nameless_at_ = now().mono + address_known_within;
  changed();
  return {
      [this](atom::list) { return book_.list(now()); },
      [this](atom::believed) { return book_.believed(now()); },
      [this](atom::serve) { return active_masternodes(); },
      [this](atom::explain, const ip_address& ip) { return book_.explain(ip, now()); },
      [this](atom::snapshot) { return book_.stats(); },
      [this](atom::save) { return save(); },
      [this](atom::announce) { return introduction(); },
      [this](atom::attach, const gossip_actor& floods) { on_attached(floods); },
      [this](atom::own_address, const ip_address& ip) { on_own_address(ip); },
      // -- peer listener ---
      [this](atom::peer_up, const peer_info& info, const peer_connection_actor& connection) {
        on_peer_up(info, connection);
      },
      [this](atom::peer_down, const ip_address& ip) { on_peer_down(ip); },
      // -- messages of peers ---
      [this](const ip_address& from, const wire::message& x) { on_message(from, x); },
      [this](atom::judge, const ip_address& from, const wire::message& x) {
        return judge(from, x);
      },
      // -- time ---
      [this](atom::wake, std::uint64_t token) { on_wake(token); },
  };
}

// -- peers --------------------------------------------------------------------------

void masternode_table_state::on_peer_up(const peer_info& info,
                                        const peer_connection_actor& connection) {
  peers_.insert_or_assign(info.ip, peer{connection, info.direction == link_direction::outbound});
  book_.connected(info.ip, now());
  for (const auto& x : introduction())
    self_->send(connection, line_of(x));
  if (!recently_.are_enough(now().mono))
    self_->send(connection, line_of(wire::get_masternodes{}));
  changed();
}

void masternode_table_state::on_peer_down(const ip_address& ip) {
  peers_.erase(ip);
  book_.disconnected(ip, now());
  changed();
}

void masternode_table_state::on_message(const ip_address& from, const wire::message& x) {
  if (const auto* announcement = std::get_if<wire::masternode_announcement>(&x))
    on_announcement(from, *announcement);
  else if (const auto* list = std::get_if<wire::masternodes_response>(&x))
    on_list(from, *list);
}

void masternode_table_state::on_announcement(const ip_address& from,
                                             const wire::masternode_announcement& x) {
  want(book_.announced(from, x, now()));
  changed();
}

void masternode_table_state::on_list(const ip_address& from, const wire::masternodes_response& x) {
  const auto i = peers_.find(from);
  if (i == peers_.end() || i->second.lists_expected == 0)
    return;
  --i->second.lists_expected;
  recently_.note(i->second.dialed, now().mono);
  want(book_.listed(from, x, now()));
  changed();
}

void masternode_table_state::want(const std::vector<ip_address>& masternodes) {
  for (const auto& ip : masternodes)
    self_->send(directory_, atom::want_v, endpoint{ip, context_.p2p_port},
                dial_purpose::masternode);
}

/// One line for all who ask: encoding the whole table for each would be some MB each time.
encoded_line masternode_table_state::active_masternodes() {
  if (!active_line_ || active_line_of_ != book_.revision()) {
    wire::masternodes_response response;
    for (const auto& x : book_.list(now()))
      if (x.active)  // what we only heard of is not handed on
        response.masternodes.push_back({x.ip.to_string(), x.reward_address, x.tier, x.key});
    active_line_ = wire::encode_shared(response);
    active_line_of_ = book_.revision();
  }
  return {active_line_};
}

void masternode_table_state::ask_somebody() {
  if (peers_.empty())
    return;
  const auto i =
      std::next(peers_.begin(), static_cast<std::ptrdiff_t>(random_.below(peers_.size())));
  i->second.lists_expected = lists_at_first;
  self_->send(i->second.connection, line_of(wire::get_masternodes{}));
}

// -- heartbeats of others -------------------------------------------------------------

caf::result<flood_judgement> masternode_table_state::judge(const ip_address& from,
                                                           const wire::message& x) {
  if (const auto* heartbeat = std::get_if<wire::heartbeat_broadcast>(&x))
    return judge_heartbeat(from, *heartbeat);
  if (const auto* attestation = std::get_if<wire::heartbeat_attestation>(&x)) {
    auto result = book_.judge(*attestation, now());
    changed();
    return result;
  }
  return flood_judgement{flood_verdict::ignore, "neither heartbeat nor attestation"};
}

caf::result<flood_judgement>
masternode_table_state::judge_heartbeat(const ip_address& from,
                                        const wire::heartbeat_broadcast& x) {
  auto ruling = book_.judge(from, x, now());
  want(ruling.to_dial);
  if (ruling.proven)
    self_->send(registry_, atom::proven_v, *masternode_ip(x.masternode_address));
  // The heartbeat has to be on its way before our attestation of it is: whoever gets the
  // attestation first cannot tell what it is about. So the judgement leaves before this handler
  // returns.
  auto promise = self_->make_response_promise<flood_judgement>();
  promise.deliver(std::move(ruling.judgement));
  if (ruling.attest)
    attest(x);
  changed();
  return promise;
}

// -- ourselves --------------------------------------------------------------------------

void masternode_table_state::become_ourselves() {
  if (is_masternode())
    book_.add_self({.ip = *context_.local_ip,
                    .reward_address = identity_->reward_address,
                    .tier = identity_->tier,
                    .key = identity_->keys.public_key()},
                   now());
}

void masternode_table_state::on_own_address(const ip_address& ip) {
  if (context_.local_ip == ip)
    return;
  context_.local_ip = ip;
  nameless_at_ = 0;
  book_.set_own_address(ip);
  become_ourselves();
  if (is_masternode())
    spdlog::info("masternode: we are {} to others, and take part under that address",
                 ip.to_string());
  begin_beating();
  for (const auto& x : introduction())
    for (const auto line = line_of(x); const auto& [_, to] : peers_)
      self_->send(to.connection, line);
  changed();
}

void masternode_table_state::begin_beating() {
  if (is_masternode() && gossip_ && beat_at_ == 0)
    beat_at_ = now().mono + random_.jitter(first_heartbeat_after, masternode_jitter);
}

void masternode_table_state::attest(const wire::heartbeat_broadcast& x) {
  if (!is_masternode() || !gossip_)
    return;
  auto attestation = wire::heartbeat_attestation{
      .heartbeat_hash = chain::heartbeat_hash(x),
      .witness_address = context_.local_ip->to_string(),
      .witness_timestamp = context_.unix_now(),
  };
  chain::sign(attestation, identity_->keys);
  self_->send(gossip_, atom::flood_v, wire::message{std::move(attestation)});
}

void masternode_table_state::beat() {
  auto heartbeat = wire::heartbeat_broadcast{
      .masternode_address = context_.local_ip->to_string(),
      .sequence_number = next_sequence_++,
      .timestamp = context_.unix_now(),
  };
  chain::sign(heartbeat, identity_->keys);
  book_.sent(heartbeat, now());
  self_->send(gossip_, atom::flood_v, wire::message{std::move(heartbeat)});
  for (const auto& x : introduction())
    for (const auto line = line_of(x); const auto& [ip, to] : peers_)
      self_->send(to.connection, line);
}

std::vector<wire::message> masternode_table_state::introduction() const {
  if (!is_masternode())
    return {};
  return {wire::masternode_announcement{.address = context_.local_ip->to_string(),
                                        .reward_address = identity_->reward_address,
                                        .tier = identity_->tier,
                                        .public_key = identity_->keys.public_key()}};
}

// -- time ---------------------------------------------------------------------------------

void masternode_table_state::on_attached(const gossip_actor& floods) {
  gossip_ = floods;
  begin_beating();
  set_alarm();
}

void masternode_table_state::on_wake(std::uint64_t token) {
  if (!alarm_.accept(token))
    return;
  const auto time = now();
  // What was missed while we did not run is skipped, never made up for.
  if (beat_at_ != 0 && beat_at_ <= time.mono) {
    beat_at_ = time.mono + random_.jitter(heartbeat_period, masternode_jitter);
    beat();
  }
  if (nameless_at_ != 0 && nameless_at_ <= time.mono) {
    nameless_at_ = 0;
    spdlog::warn("masternode: our own address is not known yet, so we take no part; set "
                 "network.external_address, or wait until enough peers have said what they see");
  }
  if (ask_at_ <= time.mono) {
    ask_at_ = time.mono + random_.jitter(list_period, masternode_jitter);
    ask_somebody();
  }
  if (save_at_ != 0 && save_at_ <= time.mono) {
    save_at_ = time.mono + table_saved_every;
    if (book_.revision() != saved_revision_ || time.mono - saved_at_ >= table_saved_at_least)
      write_table([] {});
  }
  if (expire_at_ != 0 && expire_at_ <= time.mono) {
    // Looking through the whole book more than once a second would gain nothing.
    constexpr auto rest = to_ns(std::chrono::seconds{1});
    const auto next = book_.expire(time);
    expire_at_ = next ? std::max(*next, time.mono + rest) : 0;
  }
  if (context_.metrics != nullptr)
    context_.metrics->masternodes(book_.size(), book_.active());
  set_alarm();
}

void masternode_table_state::changed() {
  // Whatever changed has its deadline then or later; `expire` finds out.
  const auto at = now().mono + masternode_active_for;
  expire_at_ = expire_at_ == 0 ? at : std::min(expire_at_, at);
  if (context_.metrics != nullptr)
    context_.metrics->masternodes(book_.size(), book_.active());
  set_alarm();
}

void masternode_table_state::set_alarm() {
  auto at = ask_at_;
  for (const auto x : {beat_at_, expire_at_, save_at_, nameless_at_})
    if (x != 0)
      at = std::min(at, x);
  alarm_.set(self_, context_.ticker, at);
}

moment masternode_table_state::now() const {
  return {monotonic_now(*self_), context_.unix_now()};
}

// -- over restarts --------------------------------------------------------------------------

void masternode_table_state::restore(const std::vector<std::string>& lines) {
  // Who is known is worth a dial, whatever it was when we stopped.
  want(book_.restore(lines, now()));
  for (const auto& line : lines) {
    const auto fields = net::split_fields(line);
    if (fields.size() == 2 && fields[0] == sequence_name && identity_ &&
        identity_->first_sequence == 0)
      next_sequence_ =
          std::max(next_sequence_, net::number_field<std::uint64_t>(fields[1]).value_or(0));
  }
}

caf::result<void> masternode_table_state::save() {
  auto promise = self_->make_response_promise<void>();
  write_table([promise]() mutable { promise.deliver(); });
  return promise;
}

template <class F>
void masternode_table_state::write_table(F then) {
  if (!archive_)
    return then();
  auto lines = book_.to_lines(now());
  if (identity_)
    lines.push_back(
        net::join_fields({sequence_name, std::to_string(next_sequence_ + sequences_ahead)}));
  auto done = [this, then, revision = book_.revision()](const std::string& problem) mutable {
    if (problem.empty()) {
      saved_revision_ = revision;
      saved_at_ = now().mono;
    } else if (problem != not_kept_) {
      spdlog::error("the masternode table cannot be kept for the next start: {}", problem);
    }
    not_kept_ = problem;
    then();
  };
  self_
      ->request(archive_, archive_timeout, atom::save_v, std::string{net::masternode_lines},
                std::move(lines))
      .then([done](const std::string& problem) mutable { done(problem); },
            [done](const caf::error&) mutable { done("the disk did not answer in time"); });
}

}  // namespace timenode
