#include "app/testnet_nodes.hpp"

#include "net/slots.hpp"
#include "net/socket.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

namespace timenode::app {

namespace {

/// A basic string of TOML.
std::string quoted(const std::string& text) {
  std::string result{'"'};
  for (const auto c : text) {
    if (c == '"' || c == '\\')
      result += '\\';
    if (static_cast<unsigned char>(c) < 0x20)
      result += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    else
      result += c;
  }
  return result + '"';
}

std::string quoted(const endpoint& x) {
  return quoted(x.to_string());
}

outcome<void> check_free(const endpoint& at, std::string_view what) {
  const auto listener = net::open_listener(at);
  if (listener)
    return {};
  const auto& why = listener.error().reason;
  if (why.find("in use") == why.npos)
    return fail(fmt::format("cannot start the network: {} on {}: {}", what, at.to_string(), why));
  return fail(fmt::format(
      "cannot start the network: {}, for {}, is in use by another program: stop it (is it "
      "another 'timenode testnet'?), or choose other ports with --base-port",
      at.to_string(), what));
}

outcome<void> write_file(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out{file, std::ios::trunc};
  out << text;
  out.close();
  if (!out)
    return fail("cannot write " + file.string() + ": " + std::generic_category().message(errno));
  return {};
}

/// All begin together: a network whose first block some have not seen would be two.
std::string consensus_text(const testnet_command& x) {
  if (!x.block_time)
    return {};
  return fmt::format("[consensus]\nblock_time_seconds = {}\nfirst_masternodes = {}\n\n",
                     *x.block_time, x.masternodes.value_or(x.nodes));
}

}  // namespace

std::vector<testnet_node> plan_testnet(const testnet_command& x, const std::filesystem::path& dir) {
  std::vector<testnet_node> result;
  for (std::size_t i = 1; i <= x.nodes; ++i) {
    const auto ip = ip_address::from_v4({127, 0, 0, static_cast<std::uint8_t>(i)});
    const auto port = [&x](int above) { return static_cast<std::uint16_t>(x.base_port + above); };
    result.push_back({{ip, port(0)},
                      {ip, port(1)},
                      {ip, port(2)},
                      dir / ("node-" + std::to_string(i)),
                      i <= x.masternodes.value_or(x.nodes)});
  }
  return result;
}

std::string config_text(const testnet_node& node, const testnet_node& first,
                        const testnet_command& x) {
  const auto peers = node.p2p == first.p2p ? "" : quoted(first.p2p);
  return fmt::format("# Made by 'timenode testnet'. This node can also be run alone:\n"
                     "#   timenode run --config {}\n"
                     "[node]\n"
                     "network = \"testnet\"\n\n"
                     "[network]\n"
                     "listen_address = {}\n"
                     "bootstrap_peers = [{}]\n"
                     "max_peers = {}\n\n"
                     "[rpc]\n"
                     "listen_address = {}\n\n"
                     "[metrics]\n"
                     "listen_address = {}\n\n"
                     "[storage]\n"
                     "data_dir = {}\n\n"
                     "[masternode]\n"
                     "enabled = {}\n\n"
                     "{}"
                     "[logging]\n"
                     "level = \"{}\"\n"
                     "output = \"file\"\n"
                     "file_path = {}\n",
                     node.config_file().filename().string(), quoted(node.p2p), peers,
                     std::max(x.nodes, net::default_max_peers), quoted(node.rpc),
                     quoted(node.metrics), quoted(node.dir.string()),
                     node.is_masternode ? "true" : "false", consensus_text(x), to_string(x.level),
                     quoted(node.log_file().string()));
}

outcome<void> prepare_testnet(const std::vector<testnet_node>& nodes, const testnet_command& x) {
  for (const auto& node : nodes) {
    for (const auto& [at, what] : {std::pair{node.p2p, "P2P"}, std::pair{node.rpc, "RPC"},
                                   std::pair{node.metrics, "the metrics server"}})
      if (auto fine = check_free(at, what); !fine)
        return fine;
    std::error_code error;
    std::filesystem::create_directories(node.dir, error);
    if (error)
      return fail("cannot make " + node.dir.string() + ": " + error.message());
    if (auto written = write_file(node.config_file(), config_text(node, nodes.front(), x));
        !written)
      return written;
  }
  return {};
}

outcome<std::vector<child_process>> start_testnet(const std::vector<testnet_node>& nodes) {
  std::vector<child_process> result;
  for (const auto& node : nodes) {
    auto child =
        child_process::start({"run", "--config", node.config_file().string()}, node.output_file());
    if (!child)
      return tl::unexpected{child.error()};
    result.push_back(std::move(*child));
  }
  return result;
}

std::vector<std::string> last_words(const testnet_node& x) {
  constexpr std::size_t lines = 5;
  auto result = last_lines(x.log_file(), lines);
  for (auto& line : last_lines(x.output_file(), lines))
    result.push_back(std::move(line));
  return result;
}

outcome<testnet_directory>
testnet_directory::make(const std::optional<std::filesystem::path>& wanted) {
  std::error_code error;
  if (wanted) {
    const auto path = std::filesystem::absolute(*wanted, error).lexically_normal();
    if (!error)
      std::filesystem::create_directories(path, error);
    if (error)
      return fail("cannot make the directory " + wanted->string() + ": " + error.message());
    return testnet_directory{path, true};
  }
  const auto parent = std::filesystem::temp_directory_path(error);
  auto name = (error ? std::filesystem::path{"/tmp"} : parent) / "timenode-testnet-XXXXXX";
  auto text = name.string();
  if (!mkdtemp(text.data()))
    return fail("cannot make a temporary directory " + name.string() + ": " +
                std::generic_category().message(errno) + "; name one with --dir");
  return testnet_directory{text, false};
}

testnet_directory::testnet_directory(testnet_directory&& other) noexcept
    : path_{std::move(other.path_)}, kept_{std::exchange(other.kept_, true)} {}

testnet_directory::~testnet_directory() {
  if (kept_)
    return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace timenode::app
