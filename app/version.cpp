#include "app/command_line.hpp"
#include "timenode/build_info.hpp"

#include <boost/version.hpp>
#include <caf/config.hpp>
#include <fmt/format.h>
#include <lzma.h>
#include <nlohmann/detail/abi_macros.hpp>
#include <openssl/crypto.h>
#include <rocksdb/version.h>
#include <sodium/version.h>
#include <spdlog/version.h>

namespace timenode::app {

std::string version_text() {
  return fmt::format(
      "timenode {} ({})\n"
      "compiler {}; CAF {}.{}.{}, Boost {}.{}.{}, RocksDB {}.{}.{}, OpenSSL {}, libsodium {},\n"
      "liblzma {}, simdjson {}, nlohmann-json {}.{}.{}, toml++ {}, CLI11 {}, spdlog {}.{}.{}, fmt "
      "{}.{}.{}\n",
      version(), commit(), __VERSION__, CAF_VERSION / 10'000, CAF_VERSION / 100 % 100,
      CAF_VERSION % 100, BOOST_VERSION / 100'000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100,
      ROCKSDB_MAJOR, ROCKSDB_MINOR, ROCKSDB_PATCH, OpenSSL_version(OPENSSL_VERSION_STRING),
      SODIUM_VERSION_STRING, lzma_version_string(), TIMENODE_SIMDJSON_VERSION,
      NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH,
      TIMENODE_TOML_VERSION, TIMENODE_CLI11_VERSION, SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR,
      SPDLOG_VER_PATCH, FMT_VERSION / 10'000, FMT_VERSION / 100 % 100, FMT_VERSION % 100);
}

}  // namespace timenode::app
