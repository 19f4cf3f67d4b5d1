#pragma once

#include "messages/link_types.hpp"

#include <cstddef>
#include <list>
#include <map>

namespace timenode {

/// Keys that are remembered until a moment of their own, at most `capacity` of them. What happens
/// at the limit: the key that came first goes. No clock of its own: the caller says what time it
/// is.
///
/// A tree and not a hash table, since peers choose what goes in here and could choose colliding
/// keys.
template <class Key>
class expiring_set {
 public:
  explicit expiring_set(std::size_t capacity) : capacity_{capacity} {}

  /// Remembers the key until `until`. False, and nothing changes, when it is in here already.
  bool insert(const Key& key, monotonic_ns now, monotonic_ns until) {
    drop_expired(now);
    if (contains(key, now))
      return false;
    erase(key);
    if (capacity_ == 0)
      return true;
    if (keys_.size() == capacity_)
      drop_oldest();
    keys_.emplace(key, order_.insert(order_.end(), {key, until}));
    return true;
  }

  bool contains(const Key& key, monotonic_ns now) const {
    const auto i = keys_.find(key);
    return i != keys_.end() && i->second->until > now;
  }

  void erase(const Key& key) {
    if (const auto i = keys_.find(key); i != keys_.end()) {
      order_.erase(i->second);
      keys_.erase(i);
    }
  }

  /// Calls `f(key, until)` for each key that is still remembered, in the order in which they came.
  template <class F>
  void for_each(monotonic_ns now, F f) const {
    for (const auto& x : order_)
      if (x.until > now)
        f(x.key, x.until);
  }

  /// Never above the capacity. Keys whose time is over may still be counted.
  std::size_t size() const noexcept { return keys_.size(); }

 private:
  struct item {
    Key key;
    monotonic_ns until;
  };

  /// Only from the front: with one lifetime for all, as we use it, that finds all of them.
  void drop_expired(monotonic_ns now) {
    while (!order_.empty() && order_.front().until <= now)
      drop_oldest();
  }

  void drop_oldest() {
    keys_.erase(order_.front().key);
    order_.pop_front();
  }

  std::size_t capacity_;
  std::list<item> order_;  ///< As they came, the oldest first.
  std::map<Key, typename std::list<item>::iterator> keys_;
};

}  // namespace timenode
