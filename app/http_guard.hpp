#pragma once

// Which web requests are not from a program of the operator.

#include <string_view>

namespace timenode {

/// Whether a Host header names this machine by an address or as localhost, with or without a port.
/// Any other name may be an attacker's, made to lead here after a browser has loaded the page (DNS
/// rebinding).
bool host_is_address(std::string_view host);

/// Whether a request with this Origin header comes from a page that this server itself has served
/// under the name in the Host header. (Browsers send an Origin with each POST, also to their own
/// server.)
bool origin_is_own_page(std::string_view origin, std::string_view host);

}  // namespace timenode
