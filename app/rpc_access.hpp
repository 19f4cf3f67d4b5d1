#pragma once

// Who may call the node by RPC. On an address of this machine itself nobody is asked for a
// password: whoever can call can do no more than a user of this machine. On any other address each
// call needs one, by HTTP's Basic authentication (RFC 7617):
//
//   - the content of the cookie file, which the node makes anew at each start, readable for its
//     owner only: for programs on this machine, or
//   - the name and password of an `rpc.rpcauth` line, which holds only a salted hash, in the form
//   of
//     Bitcoin Core: NAME:SALT$HASH, the hash being HMAC-SHA-256 of the password under the salt.

#include "messages/ip_address.hpp"
#include "messages/outcome.hpp"
#include "net/token_bucket.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace timenode {

/// A user of `rpc.rpcauth`.
struct rpc_user {
  std::string name;
  std::string salt;
  std::string hash;  ///< 64 hexadecimal digits, lower case.

  bool operator==(const rpc_user&) const = default;
};

/// Reads NAME:SALT$HASH. The failure says what it must look like.
outcome<rpc_user> parse_rpc_user(std::string_view text);

/// The line for a configuration, with a salt of its own.
std::string rpc_user_line(std::string_view name, std::string_view password);

/// A password of 32 random bytes, in letters that need no quotes anywhere.
std::string random_password();

/// What comes back for a request.
enum class rpc_admission : std::uint8_t {
  granted,
  refused,    ///< Without a password, or with a wrong one: 401.
  throttled,  ///< Too many wrong ones came from that address: 429, whatever the password.
};

/// The gate. Not thread-safe: it belongs to the server's thread.
class rpc_access {
 public:
  /// Everybody may call.
  rpc_access() = default;
  /// Only these. `cookie`: "NAME:PASSWORD" that is good, too.
  rpc_access(std::vector<rpc_user> users, std::string cookie);

  bool needs_password() const noexcept { return needs_password_; }

  /// `authorization`: the header of that name. `now`: monotonic nanoseconds.
  rpc_admission admit(const ip_address& who, std::string_view authorization, monotonic_ns now);

 private:
  bool knows(std::string_view name_and_password) const;

  bool needs_password_ = false;
  std::vector<rpc_user> users_;
  std::string cookie_;
  /// What each address may still get wrong.
  std::map<ip_address, net::token_bucket> wrong_;
};

/// "Basic ..." for a request.
std::string basic_authorization(std::string_view name_and_password);

// -- the cookie file ------------------------------------------------------------------

/// Writes a new cookie to `file` (mode 0600, in place of an old one) and returns it.
outcome<std::string> write_cookie(const std::filesystem::path& file);
/// The "NAME:PASSWORD" in a cookie file, or in one that a user wrote in that form.
outcome<std::string> read_cookie(const std::filesystem::path& file);

}  // namespace timenode
