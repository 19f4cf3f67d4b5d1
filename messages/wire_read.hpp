#pragma once

// Reads any described type from JSON. All functions return false after recording in the reader what is
// wrong and where.

#include "messages/json_reader.hpp"
#include "messages/json_scalars.hpp"
#include "messages/wire_fields.hpp"
#include "messages/wire_names.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace timenode::wire {

/// Names that others chose are cut to this many bytes where we repeat them.
inline constexpr std::size_t longest_name_shown = 64;

/// What the first element of an array allocates.
inline constexpr std::size_t first_array_bytes = 256;

// -- the types of fields --------------------------------------------------------

template <class T>
requires requires(json_reader& in, T& x) {
  in.read(x);
}
bool read_value(json_reader& in, T& x) {
  return in.read(x);
}

template <std::size_t Size>
bool read_value(json_reader& in, std::array<std::uint8_t, Size>& x) {
  return in.read_bytes(x.data(), Size);
}

/// An enumeration that is written by name.
template <class Enum, std::size_t Size>
bool read_name(json_reader& in, Enum& x, const std::string_view (&names)[Size],
               std::string_view otherwise) {
  std::string_view name;
  std::string buffer;
  if (!in.read_text(name, buffer))
    return false;
  for (std::size_t i = 0; i < Size; ++i) {
    if (name == names[i]) {
      x = static_cast<Enum>(i);
      return true;
    }
  }
  return in.wrong(otherwise);
}

inline bool read_value(json_reader& in, masternode_tier& x) {
  return read_name(in, x, tier_names, "not a tier");
}

inline bool read_value(json_reader& in, ballot_phase& x) {
  return read_name(in, x, phase_names, "not a phase");
}

template <described T>
bool read_value(json_reader& in, T& x) {
  return read_content(in, x, form<T>{});
}

inline bool read_value(json_reader& in, block_ptr& x) {
  auto result = std::make_shared<block>();
  if (!read_value(in, *result))
    return false;
  x = std::move(result);
  return true;
}

template <class T>
bool read_value(json_reader& in, std::optional<T>& x) {
  if (in.take_null()) {
    x.reset();
    return true;
  }
  return read_value(in, x.emplace());
}

template <class T>
requires(!std::is_same_v<T, std::uint8_t>)  // Bytes have a faster way.
    bool read_value(json_reader& in, std::vector<T>& x) {
  x.clear();
  if (!in.take('['))
    return in.wrong("not an array");
  if (in.take(']'))
    return true;
  // Most arrays are short: one allocation then, and never much against the text that asks for it.
  x.reserve(first_array_bytes / sizeof(T));
  do {
    if (!read_value(in, x.emplace_back()))
      return in.in_element(x.size() - 1);
  } while (in.take(','));
  return in.take(']') || in.wrong("not JSON: ',' or ']' is wanted");
}

// -- arrays of a known number of values -------------------------------------------

/// How many elements an array has whose next one, number `index`, is there; reads past them. None after
/// an error.
inline std::optional<std::size_t> count_elements(json_reader& in, std::size_t index) {
  do {
    if (!in.skip_value()) {
      in.in_element(index);
      return std::nullopt;
    }
    ++index;
  } while (in.take(','));
  return index;
}

/// Reads an array of exactly these values.
template <class... Ts>
bool read_tuple(json_reader& in, Ts&... xs) {
  if (!in.take('['))
    return in.wrong("not an array");
  std::size_t index = 0;
  // The element's own fault, or a missing one: found out below.
  bool short_of_one = false;
  auto read_one = [&](auto& x) {
    if (in.peek() == ']' || (index != 0 && !in.take(','))) {
      short_of_one = true;
      return false;
    }
    if (!read_value(in, x))
      return in.in_element(index);
    ++index;
    return true;
  };
  if ((read_one(xs) && ...)) {
    if (in.take(']'))
      return true;
    if (!in.take(','))
      return in.wrong("not JSON: ',' or ']' is wanted");
    auto count = count_elements(in, index);
    return count && in.wrong_count(*count, sizeof...(Ts));
  }
  if (!short_of_one)
    return false;
  if (in.peek() == ']')
    return in.wrong_count(index, sizeof...(Ts));
  return in.wrong("not JSON: ',' or ']' is wanted");
}

template <class First, class Second>
bool read_value(json_reader& in, std::pair<First, Second>& x) {
  return read_tuple(in, x.first, x.second);
}

// -- unnamed fields ---------------------------------------------------------------

template <class T, fixed_text Name, auto... Members>
bool read_content(json_reader& in, T& x, unnamed<Name, Members...>) {
  if constexpr (sizeof...(Members) == 0)
    // As serde does: {"GetPeers":null}.
    return in.take_null() || in.wrong("not null");
  else if constexpr (sizeof...(Members) == 1)
    return (read_value(in, x.*Members) && ...);
  else
    return read_tuple(in, x.*Members...);
}

// -- named fields -----------------------------------------------------------------

template <class Field, class T>
bool read_field(json_reader& in, T& x) {
  return read_value(in, x.*Field::member) || in.in_field(Field::name.view());
}

/// Reads the rest of an object whose fields in `seen` (a bit each) have been read.
template <class... Fields, class T>
bool read_fields_in_any_order(json_reader& in, T& x, std::uint32_t seen) {
  static_assert(sizeof...(Fields) < 32);
  std::string_view key;
  std::string buffer;
  auto read_one = [&] {
    if (!in.read_key(key, buffer))
      return false;
    std::uint32_t bit = 1;
    bool fine = true;
    auto is_this = [&]<class Field>(std::in_place_type_t<Field>) {
      if (key != Field::name.view()) {
        bit <<= 1;
        return false;
      }
      seen |= bit;
      fine = read_field<Field>(in, x);
      return true;
    };
    if ((is_this(std::in_place_type<Fields>) || ...))
      return fine;
    return in.skip_value() || in.in_field(printable(key, longest_name_shown));
  };
  if (seen == 0 && !in.take('{'))
    return in.wrong("not an object");
  if (!in.take('}')) {
    if (seen != 0 && !in.take(','))
      return in.wrong("not JSON: ',' or '}' is wanted");
    do {
      if (!read_one())
        return false;
    } while (in.take(','));
    if (!in.take('}'))
      return in.wrong("not JSON: ',' or '}' is wanted");
  }
  std::uint32_t bit = 1;
  auto is_there = [&](std::string_view name) {
    auto there = (seen & bit) != 0;
    bit <<= 1;
    if (!there) {
      in.wrong("missing");
      in.in_field(name);
    }
    return there;
  };
  return (is_there(Fields::name.view()) && ...);
}

template <class T, fixed_text Name, class... Fields>
bool read_content(json_reader& in, T& x, named<Name, Fields...>) {
  // Fields come in this order and spelling from everyone who uses serde.
  std::uint32_t seen = 0;
  bool fine = true;
  auto is_next = [&]<class Field>(std::in_place_type_t<Field>) {
    if (!in.take_key<Field::name>(seen == 0 ? '{' : ','))
      return false;
    seen = (seen << 1) | 1;
    fine = read_field<Field>(in, x);
    return fine;
  };
  if ((is_next(std::in_place_type<Fields>) && ...) && in.take('}'))
    return true;
  return fine && read_fields_in_any_order<Fields...>(in, x, seen);
}

// -- enumerations -----------------------------------------------------------------

/// Reads the content of alternative `index` into `x`.
template <class... Ts>
bool read_alternative(json_reader& in, std::variant<Ts...>& x, std::size_t index) {
  using reader = bool (*)(json_reader&, std::variant<Ts...>&);
  static constexpr reader readers[] = {[](json_reader& from, std::variant<Ts...>& to) {
    return read_value(from, to.template emplace<Ts>());
  }...};
  return readers[index](in, x);
}

/// Makes `x` alternative `index`, which was named without content. False when it should have some.
template <class... Ts>
bool choose_unit(json_reader& in, std::variant<Ts...>& x, std::size_t index) {
  std::size_t at = 0;
  bool fine = false;
  auto choose = [&]<class T>(std::in_place_type_t<T>) {
    if (at++ != index)
      return false;
    if constexpr (std::is_empty_v<T>) {
      x.template emplace<T>();
      fine = true;
    }
    return true;
  };
  static_cast<void>((choose(std::in_place_type<Ts>) || ...));
  return fine || in.wrong("its content is missing");
}

/// Which variant a value named.
struct variant_tag {
  std::string_view name;  ///< Empty when it could not be read. May point into `buffer`.
  std::string buffer;
  bool known = true;  ///< False: no alternative has that name, and its content was only checked.
};

/// Reads a variant in serde's externally tagged form.
template <class... Ts>
bool read_variant(json_reader& in, std::variant<Ts...>& x, variant_tag& tag) {
  using names = variant_names<std::variant<Ts...>>;
  if (in.peek() == '"') {
    if (!in.read_text(tag.name, tag.buffer))
      return false;
    auto index = names::find(tag.name);
    tag.known = index != names::count;
    return !tag.known || choose_unit(in, x, index);
  }
  if (!in.take('{'))
    return in.wrong("neither a name nor an object");
  if (in.peek() == '}')
    return in.wrong("an object without a name");
  if (!in.read_key(tag.name, tag.buffer))
    return false;
  auto index = names::find(tag.name);
  tag.known = index != names::count;
  if (!(tag.known ? read_alternative(in, x, index) : in.skip_value()))
    return false;
  if (in.peek() == ',')
    return in.wrong("an object with several names");
  return in.take('}') || in.wrong("not JSON: '}' is wanted");
}

template <class... Ts>
bool read_value(json_reader& in, std::variant<Ts...>& x) {
  variant_tag tag;
  if (!read_variant(in, x, tag))
    return tag.name.empty() ? false : in.in_field(printable(tag.name, longest_name_shown));
  return tag.known || in.wrong("not a variant that we know");
}

}  // namespace timenode::wire
