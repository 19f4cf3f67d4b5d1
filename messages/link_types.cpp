#include "messages/link_types.hpp"

namespace timenode {

std::string_view to_text(link_end x) noexcept {
  switch (x) {
  case link_end::connect_failed:
    return "connect failed";
  case link_end::closed_by_peer:
    return "closed by the peer";
  case link_end::connection_lost:
    return "connection lost";
  case link_end::handshake_timeout:
    return "handshake timed out";
  case link_end::peer_dead:
    return "peer dead";
  case link_end::protocol_violation:
    return "protocol violation";
  case link_end::send_overflow:
    return "send queue overflow";
  case link_end::duplicate:
    return "duplicate";
  case link_end::self:
    return "self";
  case link_end::refused:
    return "refused";
  case link_end::operator_request:
    return "operator";
  case link_end::shutdown:
    return "shutdown";
  case link_end::internal_error:
    return "internal error";
  case link_end::line_overflow:
    return "unfinished lines too long";
  }
  return "?";
}

}  // namespace timenode
