#include "tests/sim/wallets.hpp"

#include "chain/hashes.hpp"
#include "chain/hex.hpp"
#include "chain/transaction_rules.hpp"
#include "tests/sim/world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace sim {

using namespace timenode;

namespace {

/// What is in no block is offered again this often, as wallets do.
constexpr monotonic_ns offered_again = 30 * second;
/// One payment in so many is a cheat, and one in so many spends change that is in no block yet.
constexpr std::uint64_t cheats_one_in = 8;
constexpr std::uint64_t chains_one_in = 4;

std::string text_of(const hash256& txid) {
  return chain::to_hex(txid).substr(0, 16);
}

}  // namespace

wallets::wallets(world& w, monotonic_ns period, bool cheating)
    : world_{w}, period_{period}, cheating_{cheating} {
  for (std::uint32_t i = 0; i < w.nodes(); ++i)
    if (const auto identity = identity_of(w.node(i).setup()))
      owners_.emplace(i, purse{identity->reward_address, {}});
}

void wallets::start() {
  world_.after(period_, [this] { pay(); });
  world_.after(offered_again, [this] { offer_again(); });
}

// -- paying -----------------------------------------------------------------------------------------

std::optional<std::uint32_t> wallets::some_node() {
  std::vector<std::uint32_t> up;
  for (std::uint32_t i = 0; i < world_.nodes(); ++i)
    if (world_.up(i) && !world_.ailing[i])
      up.push_back(i);
  if (up.empty())
    return std::nullopt;
  return up[world_.random().below(up.size())];
}

std::optional<transaction> wallets::make(std::uint32_t from, std::uint32_t to, amount value,
                                         const std::vector<chain::spendable>& coins) {
  auto made = chain::make_payment(coins, {owners_.at(to).address, value, owners_.at(from).address,
                                          node_clock{}.unix_seconds(world_.now())});
  if (!made)
    return std::nullopt;
  chain::sign(*made, identity_of(world_.node(from).setup())->keys);
  return std::move(*made);
}

void wallets::pay() {
  if (!paying_)
    return;
  world_.after(period_, [this] { pay(); });
  auto& random = world_.random();
  const auto someone = [&] {
    return std::next(owners_.begin(), static_cast<std::ptrdiff_t>(random.below(owners_.size())))
        ->first;
  };
  const auto from = someone();
  auto& owner = owners_.at(from);
  if (owner.coins.empty())
    return;
  // Out of one coin, so that there are many of them and few depend on each other.
  const auto coin = *std::next(owner.coins.begin(),
                               static_cast<std::ptrdiff_t>(random.below(owner.coins.size())));
  const auto value = coin.second / 4 + random.below(coin.second / 4);
  const std::vector<chain::spendable> coins{{coin.first, coin.second}};
  const auto first = make(from, someone(), value, coins);
  if (!first)
    return;
  owner.coins.erase(coin.first);
  const auto cheat = cheating_ && random.below(cheats_one_in) == 0;
  const auto txid = add(from, *first, cheat);
  if (cheat) {
    ++tally_.cheats;
    const auto second_one = make(from, from, value + 1, coins);
    const auto other = add(from, *second_one, true);
    offer(txid);
    offer(other);
    return;
  }
  ++tally_.made;
  offer(txid);
  if (random.below(chains_one_in) != 0)
    return;
  // What comes back is spent at once, before any block has it, and perhaps at a node that has not heard of it.
  const auto& outputs = known_.at(txid).outputs;
  const auto change = static_cast<std::uint32_t>(outputs.size() - 1);
  const std::vector<chain::spendable> back{{{txid, change}, outputs[change].value}};
  if (const auto next = make(from, someone(), outputs[change].value / 2, back)) {
    ++tally_.made;
    offer(add(from, *next, false));
  }
}

hash256 wallets::add(std::uint32_t from, transaction tx, bool cheat) {
  const auto txid = chain::txid(tx);
  known_.emplace(txid, tx);
  waiting_.emplace(txid, offered{std::move(tx), from, world_.now(), cheat, "no node was up"});
  return txid;
}

void wallets::offer(const hash256& txid) {
  const auto i = waiting_.find(txid);
  const auto node = some_node();
  if (i == waiting_.end() || !node)
    return;
  const auto tx = i->second.tx;
  std::string answer;
  try {
    const auto reply =
        world_.system().ask<offer_reply>(world_.node(*node).actors().mempool, atom::offer_v,
                                         wire::message{wire::transaction_broadcast{tx}});
    answer = reply.refused.empty() ? "taken" : "refused: " + reply.refused;
  } catch (const std::runtime_error& reason) {
    answer = reason.what();  // it was killed meanwhile
  }
  world_.log().add(world_.ip(*node).to_string(),
                   fmt::format("is offered {}: {}", text_of(txid), answer));
  // It may be in a block by now.
  if (const auto still = waiting_.find(txid); still != waiting_.end())
    still->second.last_answer = fmt::format("{}: {}", world_.ip(*node).to_string(), answer);
}

void wallets::offer_again() {
  world_.after(offered_again, [this] { offer_again(); });
  std::vector<std::pair<monotonic_ns, hash256>> old;
  for (const auto& [txid, x] : waiting_)
    if (!x.cheat && !by_votes_.contains(txid) && world_.now() - x.made_at >= offered_again)
      old.emplace_back(x.made_at, txid);
  // What others spend from comes first.
  std::ranges::sort(old);
  for (const auto& [_, txid] : old)
    offer(txid);
}

// -- what comes of it --------------------------------------------------------------------------------

void wallets::claim(const transaction& tx, const hash256& txid, const std::string& who) {
  for (const auto& x : tx.inputs) {
    const auto [i, is_new] = spent_.try_emplace(x.previous_output, txid);
    if (!is_new && i->second != txid)
      world_.eyes().report(invariant::one_spend,
                           fmt::format("{} is final, says {}, and so is {}, which spends the same",
                                       text_of(txid), who, text_of(i->second)));
  }
}

void wallets::on_final(owner_index node, const hash256& txid) {
  const auto i = known_.find(txid);
  if (i == known_.end())
    return;
  tally_.by_votes += by_votes_.insert(txid).second;
  claim(i->second, txid, world_.ip(node).to_string());
}

void wallets::on_block(const block& x) {
  for (const auto& tx : x.transactions) {
    const auto txid = chain::txid(tx);
    claim(tx, txid, fmt::format("block {}", x.header.height));
    for (const auto& input : tx.inputs)
      for (auto& [_, owner] : owners_)
        owner.coins.erase(input.previous_output);
    for (std::uint32_t i = 0; i < tx.outputs.size(); ++i) {
      const auto& script = tx.outputs[i].script_pubkey;
      const outpoint where{txid, i};
      for (auto& [_, owner] : owners_)
        if (std::ranges::equal(script, owner.address, [](std::uint8_t a, char b) {
              return a == static_cast<std::uint8_t>(b);
            }))
          owner.coins.emplace(where, tx.outputs[i].value);
    }
    if (const auto done = waiting_.extract(txid))
      ++(done.mapped().cheat ? tally_.cheats_settled : tally_.settled);
  }
  // What spends an output of this block may be waiting: that is no coin to pay with.
  for (const auto& [_, waits] : waiting_)
    for (const auto& input : waits.tx.inputs)
      owners_.at(waits.from).coins.erase(input.previous_output);
}

std::vector<std::string> wallets::unsettled() const {
  std::vector<std::string> result;
  for (const auto& [txid, x] : waiting_)
    if (!x.cheat)
      result.push_back(fmt::format("{} of {}, made at {}; {}", text_of(txid),
                                   world_.ip(x.from).to_string(), text_of_time(x.made_at),
                                   x.last_answer));
  return result;
}

}  // namespace sim
