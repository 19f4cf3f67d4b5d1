#include "app/commands.hpp"
#include "app/config_file.hpp"
#include "app/key_file.hpp"
#include "app/wallet_file.hpp"
#include "chain/hex.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

namespace timenode::app {

namespace {

/// A key to be imported, and what is known of it.
struct found_key {
  chain::key_pair keys;
  std::optional<network_id> network;  ///< Of a wallet.
};

void tell(const std::filesystem::path& file, const public_key& key, bool encrypted,
          network_id network) {
  fmt::print("key file    {}{}\npublic key  {}\naddress     {} ({})\n", file.string(),
             encrypted ? " (encrypted)" : "", chain::to_hex(key), chain::address_of(key, network),
             to_string(network));
}

outcome<void> store(const key_command& x, const std::filesystem::path& file,
                    const chain::key_pair& keys, network_id network) {
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored))
    return fail("there is a key file " + file.string() +
                " already; a key is never overwritten: move it away, or name another with "
                "--key-file");
  std::optional<secret_text> passphrase;
  if (x.encrypt || x.passphrase_file) {
    auto text = passphrase_for(x.passphrase_file, file, true)();
    if (!text)
      return tl::unexpected{text.error()};
    passphrase = std::move(*text);
  }
  if (auto written = write_key_file(file, keys, passphrase ? &*passphrase : nullptr); !written)
    return written;
  tell(file, keys.public_key(), passphrase.has_value(), network);
  std::fputs(passphrase ? "Keep a copy of the file and the passphrase: who loses either loses what "
                          "the address holds.\n"
                        : "Keep a copy: who loses the file loses what the address holds, and who "
                          "reads it can spend it.\n",
             stdout);
  return {};
}

outcome<std::string> read_bytes(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  std::string bytes(max_wallet_bytes + 1, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (in.bad() || !in.is_open())
    return fail("cannot read " + file.string());
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  return bytes;
}

/// A wallet of the daemon, or one of our own key files.
outcome<found_key> find_key(const std::filesystem::path& file) {
  const auto text = read_bytes(file);
  if (!text)
    return tl::unexpected{text.error()};
  const secret_text bytes{*text};
  const auto is_ours =
      bytes.view().starts_with(sealed_key_header) ||
      chain::from_hex<chain::secret_seed>(bytes.view().substr(0, bytes.view().find('\n')));
  if (is_ours) {
    const auto stored = read_key_file(file);
    if (!stored)
      return tl::unexpected{stored.error()};
    auto keys = open_key(*stored, passphrase_for({}, file));
    if (!keys)
      return tl::unexpected{keys.error()};
    return found_key{std::move(*keys), {}};
  }
  auto wallet = parse_wallet(
      {reinterpret_cast<const std::uint8_t*>(bytes.view().data()), bytes.view().size()});
  if (!wallet)
    return fail("cannot import " + file.string() + ": " + wallet.error().reason);
  return found_key{std::move(wallet->keys), wallet->network};
}

outcome<void> import_key(const key_command& x, const std::filesystem::path& file,
                         network_id network) {
  auto found = find_key(x.from);
  if (!found)
    return tl::unexpected{found.error()};
  if (found->network && *found->network != network)
    return fail(x.from.string() + " is a wallet of " + std::string{to_string(*found->network)} +
                ", and this is " + std::string{to_string(network)} + ": say --network " +
                std::string{to_string(*found->network)});
  return store(x, file, found->keys, network);
}

outcome<void> show_key(const std::filesystem::path& file, network_id network) {
  const auto stored = read_key_file(file);
  if (!stored)
    return tl::unexpected{stored.error()};
  tell(file, stored->public_key(), stored->encrypted(), network);
  return {};
}

outcome<void> carry_out(const key_command& x) {
  const auto loaded = load_config(x.node.config_file, x.node.said, home_directory());
  if (!loaded)
    return tl::unexpected{loaded.error()};
  const auto& config = loaded->config;
  const auto file = x.file.value_or(config.masternode.key_file);
  switch (x.what) {
  case key_command::deed::make:
    return store(x, file, chain::key_pair::generate(), config.network);
  case key_command::deed::show:
    return show_key(file, config.network);
  case key_command::deed::import:
    return import_key(x, file, config.network);
  }
  return {};
}

}  // namespace

int run_key(const key_command& x) {
  const auto done = carry_out(x);
  if (done)
    return EXIT_SUCCESS;
  std::fprintf(stderr, "timenode: %s\n", done.error().reason.c_str());
  return EXIT_FAILURE;
}

}  // namespace timenode::app
