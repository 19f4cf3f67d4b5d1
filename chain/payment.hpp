#pragma once

// A transaction that pays somebody out of what one address holds. Pure.

#include "chain/transaction_rules.hpp"
#include "messages/ledger.hpp"
#include "messages/outcome.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace timenode::chain {

/// An output that can be spent.
struct spendable {
  outpoint where;
  amount value = 0;
};

struct payment {
  std::string to;              ///< An address.
  amount value = 0;            ///< What arrives there.
  std::string change;          ///< The address that gets what is left.
  std::int64_t timestamp = 0;  ///< Unix seconds.
};

/// What outputs may add up to when the inputs are worth `inputs`: the rest is the fee that the rule wants, and
/// no more. 0 when the inputs do not even pay that.
amount most_outputs(amount inputs) noexcept;

/// The transaction, not signed. Spends the smallest output that is enough, or else the largest ones until they
/// are. What is left goes to `change`, or to the fee where it would be dust. Fails when the value is dust,
/// when there is too little, and when it takes more outputs than a transaction that nodes hand on can have.
outcome<transaction> make_payment(std::vector<spendable> coins, const payment& x);

/// The amount in TIME, with all eight decimals: "0.10000000".
std::string to_decimal(amount units);

/// An amount in TIME, exactly: digits, perhaps a point and up to eight decimals. No sign, no exponent.
outcome<amount> from_decimal(std::string_view text);

}  // namespace timenode::chain
