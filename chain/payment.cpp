#include "chain/payment.hpp"

#include "chain/bincode.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace timenode::chain {

namespace {

constexpr std::size_t decimals = 8;

bool is_enough(amount inputs, amount value) noexcept {
  return most_outputs(inputs) >= value;
}

/// Those that are spent; empty: all together are not enough, or too many.
std::vector<spendable> choose(std::vector<spendable> coins, amount value) {
  std::sort(coins.begin(), coins.end(), [](const spendable& a, const spendable& b) {
    return a.value != b.value ? a.value < b.value : a.where < b.where;
  });
  const auto one = std::find_if(coins.begin(), coins.end(),
                                [&](const spendable& x) { return is_enough(x.value, value); });
  if (one != coins.end())
    return {*one};
  std::vector<spendable> result;
  amount sum = 0;
  for (auto i = coins.rbegin(); i != coins.rend(); ++i) {
    if (__builtin_add_overflow(sum, i->value, &sum))
      break;
    result.push_back(*i);
    if (is_enough(sum, value))
      return result;
  }
  return {};
}

amount sum_of(const std::vector<spendable>& coins) noexcept {
  amount result = 0;
  for (const auto& x : coins)
    if (__builtin_add_overflow(result, x.value, &result))
      return std::numeric_limits<amount>::max();
  return result;
}

tx_output output(const std::string& address, amount value) {
  return {value, {address.begin(), address.end()}};
}

}  // namespace

amount most_outputs(amount inputs) noexcept {
  if (inputs <= least_fee)
    return 0;
  // A thousandth of the outputs is a thousand-and-first of both together; rounding moves it by one or two.
  auto result = std::min(inputs - least_fee, inputs - inputs / (fee_divisor + 1));
  while (fee_for(result) > inputs - result)
    --result;
  while (result < inputs && fee_for(result + 1) <= inputs - result - 1)
    ++result;
  return result;
}

outcome<transaction> make_payment(std::vector<spendable> coins, const payment& x) {
  if (x.value < least_output)
    return fail("less than " + to_decimal(least_output) +
                " TIME is dust, which nodes do not hand on");
  const auto have = sum_of(coins);
  const auto chosen = choose(std::move(coins), x.value);
  if (chosen.empty())
    return fail("there are " + to_decimal(have) + " TIME to spend, and with the fee it takes " +
                to_decimal(x.value + fee_for(x.value)));
  transaction result;
  result.version = 1;
  result.timestamp = x.timestamp;
  for (const auto& coin : chosen)
    result.inputs.push_back(
        {coin.where, byte_string(script_sig_bytes), std::numeric_limits<std::uint32_t>::max()});
  result.outputs.push_back(output(x.to, x.value));
  if (const auto change = most_outputs(sum_of(chosen)) - x.value; change >= least_output)
    result.outputs.push_back(output(x.change, change));
  if (encoded_size(result) > max_relayed_bytes)
    return fail("it takes " + std::to_string(chosen.size()) +
                " outputs, more than fit into a transaction; send it in parts");
  for (auto& input : result.inputs)
    input.script_sig.clear();
  return result;
}

std::string to_decimal(amount units) {
  auto rest = std::to_string(units % units_per_time);
  rest.insert(0, decimals - rest.size(), '0');
  return std::to_string(units / units_per_time) + "." + rest;
}

outcome<amount> from_decimal(std::string_view text) {
  const auto wrong = fail("'" + std::string{text.substr(0, 40)} +
                          "' is no amount: digits, and perhaps a point and up to eight decimals");
  const auto point = text.find('.');
  const auto whole = text.substr(0, point);
  auto fraction = point == text.npos ? std::string{} : std::string{text.substr(point + 1)};
  if (whole.empty() || fraction.size() > decimals || (point != text.npos && fraction.empty()))
    return wrong;
  fraction.append(decimals - fraction.size(), '0');
  const auto digits = std::string{whole} + fraction;
  if (digits.find_first_not_of("0123456789") != digits.npos)
    return wrong;
  amount result = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), result);
  if (parsed.ec != std::errc{})
    return fail("'" + std::string{text.substr(0, 40)} + "' is more than there can be");
  return result;
}

}  // namespace timenode::chain
