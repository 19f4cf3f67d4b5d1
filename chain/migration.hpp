#pragma once

// Bringing the chain store of an older timenode up to date: from one schema to the next, step by step.

#include "messages/outcome.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace timenode::chain {

class database;

/// Makes the records of one schema into those of the next.
struct migration_step {
  std::uint64_t from = 0;
  std::string what;  ///< For the operator: "blocks get an index by time".
  /// May write as many batches as it likes, and must bear being done again: after a kill it starts anew.
  std::function<outcome<void>(database&)> run;
};

/// The steps that this program knows, in order; the last one leads to `schema_version` (rocksdb_records.hpp).
/// Who raises that adds one here. So far there is one schema only.
const std::vector<migration_step>& migration_steps();

struct migration_report {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::vector<std::string> done;  ///< `what` of each step.
};

/// Takes the steps that the store in this directory needs; the schema is raised, durably, after each. Changes
/// nothing when it is up to date. Fails when there is no store, when it is newer than the steps lead, when
/// none leads on from it, when a step fails, and as `rocksdb_store::open` does.
outcome<migration_report>
migrate_store(const std::filesystem::path& directory,
              const std::vector<migration_step>& steps = migration_steps());

}  // namespace timenode::chain
