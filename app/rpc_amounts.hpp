#pragma once

// Amounts of money in JSON: TIME, with eight decimals. Exact in both directions.

#include "app/rpc_json.hpp"
#include "messages/ledger.hpp"
#include "messages/outcome.hpp"

namespace timenode {

/// A number as long as its shortest text is exactly the amount, which it is up to 2^26 TIME: neighbouring
/// doubles are less than 10^-8 apart there, so each amount has one of its own, and the shortest text that leads
/// back to it is the amount's own decimals. Beyond that, as no chain has for decades, a string.
json time_amount(amount units);

/// A number or a string; a number counts as the text that it is printed as. Fails for what is no exact amount.
outcome<amount> amount_of(const json& x);

}  // namespace timenode
