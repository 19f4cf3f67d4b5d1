// Stores of other versions: what is done with an older one, and that none is touched that is not understood.

#include "chain/chain_state.hpp"
#include "chain/migration.hpp"
#include "chain/rocksdb_records.hpp"
#include "tests/unit/chain_support.hpp"

using namespace timenode;
using namespace timenode::test;

namespace {

/// A store with some of the real chain, of the schema that this program writes.
struct stored_chain {
  temporary_directory place;
  std::filesystem::path directory = place.path() / "chain";

  stored_chain() {
    auto store = must(chain::rocksdb_store::open(directory, network_id::testnet));
    chain::chain_state state{*store};
    REQUIRE(state.apply(std::span{checked_chain()}.first(50), late, true).applied == 50);
  }

  outcome<std::uint64_t> height() const {
    const auto store = chain::rocksdb_store::open(directory, network_id::testnet);
    if (!store)
      return tl::unexpected{store.error()};
    return (*store)->tip().height;
  }
};

/// Steps that lead two schemas on; each notes that it ran, in the database.
std::vector<chain::migration_step> two_steps(std::vector<int>& ran) {
  const auto step = [&ran](int number) {
    return [&ran, number](chain::database& db) -> outcome<void> {
      ran.push_back(number);
      const auto key = "step" + std::to_string(number);
      if (!db->Put({}, db[chain::family::meta], key, "done").ok())
        return fail("cannot write");
      return {};
    };
  };
  const auto now = chain::schema_version;
  return {{now, "first", step(1)}, {now + 1, "second", step(2)}};
}

}  // namespace

TEST_CASE("migration: a store of this version needs nothing and is left as it is") {
  stored_chain x;
  const auto done = chain::migrate_store(x.directory);
  REQUIRE(done);
  CHECK(done->from == chain::schema_version);
  CHECK(done->to == chain::schema_version);
  CHECK(done->done.empty());
  CHECK(x.height() == 50);
}

TEST_CASE("migration: the steps known lead to the schema that this program writes") {
  const auto& steps = chain::migration_steps();
  for (std::size_t i = 0; i < steps.size(); ++i)
    CHECK(steps[i].from == chain::schema_version - steps.size() + i);
}

TEST_CASE("migration: an older store goes step by step to the newest, and what is newer than a "
          "program is refused") {
  stored_chain x;
  std::vector<int> ran;
  const auto done = chain::migrate_store(x.directory, two_steps(ran));
  REQUIRE(done);
  CHECK(done->to == chain::schema_version + 2);
  CHECK(done->done == std::vector<std::string>{"first", "second"});
  CHECK(ran == std::vector<int>{1, 2});
  CHECK(chain::migrate_store(x.directory, two_steps(ran))->done.empty());
  CHECK(ran.size() == 2);
  // What is newer than this program is refused, by the node and by the migration.
  const auto opened = x.height();
  REQUIRE_FALSE(opened);
  CHECK(opened.error().reason.find(
            "was written by a newer timenode (schema 3, this one knows 1)") != std::string::npos);
  const auto back = chain::migrate_store(x.directory);
  REQUIRE_FALSE(back);
  CHECK(back.error().reason == opened.error().reason);
}

TEST_CASE("migration: a step that fails leaves the schema, and is taken again") {
  stored_chain x;
  std::vector<int> ran;
  auto steps = two_steps(ran);
  const auto good = steps[1].run;
  steps[1].run = [](chain::database&) -> outcome<void> { return fail("the disk is full"); };
  const auto failed = chain::migrate_store(x.directory, steps);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().reason == "schema 2 to the next (second): the disk is full");
  steps[1].run = good;
  const auto done = chain::migrate_store(x.directory, steps);
  REQUIRE(done);
  CHECK(done->from == chain::schema_version + 1);
  CHECK(done->done == std::vector<std::string>{"second"});
}

TEST_CASE(
    "migration: a store older than the oldest step, and a directory without one, are left alone") {
  stored_chain x;
  const auto later = chain::schema_version + 5;
  const auto none =
      chain::migrate_store(x.directory, {{later, "later", [](auto&) { return outcome<void>{}; }}});
  REQUIRE_FALSE(none);
  CHECK(none.error().reason.find("has schema 1, from which this program knows no way") !=
        std::string::npos);
  CHECK(x.height() == 50);
  const auto empty = x.place.path() / "empty";
  const auto nothing = chain::migrate_store(empty);
  REQUIRE_FALSE(nothing);
  CHECK(nothing.error().reason ==
        "there is no chain store in " + empty.string() + ": nothing to migrate");
  CHECK_FALSE(std::filesystem::exists(empty));
}

TEST_CASE("migration: a node does not start on an older store, and says what to do") {
  stored_chain x;
  {
    auto db = must(chain::database::open(x.directory, {}));
    REQUIRE(chain::write_schema(*db, 0));
  }
  const auto opened = x.height();
  REQUIRE_FALSE(opened);
  CHECK(
      opened.error().reason.find(
          "was written by an older timenode (schema 0, this one uses 1): run 'timenode migrate'") !=
      std::string::npos);
}
