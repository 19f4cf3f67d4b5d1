#include "app/testnet_verdict.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace timenode::app {

namespace {

bool reports(const node_view& x) {
  return x.trouble.empty();
}

/// The node whose chain all should have: the highest.
const node_view* best_of(std::span<const node_view> nodes) {
  const node_view* best = nullptr;
  for (const auto& x : nodes)
    if (reports(x) && (!best || x.height > best->height))
      best = &x;
  return best;
}

std::vector<link_view> links_to(const node_view& from, const ip_address& to) {
  std::vector<link_view> result;
  std::copy_if(from.links.begin(), from.links.end(), std::back_inserter(result),
               [&to](const auto& x) { return x.peer == to; });
  return result;
}

/// Empty when the node is in sync.
std::string chain_fault(const node_view& x, const node_view& best, std::uint64_t least_height) {
  const auto ip = x.ip.to_string();
  const auto wanted = std::max(best.height, least_height);
  if (x.height < wanted)
    return fmt::format("{} is at height {}, not at {}", ip, x.height, wanted);
  if (x.tip != best.tip)
    return fmt::format("{} has another block at height {} than {}", ip, x.height,
                       best.ip.to_string());
  if (x.sync_state == "syncing" || x.sync_state == "asking" || x.sync_state == "storage-failed")
    return fmt::format("{} says that it is {}", ip, x.sync_state);
  return {};
}

/// Empty when the pair has one connection and both ends agree on it.
std::string link_fault(const node_view& a, const node_view& b) {
  const auto there = links_to(a, b.ip);
  const auto back = links_to(b, a.ip);
  const auto names = a.ip.to_string() + " and " + b.ip.to_string();
  if (there.empty() && back.empty())
    return names + " have no connection";
  if (there.empty() || back.empty()) {
    const auto& sees = there.empty() ? b : a;
    return fmt::format("{} have a connection that only {} sees", names, sees.ip.to_string());
  }
  if (there.size() > 1 || back.size() > 1)
    return fmt::format("{} have {} connections", names, std::max(there.size(), back.size()));
  if (there.front().inbound == back.front().inbound)
    return fmt::format("{} both say that {} dialed", names,
                       there.front().inbound ? "the other" : "they themselves");
  return {};
}

/// Adds a sentence for each end that had no ping answered; none when the pair is fine.
bool add_ping_faults(const node_view& a, const node_view& b, testnet_verdict& to) {
  auto fine = true;
  for (const auto& [from, peer] : {std::pair{&a, &b}, std::pair{&b, &a}}) {
    const auto pongs = links_to(*from, peer->ip).front().pongs;
    to.pongs += pongs;
    if (pongs > 0)
      continue;
    fine = false;
    to.missing.push_back(
        fmt::format("{} had no ping answered by {}", from->ip.to_string(), peer->ip.to_string()));
  }
  return fine;
}

void judge_pair(const node_view& a, const node_view& b, testnet_verdict& to) {
  ++to.pairs;
  // Of a node that says nothing it is known already that this is wrong.
  if (!reports(a) || !reports(b))
    return;
  if (auto fault = link_fault(a, b); !fault.empty()) {
    to.missing.push_back(std::move(fault));
    return;
  }
  ++to.linked;
  if (add_ping_faults(a, b, to))
    ++to.pinged;
}

void judge_node(const node_view& x, const node_view* best, std::uint64_t least_height,
                testnet_verdict& to) {
  const auto ip = x.ip.to_string();
  if (!reports(x)) {
    to.missing.push_back(ip + ": " + x.trouble);
    return;
  }
  to.lowest = std::min(to.lowest, x.height);
  to.violations += x.violations;
  if (auto fault = chain_fault(x, *best, least_height); !fault.empty())
    to.missing.push_back(std::move(fault));
  else
    ++to.in_sync;
  if (x.violations > 0)
    to.missing.push_back(fmt::format("{} counts {} violations of invariants", ip, x.violations));
  if (!links_to(x, x.ip).empty())
    to.missing.push_back(ip + " is connected to itself");
}

}  // namespace

testnet_verdict judge(std::span<const node_view> nodes, std::uint64_t least_height) {
  testnet_verdict result;
  result.nodes = nodes.size();
  if (nodes.empty())
    result.missing.push_back("there is no node");
  const auto* best = best_of(nodes);
  result.highest = result.lowest = best ? best->height : 0;
  for (const auto& x : nodes)
    judge_node(x, best, least_height, result);
  for (std::size_t i = 0; i < nodes.size(); ++i)
    for (std::size_t j = i + 1; j < nodes.size(); ++j)
      judge_pair(nodes[i], nodes[j], result);
  return result;
}

}  // namespace timenode::app
