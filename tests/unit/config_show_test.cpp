#include "app/config_keys.hpp"
#include "app/config_reloader.hpp"
#include "app/config_show.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

using namespace timenode;
using namespace timenode::app;

namespace {

const std::string file = R"([network]
listen_address = "192.0.2.1:5"
max_peers = 7
bootstrap_peers = ["192.0.2.8", "seed.example:9"]
[rpc]
listen_address = "0.0.0.0"
rpcauth = "joe:salt$)" + std::string(64, 'a') +
                         R"("
[logging]
level = "debug"
file_path = "/var/log/a \"b\".log"
max_size_mb = 3
[masternode]
enabled = true
tier = "gold"
[metrics]
prometheus_port = 5000
)";

std::vector<shown_setting> show(const std::string& text, const settings& said = {}) {
  const auto read = parse_config(text, "a.toml").value();
  return describe_config(make_config(said, read.said, "/home/x").value(), said, read, "a.toml");
}

shown_setting find(const std::vector<shown_setting>& all, const std::string& key) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&key](const auto& x) { return x.key == key; });
  REQUIRE(found != all.end());
  return *found;
}

}  // namespace

TEST_CASE("config show: every key that is used is shown, or is another name of one that is") {
  const auto all = show("");
  for (const auto key : used_keys()) {
    CAPTURE(key);
    if (key != "masternode.wallet_address" && key != "metrics.prometheus_port")
      CHECK(find(all, std::string{key}).origin == "default");
  }
  CHECK(all.size() == used_keys().size() - 2);
}

TEST_CASE("config show: the origin is the command line, a line of the file, or the default") {
  settings said;
  said.level = log_level::warn;
  const auto all = show(file, said);
  CHECK(find(all, "logging.level") == shown_setting{"logging.level", "\"warn\"", "command line"});
  CHECK(find(all, "network.max_peers") == shown_setting{"network.max_peers", "7", "a.toml:3"});
  CHECK(find(all, "network.bootstrap_peers").value == R"(["192.0.2.8:24100", "seed.example:9"])");
  CHECK(find(all, "metrics.listen_address") ==
        shown_setting{"metrics.listen_address", "\"127.0.0.1:5000\"", "a.toml:16"});
  CHECK(find(all, "masternode.tier").value == "\"gold\"");
  CHECK(find(all, "storage.data_dir") ==
        shown_setting{"storage.data_dir", "\"/home/x/.timenode/testnet\"", "default"});
}

TEST_CASE("config show: what is printed is a configuration that means the same") {
  for (const auto& text : {file, std::string{}}) {
    const auto first = show(text);
    const auto again = show(config_text(first));
    REQUIRE(first.size() == again.size());
    for (std::size_t i = 0; i < first.size(); ++i) {
      CAPTURE(first[i].key);
      CHECK(first[i].value == again[i].value);
    }
  }
}

TEST_CASE(
    "config show: two configurations differ in what is applied and what waits for a restart") {
  const auto before = show("[logging]\nlevel = \"info\"\nmax_files = 5\n");
  const auto after = show("[logging]\nlevel = \"debug\"\nmax_files = 6\n");
  const auto x = compare_config(before, after);
  CHECK(x.applied == std::vector<std::string>{"logging.level: \"info\" -> \"debug\""});
  CHECK(x.needs_restart == std::vector<std::string>{"logging.max_files: 5 -> 6"});
  CHECK(compare_config(before, before).applied.empty());
  CHECK(compare_config(before, before).needs_restart.empty());
}

namespace {

/// A configuration file that is written again and again.
struct reload_fixture {
  reload_fixture() {
    auto name = (std::filesystem::temp_directory_path() / "timenode-reload-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    directory = name;
    options.config_file = directory / "a.toml";
  }
  ~reload_fixture() { std::filesystem::remove_all(directory); }

  void write(const std::string& text) const { std::ofstream{*options.config_file} << text; }

  config_reloader start() {
    const auto loaded = load_config(options.config_file, options.said, home_directory()).value();
    return {options,
            loaded,
            {[this](log_level x) { levels.push_back(x); },
             [this](const endpoint& x) { peers.push_back(x.to_string()); },
             [this](const endpoint& x) { removed.push_back(x.to_string()); },
             [this](const peer_settings& x) { settings.push_back(x); }}};
  }

  std::filesystem::path directory;
  node_options options;
  std::vector<log_level> levels;
  std::vector<std::string> peers;
  std::vector<std::string> removed;
  std::vector<peer_settings> settings;
};

}  // namespace

TEST_CASE_FIXTURE(reload_fixture, "reload: the level and peers are applied, once; the rest waits") {
  write("[network]\nbootstrap_peers = [\"192.0.2.1\", \"192.0.2.3\"]\n");
  auto reloader = start();
  write("[network]\nbootstrap_peers = [\"192.0.2.1\", \"192.0.2.2:5\"]\n"
        "[logging]\nlevel = \"trace\"\nmax_files = 9\n");
  auto x = reloader.reload();
  REQUIRE(x);
  CHECK(x->applied.size() == 2);
  CHECK(levels == std::vector{log_level::trace});
  CHECK(peers == std::vector<std::string>{"192.0.2.2:5"});
  CHECK(removed == std::vector<std::string>{"192.0.2.3:24100"});
  CHECK(settings.empty());
  CHECK(x->needs_restart == std::vector<std::string>{"logging.max_files: 5 -> 9"});
  x = reloader.reload();
  REQUIRE(x);
  CHECK(x->applied.empty());
  CHECK(x->needs_restart.size() == 1);  // It waits still.
  CHECK(levels.size() == 1);
  CHECK(peers.size() == 1);
  CHECK(removed.size() == 1);
}

TEST_CASE_FIXTURE(reload_fixture,
                  "reload: bans, trust and places go to the peers' actors, all of them") {
  write("[network]\nblacklisted_peers = [\"192.0.2.1\"]\n");
  auto reloader = start();
  write("[network]\nmax_peers = 7\nblacklisted_peers = [\"192.0.2.1\"]\n"
        "whitelisted_peers = [\"192.0.2.9\"]\n");
  const auto x = reloader.reload();
  REQUIRE(x);
  CHECK(x->applied.size() == 2);
  REQUIRE(settings.size() == 1);
  CHECK(settings[0].max_peers == 7);
  CHECK(settings[0].banned.size() == 1);
  CHECK(settings[0].trusted.size() == 1);
  CHECK_FALSE(settings[0].trusted_only);
}

TEST_CASE_FIXTURE(reload_fixture,
                  "reload: a wrong configuration changes nothing and says its line") {
  write("");
  auto reloader = start();
  write("[logging]\nlevel = \"debug\"\n[network]\nmax_peers = 0\n");
  const auto x = reloader.reload();
  REQUIRE_FALSE(x);
  CHECK(x.error().reason.find("a.toml:4") != std::string::npos);
  CHECK(x.error().reason.find("nothing was changed") != std::string::npos);
  CHECK(levels.empty());
  write("[logging]\nlevel = \"debug\"\n[network]\nmax_peer = 3\n");
  const auto noticed = reloader.reload();
  REQUIRE(noticed);
  CHECK(noticed->notices.size() == 1);
  CHECK(levels == std::vector{log_level::debug});
}
