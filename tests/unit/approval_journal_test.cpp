#include "chain/file_approval_journal.hpp"
#include "chain/transaction_votes.hpp"
#include "tests/unit/chain_support.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace timenode;
using namespace timenode::test;
using chain::approval;
using chain::file_approval_journal;

namespace {

/// Odd ones come with their transaction.
approval approved(std::uint8_t n) {
  approval result{hash256{{n, 1}}, 1'766'000'000 + n, {{hash256{{n}}, n}, {hash256{{n}}, 0}}, {}};
  if (n % 2 == 1) {
    auto& tx = result.tx.emplace();
    tx.version = 1;
    for (const auto& output : result.outputs)
      tx.inputs.push_back({output, {1, 2, n}, 0});
    tx.outputs.push_back({1000, {'a', 'b'}});
    tx.timestamp = 5;
  }
  return result;
}

std::unique_ptr<file_approval_journal> open(const std::string& file,
                                            std::size_t least_long = 4u << 20) {
  return must(file_approval_journal::open(file, least_long));
}

}  // namespace

TEST_CASE("approval journal: a file gives back after a restart what was approved, in order") {
  const temporary_directory dir;
  const auto file = dir.file("approvals");
  const std::vector first{approved(1), approved(2)};
  const std::vector second{approved(3)};
  {
    auto x = open(file);
    CHECK(x->restore().empty());
    CHECK(x->write_down(first));
    CHECK(x->write_down(second));
  }
  CHECK(open(file)->restore() == std::vector{approved(1), approved(2), approved(3)});
}

TEST_CASE("approval journal: cut off anywhere, it gives back all that was whole, and goes on") {
  const temporary_directory dir;
  const auto file = dir.file("approvals");
  const std::vector some{approved(1), approved(2), approved(3)};
  REQUIRE(open(file)->write_down(some));
  const auto whole = read_file(file);
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    write_file(file, whole.substr(0, size));
    const auto lines = static_cast<std::size_t>(
        std::count(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size), '\n'));
    {
      auto x = open(file);
      CHECK(x->restore().size() == lines);
      REQUIRE(x->write_down(std::vector{approved(9)}));
    }
    CHECK(open(file)->restore().size() == lines + 1);
  }
}

TEST_CASE("approval journal: damage in the middle is not passed over") {
  const temporary_directory dir;
  const auto file = dir.file("approvals");
  REQUIRE(open(file)->write_down(std::vector{approved(1), approved(2), approved(3)}));
  auto text = read_file(file);
  text[text.size() / 2] ^= 1;
  write_file(file, text);
  const auto x = file_approval_journal::open(file);
  REQUIRE_FALSE(x);
  CHECK(x.error().reason.starts_with("the approval journal " + file + " is damaged at line 2, "));
  CHECK(x.error().reason.find("then remove the file") != std::string::npos);
}

TEST_CASE("approval journal: when it is long, only what still counts is kept") {
  const temporary_directory dir;
  const auto file = dir.file("approvals");
  auto x = open(file, 20'000);
  for (int i = 0; !x->is_long() && i < 100; ++i)
    REQUIRE(x->write_down(std::vector{approved(static_cast<std::uint8_t>(i))}));
  REQUIRE(x->is_long());
  REQUIRE(x->keep_only(std::vector{approved(5)}));
  CHECK_FALSE(x->is_long());
  REQUIRE(x->write_down(std::vector{approved(6)}));
  x.reset();
  CHECK(open(file)->restore() == std::vector{approved(5), approved(6)});
}

TEST_CASE("approval journal: a directory that is not there is a reason not to start") {
  const temporary_directory dir;
  CHECK_FALSE(file_approval_journal::open(dir.file("missing/approvals")));
}

TEST_CASE("what an earlier run approved is contradicted by this one no more than by itself") {
  chain::approved_spends before;
  transaction x;
  x.inputs = {{{hash256{{7}}, 0}, {}, 0}, {{hash256{{8}}, 1}, {}, 0}};
  const auto txid = chain::txid(x);
  CHECK(before.approve(x, txid, 1000));
  CHECK_FALSE(before.approve(x, txid, 1010));
  chain::approved_spends after;
  after.restore(before.list());
  CHECK(after.list() == before.list());
  REQUIRE(after.list().size() == 1);
  CHECK(after.list().front().outputs.size() == 2);
  CHECK(after.may_approve(x, txid));
  CHECK_FALSE(after.may_approve(x, hash256{{1}}));
  after.forget_before(1001);
  CHECK(after.may_approve(x, hash256{{1}}));
}
