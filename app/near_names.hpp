#pragma once

// How alike names are, for "did you mean". Pure.

#include <cstddef>
#include <string_view>

namespace timenode::app {

/// How many letters have to be put in, taken out or changed to make `a` into `b` (V. I. Levenshtein, 1966). Costs time in
/// proportion to the product of their lengths: cut what a stranger wrote.
std::size_t letters_apart(std::string_view a, std::string_view b);

}  // namespace timenode::app
