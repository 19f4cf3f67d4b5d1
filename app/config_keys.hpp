#pragma once

// The keys of a configuration file: those that we use, those of the deployed daemon that we do not,
// and which of ours somebody meant who mistyped it.

#include <span>
#include <string_view>

namespace timenode::app {

/// The keys that have an effect, by their whole names.
std::span<const std::string_view> used_keys() noexcept;

/// Whether the deployed daemon's file may have the key or section and it means nothing to us.
bool is_unused_key(std::string_view key) noexcept;

/// Whether a key of ours, used or not, is in a section of that name.
bool is_known_section(std::string_view section) noexcept;

/// The used key that is nearest to `key`: the same name in another section, else the fewest letters
/// to change.
std::string_view nearest_key(std::string_view key);

/// As `nearest_key`, for a section.
std::string_view nearest_section(std::string_view section);

}  // namespace timenode::app
