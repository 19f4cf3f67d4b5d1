#include "net/direction.hpp"

namespace timenode::net {

bool local_dials(std::optional<std::string_view> local, std::string_view peer) {
  if (!local)
    return true;
  auto ours = ip_address::parse(*local);
  auto theirs = ip_address::parse(peer);
  if (ours && theirs)
    return local_dials(*ours, *theirs);
  return *local > peer;
}

}  // namespace timenode::net
