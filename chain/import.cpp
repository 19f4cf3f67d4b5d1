#include "chain/import.hpp"

#include "chain/hashes.hpp"
#include "chain/hex.hpp"

#include <utility>
#include <vector>

namespace timenode::chain {

namespace {

// Blocks that go into the store as one batch, and tell the callback once: enough that a sync for each
// batch costs nothing, little enough to hold in memory.
constexpr std::size_t batch_blocks = 1000;
constexpr std::size_t batch_bytes = 16u << 20;
// What an export asks of the store at a time.
constexpr std::size_t export_bytes = 4u << 20;

class importer {
 public:
  importer(chain_file_reader& from, chain_state& to, std::int64_t now,
           const transfer_callback& progress)
      : from_(from), to_(to), now_(now), progress_(progress) {}

  import_report run() {
    while (!report_.stopped && take_next()) {
    }
    flush();  // Also what came before a bad line.
    report_.lines = from_.line();
    return std::move(report_);
  }

 private:
  // False at the end of the file.
  bool take_next() {
    auto next = from_.next();
    if (!next) {
      // The reason begins with the line's number, which the report has apart.
      const auto& reason = next.error().reason;
      const auto colon = reason.find(": ");
      stop(from_.line(), std::nullopt,
           colon == std::string::npos ? reason : reason.substr(colon + 2));
      return false;
    }
    if (!*next)
      return false;
    ++blocks_;
    take(std::move(**next));
    if (pending_.size() >= batch_blocks || pending_bytes_ >= batch_bytes)
      flush();
    if (blocks_ % batch_blocks == 0)
      tell();
    return true;
  }

  void take(block_ptr block) {
    const auto height = block->header.height;
    const auto top = to_.store().tip().height + pending_.size();
    if (height > top + 1)
      return stop(from_.line(), height,
                  "block " + std::to_string(height) + " leaves a hole: our chain ends at " +
                      std::to_string(top));
    if (height <= top)
      return compare(height, block_hash(block->header));
    auto checked = check_block(std::move(block));
    if (!checked)
      return stop(from_.line(), height, std::move(checked.error().reason));
    pending_bytes_ += checked->bytes;
    pending_.push_back(std::move(*checked));
    pending_lines_.push_back(from_.line());
  }

  // For a block at a height that we have.
  void compare(std::uint64_t height, const hash256& hash) {
    const auto stored = to_.store().tip().height;
    const auto ours =
        height > stored ? pending_[height - stored - 1].hash : to_.store().hash_at(height);
    if (ours == hash) {
      ++report_.skipped;
      return;
    }
    if (!ours)
      return stop(from_.line(), height, storage_reason("our own block cannot be read"), true);
    stop(from_.line(), height,
         "block " + std::to_string(height) + " is " + to_hex(hash) + " in the file and " +
             to_hex(*ours) + " in our chain: they are different chains, or parted there");
  }

  void flush() {
    if (pending_.empty())
      return;
    auto result = to_.apply(pending_, now_, true);
    report_.applied += result.applied;
    if (result.rejected) {
      const auto& bad = pending_[result.applied];
      // It comes before whatever stopped the reading.
      report_.stopped.reset();
      stop(pending_lines_[result.applied], bad.block->header.height,
           std::move(result.rejected->reason), result.storage_failed);
    }
    pending_.clear();
    pending_lines_.clear();
    pending_bytes_ = 0;
  }

  void tell() {
    if (!progress_ || report_.stopped)
      return;
    const transfer_progress now{blocks_, to_.store().tip().height, from_.bytes_consumed(),
                                from_.bytes_total()};
    if (!progress_(now)) {
      stop(from_.line() + 1, std::nullopt, "the import was stopped");
      report_.stopped->cancelled = true;
    }
  }

  void stop(std::uint64_t line, std::optional<std::uint64_t> height, std::string reason,
            bool storage_failed = false) {
    report_.stopped = import_stop{line, height, std::move(reason), storage_failed, false};
  }

  std::string storage_reason(std::string fallback) const {
    const auto trouble = to_.store().trouble();
    return trouble ? trouble->reason : std::move(fallback);
  }

  chain_file_reader& from_;
  chain_state& to_;
  std::int64_t now_;
  const transfer_callback& progress_;
  import_report report_;
  std::uint64_t blocks_ = 0;
  std::vector<checked_block> pending_;  ///< Follow each other, the first on our tip.
  std::vector<std::uint64_t> pending_lines_;
  std::size_t pending_bytes_ = 0;
};

}  // namespace

import_report import_chain(chain_file_reader& from, chain_state& to, std::int64_t now,
                           const transfer_callback& progress) {
  return importer{from, to, now, progress}.run();
}

outcome<std::uint64_t> export_chain(const chain_reader& from, std::uint64_t first,
                                    std::uint64_t last, chain_file_writer& to,
                                    const transfer_callback& progress) {
  const auto tip = from.tip().height;
  if (first > last)
    return fail("there are no blocks from " + std::to_string(first) + " to " +
                std::to_string(last));
  if (first > tip)
    return fail("our chain ends at block " + std::to_string(tip) + ", below " +
                std::to_string(first));
  last = std::min(last, tip);
  std::uint64_t written = 0;
  std::uint64_t told = 0;
  std::optional<hash256> previous;
  for (auto height = first; height <= last;) {
    const auto blocks = from.blocks(height, last, export_bytes);
    if (blocks.empty()) {
      const auto trouble = from.trouble();
      return fail("block " + std::to_string(height) + " cannot be read from the store" +
                  (trouble ? ": " + trouble->reason : std::string{}));
    }
    for (const auto& x : blocks) {
      if (previous && x->header.previous_hash != *previous)
        return fail("our chain was reorganised at block " + std::to_string(height) +
                    " while it was written: try again");
      previous = block_hash(x->header);
      if (auto put = to.write(*x); !put)
        return tl::unexpected<failure>{std::move(put.error())};
      ++height;
      ++written;
    }
    if (progress && written - told >= batch_blocks) {
      told = written;
      if (!progress({written, height - 1, 0, std::nullopt}))
        return fail("the export was stopped");
    }
  }
  if (auto finished = to.finish(); !finished)
    return tl::unexpected<failure>{std::move(finished.error())};
  return written;
}

}  // namespace timenode::chain
