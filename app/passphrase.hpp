#pragma once

// Where the passphrase of a key file comes from: a file, the environment, or a person at a terminal.

#include "app/secret_text.hpp"
#include "messages/outcome.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace timenode::app {

/// Asked only when a passphrase is needed.
using passphrase_source = std::function<outcome<secret_text>()>;

/// The environment variable that is looked at.
inline constexpr const char* passphrase_variable = "TIMENODE_KEY_PASSPHRASE";

/// The first line of the file, without its end. Others must not be able to read the file.
outcome<secret_text> passphrase_from_file(const std::filesystem::path& file);

/// A line typed at the terminal of this process, which does not show it. `twice`: it has to be typed the
/// same again. Fails when there is no terminal.
outcome<secret_text> passphrase_from_terminal(const std::string& prompt, bool twice);

/// Looks at the file if there is one, else at the environment, else asks at the terminal. `about` is the
/// key file that it is for. The failure says what the three ways are.
passphrase_source passphrase_for(std::optional<std::filesystem::path> file,
                                 std::filesystem::path about, bool is_new = false);

}  // namespace timenode::app
