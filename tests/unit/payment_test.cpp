// Payments out of what one address holds, and amounts as people write them.

#include "chain/payment.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <random>

using namespace timenode;

namespace {

std::vector<chain::spendable> coins(std::initializer_list<amount> values) {
  std::vector<chain::spendable> result;
  for (const auto x : values)
    result.push_back({{hash256{}, static_cast<std::uint32_t>(result.size())}, x});
  return result;
}

const chain::payment to_somebody{"them", 1'000'000'000, "us", 7};

amount sum(const transaction& x) {
  amount result = 0;
  for (const auto& output : x.outputs)
    result += output.value;
  return result;
}

}  // namespace

TEST_CASE("the fee takes what the rule wants of the inputs and not a unit more") {
  CHECK(chain::most_outputs(0) == 0);
  CHECK(chain::most_outputs(1'000) == 0);
  CHECK(chain::most_outputs(1'001) == 1);
  std::mt19937_64 random{1};
  for (int i = 0; i < 10'000; ++i) {
    const auto inputs = random() >> (random() % 60);
    const auto outputs = chain::most_outputs(inputs);
    if (inputs <= chain::least_fee)
      continue;
    REQUIRE(chain::fee_for(outputs) <= inputs - outputs);
    REQUIRE(chain::fee_for(outputs + 1) > inputs - outputs - 1);
  }
}

TEST_CASE("a payment spends the smallest output that is enough, and gives back what is left") {
  const auto x =
      chain::make_payment(coins({500, 5'000'000'000, 2'000'000'000, 900'000'000}), to_somebody);
  REQUIRE(x.has_value());
  REQUIRE(x->inputs.size() == 1);
  CHECK(x->inputs[0].previous_output.vout == 2);
  CHECK(x->inputs[0].script_sig.empty());
  REQUIRE(x->outputs.size() == 2);
  CHECK(x->outputs[0].value == 1'000'000'000);
  CHECK(x->outputs[1].script_pubkey == byte_string{'u', 's'});
  CHECK(sum(*x) == chain::most_outputs(2'000'000'000));
  CHECK(x->timestamp == 7);
}

TEST_CASE("a payment takes several outputs, the largest first, when none is enough") {
  const auto x =
      chain::make_payment(coins({100'000, 600'000'000, 500'000'000, 300'000'000}), to_somebody);
  REQUIRE(x.has_value());
  CHECK(x->inputs.size() == 2);
  CHECK(sum(*x) == chain::most_outputs(1'100'000'000));
}

TEST_CASE("what would be dust goes to the fee") {
  const auto x = chain::make_payment(coins({1'001'000'300}), to_somebody);
  REQUIRE(x.has_value());
  CHECK(x->outputs.size() == 1);
  CHECK(x->outputs[0].value == 1'000'000'000);
}

TEST_CASE("a payment that cannot be made says what it takes") {
  CHECK(chain::make_payment(coins({500'000'000, 500'000'000}), to_somebody).error().reason ==
        "there are 10.00000000 TIME to spend, and with the fee it takes 10.01000000");
  CHECK(chain::make_payment(coins({5'000}), {"them", 545, "us", 7}).error().reason ==
        "less than 0.00000546 TIME is dust, which nodes do not hand on");
  std::vector<chain::spendable> many(1'000, {{}, 2'000'000});
  CHECK(chain::make_payment(many, {"them", 1'900'000'000, "us", 7}).error().reason ==
        "it takes 951 outputs, more than fit into a transaction; send it in parts");
  CHECK(
      chain::make_payment({}, to_somebody).error().reason.starts_with("there are 0.00000000 TIME"));
}

TEST_CASE("amounts are written and read without rounding") {
  CHECK(chain::to_decimal(0) == "0.00000000");
  CHECK(chain::to_decimal(1) == "0.00000001");
  CHECK(chain::to_decimal(std::numeric_limits<amount>::max()) == "184467440737.09551615");
  for (const amount x : {0ul, 1ul, 546ul, 10'000'000'000ul, 12'345'678'901ul, ~0ul})
    CHECK(chain::from_decimal(chain::to_decimal(x)).value() == x);
  CHECK(chain::from_decimal("3").value() == 300'000'000);
  CHECK(chain::from_decimal("0.1").value() == 10'000'000);
  for (const auto* text : {"", ".", ".5", "1.", "-1", "+1", "1e3", "0.123456789", "1,5", " 1", "1 ",
                           "x", "1.2.3", "184467440737.09551616", "99999999999999999999999"})
    CHECK_FALSE(chain::from_decimal(text).has_value());
}
