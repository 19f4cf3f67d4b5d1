#include "actors/block_checker.hpp"

#include "chain/validation.hpp"

#include <utility>

namespace timenode {

namespace {

check_reply check(const block_batch& batch) {
  check_reply reply;
  reply.checked.reserve(batch.blocks.size());
  for (const auto& x : batch.blocks) {
    auto result = chain::check_block(x);
    if (!result) {
      reply.rejected = std::move(result.error().reason);
      break;
    }
    reply.checked.push_back(std::move(*result));
  }
  return reply;
}

}  // namespace

block_checker_actor::behavior_type block_checker_state::make_behavior() {
  return {
      [](atom::check, const block_batch& batch) { return check(batch); },
  };
}

}  // namespace timenode
