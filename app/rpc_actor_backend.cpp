#include "app/rpc_actor_backend.hpp"

#include "chain/transaction_rules.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <chrono>
#include <utility>

namespace timenode {

namespace {

/// The telemetry actor promises an answer within a second; the rest is for a busy machine.
constexpr std::chrono::milliseconds patience{2000};

/// An order is answered when it is on the disk, which the registry gives ten seconds.
constexpr std::chrono::seconds order_patience{12};

/// Spawns an actor that asks one question, hands the answer over and is gone. It says so itself
/// (`quit`), for CAF keeps one that was answered until its timeout has passed.
template <class Answer, class Handle, class Then, class... Question>
void ask_once(caf::actor_system& system, const Handle& whom, caf::timespan timeout,
              const std::string& who, Then then, Question... question) {
  system.spawn([=](caf::event_based_actor* self) {
    self->request(whom, timeout, question...)
        .then(
            [self, then](Answer& x) {
              then(std::move(x));
              self->quit();
            },
            [self, then, who](const caf::error& x) {
              then(fail(who + ": " + to_string(x)));
              self->quit();
            });
  });
}

}  // namespace

actor_rpc_backend::actor_rpc_backend(caf::actor_system& system, node_actors actors,
                                     std::shared_ptr<const chain::chain_reader> chain,
                                     rpc_facts facts, wall_clock unix_now, rpc_controls controls)
    : system_{system}, actors_{std::move(actors)}, chain_{std::move(chain)},
      facts_{std::move(facts)}, unix_now_{std::move(unix_now)}, controls_{std::move(controls)} {}

template <class View, class Question>
void actor_rpc_backend::look(Question what, std::function<void(outcome<View>)> then) {
  const auto watch = [observed = observed_, now = unix_now_,
                      then = std::move(then)](outcome<View> x) {
    if (x) {
      const std::lock_guard lock{observed->mutex};
      observed->progress.see(x->keeper.tip.height, x->sync.target, now());
    }
    then(std::move(x));
  };
  ask_once<View>(system_, actors_.telemetry, patience, "the node's telemetry gave no snapshot",
                 watch, what);
}

void actor_rpc_backend::snapshot(std::function<void(outcome<node_snapshot>)> then) {
  look(atom::snapshot_v, std::move(then));
}

void actor_rpc_backend::pulse(std::function<void(outcome<node_pulse>)> then) {
  look(atom::pulse_v, std::move(then));
}

void actor_rpc_backend::ask(node_question question, std::function<void(outcome<node_reply>)> then) {
  if (const auto* about = std::get_if<about_peer>(&question))
    return ask_once<peer_explanation>(system_, actors_.telemetry, patience,
                                      "the node's telemetry gave no explanation", std::move(then),
                                      atom::explain_v, about->ip);
  if (const auto* about = std::get_if<about_masternode>(&question))
    return ask_once<masternode_detail>(system_, actors_.masternodes, patience,
                                       "the node's masternode table did not answer",
                                       std::move(then), atom::explain_v, about->ip);
  constexpr auto mempool = "the node's mempool did not answer";
  if (const auto* about = std::get_if<about_transaction>(&question))
    return ask_once<transaction_detail>(system_, actors_.mempool, patience, mempool,
                                        std::move(then), atom::explain_v, about->txid);
  if (std::holds_alternative<about_mempool>(question))
    return ask_once<std::vector<mempool_entry>>(system_, actors_.mempool, patience, mempool,
                                                std::move(then), atom::list_v);
  if (const auto* about = std::get_if<about_coins>(&question))
    return ask_once<pending_coins>(system_, actors_.mempool, patience, mempool, std::move(then),
                                   atom::coins_v, about->address);
  if (auto* offered = std::get_if<offered_transaction>(&question)) {
    then = [telemetry = actors_.telemetry, then = std::move(then)](outcome<node_reply> x) {
      caf::anon_send(telemetry, atom::changed_v);
      then(std::move(x));
    };
    return ask_once<offer_reply>(
        system_, actors_.mempool, order_patience, mempool, std::move(then), atom::offer_v,
        wire::message{wire::transaction_broadcast{std::move(offered->tx)}});
  }
  auto& order = std::get<peer_order>(question);
  // Whoever gave an order sees in his next question what came of it.
  then = [telemetry = actors_.telemetry, then = std::move(then)](outcome<node_reply> x) {
    caf::anon_send(telemetry, atom::changed_v);
    then(std::move(x));
  };
  // The directory decides what is configured, the registry the rest.
  if (order.kind == order_kind::add_peer || order.kind == order_kind::remove_peer)
    ask_once<order_reply>(system_, actors_.directory, order_patience,
                          "the node's directory did not answer", std::move(then), std::move(order));
  else
    ask_once<order_reply>(system_, actors_.registry, order_patience,
                          "the node's registry did not answer", std::move(then), std::move(order));
}

health_facts actor_rpc_backend::health() const {
  const std::lock_guard lock{observed_->mutex};
  return {true, observed_->progress.no_progress_since()};
}

std::uint64_t actor_rpc_backend::disk_bytes() const {
  return controls_.disk_bytes ? controls_.disk_bytes() : 0;
}

outcome<std::string> actor_rpc_backend::wallet_address() const {
  if (!controls_.wallet)
    return rpc_backend::wallet_address();
  const auto key = controls_.wallet();
  if (!key)
    return tl::unexpected{key.error()};
  return chain::address_of(key->public_key(), facts_.network);
}

outcome<void> actor_rpc_backend::sign(transaction& x) const {
  if (!controls_.wallet)
    return rpc_backend::sign(x);
  const auto key = controls_.wallet();
  if (!key)
    return tl::unexpected{key.error()};
  chain::sign(x, *key);
  return {};
}

outcome<reload_report> actor_rpc_backend::reload() {
  return controls_.reload ? controls_.reload() : rpc_backend::reload();
}

outcome<backup_report> actor_rpc_backend::backup(const std::filesystem::path& to) {
  return controls_.backup ? controls_.backup(to) : rpc_backend::backup(to);
}

actor_report actor_rpc_backend::actors() const {
  return controls_.actors ? controls_.actors() : rpc_backend::actors();
}

outcome<std::filesystem::path> actor_rpc_backend::dump(const std::string& why) {
  return controls_.dump ? controls_.dump(why) : rpc_backend::dump(why);
}

}  // namespace timenode
