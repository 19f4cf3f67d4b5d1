#pragma once

// Things in order of virtual time; those of one moment in the order in which they came, so that a run replays.

#include "messages/link_types.hpp"
#include "tests/sim/fetch.hpp"

#include <boost/heap/d_ary_heap.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace sim {

/// A calendar queue (Brown 1988): a page for each of the next `Pages` days, on which things stand in the order in which they came,
/// and a day is sorted when it is near. To put a thing in and to take it out touches a line or two of the cache each; in a heap of the
/// 20,000 things that a network of 100 has to come it is a dozen. What is due later than the last page waits in a heap.
///
/// `T::approach` is told of things that come near, by most of them; it must not change anything.
template <class T, std::size_t Pages>
class calendar_queue {
 public:
  void add(timenode::monotonic_ns at, T x) {
    auto slot = static_cast<std::uint32_t>(things_.size());
    if (free_.empty()) {
      things_.push_back(std::move(x));
    } else {
      slot = free_.back();
      free_.pop_back();
      things_[slot] = std::move(x);
    }
    const auto added = key{at, order_++, slot};
    if (size_++ == 0)
      sorted_to_ = day_of(at);
    if (day_of(at) > sorted_to_) {
      file(added);
      return;
    }
    // As it is the last that came, behind all of its moment.
    row_.insert(std::ranges::lower_bound(row_, added, later{}), added);
    if (row_.size() > longest_row)
      shorten_row();
  }

  /// When the first is due; none when there is none.
  std::optional<timenode::monotonic_ns> next() const {
    return row_.empty() ? std::nullopt : std::optional{row_.back().at};
  }

  /// Takes the first out. There must be one.
  T take_first() {
    const auto first = row_.back();
    row_.pop_back();
    --size_;
    today_ = std::max(today_, day_of(first.at));
    if (row_.size() <= refilled_at && row_.size() < size_)
      refill();
    free_.push_back(first.slot);
    for (const auto& [ahead, how] : steps)
      if (row_.size() >= ahead)
        things_[row_[row_.size() - ahead].slot].approach(how);
    return std::exchange(things_[first.slot], T{});
  }

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

  /// Drops all. What one of them held may add others while it goes: those are dropped, too.
  void clear() {
    while (!empty()) {
      size_ = 0;
      row_.clear();
      far_.clear();
      free_.clear();
      for (auto& page : pages_)
        page.clear();
      used_ = {};
      const auto gone = std::exchange(things_, {});
    }
  }

 private:
  struct key {
    timenode::monotonic_ns at;
    std::uint64_t order;
    std::uint32_t slot;
  };
  struct later {
    bool operator()(const key& x, const key& y) const noexcept {
      return x.at != y.at ? x.at > y.at : x.order > y.order;
    }
  };

  /// A day is 2^24 ns, 16.8 ms: some ten things of a network of 100.
  static constexpr int day_shift = 24;
  static std::uint64_t day_of(timenode::monotonic_ns at) noexcept {
    return static_cast<std::uint64_t>(at) >> day_shift;
  }

  /// A step takes a microsecond or two, and memory a tenth of one: each look at what the one before brought comes two steps later.
  static constexpr std::pair<std::size_t, nearness> steps[] = {
      {8, nearness::far}, {6, nearness::near}, {4, nearness::nearer}, {2, nearness::next}};
  /// The row is to reach as far as that looks, but no further ahead than so many days: what came between would have to be sorted in.
  static constexpr std::size_t refilled_at = 8;
  static constexpr std::size_t filled_to = 12;
  static constexpr std::uint64_t days_ahead = 8;
  /// Of a longer row all but the nearest go back to their pages.
  static constexpr std::size_t longest_row = 256;
  static constexpr std::size_t shortened_to = 32;

  /// Puts a thing down for a day that is not sorted yet.
  void file(const key& x) {
    const auto day = day_of(x.at);
    if (day >= today_ + Pages) {
      far_.push(x);
      return;
    }
    const auto page = day % Pages;
    pages_[page].push_back(x);
    used_[page / 64] |= std::uint64_t{1} << page % 64;
  }

  /// The first day after the sorted ones for which something is down on a page.
  std::optional<std::uint64_t> next_filed() const noexcept {
    const auto end = today_ + Pages;
    for (auto day = std::max(sorted_to_ + 1, today_); day < end;) {
      const auto bit = day % 64;
      const auto rest = used_[day % Pages / 64] >> bit;
      if (rest != 0) {
        const auto result = day + static_cast<unsigned>(std::countr_zero(rest));
        return result < end ? std::optional{result} : std::nullopt;
      }
      day += 64 - bit;
    }
    return std::nullopt;
  }

  void refill() {
    while (row_.size() < filled_to && row_.size() < size_) {
      auto day = next_filed();
      if (!far_.empty())
        day = std::min(day.value_or(day_of(far_.top().at)), day_of(far_.top().at));
      if (!day || (!row_.empty() && *day > day_of(row_.back().at) + days_ahead))
        return;
      sort(*day);
    }
  }

  /// Puts that day in front of the row, whose things all come before it.
  void sort(std::uint64_t day) {
    sorted_to_ = day;
    fresh_.clear();
    // The heap may have some of a day for which there is a page by now.
    if (day < today_ + Pages) {
      fresh_.swap(pages_[day % Pages]);
      used_[day % Pages / 64] &= ~(std::uint64_t{1} << day % 64);
    }
    for (; !far_.empty() && day_of(far_.top().at) == day; far_.pop())
      fresh_.push_back(far_.top());
    std::ranges::sort(fresh_, later{});
    for (const auto& x : fresh_)
      __builtin_prefetch(&things_[x.slot]);
    row_.insert(row_.begin(), fresh_.begin(), fresh_.end());
    // The page has its memory back.
    fresh_.clear();
    if (day < today_ + Pages)
      fresh_.swap(pages_[day % Pages]);
  }

  /// Whole days go back, but none that is over: there is no page for what was late when it came.
  void shorten_row() {
    const auto last_kept = std::max(day_of(row_[row_.size() - shortened_to].at), today_);
    const auto kept =
        std::ranges::find_if(row_, [last_kept](const key& x) { return day_of(x.at) <= last_kept; });
    sorted_to_ = last_kept;
    for (auto i = row_.begin(); i != kept; ++i)
      file(*i);
    row_.erase(row_.begin(), kept);
  }

  static_assert(std::has_single_bit(Pages) && Pages >= 64);

  std::vector<key> row_;  ///< Sorted, the first at the end; not empty unless there is nothing.
  std::uint64_t sorted_to_ = 0;  ///< All things of that day and of those before stand in the row.
  std::uint64_t today_ = 0;      ///< Of the last thing that was taken: pages begin with it.
  std::array<std::vector<key>, Pages> pages_;
  std::array<std::uint64_t, Pages / 64> used_{};  ///< A bit for each page that has something.
  boost::heap::d_ary_heap<key, boost::heap::arity<4>, boost::heap::compare<later>> far_;
  std::vector<key> fresh_;  ///< Scratch.
  std::vector<T> things_;
  std::vector<std::uint32_t> free_;  ///< Places in `things_`.
  std::size_t size_ = 0;
  std::uint64_t order_ = 0;
};

}  // namespace sim
