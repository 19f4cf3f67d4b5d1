#include "app/rpc_amounts.hpp"

#include "chain/payment.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <string>

namespace timenode {

namespace {

constexpr amount exact_below = (amount{1} << 26) * units_per_time;

double nearest(const std::string& decimal) {
  double result = 0;
  std::from_chars(decimal.data(), decimal.data() + decimal.size(), result);
  return result;
}

/// Without an exponent, and with as many decimals as it has.
outcome<std::string> text_of(const json& x) {
  if (x.is_string())
    return x.get<std::string>();
  if (x.is_number_unsigned())
    return std::to_string(x.get<std::uint64_t>());
  if (!x.is_number_float())
    return fail("an amount is a number, or a string such as \"0.1\"");
  const auto value = x.get<double>();
  if (!(value >= 0 && value < nearest(chain::to_decimal(exact_below))))
    return fail("such an amount is written as a string, to be exact");
  // As many digits as tell it from its neighbours: what was written, if that had no more than eight decimals.
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::fixed);
  return std::string(buffer, end.ptr);
}

}  // namespace

json time_amount(amount units) {
  auto text = chain::to_decimal(units);
  if (units < exact_below)
    return nearest(text);
  return text;
}

outcome<amount> amount_of(const json& x) {
  const auto text = text_of(x);
  if (!text)
    return tl::unexpected{text.error()};
  return chain::from_decimal(*text);
}

}  // namespace timenode
