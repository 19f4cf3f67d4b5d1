#include "chain/transaction_rules.hpp"

#include "chain/bincode.hpp"
#include "chain/hashes.hpp"
#include "chain/hex.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

namespace timenode::chain {

namespace {

std::string number(std::uint64_t x) {
  return std::to_string(x);
}

}  // namespace

hash256 signing_hash(const transaction& x) {
  auto bare = x;
  for (auto& input : bare.inputs)
    input.script_sig.clear();
  return txid(bare);
}

void sign(transaction& x, const key_pair& key) {
  const auto signed_by_key = key.sign(signing_hash(x));
  byte_string script{key.public_key().begin(), key.public_key().end()};
  script.insert(script.end(), signed_by_key.begin(), signed_by_key.end());
  for (auto& input : x.inputs)
    input.script_sig = script;
}

outcome<void> check_signature(const tx_input& input, const byte_string& script_pubkey,
                              const hash256& signing_hash, network_id network) {
  const auto& script = input.script_sig;
  if (script.size() != script_sig_bytes)
    return fail("its script_sig has " + number(script.size()) +
                " bytes; a public key and its signature have " + number(script_sig_bytes));
  public_key key;
  std::copy_n(script.begin(), key.size(), key.begin());
  const auto address = address_of(key, network);
  if (!std::equal(script_pubkey.begin(), script_pubkey.end(), address.begin(), address.end(),
                  [](std::uint8_t l, char r) { return l == static_cast<std::uint8_t>(r); }))
    return fail("it is signed with the key of " + address + ", whose output it does not spend");
  if (!verify(key, signing_hash, std::span{script}.subspan(key.size())))
    return fail("its signature is not one of this transaction");
  return {};
}

outcome<amount> check_for_relay(const transaction& x, network_id network) {
  if (x.inputs.empty())
    return fail("it has no inputs; only the first of a block may have none");
  if (x.outputs.empty())
    return fail("it has no outputs");
  if (const auto bytes = encoded_size(x); bytes > max_relayed_bytes)
    return fail("it has " + number(bytes) + " bytes, more than " + number(max_relayed_bytes));

  std::vector<outpoint> spent;
  spent.reserve(x.inputs.size());
  for (const auto& input : x.inputs)
    spent.push_back(input.previous_output);
  std::sort(spent.begin(), spent.end());
  if (const auto twice = std::adjacent_find(spent.begin(), spent.end()); twice != spent.end())
    return fail("it spends output " + to_hex(twice->txid) + ":" + number(twice->vout) + " twice");

  amount sum = 0;
  for (std::size_t i = 0; i < x.outputs.size(); ++i) {
    const auto& output = x.outputs[i];
    if (output.value < least_output)
      return fail("output " + number(i) + " is of " + number(output.value) + " units; less than " +
                  number(least_output) + " is dust");
    const std::string address{output.script_pubkey.begin(), output.script_pubkey.end()};
    if (auto valid = check_address(address, network); !valid)
      return fail("output " + number(i) + " is for no address: " + valid.error().reason);
    if (__builtin_add_overflow(sum, output.value, &sum))
      return fail("its outputs add up to more than 2^64");
  }
  return sum;
}

}  // namespace timenode::chain
