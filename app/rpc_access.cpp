#include "app/rpc_access.hpp"

#include "chain/write_all.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

namespace timenode {

namespace {

constexpr std::size_t hash_digits = 64;
constexpr std::size_t secret_bytes = 32;
/// As in Bitcoin Core: 16 bytes, in hexadecimal digits.
constexpr std::size_t salt_bytes = 16;
/// The name that Bitcoin Core has in its cookie file.
constexpr std::string_view cookie_name = "__cookie__";
/// Longer lines than this are no cookie.
constexpr std::size_t max_cookie_bytes = 1024;
/// A person mistypes a few times; who guesses gets two tries a minute after that, from which a
/// password of 32 random bytes is as safe as from none.
constexpr double wrong_per_second = 2.0 / 60;
constexpr double wrong_at_once = 10;
constexpr std::size_t max_wrong_addresses = 1024;

std::string random_hex(std::size_t bytes) {
  std::vector<unsigned char> random(bytes);
  randombytes_buf(random.data(), random.size());
  std::string result(2 * bytes + 1, '\0');
  sodium_bin2hex(result.data(), result.size(), random.data(), random.size());
  result.pop_back();
  return result;
}

std::string password_hash(std::string_view salt, std::string_view password) {
  std::array<unsigned char, 32> digest{};
  unsigned length = 0;
  HMAC(EVP_sha256(), salt.data(), static_cast<int>(salt.size()),
       reinterpret_cast<const unsigned char*>(password.data()), password.size(), digest.data(),
       &length);
  std::string result(hash_digits + 1, '\0');
  sodium_bin2hex(result.data(), result.size(), digest.data(), digest.size());
  result.pop_back();
  return result;
}

/// In a time that does not tell how much of it was right.
bool same(std::string_view left, std::string_view right) {
  return left.size() == right.size() && sodium_memcmp(left.data(), right.data(), left.size()) == 0;
}

/// "NAME:PASSWORD" of a header; empty when it is none of Basic authentication.
std::string name_and_password(std::string_view authorization) {
  constexpr std::string_view scheme = "basic ";
  const auto is_scheme = [](char left, char right) {
    return left == right || (left >= 'A' && left <= 'Z' && left + 32 == right);
  };
  if (authorization.size() < scheme.size() ||
      !std::equal(scheme.begin(), scheme.end(), authorization.begin(),
                  [&](char x, char y) { return is_scheme(y, x); }))
    return {};
  const auto text = authorization.substr(scheme.size());
  std::string result(text.size(), '\0');
  std::size_t length = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(result.data()), result.size(), text.data(),
                        text.size(), " ", &length, nullptr, sodium_base64_VARIANT_ORIGINAL) != 0)
    return {};
  result.resize(length);
  return result;
}

failure file_failure(const std::filesystem::path& file, const char* doing, int error) {
  return {std::string{"cannot "} + doing + " the RPC cookie file " + file.string() + ": " +
          std::generic_category().message(error)};
}

}  // namespace

outcome<rpc_user> parse_rpc_user(std::string_view text) {
  const auto colon = text.find(':');
  const auto dollar = text.find('$', colon == text.npos ? 0 : colon);
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (colon != text.npos && dollar != text.npos && colon > 0 && dollar > colon + 1) {
    const auto hash = text.substr(dollar + 1);
    if (hash.size() == hash_digits && std::all_of(hash.begin(), hash.end(), is_digit))
      return rpc_user{std::string{text.substr(0, colon)},
                      std::string{text.substr(colon + 1, dollar - colon - 1)}, std::string{hash}};
  }
  return fail("'" + std::string{text.substr(0, 80)} +
              "' is not NAME:SALT$HASH; 'timenode rpcauth NAME' makes such a line");
}

std::string rpc_user_line(std::string_view name, std::string_view password) {
  const auto salt = random_hex(salt_bytes);
  return std::string{name} + ':' + salt + '$' + password_hash(salt, password);
}

std::string random_password() {
  std::array<unsigned char, secret_bytes> random{};
  randombytes_buf(random.data(), random.size());
  constexpr auto variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string result(sodium_base64_ENCODED_LEN(secret_bytes, variant), '\0');
  sodium_bin2base64(result.data(), result.size(), random.data(), random.size(), variant);
  result.resize(result.find('\0'));
  return result;
}

rpc_access::rpc_access(std::vector<rpc_user> users, std::string cookie)
    : needs_password_{true}, users_{std::move(users)}, cookie_{std::move(cookie)} {}

rpc_admission rpc_access::admit(const ip_address& who, std::string_view authorization,
                                monotonic_ns now) {
  if (!needs_password_)
    return rpc_admission::granted;
  // A browser asks without a password at first, and is told to ask for one.
  if (authorization.empty())
    return rpc_admission::refused;
  if (wrong_.size() >= max_wrong_addresses && !wrong_.contains(who))
    wrong_.clear();
  auto& allowance =
      wrong_.try_emplace(who, net::token_bucket{wrong_per_second, wrong_at_once}).first->second;
  // Taken first, so that a guesser learns nothing from the answers that come when it is empty.
  if (!allowance.take(now))
    return rpc_admission::throttled;
  if (!knows(name_and_password(authorization)))
    return rpc_admission::refused;
  wrong_.erase(who);
  return rpc_admission::granted;
}

bool rpc_access::knows(std::string_view text) const {
  if (!cookie_.empty() && same(text, cookie_))
    return true;
  const auto colon = text.find(':');
  if (colon == text.npos)
    return false;
  const auto name = text.substr(0, colon);
  for (const auto& user : users_)
    if (user.name == name && same(password_hash(user.salt, text.substr(colon + 1)), user.hash))
      return true;
  return false;
}

std::string basic_authorization(std::string_view text) {
  constexpr auto variant = sodium_base64_VARIANT_ORIGINAL;
  std::string encoded(sodium_base64_encoded_len(text.size(), variant), '\0');
  sodium_bin2base64(encoded.data(), encoded.size(),
                    reinterpret_cast<const unsigned char*>(text.data()), text.size(), variant);
  encoded.resize(encoded.find('\0'));
  return "Basic " + encoded;
}

// -- the cookie file ------------------------------------------------------------------

outcome<std::string> write_cookie(const std::filesystem::path& file) {
  const auto cookie = std::string{cookie_name} + ':' + random_hex(secret_bytes);
  auto fresh = file;
  fresh += ".new";
  // Never readable for others, not for a moment; and never half written under its own name.
  ::unlink(fresh.c_str());
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return tl::unexpected{file_failure(fresh, "make", errno)};
  const auto written = chain::write_all(fd, cookie);
  const auto error = errno;
  ::close(fd);
  if (!written)
    return tl::unexpected{file_failure(fresh, "write", error)};
  if (::rename(fresh.c_str(), file.c_str()) != 0)
    return tl::unexpected{file_failure(file, "make", errno)};
  return cookie;
}

outcome<std::string> read_cookie(const std::filesystem::path& file) {
  errno = 0;
  std::ifstream in{file};
  std::string line;
  if (!in || !std::getline(in, line))
    return tl::unexpected{file_failure(file, "read", errno == 0 ? ENODATA : errno)};
  if (line.size() > max_cookie_bytes || line.find(':') == std::string::npos)
    return fail("the file " + file.string() + " holds no NAME:PASSWORD");
  return line;
}

}  // namespace timenode
