#pragma once

// The search: every state that a scenario can reach, breadth first, so that the trace to a
// violation is as short as can be; then the graph of them, backwards, for what must come about in
// the end.

#include "tests/unit/pair_search_view.hpp"

#include <chrono>
#include <deque>
#include <unordered_map>
#include <utility>

namespace test::pair_search {

struct result {
  std::size_t states = 0;
  std::size_t steps = 0;
  std::size_t ends = 0;        ///< States in which nothing happens any more.
  std::size_t collisions = 0;  ///< Steps by which a pair lost both of its connections.
  /// From any state without faults to come, with everyone up, to the end: the longest way, in
  /// seconds. None if there are ways without an end.
  std::optional<double> longest;
  std::string longest_way;  ///< That way, in words; only when it was asked for.
  std::size_t endless = 0;  ///< States from which there is a way that never ends.
  std::size_t lost = 0;     ///< States from which no way leads to one connection a pair.
  double seconds = 0;
  std::string violation;  ///< Empty: none.
  std::string trace;
};

class search {
 public:
  explicit search(scenario s) : scenario_{std::move(s)} {}

  result run() {
    const auto began = std::chrono::steady_clock::now();
    explore();
    if (result_.violation.empty()) {
      reverse();
      look_for_lost();
      look_for_endless();
    }
    result_.states = states_.size();
    result_.steps = edges_.size();
    result_.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    return std::move(result_);
  }

 private:
  /// What is kept of a state once it was expanded. States are told apart by a hash of 64 bits:
  /// among a million, that two of them share one is a matter of 1 in 30 million.
  struct state {
    std::uint32_t parent = 0;
    step by;
    bool settled = false;
    bool after_faults = false;
    std::uint32_t first_edge = 0;
    std::uint32_t edges = 0;
  };
  struct edge {
    std::uint32_t to = 0;
    std::uint16_t time = 0;
  };

  void explore() {
    std::unordered_map<std::uint64_t, std::uint32_t> known;
    std::deque<world> frontier;
    frontier.emplace_back(scenario_);
    states_.push_back({});
    known.emplace(frontier.front().key(), 0);
    for (std::uint32_t at = 0; !frontier.empty() && result_.violation.empty(); ++at) {
      const auto here = std::move(frontier.front());
      frontier.pop_front();
      const auto steps = here.steps();
      states_[at].first_edge = static_cast<std::uint32_t>(edges_.size());
      states_[at].settled = here.settled();
      states_[at].after_faults = here.faults_over() && here.everyone_up();
      for (auto x : steps) {
        for (const auto drawn : scenario_.draws[here.drawer(x)]) {
          x.drawn = drawn;
          auto next = here;
          const auto time = next.take(x);
          result_.collisions += next.collided();
          const auto [i, fresh] =
              known.try_emplace(next.key(), static_cast<std::uint32_t>(states_.size()));
          edges_.push_back({i->second, static_cast<std::uint16_t>(time)});
          if (fresh)
            states_.push_back({at, x});
          const auto drew = next.drew();
          if (!next.violation().empty()) {
            result_.violation = next.violation();
            result_.trace = replay(at, x);
            return;
          }
          if (fresh)
            frontier.push_back(std::move(next));
          if (!drew)
            break;
        }
      }
      states_[at].edges = static_cast<std::uint32_t>(edges_.size()) - states_[at].first_edge;
      if (states_[at].edges == 0) {
        ++result_.ends;
        if (!states_[at].settled)
          fail("an end without one connection a pair", at);
      }
    }
  }

  /// Where each state can be reached from.
  void reverse() {
    from_first_.assign(states_.size() + 1, 0);
    for (const auto& x : edges_)
      ++from_first_[x.to + 1];
    for (std::size_t i = 0; i < states_.size(); ++i)
      from_first_[i + 1] += from_first_[i];
    from_.resize(edges_.size());
    auto next = from_first_;
    for (std::uint32_t i = 0; i < states_.size(); ++i)
      for (auto e = states_[i].first_edge; e < states_[i].first_edge + states_[i].edges; ++e)
        from_[next[edges_[e].to]++] = {i, edges_[e].time};
  }

  void look_for_lost() {
    std::vector<bool> saved(states_.size());
    std::vector<std::uint32_t> work;
    for (std::uint32_t i = 0; i < states_.size(); ++i)
      if (states_[i].settled) {
        saved[i] = true;
        work.push_back(i);
      }
    auto count = work.size();
    while (!work.empty()) {
      const auto at = work.back();
      work.pop_back();
      for (auto e = from_first_[at]; e < from_first_[at + 1]; ++e)
        if (const auto i = from_[e].to; !saved[i]) {
          saved[i] = true;
          ++count;
          work.push_back(i);
        }
    }
    result_.lost = states_.size() - count;
    if (result_.lost > 0)
      for (std::uint32_t i = 0; i < states_.size(); ++i)
        if (!saved[i])
          return fail("a state from which no way leads to one connection a pair", i);
  }

  /// Takes away, again and again, the states all of whose ways end. What is left has a circle
  /// before it.
  void look_for_endless() {
    std::vector<std::uint32_t> open(states_.size());
    std::vector<std::uint32_t> time(states_.size());
    std::vector<std::uint32_t> onward(states_.size());  ///< The next state on the longest way.
    std::vector<std::uint32_t> work;
    std::uint32_t furthest = 0;
    for (std::uint32_t i = 0; i < states_.size(); ++i)
      if ((open[i] = states_[i].edges) == 0)
        work.push_back(i);
    std::size_t done = 0;
    std::uint32_t longest = 0;
    for (; !work.empty(); ++done) {
      const auto at = work.back();
      work.pop_back();
      if (states_[at].after_faults && time[at] >= longest) {
        longest = time[at];
        furthest = at;
      }
      for (auto e = from_first_[at]; e < from_first_[at + 1]; ++e) {
        const auto& x = from_[e];
        if (time[at] + x.time >= time[x.to]) {
          time[x.to] = time[at] + x.time;
          onward[x.to] = at;
        }
        if (--open[x.to] == 0)
          work.push_back(x.to);
      }
    }
    result_.endless = states_.size() - done;
    if (result_.endless == 0) {
      result_.longest = static_cast<double>(longest) / ticks_a_second;
      if (scenario_.tell_longest)
        tell_way(furthest, onward);
    } else if (!scenario_.may_collide)
      for (std::uint32_t i = 0; i < states_.size(); ++i)
        if (open[i] > 0)
          return fail("a way that never ends", circle(i, open));
  }

  /// How a state was reached, and the longest way from there on.
  void tell_way(std::uint32_t at, const std::vector<std::uint32_t>& onward) {
    result_.longest_way = replay(at, std::nullopt) + "-- from here on:\n";
    for (; states_[at].edges > 0; at = onward[at]) {
      // Which step leads there is not kept; what it says is.
      auto here = reach(at);
      for (auto x : here.steps())
        for (const auto drawn : scenario_.draws[here.drawer(x)]) {
          x.drawn = drawn;
          auto next = here;
          std::string log;
          next.take(x, &log);
          if (next.key() != reach(onward[at]).key())
            continue;
          result_.longest_way += log;
          goto found;
        }
    found:;
    }
  }

  world reach(std::uint32_t at) const {
    std::vector<step> steps;
    for (; at != 0; at = states_[at].parent)
      steps.push_back(states_[at].by);
    world w{scenario_};
    for (auto i = steps.rbegin(); i != steps.rend(); ++i)
      w.take(*i);
    return w;
  }

  /// A state on a circle that can be reached from `at`.
  std::uint32_t circle(std::uint32_t at, const std::vector<std::uint32_t>& open) const {
    for (std::size_t n = 0; n < states_.size(); ++n)
      for (auto e = states_[at].first_edge; e < states_[at].first_edge + states_[at].edges; ++e)
        if (open[edges_[e].to] > 0) {
          at = edges_[e].to;
          break;
        }
    return at;
  }

  void fail(const std::string& what, std::uint32_t at) {
    result_.violation = what;
    result_.trace = replay(at, std::nullopt) + what + '\n';
  }

  /// The steps to a state and, if given, one from there, in words.
  std::string replay(std::uint32_t at, std::optional<step> last) const {
    std::vector<step> steps;
    if (last)
      steps.push_back(*last);
    for (; at != 0; at = states_[at].parent)
      steps.push_back(states_[at].by);
    std::string log;
    world w{scenario_};
    for (auto i = steps.rbegin(); i != steps.rend(); ++i)
      w.take(*i, &log);
    return log;
  }

  scenario scenario_;
  std::vector<state> states_;
  std::vector<edge> edges_;
  std::vector<std::uint32_t> from_first_;
  std::vector<edge> from_;
  result result_;
};

}  // namespace test::pair_search
