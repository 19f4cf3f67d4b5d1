#include "chain/store_check.hpp"

#include "chain/coin_overlay.hpp"
#include "chain/genesis.hpp"
#include "chain/hashes.hpp"
#include "chain/hex.hpp"
#include "chain/utxo_hash.hpp"
#include "chain/validation.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace timenode::chain {

namespace {

// What is asked of the store at a time.
constexpr std::size_t read_bytes = 4u << 20;
constexpr std::uint64_t blocks_per_call = 1000;
// A block that is stored was not too far ahead when it came, whatever the clock says today.
constexpr auto end_of_time = std::numeric_limits<std::int64_t>::max();

// The unspent outputs of a replay, and nothing else: blocks are not kept.
class replay_coins final : public block_store {
 public:
  chain_tip tip() const override { return {}; }
  block_ptr block_at(std::uint64_t) const override { return nullptr; }
  std::vector<block_ptr> blocks(std::uint64_t, std::uint64_t, std::size_t) const override {
    return {};
  }
  std::optional<hash256> hash_at(std::uint64_t) const override { return std::nullopt; }
  std::optional<std::uint64_t> height_of(const hash256&) const override { return std::nullopt; }
  coin_group coins(const hash256& txid) const override {
    const auto found = coins_.find(txid);
    return found != coins_.end() ? found->second : coin_group{};
  }
  utxo_digest utxo_state() const override {
    utxo_hasher hasher;
    for (const auto& [txid, group] : coins_)
      hasher.add(txid, group);
    const auto count = hasher.count();
    return {hasher.finish(), 0, count};
  }
  outcome<void> commit(const store_batch& batch, bool) override {
    for (const auto& [txid, group] : batch.coins) {
      if (group.empty())
        coins_.erase(txid);
      else
        coins_.insert_or_assign(txid, group);
    }
    return {};
  }
  outcome<block_undo> undo_at(std::uint64_t) const override { return block_undo{}; }

 private:
  std::map<hash256, coin_group> coins_;
};

class checker {
 public:
  checker(const block_store& store, network_id network, bool with_coins)
      : store_(store), network_(network), with_coins_(with_coins) {}

  // Empty when the block is right.
  std::string check(std::uint64_t height, const block_ptr& block) {
    if (block->header.height != height)
      return "it says to be block " + std::to_string(block->header.height);
    const auto checked = height == 0 ? check_genesis(block) : check_block(block);
    if (!checked)
      return checked.error().reason;
    if (parent_)
      if (const auto follows = check_on_parent(*checked, *parent_, end_of_time); !follows)
        return follows.error().reason;
    parent_ = {height, checked->hash, block->header.timestamp};
    if (store_.hash_at(height) != checked->hash)
      return "the store gives another hash for it than " + to_hex(checked->hash);
    if (const auto certificate = store_.certificate_at(height);
        certificate && certificate->block_hash != checked->hash)
      return "its certificate is one of block " + to_hex(certificate->block_hash);
    if (store_.height_of(checked->hash) != height)
      return "it is not found by its hash, " + to_hex(checked->hash);
    return with_coins_ ? replay(*checked) : std::string{};
  }

  // The blocks beside the chain: each must be there and be itself.
  std::optional<check_fault> check_shelf() const {
    for (const auto& x : store_.shelved()) {
      const auto block = store_.block_on_shelf(x.hash);
      if (block == nullptr || block_hash(block->header) != x.hash)
        return check_fault{x.height, "the block of a former branch with hash " + to_hex(x.hash) +
                                         " cannot be read"};
    }
    return std::nullopt;
  }

  std::string check_end(const chain_tip& tip) const {
    if (parent_ && parent_->height == tip.height && parent_->hash != tip.hash)
      return "its hash is " + to_hex(parent_->hash) + ", the tip is " + to_hex(tip.hash);
    if (!with_coins_)
      return {};
    const auto ours = coins_.utxo_state();
    const auto theirs = store_.utxo_state();
    if (ours.count != tip.utxo_count)
      return "there should be " + std::to_string(ours.count) + " unspent outputs, the tip says " +
             std::to_string(tip.utxo_count);
    if (ours.hash != theirs.hash || ours.count != theirs.count)
      return "the hash of the " + std::to_string(ours.count) + " unspent outputs should be " +
             to_hex(ours.hash) + "; that of the " + std::to_string(theirs.count) +
             " in the store is " + to_hex(theirs.hash);
    return {};
  }

 private:
  outcome<checked_block> check_genesis(const block_ptr& block) const {
    const auto& genesis = genesis_block(network_);
    if (*block == *genesis.block)
      return genesis;
    return fail("it is not the genesis block of " + std::string{to_string(network_)});
  }

  std::string replay(const checked_block& x) {
    coin_overlay overlay{coins_};
    auto undo = overlay.connect(x);
    if (!undo)
      return undo.error().reason;
    if (x.block->header.height != 0) {
      const auto stored = store_.undo_at(x.block->header.height);
      if (!stored)
        return stored.error().reason;
      if (stored->spent != undo->spent)
        return "its undo data are not what it spends";
    }
    store_batch batch;
    batch.coins = overlay.take_changes();
    static_cast<void>(coins_.commit(batch, false));  // Cannot fail.
    return {};
  }

  const block_store& store_;
  network_id network_;
  bool with_coins_;
  std::optional<parent_info> parent_;
  replay_coins coins_;
};

}  // namespace

check_report check_store(const block_store& store, network_id network, std::uint64_t first,
                         std::uint64_t last, const check_callback& progress) {
  check_report report;
  const auto tip = store.tip();
  last = std::min(last, tip.height);
  const bool whole = first == 0 && last == tip.height;
  checker check{store, network, whole};
  const auto fault = [&](std::uint64_t height, const std::string& reason) {
    const auto trouble = store.trouble();
    report.fault = check_fault{height, reason + (trouble ? " (" + trouble->reason + ")" : "")};
  };
  for (auto height = first; height <= last;) {
    const auto blocks =
        store.blocks(height, std::min(last, height + blocks_per_call - 1), read_bytes);
    if (blocks.empty()) {
      fault(height, "it cannot be read");
      return report;
    }
    for (const auto& block : blocks) {
      if (const auto reason = check.check(height, block); !reason.empty()) {
        fault(height, reason);
        return report;
      }
      ++height;
      ++report.checked;
    }
    if (progress && !progress(height - 1))
      return report;
  }
  if (const auto reason = check.check_end(tip); !reason.empty())
    fault(last, reason);
  if (whole && !report.fault)
    report.fault = check.check_shelf();
  report.coins_checked = whole;
  return report;
}

}  // namespace timenode::chain
