#include "app/rpc_access.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

using namespace timenode;

namespace {

const auto line = rpc_user_line("operator", "correct horse");

const auto someone = ip_address::from_v4({192, 0, 2, 1});
const auto another = ip_address::from_v4({192, 0, 2, 2});

std::string basic(const std::string& text) {
  return basic_authorization(text);
}

rpc_access gate() {
  return rpc_access{{parse_rpc_user(line).value()}, "__cookie__:secret"};
}

std::filesystem::path fresh_directory() {
  std::string name = (std::filesystem::temp_directory_path() / "timenode-cookie-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  return name;
}

}  // namespace

TEST_CASE("rpc access: a line is name, salt and hash") {
  const auto x = parse_rpc_user(line);
  REQUIRE(x);
  CHECK(x->name == "operator");
  CHECK(x->salt.size() == 32);
  CHECK(x->hash.size() == 64);
  CHECK(line != rpc_user_line("operator", "correct horse"));  // another salt
  const std::string digits(63, 'a');
  for (const auto& wrong :
       {std::string{}, std::string{"operator"}, std::string{"operator:password"},
        std::string{"operator:salt$"}, ":salt$a" + digits, "operator:$a" + digits,
        "operator:salt$" + digits, "operator:salt$A" + digits, "operator:salt$g" + digits}) {
    CAPTURE(wrong);
    const auto refused = parse_rpc_user(wrong);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().reason.find("NAME:SALT$HASH") != std::string::npos);
  }
}

TEST_CASE("rpc access: the hash is HMAC-SHA-256 of the password under the salt, as Bitcoin's tool "
          "makes it") {
  // printf %s secret | openssl dgst -sha256 -hmac f7efda5c189b999524f151318c0c86d5
  auto access =
      rpc_access{{parse_rpc_user("alice:f7efda5c189b999524f151318c0c86d5$"
                                 "755b95c8acf3a102653cc8a1b224f4c3abe68b8110d7b246059da37adae21f71")
                      .value()},
                 ""};
  CHECK(access.admit(someone, basic("alice:secret"), 1) == rpc_admission::granted);
  CHECK(access.admit(someone, basic("alice:Secret"), 1) == rpc_admission::refused);
}

TEST_CASE("rpc access: without passwords everybody may call") {
  rpc_access open;
  CHECK_FALSE(open.needs_password());
  CHECK(open.admit(someone, "", 1) == rpc_admission::granted);
}

TEST_CASE("rpc access: user and cookie are let in, others are not") {
  auto access = gate();
  CHECK(access.needs_password());
  CHECK(access.admit(someone, basic("operator:correct horse"), 1) == rpc_admission::granted);
  CHECK(access.admit(someone, basic("__cookie__:secret"), 2) == rpc_admission::granted);
  for (const std::string wrong : {"operator:wrong", "operator:", "operator", ":correct horse", "",
                                  "__cookie__:", "__cookie__:secre", "nobody:correct horse"}) {
    CAPTURE(wrong);
    CHECK(access.admit(another, basic(wrong), 3) == rpc_admission::refused);
    access = gate();
  }
  for (const std::string header : {"", "Basic", "Basic ", "Basic !!!", "Bearer abc", "basic"}) {
    CAPTURE(header);
    CHECK(access.admit(another, header, 3) == rpc_admission::refused);
    access = gate();
  }
}

TEST_CASE("rpc access: the scheme is written in any case") {
  auto access = gate();
  auto header = basic("__cookie__:secret");
  header.replace(0, 5, "bASIC");
  CHECK(access.admit(someone, header, 1) == rpc_admission::granted);
}

TEST_CASE("rpc access: an empty cookie opens nothing") {
  auto access = rpc_access{{parse_rpc_user(line).value()}, ""};
  CHECK(access.admit(someone, basic(""), 1) == rpc_admission::refused);
}

TEST_CASE("rpc access: who guesses is slowed down, whatever it sends then, and others are not") {
  auto access = gate();
  const monotonic_ns second = 1'000'000'000;
  for (int i = 0; i < 10; ++i)
    CHECK(access.admit(someone, basic("operator:guess"), second) == rpc_admission::refused);
  CHECK(access.admit(someone, basic("operator:guess"), second) == rpc_admission::throttled);
  CHECK(access.admit(someone, basic("operator:correct horse"), second) == rpc_admission::throttled);
  CHECK(access.admit(another, basic("operator:correct horse"), second) == rpc_admission::granted);
  CHECK(access.admit(someone, basic("operator:correct horse"), 32 * second) ==
        rpc_admission::granted);
  // A request without a password is no guess.
  for (int i = 0; i < 100; ++i)
    CHECK(access.admit(another, "", second) == rpc_admission::refused);
}

TEST_CASE("rpc access: the cookie file is its owner's only and is read back") {
  const auto directory = fresh_directory();
  const auto file = directory / ".cookie";
  const auto first = write_cookie(file);
  REQUIRE(first);
  CHECK(first->starts_with("__cookie__:"));
  CHECK(first->size() > 70);
  CHECK(read_cookie(file) == *first);
  using perms = std::filesystem::perms;
  CHECK(std::filesystem::status(file).permissions() == (perms::owner_read | perms::owner_write));
  const auto second = write_cookie(file);
  REQUIRE(second);
  CHECK(*second != *first);
  CHECK(read_cookie(file) == *second);
  std::filesystem::remove_all(directory);
}

TEST_CASE("rpc access: a cookie file that cannot be used is named") {
  const auto directory = fresh_directory();
  auto x = read_cookie(directory / "none");
  REQUIRE_FALSE(x);
  CHECK(x.error().reason.find("none") != std::string::npos);
  std::ofstream{directory / "empty"};
  CHECK_FALSE(read_cookie(directory / "empty"));
  std::ofstream{directory / "other"} << "no colon here\n";
  CHECK_FALSE(read_cookie(directory / "other"));
  CHECK_FALSE(write_cookie(directory / "no" / "such" / "cookie"));
  std::filesystem::remove_all(directory);
}

TEST_CASE("rpc access: passwords differ and need no quotes") {
  const auto x = random_password();
  CHECK(x.size() == 43);
  CHECK(x != random_password());
  CHECK(x.find_first_of("+/=:$'\" ") == std::string::npos);
}
