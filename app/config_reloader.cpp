#include "app/config_reloader.hpp"

#include "app/host_names.hpp"

#include <algorithm>
#include <utility>

namespace timenode::app {

namespace {

constexpr std::string_view level_key = "logging.level";
constexpr std::string_view peers_key = "network.bootstrap_peers";

std::vector<shown_setting> shown(const loaded_config& x, const node_options& options) {
  const auto name = options.config_file ? options.config_file->string() : std::string{};
  return describe_config(x.config, options.said, x.file, name);
}

bool contains(const auto& range, const auto& x) {
  return std::find(range.begin(), range.end(), x) != range.end();
}

}  // namespace

config_reloader::config_reloader(node_options options, const loaded_config& started_with,
                                 live_settings live)
    : options_{std::move(options)}, live_{std::move(live)}, shown_{shown(started_with, options_)},
      peers_{started_with.config.bootstrap_peers} {}

outcome<reload_report> config_reloader::reload() {
  const std::lock_guard lock{mutex_};
  auto loaded = load_server_config(options_.config_file, options_.said, home_directory());
  if (!loaded)
    return fail(loaded.error().reason + "; nothing was changed");
  const auto now = shown(*loaded, options_);
  auto changes = compare_config(shown_, now);
  reload_report report;
  report.applied = std::move(changes.applied);
  report.needs_restart = std::move(changes.needs_restart);
  for (const auto& notice : loaded->notices)
    report.notices.push_back(notice.text);
  if (contains(changes.keys_applied, level_key))
    live_.set_log_level(loaded->config.logging.level);
  if (contains(changes.keys_applied, peers_key))
    change_peers(loaded->config, report);
  if (std::any_of(changes.keys_applied.begin(), changes.keys_applied.end(),
                  [](const auto& key) { return key != level_key && key != peers_key; }))
    live_.set_peers({loaded->config.banned, loaded->config.trusted, loaded->config.trusted_only,
                     loaded->config.max_peers});
  // What waits for a restart is told again the next time, too.
  for (auto& setting : shown_)
    if (const auto fresh = std::find_if(now.begin(), now.end(),
                                        [&setting](const auto& x) { return x.key == setting.key; });
        fresh != now.end() && contains(changes.keys_applied, setting.key))
      setting = *fresh;
  return report;
}

void config_reloader::change_peers(node_config config, reload_report& report) {
  for (const auto& notice : resolve_hosts(config))
    report.notices.push_back(notice.text);
  for (const auto& peer : config.bootstrap_peers)
    if (!contains(peers_, peer))
      live_.add_peer(peer);
  for (const auto& peer : peers_)
    if (!contains(config.bootstrap_peers, peer))
      live_.remove_peer(peer);
  peers_ = config.bootstrap_peers;
}

}  // namespace timenode::app
