#include "app/rpc_methods_table.hpp"
#include "chain/hex.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

namespace timenode {

namespace {

/// Bitcoin Core's word for what we know of a branch.
std::string status_of(const branch_snapshot& x) {
  if (x.state == "left")
    return "valid-fork";  // we checked it to the top when it was our chain
  return x.state == "invalid" ? "invalid" : "headers-only";
}

json votes_json(const branch_snapshot& x) {
  return {{"ours", x.votes_ours},
          {"theirs", x.votes_theirs},
          {"others", x.votes_others},
          {"none", x.votes_none},
          {"masternodes", x.electorate}};
}

json peers_json(const branch_snapshot& x) {
  auto result = json::array();
  for (const auto& ip : x.peers)
    result.push_back(ip.to_string());
  return result;
}

json branch_json(const branch_snapshot& x) {
  json result;
  result["height"] = x.height;
  result["hash"] = chain::to_hex(x.tip);
  result["branchlen"] = x.height - std::min(x.height, x.fork_height);
  result["status"] = status_of(x);
  result["forkheight"] = x.fork_height;
  result["firsthash"] = chain::to_hex(x.first);
  result["decision"] = x.state;
  result["reason"] = x.why;
  result["votes"] = votes_json(x);
  result["peers"] = peers_json(x);
  return result;
}

/// The branches that were our chain once, as far as they are kept, and as nobody showed us since.
std::vector<branch_snapshot> kept_branches(const chain::chain_reader& chain,
                                           const std::vector<branch_snapshot>& known) {
  const auto shelved = chain.shelved();
  std::map<hash256, const chain::shelved_block*> by_hash;
  std::set<hash256> parents;
  for (const auto& x : shelved) {
    by_hash.emplace(x.hash, &x);
    parents.insert(x.previous_hash);
  }
  std::vector<branch_snapshot> result;
  for (const auto& x : shelved) {
    if (parents.contains(x.hash))
      continue;  // no tip
    const auto* lowest = &x;
    for (auto i = by_hash.find(x.previous_hash); i != by_hash.end();
         i = by_hash.find(lowest->previous_hash))
      lowest = i->second;
    const auto named = std::any_of(known.begin(), known.end(), [&](const auto& y) {
      return y.first == lowest->hash && y.height >= x.height;
    });
    if (named)
      continue;
    auto& branch = result.emplace_back();
    branch.first = lowest->hash;
    branch.fork_height = lowest->height - 1;
    branch.height = x.height;
    branch.tip = x.hash;
    branch.state = "left";
    branch.why = "it was our chain; its blocks are kept until they are final";
  }
  return result;
}

std::vector<branch_snapshot> all_branches(const rpc_view& view) {
  auto result = view.snapshot->sync.forks.branches;
  auto kept = kept_branches(view.chain, result);
  std::move(kept.begin(), kept.end(), std::back_inserter(result));
  std::stable_sort(result.begin(), result.end(),
                   [](const auto& x, const auto& y) { return x.height > y.height; });
  return result;
}

std::string plural(std::uint64_t count, const std::string& what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

/// Why our tip is what it is, in a sentence.
std::string why_ours(const fork_snapshot& x, const std::vector<branch_snapshot>& branches) {
  const auto asked = x.same + x.behind + x.differ;
  if (asked == 0)
    return "no peer has told yet which block it has at our height: ours is what was valid and came "
           "first";
  auto result = fmt::format("of {} that told, {} at our tip, {} lower on our chain, {} on another",
                            plural(asked, "peer"), x.same, x.behind, x.differ);
  if (branches.empty())
    return result + (x.differ > 0 ? "; where that one parts from ours is not known yet"
                                  : "; no other branch is known");
  return result +
         fmt::format("; {} known", branches.size() == 1
                                       ? "another branch is"
                                       : plural(branches.size(), "other branch") + "es are");
}

// -- methods ------------------------------------------------------------------------

rpc_result getchaintips(const rpc_view& view, const rpc_args&) {
  const auto tip = view.chain.tip();
  auto result = json::array();
  result.push_back({{"height", tip.height},
                    {"hash", chain::to_hex(tip.hash)},
                    {"branchlen", 0},
                    {"status", "active"}});
  for (const auto& x : all_branches(view))
    result.push_back(branch_json(x));
  return result;
}

rpc_result explaintip(const rpc_view& view, const rpc_args&) {
  const auto tip = view.chain.tip();
  const auto& forks = view.snapshot->sync.forks;
  const auto branches = all_branches(view);
  json result;
  result["height"] = tip.height;
  result["hash"] = chain::to_hex(tip.hash);
  result["time"] = tip.timestamp;
  result["final_height"] = view.chain.final_height();
  result["why"] = why_ours(forks, branches);
  result["doing"] = forks.phase;
  result["switches"] = forks.switches;
  result["peers"] = {{"same", forks.same},
                     {"behind", forks.behind},
                     {"differ", forks.differ},
                     {"unknown", forks.unknown}};
  auto& list = result["branches"] = json::array();
  for (const auto& x : branches) {
    auto& y = list.emplace_back(branch_json(x));
    if (x.next_look_ms >= 0)
      y["next_look_seconds"] = static_cast<double>(x.next_look_ms) / 1000;
  }
  return result;
}

constexpr std::array forks_entries{
    rpc_method{
        "explaintip", "",
        "Why our tip is ours: what peers have there, which branches are known, who has them, "
        "what the masternodes answered and what was decided.",
        true, explaintip, "object"},
    rpc_method{"getchaintips", "",
               "Our tip and those of other branches. 'status' is active, valid-fork (it was our "
               "chain), headers-only (known from peers) or invalid.",
               true, getchaintips, "array of objects"},
};

}  // namespace

std::span<const rpc_method> fork_methods() noexcept {
  return forks_entries;
}

std::optional<std::string> fork_warning(const fork_snapshot& x) {
  for (const auto& branch : x.branches)
    if (branch.votes_theirs > 0 && !branch.peers.empty() &&
        (branch.state == "undecided" || branch.state == "too-deep" || branch.state == "invalid" ||
         branch.state == "failed"))
      return fmt::format("{} on another chain than ours above height {} ({}: {}); 'timenode "
                         "explain tip' tells more",
                         branch.votes_theirs == 1
                             ? "A masternode is"
                             : plural(branch.votes_theirs, "masternode") + " are",
                         branch.fork_height, branch.state, branch.why);
  return std::nullopt;
}

}  // namespace timenode
