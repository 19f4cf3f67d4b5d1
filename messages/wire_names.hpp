#pragma once

// The names of an enumeration's variants, collected from their descriptions while compiling.

#include "messages/wire_form.hpp"

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>
#include <variant>

namespace timenode::wire {

/// The names of `Variant`'s alternatives and how to find one.
template <class Variant>
struct variant_names;

template <class... Ts>
struct variant_names<std::variant<Ts...>> {
  static_assert((described<Ts> && ...), "every alternative needs a form");

  static constexpr std::size_t count = sizeof...(Ts);
  static constexpr std::array<std::string_view, count> all{form<Ts>::name.view()...};

  /// The index of `name`, or `count`. Names of other lengths are never looked at.
  static constexpr std::size_t find(std::string_view name) noexcept {
    if (name.size() > longest)
      return count;
    for (std::size_t i = first_of_length[name.size()]; i < first_of_length[name.size() + 1]; ++i)
      if (all[by_length[i]] == name)
        return by_length[i];
    return count;
  }

 private:
  static constexpr std::size_t longest = [] {
    std::size_t result = 0;
    for (auto name : all)
      result = name.size() > result ? name.size() : result;
    return result;
  }();

  // Indexes of `all`, the shortest names first, ...
  static constexpr auto by_length = [] {
    std::array<std::size_t, count> result{};
    std::size_t at = 0;
    for (std::size_t length = 0; length <= longest; ++length)
      for (std::size_t i = 0; i < count; ++i)
        if (all[i].size() == length)
          result[at++] = i;
    return result;
  }();

  // ... and where in it the names of each length begin.
  static constexpr auto first_of_length = [] {
    std::array<std::size_t, longest + 2> result{};
    for (std::size_t length = 0; length <= longest; ++length) {
      result[length + 1] = result[length];
      for (auto name : all)
        result[length + 1] += name.size() == length ? 1 : 0;
    }
    return result;
  }();

  static constexpr bool all_differ = [] {
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (all[i] == all[j])
          return false;
    return true;
  }();
  static_assert(all_differ, "two variants must not share a name");
};

}  // namespace timenode::wire
