#pragma once

#include <cstddef>
#include <cstdint>

namespace timenode {

/// When a batch of blocks must survive a power cut, and not only the end of the process. Syncing
/// the disk costs 0.2 ms a batch and more on slow disks: for single blocks that is 35 times the
/// rest of the work (limits page), for a hundred it is little. What is lost otherwise is downloaded
/// again.
class commit_policy {
 public:
  /// At most so many blocks are lost to a power cut.
  static constexpr std::uint64_t max_unsynced = 100;
  /// A block that is not older than this is at the tip of the network: two block times. It may be
  /// news that no other node has stored yet.
  static constexpr std::int64_t tip_seconds = 1200;

  /// Must a batch of that many blocks be synced, the last of which has that timestamp? Unix
  /// seconds.
  bool wants_sync(std::size_t blocks, std::int64_t last_timestamp,
                  std::int64_t now) const noexcept {
    return unsynced_ + blocks >= max_unsynced || last_timestamp + tip_seconds >= now;
  }

  /// Blocks were committed.
  void committed(std::size_t blocks, bool synced) noexcept {
    unsynced_ = synced ? 0 : unsynced_ + blocks;
  }

 private:
  std::uint64_t unsynced_ = 0;
};

}  // namespace timenode
