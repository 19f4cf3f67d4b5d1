#include "app/actor_census.hpp"

#include <caf/error.hpp>
#include <caf/invoke_message_result.hpp>
#include <caf/local_actor.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/type_id_list.hpp>

#include <algorithm>
#include <atomic>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace timenode {

namespace {

using steady = std::chrono::steady_clock;

/// Of one kind of message of one kind of actor, so many are noted at once, and so many a second
/// when more come; the others are folded into the next that is noted.
constexpr double noted_at_once = 20;
constexpr double noted_per_second = 1;

/// Actors with a name of ours are listed one by one; CAF's own and those that live for one question
/// only count.
bool is_ours(std::string_view name) {
  return name.starts_with("timenode.");
}

std::int64_t unix_nanoseconds() {
  return std::chrono::system_clock::now().time_since_epoch() / std::chrono::nanoseconds{1};
}

std::uint64_t next_census() {
  static std::atomic<std::uint64_t> last = 0;
  return ++last;
}

}  // namespace

std::string short_message_name(const std::string& types) {
  std::string result;
  std::string_view rest = types;
  if (rest.starts_with('['))
    rest.remove_prefix(1);
  if (rest.ends_with(']'))
    rest.remove_suffix(1);
  // A namespace goes, wherever it stands: also inside of a template's brackets.
  while (!rest.empty()) {
    const auto end = rest.find_first_of(" ,<>");
    const auto word = rest.substr(0, end);
    const auto colons = word.rfind("::");
    result += colons == word.npos ? word : word.substr(colons + 2);
    if (end == rest.npos)
      break;
    result += rest[end];
    rest.remove_prefix(end + 1);
  }
  return result.empty() ? "(nothing)" : result;
}

// -- what a thread counts -----------------------------------------------------------

/// The members of an actor system that a thread has worked for. Its own thread alone writes; the
/// mutex is there for readers.
struct actor_census::shard {
  struct key {
    const char* actor;  ///< The name as CAF has it, a literal of the actor's class.
    const caf::type_id_t* message;
    bool operator==(const key&) const = default;
  };
  struct key_hash {
    std::size_t operator()(const key& x) const noexcept {
      return std::hash<const void*>{}(x.actor) * 31 + std::hash<const void*>{}(x.message);
    }
  };
  struct cell {
    std::string actor;
    std::string message;
    std::uint64_t count = 0;
    std::chrono::nanoseconds busy{};
    std::chrono::nanoseconds longest{};
    std::uint16_t actor_number = 0;
    std::uint16_t message_number = 0;
    double may_note = noted_at_once;
    steady::time_point noted{};
    std::uint32_t folded = 0;
    std::chrono::nanoseconds longest_folded{};
  };
  struct sum {
    std::uint64_t messages = 0;
    std::chrono::nanoseconds busy{};
  };

  mutable std::mutex mutex;
  std::unordered_map<key, cell, key_hash> cells;
  std::unordered_map<std::uint64_t, sum> sums;  ///< By actor; of ours only.
  flight_memory::ring* ring = nullptr;
  // The message at work on.
  std::uint64_t actor = 0;  ///< 0: none.
  cell* current = nullptr;
  steady::time_point started{};

  void note(cell& x, std::uint64_t id, steady::time_point now, std::chrono::nanoseconds took) {
    const auto seconds = std::chrono::duration<double>{now - x.noted}.count();
    x.may_note = std::min(noted_at_once, x.may_note + seconds * noted_per_second);
    x.noted = now;
    x.longest_folded = std::max(x.longest_folded, took);
    if (x.may_note < 1) {
      ++x.folded;
      return;
    }
    x.may_note -= 1;
    flight_event event;
    event.at = unix_nanoseconds();
    event.actor = id;
    event.microseconds = static_cast<std::uint32_t>(
        std::min<std::int64_t>(x.longest_folded / std::chrono::microseconds{1}, ~std::uint32_t{0}));
    event.actor_name = x.actor_number;
    event.message = x.message_number;
    event.folded = std::exchange(x.folded, 0);
    x.longest_folded = {};
    flight_memory::add(*ring, event);
  }
};

struct actor_census::member {
  std::string name;
  std::uint64_t parent = 0;
  std::int64_t since = 0;
  std::string last_error;
};

// -- CAF's calls ----------------------------------------------------------------------

actor_census::actor_census(flight_memory& memory) : memory_{memory}, number_{next_census()} {}

actor_census::~actor_census() = default;

actor_census::shard& actor_census::own_shard() {
  struct slot {
    std::uint64_t census = 0;
    std::shared_ptr<shard> mine;
  };
  static thread_local slot own;
  if (own.census != number_) {
    own.mine = std::make_shared<shard>();
    own.mine->ring = &memory_.take_ring();
    own.census = number_;
    const std::lock_guard lock{mutex_};
    shards_.push_back(own.mine);
  }
  return *own.mine;
}

std::uint16_t actor_census::number_of(const std::string& name) {
  const std::lock_guard lock{mutex_};
  const auto [found, is_new] = numbers_.try_emplace(name);
  if (is_new)
    found->second = memory_.add_name(name);
  return found->second;
}

void actor_census::add_actor(const caf::local_actor& self, const caf::local_actor* parent) {
  if (!is_ours(self.name()))
    return;
  member x{self.name(), parent ? parent->id() : 0, unix_nanoseconds() / 1'000'000'000, {}};
  const std::lock_guard lock{mutex_};
  members_.insert_or_assign(self.id(), std::move(x));
}

void actor_census::remove_actor(const caf::local_actor& self) {
  if (!is_ours(self.name()))
    return;
  const std::lock_guard lock{mutex_};
  members_.erase(self.id());
  for (const auto& x : shards_) {
    const std::lock_guard own{x->mutex};
    x->sums.erase(self.id());
  }
}

void actor_census::before_processing(const caf::local_actor& self,
                                     const caf::mailbox_element& element) {
  auto& own = own_shard();
  const auto types = element.payload.types();
  const shard::key key{self.name(), types.data()};
  auto found = own.cells.find(key);
  if (found == own.cells.end()) {
    shard::cell fresh;
    fresh.actor = self.name();
    fresh.message = short_message_name(to_string(types));
    fresh.actor_number = number_of(fresh.actor);
    fresh.message_number = number_of(fresh.message);
    const std::lock_guard lock{own.mutex};
    found = own.cells.emplace(key, std::move(fresh)).first;
  }
  const std::lock_guard lock{own.mutex};
  own.actor = self.id();
  own.current = &found->second;
  own.started = steady::now();
}

void actor_census::after_processing(const caf::local_actor& self,
                                    caf::invoke_message_result result) {
  auto& own = own_shard();
  const std::lock_guard lock{own.mutex};
  auto* const x = std::exchange(own.current, nullptr);
  const auto id = std::exchange(own.actor, 0);
  if (x == nullptr || id != self.id() || result == caf::invoke_message_result::skipped)
    return;
  const auto now = steady::now();
  const auto took = now - own.started;
  ++x->count;
  x->busy += took;
  x->longest = std::max<std::chrono::nanoseconds>(x->longest, took);
  if (is_ours(x->actor)) {
    auto& sum = own.sums[id];
    ++sum.messages;
    sum.busy += took;
    own.note(*x, id, now, took);
  }
}

void actor_census::before_sending(const caf::local_actor& self, caf::mailbox_element& element) {
  // An error is what a request is answered with that could not be done.
  if (!element.mid.is_response() || !element.payload.match_elements<caf::error>())
    return;
  auto text = to_string(element.payload.get_as<caf::error>(0));
  const std::lock_guard lock{mutex_};
  if (const auto found = members_.find(self.id()); found != members_.end())
    found->second.last_error = std::move(text);
}

void actor_census::before_sending_scheduled(const caf::local_actor&, caf::actor_clock::time_point,
                                            caf::mailbox_element&) {}

// -- the report -----------------------------------------------------------------------

actor_report actor_census::report() const {
  std::map<std::uint64_t, actor_row> actors;
  std::map<std::pair<std::string, std::string>, message_row> messages;
  const std::lock_guard lock{mutex_};
  for (const auto& [id, x] : members_) {
    auto& row = actors[id];
    row.id = id;
    row.name = x.name;
    row.parent = x.parent;
    row.since = x.since;
    row.last_error = x.last_error;
  }
  for (const auto& one : shards_) {
    const std::lock_guard own{one->mutex};
    for (const auto& [id, sum] : one->sums)
      if (const auto found = actors.find(id); found != actors.end()) {
        found->second.messages += sum.messages;
        found->second.busy += sum.busy;
      }
    for (const auto& [key, x] : one->cells) {
      auto& row = messages[{x.actor, x.message}];
      row.actor = x.actor;
      row.message = x.message;
      row.count += x.count;
      row.busy += x.busy;
      row.longest = std::max(row.longest, x.longest);
    }
    const auto found = actors.find(one->actor);
    if (one->current != nullptr && found != actors.end()) {
      found->second.at_work_on = one->current->message;
      found->second.at_work_for = steady::now() - one->started;
    }
  }
  actor_report result;
  for (auto& [id, row] : actors)
    result.actors.push_back(std::move(row));
  for (auto& [key, row] : messages)
    result.messages.push_back(std::move(row));
  std::stable_sort(result.messages.begin(), result.messages.end(),
                   [](const auto& a, const auto& b) {
                     return a.actor != b.actor ? a.actor < b.actor : a.busy > b.busy;
                   });
  return result;
}

}  // namespace timenode
