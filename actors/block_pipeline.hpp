#pragma once

// Blocks on their way into the chain: linked to each other here, checked by several workers at
// once, applied in order by the chain keeper, one batch at a time. Pure: it hands out jobs and
// takes their results.

#include "actors/sync_types.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace timenode::sync {

/// A refused block whose timestamp is so close to the limit by our clock may have been refused for
/// it.
inline constexpr std::int64_t clock_margin_seconds = 60;

/// A block that somebody waits for an answer about; 0: nobody does.
using verdict_token = std::uint64_t;

/// Blocks for a checker.
struct check_job {
  std::uint64_t run = 0;
  block_batch blocks;
};

/// A block that is provably wrong.
struct bad_block {
  sourced_block block;
  std::string reason;
  bool judged = false;  ///< Its verdict tells whoever asked.
};

/// What a result changed.
struct pipeline_news {
  sourced_blocks applied;   ///< Stored now.
  sourced_blocks returned;  ///< Not stored and not found wrong: back to where they waited.
  std::optional<bad_block> bad;
  std::optional<sourced_block> early;  ///< May be valid later, by our clock.
  bool chain_changed = false;  ///< The tip is not where these blocks lead: somebody else moved it.
  std::vector<std::pair<verdict_token, flood_judgement>> verdicts;
};

class block_pipeline {
 public:
  /// `checks`: how many may be under way at once.
  block_pipeline(const chain_tip& tip, std::size_t checks) : tip_{tip}, checks_{checks} {}

  // -- where it is --------------------------------------------------------------------

  const chain_tip& tip() const noexcept { return tip_; }
  /// The height and parent of the block that can be added next.
  std::uint64_t next_height() const noexcept;
  const hash256& last_hash() const noexcept;
  /// True when the block is the next one.
  bool links(const block& x) const noexcept;
  bool empty() const noexcept { return runs_.empty() && applying_.empty(); }
  /// False when all checkers and the keeper have enough to do.
  bool has_room() const noexcept { return runs_.size() <= checks_; }
  std::size_t bytes() const noexcept { return bytes_; }

  // -- blocks in ------------------------------------------------------------------------

  /// Takes the blocks that link, from the front, as one run; `token` is for a run of one block.
  /// Returns those that do not. Timestamps above `latest` (Unix seconds) do not link yet.
  sourced_blocks add(sourced_blocks blocks, std::int64_t latest, verdict_token token = 0);

  // -- jobs out, results in ----------------------------------------------------------------

  /// The next check that can be done now.
  std::optional<check_job> next_check();
  /// What the checker said. An outdated run number is ignored.
  pipeline_news checked(std::uint64_t run, check_reply reply);
  /// The checker did not answer: the run will be checked again.
  void check_failed(std::uint64_t run);

  /// All that can be applied now, as one batch; none while one is under way.
  std::optional<checked_batch> next_apply();
  bool applying() const noexcept { return !applying_.empty(); }
  /// What the keeper said. `now`: Unix seconds by our clock.
  pipeline_news applied(const apply_reply& reply, std::int64_t now);

  /// Begins anew on that tip; everything under way is returned, its verdicts are `ignore` for that
  /// reason.
  pipeline_news reset(const chain_tip& tip, const std::string& reason);

 private:
  enum class stage : std::uint8_t { waiting, checking, checked };

  struct run {
    std::uint64_t id = 0;
    verdict_token token = 0;
    stage at = stage::waiting;
    sourced_blocks blocks;               ///< Never empty.
    hash256 last_hash{};                 ///< Of the last block.
    std::vector<checked_block> checked;  ///< All of `blocks`, when `at` is `checked`.
  };

  run* find(std::uint64_t id);
  void take_stored(std::uint64_t count, pipeline_news& out);
  void unite();
  void return_runs(std::size_t from, const ip_address* without, const std::string& reason,
                   pipeline_news& out);
  void return_block(sourced_block x, const ip_address* without, pipeline_news& out);
  void blame(sourced_block x, std::string reason, verdict_token token, pipeline_news& out);

  chain_tip tip_;
  std::size_t checks_;
  std::deque<run> runs_;      ///< In order; at most `checks_` + 1, see `has_room`.
  std::deque<run> applying_;  ///< In order, before `runs_`: what the keeper has.
  std::uint64_t runs_made_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace timenode::sync
