#include "app/backup.hpp"

#include "chain/hex.hpp"
#include "chain/write_all.hpp"
#include "timenode/build_info.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

namespace timenode::app {

namespace {

namespace fs = std::filesystem;

constexpr int backup_format = 1;
constexpr const char* manifest_name = "backup.json";
/// A larger one is none of ours.
constexpr std::uintmax_t max_manifest_bytes = 1u << 20;

tl::unexpected<failure> failed(const std::string& doing, const fs::path& what,
                               const std::error_code& error) {
  return tl::unexpected{failure{"cannot " + doing + " " + what.string() + ": " + error.message()}};
}

/// What the masternode signed: true of this moment only, so never in a backup.
bool is_journal(const fs::path& x) {
  return x.extension() == ".journal";
}

/// What is in a data directory beside the chain and belongs into a backup: files of its own, not
/// those of a running process, and no logs.
bool is_kept(const fs::directory_entry& x) {
  const auto name = x.path().filename().string();
  std::error_code ignored;
  return x.is_regular_file(ignored) && !name.starts_with('.') && !name.ends_with(".log") &&
         name.find(".log.") == name.npos && !name.ends_with(".new") && name != manifest_name &&
         !is_journal(x.path());
}

outcome<void> sync_path(const fs::path& x) {
  const int fd = ::open(x.c_str(), O_RDONLY | O_CLOEXEC);
  const auto done = fd >= 0 && ::fsync(fd) == 0;
  const std::error_code error{errno, std::generic_category()};
  if (fd >= 0)
    ::close(fd);
  if (!done)
    return failed("write out", x, error);
  return {};
}

/// Copies a file, for its owner only.
outcome<void> copy_secret(const fs::path& from, const fs::path& to) {
  std::ifstream in{from, std::ios::binary};
  if (!in)
    return failed("read", from, {errno, std::generic_category()});
  // Made with its rights before there is anything in it.
  const int fd = ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return failed("make", to, {errno, std::generic_category()});
  std::array<char, 65536> buffer{};
  bool written = true;
  while (written && (in.read(buffer.data(), buffer.size()), in.gcount() > 0))
    written = chain::write_all(fd, {buffer.data(), static_cast<std::size_t>(in.gcount())});
  const std::error_code error{errno, std::generic_category()};
  ::close(fd);
  if (!written)
    return failed("write", to, error);
  if (in.bad())
    return failed("read", from, error);
  return sync_path(to);
}

std::string text_of(const fs::path& file) {
  std::ifstream in{file};
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

/// Copies the files beside the chain. Returns their names.
outcome<std::vector<std::string>> copy_files(const fs::path& from, const fs::path& to) {
  std::vector<std::string> result;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{from, error}) {
    if (!is_kept(entry))
      continue;
    auto name = entry.path().filename().string();
    if (auto copied = copy_secret(entry.path(), to / name); !copied)
      return tl::unexpected{copied.error()};
    result.push_back(std::move(name));
  }
  if (error)
    return failed("read", from, error);
  std::sort(result.begin(), result.end());
  return result;
}

outcome<void> write_manifest(const fs::path& to, const node_config& config,
                             const backup_report& report, std::int64_t now) {
  nlohmann::ordered_json x;
  x["format"] = backup_format;
  x["network"] = std::string{to_string(config.network)};
  x["height"] = report.tip.height;
  x["hash"] = chain::to_hex(report.tip.hash);
  x["made_at"] = now;
  x["version"] = std::string{version()};
  x["files"] = report.files;
  x["key_file"] = config.masternode.key_file.filename().string();
  const auto file = to / manifest_name;
  std::ofstream out{file};
  out << x.dump(2) << '\n';
  out.close();
  if (!out)
    return failed("write", file, {errno, std::generic_category()});
  return sync_path(file);
}

std::uint64_t bytes_in(const fs::path& directory) {
  std::uint64_t result = 0;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator{directory, error})
    if (std::error_code gone; entry.is_regular_file(gone))
      result += entry.file_size(gone);
  return result;
}

outcome<void> fill_backup(const chain::rocksdb_store& store, const node_config& config,
                          const fs::path& to, std::int64_t now, backup_report& report) {
  // The chain first: a table that is newer than the chain does no harm, an older one may.
  auto tip = store.copy_to(to / "chain");
  if (!tip)
    return tl::unexpected{tip.error()};
  report.tip = *tip;
  auto files = copy_files(config.data_dir, to);
  if (!files)
    return tl::unexpected{files.error()};
  report.files = std::move(*files);
  // The key may be kept elsewhere.
  const auto key = config.masternode.key_file;
  const auto name = key.filename().string();
  if (std::error_code error;
      fs::is_regular_file(key, error) &&
      std::find(report.files.begin(), report.files.end(), name) == report.files.end()) {
    if (auto copied = copy_secret(key, to / name); !copied)
      return copied;
    report.files.push_back(name);
  }
  if (auto written = write_manifest(to, config, report, now); !written)
    return written;
  return sync_path(to);
}

struct manifest {
  network_id network{};
  std::string hash;
};

outcome<manifest> read_manifest(const fs::path& from) {
  const auto file = from / manifest_name;
  std::error_code error;
  const auto size = fs::file_size(file, error);
  if (error)
    return fail(from.string() + " is no backup: it has no file " + manifest_name);
  const auto x =
      nlohmann::json::parse(size > max_manifest_bytes ? "" : text_of(file), nullptr, false);
  const auto damaged = fail("the backup in " + from.string() + " is damaged: its " + manifest_name +
                            " cannot be understood");
  if (!x.is_object() || !x.contains("format") || !x["format"].is_number_integer() ||
      !x.contains("network") || !x["network"].is_string() || !x.contains("hash") ||
      !x["hash"].is_string())
    return damaged;
  if (x["format"].get<std::int64_t>() > backup_format)
    return fail("the backup in " + from.string() +
                " was made by a newer timenode: install that version");
  const auto network = parse_network(x["network"].get<std::string>());
  if (!network)
    return damaged;
  return manifest{*network, x["hash"].get<std::string>()};
}

/// Opens the chain in a copy of a backup: that its tip is the one that was written down shows that
/// nothing is missing at the top; 'timenode check' looks at all of it.
outcome<chain_tip> check_chain(const fs::path& directory, const manifest& expected) {
  const auto store = chain::rocksdb_store::open(directory / "chain", expected.network);
  if (!store)
    return tl::unexpected{store.error()};
  const auto tip = (*store)->tip();
  if (chain::to_hex(tip.hash) != expected.hash)
    return fail("the backup is damaged: the tip of its chain is " + chain::to_hex(tip.hash) +
                ", not " + expected.hash);
  return tip;
}

/// Puts each entry of `fresh` into `to`; what was there goes to `aside`. The chain last: until it
/// is there, a node that is started says that something is missing rather than running on half of
/// it.
outcome<void> put_in_place(const fs::path& fresh, const fs::path& to, const fs::path& aside) {
  std::vector<fs::path> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{fresh, error})
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end(), [](const auto& x, const auto& y) {
    return std::pair{x == "chain", x} < std::pair{y == "chain", y};
  });
  for (const auto& name : names) {
    if (fs::exists(to / name, error)) {
      fs::create_directory(aside, error);
      fs::rename(to / name, aside / name, error);
      if (error)
        return failed("move aside", to / name, error);
    }
    fs::rename(fresh / name, to / name, error);
    if (error)
      return failed("put in place", to / name, error);
  }
  fs::remove(fresh, error);
  return sync_path(to);
}

/// A node that runs holds the lock of its chain.
outcome<void> check_not_running(const node_config& config) {
  std::error_code error;
  if (!fs::exists(chain_directory(config) / "CURRENT", error))
    return {};
  const auto opened = chain::rocksdb_store::open(chain_directory(config), config.network);
  if (!opened && opened.error().reason.find("another process") != std::string::npos)
    return fail("a node runs on " + config.data_dir.string() + ": stop it first ('timenode stop')");
  return {};
}

}  // namespace

outcome<backup_report> make_backup(const chain::rocksdb_store& store, const node_config& config,
                                   const fs::path& to, std::int64_t now) {
  std::error_code error;
  if (fs::exists(to, error))
    return fail("the backup's directory " + to.string() + " is there already: name a new one");
  auto partial = to;
  partial += ".partial";
  fs::remove_all(partial, error);
  if (!fs::create_directory(partial, error))
    return failed("make", partial, error);
  fs::permissions(partial, fs::perms::owner_all, error);
  backup_report report;
  if (auto filled = fill_backup(store, config, partial, now, report); !filled) {
    fs::remove_all(partial, error);
    return tl::unexpected{filled.error()};
  }
  report.bytes = bytes_in(partial);
  fs::rename(partial, to, error);
  if (error)
    return failed("rename " + partial.string() + " to", to, error);
  if (auto synced = sync_path(to.has_parent_path() ? to.parent_path() : fs::path{"."}); !synced)
    return tl::unexpected{synced.error()};
  return report;
}

outcome<restore_report> restore_backup(const fs::path& from, const node_config& config,
                                       bool replace, std::int64_t now) {
  const auto expected = read_manifest(from);
  if (!expected)
    return tl::unexpected{expected.error()};
  if (expected->network != config.network)
    return fail("the backup is one of " + std::string{to_string(expected->network)} +
                ", this node is on " + std::string{to_string(config.network)} + ": say --network " +
                std::string{to_string(expected->network)});
  const auto& data_dir = config.data_dir;
  std::error_code error;
  if (fs::exists(chain_directory(config), error) && !replace)
    return fail(
        "there is a chain in " + data_dir.string() +
        " already: name another directory by --data-dir, or say --replace to move it aside");
  if (auto stopped = check_not_running(config); !stopped)
    return tl::unexpected{stopped.error()};
  // On the same disk, so that what was copied and checked is then only renamed.
  const auto fresh = data_dir / ".restoring";
  fs::remove_all(fresh, error);
  fs::create_directories(fresh, error);
  if (error)
    return failed("make", fresh, error);
  fs::permissions(fresh, fs::perms::owner_all, error);
  fs::copy(from, fresh, fs::copy_options::recursive, error);
  if (error)
    return failed("copy " + from.string() + " to", fresh, error);
  auto tip = check_chain(fresh, *expected);
  if (!tip) {
    fs::remove_all(fresh, error);
    return tl::unexpected{tip.error()};
  }
  fs::remove(fresh / manifest_name, error);
  for (const auto& entry : fs::directory_iterator{fresh, error})
    if (is_journal(entry.path()))
      fs::remove(entry.path(), error);
  restore_report report{*tip, data_dir, data_dir / ("before-restore-" + std::to_string(now))};
  if (auto placed = put_in_place(fresh, data_dir, report.kept_in); !placed)
    return tl::unexpected{placed.error()};
  if (!fs::exists(report.kept_in, error))
    report.kept_in.clear();
  report.forgot_signatures = fs::exists(config.masternode.key_file, error) &&
                             !fs::exists(data_dir / "votes.journal", error);
  return report;
}

}  // namespace timenode::app
