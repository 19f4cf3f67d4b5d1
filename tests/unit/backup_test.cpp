#include "app/backup.hpp"
#include "chain/chain_state.hpp"
#include "chain/genesis.hpp"
#include "tests/unit/chain_support.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <sstream>

using namespace timenode;
using namespace timenode::app;
using namespace timenode::test;

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t now = 1'766'000'000;

/// A data directory with 30 blocks, a key and a log.
struct backup_fixture {
  backup_fixture() {
    config.data_dir = dir.path() / "data";
    config.masternode.key_file = config.data_dir / "masternode.key";
    fs::create_directories(config.data_dir);
    write(config.masternode.key_file, "secret");
    write(config.data_dir / "peers.json", "[]");
    write(config.data_dir / ".cookie", "c:d");
    write(config.data_dir / "node.log", "lines");
    open();
    chain::chain_state state{*store};
    REQUIRE(state.apply(std::span{checked_chain()}.first(30), late, true).applied == 30);
  }
  void open() { store = must(chain::rocksdb_store::open(chain_directory(config), config.network)); }
  static void write(const fs::path& file, const std::string& text) { std::ofstream{file} << text; }
  static std::string read(const fs::path& file) {
    std::ostringstream text;
    text << std::ifstream{file}.rdbuf();
    return text.str();
  }
  node_config other(const std::string& name) const {
    auto result = config;
    result.data_dir = dir.path() / name;
    result.masternode.key_file = result.data_dir / "masternode.key";
    return result;
  }

  temporary_directory dir;
  node_config config;
  std::unique_ptr<chain::rocksdb_store> store;
};

}  // namespace

TEST_CASE_FIXTURE(backup_fixture,
                  "backup: a copy of a store in use has its chain, keys and tables, and no more") {
  const auto to = dir.path() / "backup";
  const auto made = make_backup(*store, config, to, now);
  REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().reason));
  CHECK(made->tip == store->tip());
  CHECK(made->files == std::vector<std::string>{"masternode.key", "peers.json"});
  CHECK(made->bytes > 1000);
  CHECK(read(to / "masternode.key") == "secret");
  CHECK_FALSE(fs::exists(to / ".cookie"));
  CHECK_FALSE(fs::exists(to / "node.log"));
  using perms = fs::perms;
  CHECK(fs::status(to).permissions() == perms::owner_all);
  CHECK(fs::status(to / "masternode.key").permissions() ==
        (perms::owner_read | perms::owner_write));
  const auto manifest = nlohmann::json::parse(read(to / "backup.json"));
  CHECK(manifest["height"] == 30);
  CHECK(manifest["network"] == "testnet");
  CHECK(manifest["made_at"] == now);
  // The copy stays as it was while the chain goes on.
  chain::chain_state state{*store};
  REQUIRE(state.apply(std::span{checked_chain()}.subspan(30, 10), late, true).applied == 10);
  const auto restored = restore_backup(to, other("restored"), false, now);
  REQUIRE_MESSAGE(restored.has_value(), (restored ? "" : restored.error().reason));
  CHECK(restored->tip.height == 30);
  CHECK(restored->kept_in.empty());
  const auto copy =
      must(chain::rocksdb_store::open(dir.path() / "restored" / "chain", config.network));
  CHECK(copy->tip().height == 30);
  CHECK(copy->utxo_state().hash != store->utxo_state().hash);
  CHECK(read(dir.path() / "restored" / "masternode.key") == "secret");
  CHECK_FALSE(fs::exists(dir.path() / "restored" / "backup.json"));
}

TEST_CASE_FIXTURE(backup_fixture, "backup: a key that is kept elsewhere comes along") {
  config.masternode.key_file = dir.path() / "elsewhere.key";
  write(config.masternode.key_file, "far away");
  const auto made = make_backup(*store, config, dir.path() / "backup", now);
  REQUIRE(made);
  CHECK(read(dir.path() / "backup" / "elsewhere.key") == "far away");
}

TEST_CASE_FIXTURE(
    backup_fixture,
    "backup: never over something that is there, and what was cut short does not count") {
  const auto to = dir.path() / "backup";
  fs::create_directories(dir.path() / "backup.partial" / "chain");
  REQUIRE(make_backup(*store, config, to, now));
  CHECK_FALSE(fs::exists(dir.path() / "backup.partial"));
  const auto again = make_backup(*store, config, to, now);
  REQUIRE_FALSE(again);
  CHECK(again.error().reason.find("there already") != std::string::npos);
  const auto nowhere = make_backup(*store, config, dir.path() / "no" / "such", now);
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().reason.find("no/such") != std::string::npos);
}

TEST_CASE_FIXTURE(backup_fixture,
                  "restore: never brings back an older record of what the masternode signed") {
  const auto from = dir.path() / "backup";
  write(config.data_dir / "votes.journal", "of the backup");
  const auto made = make_backup(*store, config, from, now);
  REQUIRE(made);
  CHECK(made->files == std::vector<std::string>{"masternode.key", "peers.json"});
  // As an earlier version of this program made backups:
  write(from / "votes.journal", "of the backup");
  write(from / "approvals.journal", "of the backup");
  write(config.data_dir / "votes.journal", "of today");
  write(config.data_dir / "approvals.journal", "of today");
  store.reset();
  const auto done = restore_backup(from, config, true, now);
  REQUIRE_MESSAGE(done.has_value(), (done ? "" : done.error().reason));
  CHECK(read(config.data_dir / "votes.journal") == "of today");
  CHECK(read(config.data_dir / "approvals.journal") == "of today");
  CHECK_FALSE(done->forgot_signatures);
  const auto elsewhere = restore_backup(from, other("new"), false, now);
  REQUIRE(elsewhere);
  CHECK_FALSE(fs::exists(dir.path() / "new" / "votes.journal"));
  CHECK(elsewhere->forgot_signatures);
}

TEST_CASE_FIXTURE(backup_fixture,
                  "restore: over a chain only when told so, and then it is moved aside") {
  const auto from = dir.path() / "backup";
  REQUIRE(make_backup(*store, config, from, now));
  const auto refused = restore_backup(from, config, false, now);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().reason.find("--replace") != std::string::npos);
  const auto running = restore_backup(from, config, true, now);
  REQUIRE_FALSE(running);
  CHECK(running.error().reason.find("stop it first") != std::string::npos);
  chain::chain_state state{*store};
  REQUIRE(state.apply(std::span{checked_chain()}.subspan(30, 10), late, true).applied == 10);
  store.reset();
  write(config.masternode.key_file, "newer");
  const auto done = restore_backup(from, config, true, now);
  REQUIRE_MESSAGE(done.has_value(), (done ? "" : done.error().reason));
  CHECK(read(config.masternode.key_file) == "secret");
  CHECK(read(done->kept_in / "masternode.key") == "newer");
  open();
  CHECK(store->tip().height == 30);
  const auto before = must(chain::rocksdb_store::open(done->kept_in / "chain", config.network));
  CHECK(before->tip().height == 40);
  CHECK(fs::exists(config.data_dir / "node.log"));
}

TEST_CASE_FIXTURE(
    backup_fixture,
    "restore: what is no backup, or damaged, or of another network or a newer program is refused") {
  const auto from = dir.path() / "backup";
  REQUIRE(make_backup(*store, config, from, now));
  const auto target = other("restored");
  const auto why = [&](const fs::path& x, const node_config& to) {
    const auto result = restore_backup(x, to, false, now);
    CHECK_FALSE(fs::exists(to.data_dir / "chain"));
    return result ? "restored" : result.error().reason;
  };
  CHECK(why(dir.path() / "nothing", target).find("no backup") != std::string::npos);
  auto mainnet = target;
  mainnet.network = network_id::mainnet;
  CHECK(why(from, mainnet).find("--network testnet") != std::string::npos);
  const auto manifest = read(from / "backup.json");
  auto x = nlohmann::json::parse(manifest);
  x["format"] = 2;
  write(from / "backup.json", x.dump());
  CHECK(why(from, target).find("newer") != std::string::npos);
  x["format"] = 1;
  x["hash"] = std::string(64, '0');
  write(from / "backup.json", x.dump());
  CHECK(why(from, target).find("damaged") != std::string::npos);
  write(from / "backup.json", "{");
  CHECK(why(from, target).find("damaged") != std::string::npos);
  write(from / "backup.json", manifest);
  fs::remove(from / "chain" / "CURRENT");
  CHECK(why(from, target) != "restored");
}

TEST_CASE_FIXTURE(backup_fixture, "a store lists its unspent outputs up to a limit") {
  const auto all = store->unspent(1'000'000);
  REQUIRE(all);
  CHECK(all->size() == store->tip().utxo_count);
  CHECK(store->unspent(all->size())->size() == all->size());
  CHECK_FALSE(store->unspent(all->size() - 1));
  for (const auto& [where, coin] : *all)
    CHECK(store->coins(where.txid).at(where.vout) == coin);
}
