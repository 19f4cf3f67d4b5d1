#include "actors/peer_directory.hpp"

#include "net/line_store.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>
#include <variant>

namespace timenode {

namespace {

/// So that this actor's random numbers are not those of another with the same seed.
constexpr std::uint64_t directory_seed_salt = 0x6469'7265'6374'6f72;

}  // namespace

peer_directory_state::peer_directory_state(peer_directory_actor::pointer self, node_context context,
                                           connection_registry_actor registry,
                                           directory_config config)
    : self_{self}, context_{std::move(context)}, registry_{std::move(registry)},
      book_{context_.local_ip, context_.p2p_port, config.max_peers},
      random_{context_.seed ^ directory_seed_salt}, archive_{std::move(config.archive)} {
  for (const auto& x : config.configured)
    book_.add_configured(x);
  const auto taken = book_.from_lines(config.kept);
  if (!config.kept.empty())
    spdlog::info("address book: {} addresses of the last run, {} of them peers to begin with",
                 taken, book_.snapshot().anchors);
  saved_ = book_.changes();
}

peer_directory_actor::behavior_type peer_directory_state::make_behavior() {
  self_->send(registry_, atom::subscribe_v, peer_listener_actor{self_});
  follow_plan();
  ask_at_ = monotonic_now(*self_) + random_.jitter(ask_peers_period, ask_peers_jitter);
  lonely_at_ = monotonic_now(*self_) + loneliness_told_after;
  if (archive_)
    save_at_ = monotonic_now(*self_) + book_saved_first;
  set_alarm();
  return {
      // -- what others want and know ---
      [this](const dial_report& report) { on_dial_report(report); },
      [this](atom::want, const endpoint& to, dial_purpose purpose) { on_want(to, purpose); },
      [this](atom::learn, const std::vector<std::string>& addresses) {
        const auto fresh = book_.learn(addresses, ip_address{});
        spdlog::info("address book: {} of {} addresses of the list are new", fresh,
                     addresses.size());
        follow_plan();
      },
      [this](atom::own_address, const ip_address& ip) {
        context_.local_ip = ip;
        book_.set_own_address(ip);
        follow_plan();
      },
      [this](atom::sample) { return book_.sample(sample_size, random_); },
      [this](const peer_order& order) { return on_order(order); },
      [this](const peer_settings& x) {
        book_.set_max_peers(x.max_peers);
        follow_plan();
      },
      [this](atom::explain, const ip_address& ip) { return book_.explain(ip); },
      [this](atom::save) { return save(); },
      [this](atom::snapshot) { return snapshot(); },
      // -- peer listener ---
      [this](atom::peer_up, const peer_info& info, const peer_connection_actor& connection) {
        on_peer_up(info, connection);
      },
      [this](atom::peer_down, const ip_address& ip) { on_peer_down(ip); },
      // -- messages of peers ---
      [this](const ip_address& from, const wire::message& x) { on_message(from, x); },
      // -- time ---
      [this](atom::wake, std::uint64_t token) { on_wake(token); },
  };
}

void peer_directory_state::on_dial_report(const dial_report& report) {
  if (book_.dialed(report, context_.unix_now()))
    self_->send(registry_, atom::want_v, report.to.ip);
  follow_plan();
}

void peer_directory_state::on_want(const endpoint& to, dial_purpose purpose) {
  switch (purpose) {
  case dial_purpose::configured:
    book_.add_configured(to);
    break;
  case dial_purpose::masternode:
    book_.add_masternode(to);
    break;
  case dial_purpose::discovered:
    book_.learn(std::vector{to.to_string()}, ip_address{});
    break;
  }
  follow_plan();
}

void peer_directory_state::on_peer_up(const peer_info& info,
                                      const peer_connection_actor& connection) {
  book_.connected(info, context_.unix_now());
  const auto now = monotonic_now(*self_);
  auto& x = peers_.try_emplace(info.ip, peer{connection, now}).first->second;
  x.connection = connection;
  x.dialed = info.direction == link_direction::outbound;
  if (!recently_.are_enough(now) && !answered_.contains(info.ip, now))
    ask(x);
  follow_plan();
}

void peer_directory_state::on_peer_down(const ip_address& ip) {
  book_.disconnected(ip, context_.unix_now());
  if (const auto gone = peers_.extract(ip)) {
    const auto now = monotonic_now(*self_);
    book_.connection_lasted(ip, now - gone.mapped().since, now);
  }
  follow_plan();
}

void peer_directory_state::on_message(const ip_address& from, const wire::message& x) {
  const auto* answer = std::get_if<wire::peers_response>(&x);
  const auto i = peers_.find(from);
  if (answer == nullptr || i == peers_.end())
    return;
  const auto now = monotonic_now(*self_);
  if (i->second.allowed > 0) {
    answered_.insert(from, now, now + ask_peers_period);
    recently_.note(i->second.dialed, now);
  }
  const auto count = std::min(answer->peers.size(), i->second.allowed);
  i->second.allowed -= count;
  if (book_.learn(std::span{answer->peers}.first(count), from) > 0)
    follow_plan();
}

void peer_directory_state::on_wake(std::uint64_t token) {
  if (!alarm_.accept(token))
    return;
  const auto now = monotonic_now(*self_);
  if (ask_at_ <= now) {
    ask_at_ = now + random_.jitter(ask_peers_period, ask_peers_jitter);
    if (!peers_.empty())
      ask(std::next(peers_.begin(), static_cast<std::ptrdiff_t>(random_.below(peers_.size())))
              ->second);
  }
  if (lonely_at_ <= now) {
    lonely_at_ = now + ask_peers_period;
    if (peers_.empty() && book_.size() == 0)
      spdlog::warn(
          "address book: empty, and nobody is connected: name a peer under bootstrap_peers in the "
          "configuration, or with 'timenode run --peer IP'");
  }
  if (plan_at_ != 0 && plan_at_ <= now) {
    plan_at_ = 0;
    follow_plan();
  }
  if (save_at_ != 0 && save_at_ <= now) {
    save_at_ = now + book_saved_every;
    write_book([] {});
  }
  set_alarm();
}

void peer_directory_state::set_alarm() {
  auto at = std::min(ask_at_, lonely_at_);
  for (const auto x : {plan_at_, save_at_})
    if (x != 0)
      at = std::min(at, x);
  alarm_.set(self_, context_.ticker, at);
}

// -- orders -----------------------------------------------------------------------------------

order_reply peer_directory_state::on_order(const peer_order& order) {
  if (!order.to || (order.kind != order_kind::add_peer && order.kind != order_kind::remove_peer))
    return {order_result::refused, "the directory has no such order"};
  const auto& to = *order.to;
  order_reply reply;
  if (order.kind == order_kind::add_peer) {
    if (to.ip == context_.local_ip)
      return {order_result::refused, "that is our own address"};
    if (!to.ip.is_unicast() || to.port == 0)
      return {order_result::refused, to.to_string() + " cannot be dialed"};
    if (!book_.add_configured(to))
      return {order_result::already, to.to_string() + " is added already"};
    reply.text = to.to_string() + " is a peer to stay connected to, until the node stops";
  } else {
    if (!book_.remove_configured(to.ip))
      return {order_result::not_there, to.ip.to_string() + " was not added"};
    reply.text = to.ip.to_string() + " is one of many now; a connection with it stays";
  }
  spdlog::info("operator: {}", reply.text);
  follow_plan();
  return reply;
}

void peer_directory_state::ask(peer& x) {
  x.allowed = max_learned_at_once;
  self_->send(x.connection, encoded_line{wire::encode_shared(wire::get_peers{})});
}

void peer_directory_state::follow_plan() {
  const auto plan = book_.make_plan(random_, monotonic_now(*self_));
  for (const auto& ip : plan.unwant)
    self_->send(registry_, atom::want_v, ip);
  for (const auto& [to, purpose] : plan.want)
    self_->send(registry_, atom::want_v, to, purpose);
  const auto until = book_.waits_until();
  const auto next = until ? std::max(*until, monotonic_now(*self_) + plan_period) : 0;
  if (next == 0 || plan_at_ == 0 || next < plan_at_)
    plan_at_ = next;
  set_alarm();
}

// -- keeping it -------------------------------------------------------------------------------

caf::result<void> peer_directory_state::save() {
  auto promise = self_->make_response_promise<void>();
  write_book([promise]() mutable { promise.deliver(); });
  return promise;
}

template <class F>
void peer_directory_state::write_book(F then) {
  const auto changes = book_.changes();
  if (!archive_ || changes == saved_)
    return then();
  auto done = [this, then, changes](const std::string& problem) mutable {
    if (problem.empty())
      saved_ = changes;
    saved(problem);
    then();
  };
  self_
      ->request(archive_, archive_timeout, atom::save_v, std::string{net::address_lines},
                book_.to_lines(context_.unix_now()))
      .then([done](const std::string& problem) mutable { done(problem); },
            [done](const caf::error&) mutable { done("the disk did not answer in time"); });
}

void peer_directory_state::saved(const std::string& problem) {
  if (!problem.empty() && problem != not_kept_)
    spdlog::error("the address book cannot be kept for the next start: {}", problem);
  not_kept_ = problem;
}

directory_snapshot peer_directory_state::snapshot() const {
  auto result = book_.snapshot();
  result.not_kept = not_kept_;
  return result;
}

}  // namespace timenode
