#pragma once

// How a struct looks on the wire, as types: the vocabulary that `wire_fields.hpp` describes the protocol
// in. One description serves the decoder and the encoder.

#include <cstddef>
#include <string_view>
#include <type_traits>

namespace timenode::wire {

/// A text that can be a template argument and be joined with others while compiling.
template <std::size_t Size>
struct fixed_text {
  char chars[Size + 1]{};

  static constexpr std::size_t size() noexcept { return Size; }
  constexpr std::string_view view() const noexcept { return {chars, Size}; }

  constexpr fixed_text() = default;
  // Implicit: texts are written as literals in the descriptions.
  constexpr fixed_text(const char (&text)[Size + 1]) noexcept {
    for (std::size_t i = 0; i < Size; ++i)
      chars[i] = text[i];
  }
};

template <std::size_t SizeAndZero>
fixed_text(const char (&)[SizeAndZero]) -> fixed_text<SizeAndZero - 1>;

template <std::size_t Size>
constexpr auto operator+(char left, const fixed_text<Size>& right) noexcept {
  fixed_text<Size + 1> result;
  result.chars[0] = left;
  for (std::size_t i = 0; i < Size; ++i)
    result.chars[i + 1] = right.chars[i];
  return result;
}

template <std::size_t Size>
constexpr auto operator+(const fixed_text<Size>& left, char right) noexcept {
  fixed_text<Size + 1> result;
  for (std::size_t i = 0; i < Size; ++i)
    result.chars[i] = left.chars[i];
  result.chars[Size] = right;
  return result;
}

/// A named field of a struct.
template <fixed_text Name, auto Member>
struct field {
  static constexpr auto name = Name;
  static constexpr auto member = Member;
};

/// The four shapes of the protocol page, section 2. `Name` is the variant's name in its enumeration.
/// A JSON object of these fields, written in this order:
template <fixed_text Name, class... Fields>
struct named {
  static constexpr auto name = Name;
};
/// The value alone (one member) or an array of the values (several):
template <fixed_text Name, auto... Members>
struct unnamed {
  static constexpr auto name = Name;
};
/// The name alone:
template <fixed_text Name>
using unit = unnamed<Name>;

/// An object that is not a variant of anything.
template <class... Fields>
using record = named<"", Fields...>;

/// The description of `T`: a specialization derives from one of the above.
template <class T>
struct form;

/// True for types that have a description.
template <class T>
concept described = requires {
  form<T>::name;
};

}  // namespace timenode::wire
