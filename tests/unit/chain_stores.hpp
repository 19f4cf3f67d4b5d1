#pragma once

// Both stores behind one face, so that a test can run on each.

#include "chain/memory_store.hpp"
#include "chain/rocksdb_store.hpp"
#include "tests/unit/chain_support.hpp"

#include <memory>

namespace timenode::test {

/// A store in memory.
class in_memory {
 public:
  chain::block_store& operator*() { return store_; }
  chain::block_store* operator->() { return &store_; }
  /// As after a restart of the program; nothing to do here.
  void reopen() {}

 private:
  chain::memory_store store_{network_id::testnet};
};

/// A store on disk, in a directory of its own.
class on_disk {
 public:
  on_disk() { reopen(); }

  chain::block_store& operator*() { return *store_; }
  chain::block_store* operator->() { return store_.get(); }
  void reopen() {
    store_.reset();
    store_ = must(chain::rocksdb_store::open(directory_.path(), network_id::testnet));
  }

 private:
  temporary_directory directory_;
  std::unique_ptr<chain::rocksdb_store> store_;
};

}  // namespace timenode::test
