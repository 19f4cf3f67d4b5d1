#pragma once

// Members of answers that may be of an older or newer node: of whatever type, or missing.

#include "app/rpc_json.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <type_traits>

namespace timenode::app {

/// The member if it has the type of `otherwise`, else that.
template <class T>
T member(const json& x, const char* name, T otherwise) {
  const auto found = x.is_object() ? x.find(name) : x.end();
  if (found == x.end())
    return otherwise;
  if constexpr (std::is_same_v<T, std::string>)
    return found->is_string() ? found->template get<T>() : otherwise;
  else if constexpr (std::is_same_v<T, bool>)
    return found->is_boolean() ? found->template get<T>() : otherwise;
  else
    return found->is_number() ? found->template get<T>() : otherwise;
}

/// The member, or an empty object.
inline json object_member(const json& x, const char* name) {
  const auto found = x.is_object() ? x.find(name) : x.end();
  return found == x.end() ? json::object() : *found;
}

}  // namespace timenode::app
