#include "net/own_address.hpp"

#include "net/address_scope.hpp"

#include <algorithm>
#include <set>

namespace timenode::net {

namespace {

bool is_public(const ip_address& x) noexcept {
  return x.is_unicast() && scope_of(x) == address_scope::global;
}

}  // namespace

std::string_view own_address::explain() const noexcept {
  switch (source_) {
  case source::configured:
    return "configured";
  case source::listening:
    return "the address that we listen on";
  case source::met_self:
    return "a dial there reached ourselves";
  case source::socket:
    return "a public address of this machine, which our dials come from";
  case source::peers:
    return "the address that our peers see";
  case source::unknown:
    break;
  }
  return "not known: we listen on all addresses, none that our dials come from is public, and "
         "fewer than three peers "
         "agree on what they see; set network.external_address";
}

bool own_address::dialed(const ip_address& peer, const ip_address& ours) {
  if (told_)
    return false;
  if (peer == ours) {
    // Both ends of a socket have that address: it is this machine's, whoever says otherwise.
    told_ = ours;
    source_ = source::met_self;
    const auto changed = ip_ != ours;
    ip_ = ours;
    return changed;
  }
  witnesses_[peer].our_end = ours;
  return decide();
}

bool own_address::told(const ip_address& peer, const ip_address& ours) {
  if (told_)
    return false;
  witnesses_[peer].says = ours;
  return decide();
}

bool own_address::gone(const ip_address& peer) {
  if (told_ || witnesses_.erase(peer) == 0)
    return false;
  return decide();
}

bool own_address::decide() {
  auto found = of_sockets();
  auto how = source::socket;
  if (!found) {
    found = of_peers();
    how = source::peers;
  }
  if (!found || found == ip_)
    return false;
  ip_ = found;
  source_ = how;
  return true;
}

std::optional<ip_address> own_address::of_sockets() const {
  // A machine may have several, and each of its routes its own: the one that most dials come from, and of equals the
  // one that we have already, so that it does not change back and forth.
  std::map<ip_address, std::size_t> uses;
  for (const auto& [peer, x] : witnesses_)
    if (x.our_end && is_public(*x.our_end) && is_public(peer))
      ++uses[*x.our_end];
  const auto best = std::ranges::max_element(uses, [this](const auto& a, const auto& b) {
    return std::pair{a.second, a.first == ip_} < std::pair{b.second, b.first == ip_};
  });
  return best == uses.end() ? std::nullopt : std::optional{best->first};
}

std::optional<ip_address> own_address::of_peers() const {
  std::map<ip_address, std::set<ip_address>> groups_by_claim;
  std::set<ip_address> all_groups;
  for (const auto& [peer, x] : witnesses_)
    if (x.says && is_public(*x.says) && is_public(peer)) {
      groups_by_claim[*x.says].insert(group_of(peer));
      all_groups.insert(group_of(peer));
    }
  for (const auto& [claim, groups] : groups_by_claim)
    if (groups.size() >= own_address_witnesses && 3 * groups.size() >= 2 * all_groups.size())
      return claim;
  return std::nullopt;
}

}  // namespace timenode::net
