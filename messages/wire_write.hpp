#pragma once

// Writes any described type as JSON, byte for byte as the reference does.

#include "messages/json_writer.hpp"
#include "messages/wire_fields.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace timenode::wire {

// -- the types of fields --------------------------------------------------------

template <std::integral T>
void write_value(json_writer& out, T x) {
  out.value(x);
}

inline void write_value(json_writer& out, const std::string& x) {
  out.value(std::string_view{x});
}

template <std::size_t Size>
void write_value(json_writer& out, const std::array<std::uint8_t, Size>& x) {
  out.bytes(x);
}

inline void write_value(json_writer& out, const byte_string& x) {
  out.bytes(x);
}

inline void write_value(json_writer& out, masternode_tier x) {
  out.value(tier_names[static_cast<std::size_t>(x)]);
}

inline void write_value(json_writer& out, ballot_phase x) {
  out.value(phase_names[static_cast<std::size_t>(x)]);
}

template <described T>
void write_value(json_writer& out, const T& x) {
  write_content(out, x, form<T>{});
}

inline void write_value(json_writer& out, const block_ptr& x) {
  write_value(out, *x);
}

template <class T>
void write_value(json_writer& out, const std::optional<T>& x) {
  if (x)
    write_value(out, *x);
  else
    out.raw("null");
}

/// Writes an array of the values in the range.
template <class Range>
void write_array(json_writer& out, const Range& xs) {
  out.mark('[');
  auto first = true;
  for (const auto& x : xs) {
    if (!first)
      out.mark(',');
    first = false;
    write_value(out, x);
  }
  out.mark(']');
}

template <class T>
void write_value(json_writer& out, const std::vector<T>& x) {
  write_array(out, x);
}

template <class First, class... Rest>
void write_tuple(json_writer& out, const First& first, const Rest&... rest) {
  out.mark('[');
  write_value(out, first);
  ((out.mark(','), write_value(out, rest)), ...);
  out.mark(']');
}

template <class First, class Second>
void write_value(json_writer& out, const std::pair<First, Second>& x) {
  write_tuple(out, x.first, x.second);
}

// -- described structs ------------------------------------------------------------

template <class T, fixed_text Name, auto... Members>
void write_content(json_writer& out, const T& x, unnamed<Name, Members...>) {
  if constexpr (sizeof...(Members) == 1)
    (write_value(out, x.*Members), ...);
  else
    write_tuple(out, x.*Members...);
}

/// A key with its colon and the bracket or comma before it, made while compiling.
template <char Before, class Field>
inline constexpr auto key_text = Before + ('"' + Field::name + '"' + ':');

template <class T, fixed_text Name, class First, class... Rest>
void write_content(json_writer& out, const T& x, named<Name, First, Rest...>) {
  out.raw(key_text<'{', First>.view());
  write_value(out, x.*First::member);
  ((out.raw(key_text<',', Rest>.view()), write_value(out, x.*Rest::member)), ...);
  out.mark('}');
}

// -- enumerations -----------------------------------------------------------------

/// A variant's name with all that stands before its content.
template <class T>
inline constexpr auto tag_text = '{' + ('"' + form<T>::name + '"' + ':');

template <class... Ts>
void write_value(json_writer& out, const std::variant<Ts...>& x) {
  std::visit(
      [&out]<class T>(const T& alternative) {
        if constexpr (std::is_empty_v<T>) {
          static constexpr auto quoted = '"' + form<T>::name + '"';
          out.raw(quoted.view());
        } else {
          out.raw(tag_text<T>.view());
          write_value(out, alternative);
          out.mark('}');
        }
      },
      x);
}

}  // namespace timenode::wire
