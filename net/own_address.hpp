#pragma once

// Our own IP, as far as it can be known. Told by the operator, it is not asked again; else our sockets and our peers
// say. That it is not known is a legal state: either side of a pair may dial then. A value without clock or socket.

#include "messages/ip_address.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

namespace timenode::net {

/// What peers say counts from this many on that we dialed, each in an address group of its own: whoever wants to make
/// us believe something has to own addresses all over the network.
inline constexpr std::size_t own_address_witnesses = 3;

class own_address {
 public:
  enum class source : std::uint8_t {
    unknown,
    configured,  ///< `external_address`.
    listening,   ///< The specific address that we listen on.
    met_self,    ///< A dial there reached ourselves.
    socket,      ///< A public address of this machine, which our dials come from.
    peers,       ///< What enough peers see.
  };

  own_address() = default;
  /// Told by the operator, by `configured` or `listening`: nothing changes it.
  own_address(const ip_address& ip, source how) noexcept : told_{ip}, ip_{ip}, source_{how} {}

  const std::optional<ip_address>& ip() const noexcept { return ip_; }
  source how() const noexcept { return source_; }
  /// How we know, as a phrase for people; of an unknown address: why not.
  std::string_view explain() const noexcept;

  // -- what happens; each returns whether our address is another one than before --------

  /// A dial was answered; `ours` is our end of it.
  bool dialed(const ip_address& peer, const ip_address& ours);
  /// A peer that we dialed says which address it sees.
  bool told(const ip_address& peer, const ip_address& ours);
  /// A peer that we dialed is not connected any more: what it said and showed does not count any more. The address
  /// stays until there is a better one.
  bool gone(const ip_address& peer);

 private:
  struct witness {
    std::optional<ip_address> our_end;
    std::optional<ip_address> says;
  };

  bool decide();
  std::optional<ip_address> of_sockets() const;
  std::optional<ip_address> of_peers() const;

  std::optional<ip_address> told_;
  std::optional<ip_address> ip_;
  source source_ = source::unknown;
  std::map<ip_address, witness> witnesses_;  ///< As many as there are peers that we dialed.
};

}  // namespace timenode::net
