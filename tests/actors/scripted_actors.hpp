#pragma once

// Actors of which a test says only what it cares about: a connection and a peer directory that do nothing else.

#include "actors/interfaces.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <string>
#include <utility>

namespace test {

/// Calls `f` if there is one.
template <class F, class... Ts>
void call_if(const F& f, const Ts&... xs) {
  if (f)
    f(xs...);
}

/// What a connection does when it is told something; what is empty is nothing.
struct connection_script {
  std::function<void(const timenode::encoded_line&)> on_line = {};
  std::function<void(const timenode::encoded_line&)> on_extension = {};
  std::function<void(timenode::link_end, const std::string&)> on_close = {};
  std::function<void()> on_probe = {};
  std::function<void(std::uint64_t)> on_wake = {};
  timenode::peer_snapshot state = {};  ///< As it tells it.
};

inline timenode::peer_connection_actor::behavior_type behavior_of(connection_script x) {
  using namespace timenode;
  const link_snapshot link{x.state.link, x.state.ip, x.state.direction, x.state.phase};
  return {
      [](atom::connected, const endpoint&) {},
      [](atom::failed, const std::string&) {},
      [](atom::closed, const std::string&) {},
      [](const wire::received_batch&) {},
      [](atom::drained) {},
      [f = std::move(x.on_line)](const encoded_line& line) { call_if(f, line); },
      [f = std::move(x.on_extension)](atom::extension, const std::string&,
                                      const encoded_line& line) { call_if(f, line); },
      [f = std::move(x.on_close)](atom::close, link_end cause, const std::string& reason) {
        call_if(f, cause, reason);
      },
      [](atom::own_address, const ip_address&) {},
      [f = std::move(x.on_probe)](atom::probe) { call_if(f); },
      [link](atom::check) { return link; },
      [state = std::move(x.state)](atom::snapshot) { return state; },
      [f = std::move(x.on_wake)](atom::wake, std::uint64_t token) { call_if(f, token); },
  };
}

/// The same of a peer directory.
struct directory_script {
  std::function<void(const timenode::endpoint&, timenode::dial_purpose)> on_want = {};
  std::function<void(const timenode::ip_address&)> on_own_address = {};
};

inline timenode::peer_directory_actor::behavior_type behavior_of(directory_script x) {
  using namespace timenode;
  return {
      [](const dial_report&) {},
      [f = std::move(x.on_want)](atom::want, const endpoint& to, dial_purpose purpose) {
        call_if(f, to, purpose);
      },
      [](atom::learn, const std::vector<std::string>&) {},
      [f = std::move(x.on_own_address)](atom::own_address, const ip_address& ip) {
        call_if(f, ip);
      },
      [](atom::sample) { return std::vector<std::string>{}; },
      [](const peer_order&) { return order_reply{}; },
      [](const peer_settings&) {},
      [](atom::explain, const ip_address&) { return address_snapshot{}; },
      [](atom::save) {},
      [](atom::snapshot) { return directory_snapshot{}; },
      [](atom::peer_up, const peer_info&, const peer_connection_actor&) {},
      [](atom::peer_down, const ip_address&) {},
      [](const ip_address&, const wire::message&) {},
      [](atom::wake, std::uint64_t) {},
  };
}

}  // namespace test
