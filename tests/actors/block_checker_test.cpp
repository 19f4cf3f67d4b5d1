// The block checker.

#include "actors/block_checker.hpp"
#include "tests/actors/test_chain.hpp"
#include "tests/actors/test_node.hpp"

#include <doctest/doctest.h>

using namespace timenode;
using namespace test;

namespace {

check_reply check(test_node& node, std::vector<block_ptr> blocks) {
  const auto checker = node.system.spawn<block_checker>();
  return node.ask<check_reply>(checker, atom::check_v, block_batch{std::move(blocks)});
}

}  // namespace

TEST_CASE("the checker passes sound blocks with their hashes") {
  test_node node;
  const auto reply = check(node, {real_chain().begin() + 1, real_chain().begin() + 301});
  CHECK(reply.rejected.empty());
  REQUIRE(reply.checked.size() == 300);
  CHECK(reply.checked[9].block == real_chain()[10]);
  CHECK(reply.checked[9].hash == real_chain()[11]->header.previous_hash);
}

TEST_CASE("the checker stops at the first bad block and says why") {
  test_node node;
  const auto reply =
      check(node, {real_chain()[1], real_chain()[2], tampered(*real_chain()[3]), real_chain()[4]});
  CHECK(reply.checked.size() == 2);
  CHECK(!reply.rejected.empty());
}

TEST_CASE("the checker passes an empty batch") {
  test_node node;
  const auto reply = check(node, {});
  CHECK(reply.checked.empty());
  CHECK(reply.rejected.empty());
}
