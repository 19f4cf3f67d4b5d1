#pragma once

// Stand-ins for the actors that gossip, masternode table and peer directory talk to: they record
// what they are told.

#include "actors/interfaces.hpp"
#include "messages/wire_codec.hpp"

#include <caf/actor_system.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace test {

struct registry_record {
  std::vector<timenode::peer_listener_actor> listeners;
  std::vector<timenode::violation> violations;
  std::vector<timenode::ip_address> useful;
  std::vector<timenode::ip_address> proven;
  std::vector<std::pair<timenode::endpoint, timenode::dial_purpose>> wants;  ///< In order.
  std::vector<timenode::ip_address> unwants;
  std::map<timenode::ip_address, timenode::dial_purpose> wanted;  ///< What follows from both.
};

inline std::pair<timenode::connection_registry_actor, std::shared_ptr<registry_record>>
spawn_recording_registry(caf::actor_system& system) {
  using namespace timenode;
  auto record = std::make_shared<registry_record>();
  auto actor = system.spawn([record]() -> connection_registry_actor::behavior_type {
    return {
        [](atom::accepted, std::uint64_t, const endpoint&) {},
        [](atom::attach, const peer_routes&) {},
        [record](atom::want, const endpoint& to, dial_purpose purpose) {
          record->wants.emplace_back(to, purpose);
          record->wanted[to.ip] = purpose;
        },
        [record](atom::want, const ip_address& ip) {
          record->unwants.push_back(ip);
          record->wanted.erase(ip);
        },
        [](atom::connected, link_id, const endpoint&) {},
        [](atom::handshaken, link_id) {},
        [](atom::introduced, link_id, const introduction&) {},
        [](atom::alive, link_id) {},
        [](const link_report&) {},
        [record](const violation& x) { record->violations.push_back(x); },
        [record](atom::useful, const ip_address& x) { record->useful.push_back(x); },
        [record](atom::proven, const ip_address& x) { record->proven.push_back(x); },
        [](const peer_order&) { return order_reply{}; },
        [](const peer_settings&) {},
        [record](atom::subscribe, const peer_listener_actor& x) { record->listeners.push_back(x); },
        [](atom::list) { return link_list{}; },
        [](atom::check) {
          return caf::result<link_list, std::uint64_t>{link_list{}, std::uint64_t{0}};
        },
        [](atom::count) -> std::uint64_t { return 0; },
        [](atom::explain, const ip_address& x) {
          known_peer_snapshot result;
          result.ip = x;
          return result;
        },
        [](atom::bans) { return std::vector<ban_snapshot>{}; },
        [](atom::stop) {},
        [](atom::snapshot) { return registry_snapshot{}; },
        [](atom::wake, std::uint64_t) {},
    };
  });
  return {std::move(actor), std::move(record)};
}

struct judge_record {
  timenode::flood_judgement answer{timenode::flood_verdict::forward, {}};
  bool silent = false;  ///< Leaves questions open, until it is asked to judge an `ack`.
  std::vector<std::pair<timenode::ip_address, timenode::wire::message>> asked;
  std::deque<caf::typed_response_promise<timenode::flood_judgement>> open;
};

inline std::pair<timenode::judge_actor, std::shared_ptr<judge_record>>
spawn_recording_judge(caf::actor_system& system) {
  using namespace timenode;
  auto record = std::make_shared<judge_record>();
  auto actor = system.spawn([record](judge_actor::pointer self) -> judge_actor::behavior_type {
    return {
        [record, self](atom::judge, const ip_address& from,
                       const wire::message& item) -> caf::result<flood_judgement> {
          // Promises can be kept only from inside their actor.
          if (std::holds_alternative<wire::ack>(item)) {
            for (auto& promise : std::exchange(record->open, {}))
              promise.deliver(record->answer);
            return record->answer;
          }
          record->asked.emplace_back(from, item);
          if (!record->silent)
            return record->answer;
          return record->open.emplace_back(self->make_response_promise<flood_judgement>());
        },
    };
  });
  return {std::move(actor), std::move(record)};
}

/// The message in an encoded line with its newline. Throws when there is none.
inline timenode::wire::message decode(const std::string& line) {
  auto result = timenode::wire::message{};
  if (!timenode::wire::from_line(line, result))
    throw std::runtime_error("not a message: " + line);
  return result;
}

/// All messages of that kind among encoded lines.
template <class Message>
std::vector<Message> all_of_kind(const std::vector<std::string>& lines) {
  std::vector<Message> result;
  for (const auto& line : lines)
    if (auto x = decode(line); auto* y = std::get_if<Message>(&x))
      result.push_back(std::move(*y));
  return result;
}

}  // namespace test
