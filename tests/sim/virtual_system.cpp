#include "tests/sim/virtual_system.hpp"

#include "tests/sim/sim_ticker.hpp"

#include <caf/actor_profiler.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace sim {

using namespace timenode;

namespace {

/// As a node has it: an actor hands on after so many messages.
constexpr std::size_t max_throughput = 50;
/// Which of so many ready actors goes next is a matter of luck, as it is with several threads.
constexpr std::uint64_t shuffled_jobs = 4;

actor_role role_of(const char* name) noexcept {
  constexpr std::pair<const char*, actor_role> roles[]{
      {"timenode.connection-registry", actor_role::registry},
      {"timenode.peer-connection", actor_role::connection},
      {"timenode.chain-keeper", actor_role::keeper},
      {"timenode.block-server", actor_role::server},
  };
  for (const auto& [text, role] : roles)
    if (std::strcmp(text, name) == 0)
      return role;
  return actor_role::other;
}

}  // namespace

/// Also the profiler: CAF tells it of every actor and message.
struct virtual_system::impl final : caf::actor_profiler {
  explicit impl(std::uint64_t seed)
      : random{seed}, system{prepare()}, scheduler{find_scheduler()}, clock{scheduler.clock()},
        worker{*this} {
    ticker = make_ticker(system, wakes);
  }

  // -- actors that come and go --

  void add_actor(const caf::local_actor& self, const caf::local_actor* parent) override {
    const auto id = self.id();
    if (facts_of.size() <= id) {
      facts_of.resize(id + 1024);
      addresses.resize(id + 1024);
      places.resize(id + 1024);
    }
    auto& x = facts_of[id];
    x = {id, parent ? facts_of[parent->id()].owner : spawning_for, role_of(self.name()),
         kind_named(self.name())};
    if (self.getf(caf::abstract_actor::is_hidden_flag))
      return;
    addresses[id] = caf::actor_addr{self.ctrl(), true};
    ++alive;
    if (x.owner == nobody)
      return;
    auto& others = by_owner[x.owner];
    places[id] = static_cast<std::uint32_t>(others.size());
    others.push_back(id);
    if (watch && x.role == actor_role::connection)
      watch->connection_begins(x);
    if (x.role == actor_role::keeper || x.role == actor_role::server)
      if (const auto i = disk_delays.find(x.owner); i != disk_delays.end() && i->second > 0)
        slow.emplace(id, i->second);
  }

  std::uint8_t kind_named(const char* name) {
    const auto place = std::ranges::find(kinds, name) - kinds.begin();
    if (static_cast<std::size_t>(place) == kinds.size()) {
      kinds.emplace_back(name);
      work.emplace_back();
    }
    return static_cast<std::uint8_t>(place);
  }

  void remove_actor(const caf::local_actor& self) override {
    const auto& x = facts_of[self.id()];
    if (!std::exchange(addresses[x.id], nullptr))
      return;
    --alive;
    slow.erase(x.id);
    if (x.owner == nobody)
      return;
    auto& others = by_owner[x.owner];
    const auto place = places[x.id];
    others[place] = others.back();
    places[others[place]] = place;
    others.pop_back();
    if (watch && x.role == actor_role::connection)
      watch->connection_ends(x);
  }

  void before_processing(const caf::local_actor& self,
                         const caf::mailbox_element& element) override {
    ++messages;
    const auto& x = facts_of[self.id()];
    // FNV-1a over words.
    const auto kind =
        element.payload.empty() ? std::uint64_t{0} : std::uint64_t{element.payload.type_at(0)};
    auto& counts = work[x.kind];
    if (counts.size() <= kind)
      counts.resize(kind + 1);
    ++counts[kind];
    for (const auto word : {x.id, static_cast<std::uint64_t>(now()), kind})
      fingerprint = (fingerprint ^ word) * 0x100000001b3;
    if (watch)
      watch->handles(x, element);
  }
  void after_processing(const caf::local_actor&, caf::invoke_message_result) override {}
  void before_sending(const caf::local_actor&, caf::mailbox_element&) override {}
  void before_sending_scheduled(const caf::local_actor&, caf::actor_clock::time_point,
                                caf::mailbox_element&) override {}

  // -- running --

  struct job_worker final : caf::execution_unit {
    explicit job_worker(impl& x) : caf::execution_unit{&x.system}, owner{x} {}
    void exec_later(caf::resumable* x) override { owner.scheduler.jobs.push_back(x); }
    impl& owner;
  };

  caf::actor_system_config& prepare() {
    config.set("caf.scheduler.policy", "testing");
    config.set("caf.logger.inline-output", true);
    config.profiler = this;
    return config;
  }

  caf::scheduler::test_coordinator& find_scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }

  monotonic_ns now() const { return clock.current_time.time_since_epoch().count(); }

  void run() {
    auto& jobs = scheduler.jobs;
    while (!jobs.empty()) {
      if (interrupt && messages >= interrupt_at) {
        auto then = std::exchange(interrupt, nullptr);
        then();
        continue;
      }
      if (jobs.size() > 1)
        std::swap(jobs.front(),
                  jobs[random.below(std::min<std::uint64_t>(jobs.size(), shuffled_jobs))]);
      auto* job = jobs.front();
      jobs.pop_front();
      if ((!paused.empty() || !slow.empty()) && held_back(job))
        continue;
      resume(job);
    }
    current_job = nullptr;
  }

  /// A turn of an actor as `caf::scheduled_actor::resume` gives it one, without what none of ours has: streams, timeouts of
  /// receiving, messages that are put off, metrics. CAF looks for all of these twice a turn, which takes longer than most of our
  /// messages, and here nearly every message is a turn. (An urgent message that comes in the middle of a turn is next, not next but
  /// three: only exits are urgent.)
  caf::resumable::resume_result turn_of(caf::scheduled_actor& x, std::size_t most) {
    if (!x.activate(&worker))
      return caf::resumable::done;
    for (std::size_t handled = 0;;) {
      x.mailbox().fetch_more();
      auto message = x.get_urgent_queue().take_front();
      if (!message)
        message = x.get_normal_queue().take_front();
      if (!message) {
        if (x.mailbox().try_block())
          return caf::resumable::awaiting_message;
        throw std::logic_error{std::string{x.name()} +
                               " got a message that the simulator cannot handle"};
      }
      switch (x.reactivate(*message)) {
      case caf::scheduled_actor::activation_result::terminated:
        return caf::resumable::done;
      case caf::scheduled_actor::activation_result::skipped:
        throw std::logic_error{std::string{x.name()} + " put off a message"};
      default:
        break;
      }
      if (++handled == most)
        return x.mailbox().try_block() ? caf::resumable::awaiting_message
                                       : caf::resumable::resume_later;
    }
  }

  caf::resumable::resume_result turn_of(caf::resumable* job) {
    const auto most = interrupt ? 1 : max_throughput;
    return job->subtype() == caf::resumable::scheduled_actor
               ? turn_of(*static_cast<caf::scheduled_actor*>(job), most)
               : job->resume(&worker, most);
  }

  void resume(caf::resumable* job) {
    current_job = job;
    switch (turn_of(job)) {
    case caf::resumable::resume_later:
      scheduler.jobs.push_back(job);
      break;
    case caf::resumable::done:
    case caf::resumable::awaiting_message:
      caf::intrusive_ptr_release(job);
      break;
    case caf::resumable::shutdown_execution_unit:
      break;
    }
    current_job = nullptr;
  }

  const actor_facts* facts(caf::resumable* job) const {
    if (job->subtype() != caf::resumable::scheduled_actor)
      return nullptr;
    return &facts_of[static_cast<caf::scheduled_actor*>(job)->id()];
  }

  /// Paused processes do not run, and who waits for a slow disk does so before it handles its next message.
  bool held_back(caf::resumable* job) {
    const auto* x = facts(job);
    if (!x)
      return false;
    if (paused.contains(x->owner)) {
      stopped[x->owner].push_back(job);
      return true;
    }
    if (x->role != actor_role::keeper && x->role != actor_role::server)
      return false;
    if (served.erase(x->id) > 0)
      return false;
    const auto i = slow.find(x->id);
    if (i == slow.end())
      return false;
    const auto id = x->id;
    waits.add(now() + i->second, [this, job, id] {
      served.insert(id);
      scheduler.jobs.push_back(job);
    });
    return true;
  }

  bool run_due() {
    const auto at = now();
    if (!scheduler.clock().schedule.empty() &&
        scheduler.clock().schedule.begin()->first.time_since_epoch().count() <= at) {
      scheduler.clock().advance_time(caf::timespan{0});
      return true;
    }
    if (waits.next().value_or(at + 1) <= at) {
      waits.run_first();
      return true;
    }
    return wakes.wake_first(at);
  }

  random_source random;
  wake_queue wakes;
  message_watch* watch = nullptr;
  owner_index spawning_for = nobody;
  std::vector<actor_facts> facts_of;  ///< By actor id, which CAF counts up from 1.
  std::vector<std::string> kinds;     ///< Names of actors: some thirty.
  std::vector<std::vector<std::uint64_t>>
      work;  ///< Messages, by kind of actor and type of their first part.
  std::vector<caf::actor_addr> addresses;  ///< The same; null once it has ended, and of CAF's own.
  std::vector<std::uint32_t> places;       ///< The same: where in `by_owner` it is.
  std::size_t alive = 0;
  std::unordered_map<owner_index, std::vector<caf::actor_id>> by_owner;
  caf::resumable* current_job = nullptr;
  std::uint64_t messages = 0;
  std::uint64_t fingerprint = 0xcbf29ce484222325;
  std::uint64_t interrupt_at = 0;
  std::function<void()> interrupt;
  std::set<owner_index> paused;
  std::map<owner_index, std::vector<caf::resumable*>> stopped;
  std::map<owner_index, monotonic_ns> disk_delays;
  std::map<caf::actor_id, monotonic_ns> slow;  ///< Who waits for a slow disk, and how long.
  std::set<caf::actor_id> served;              ///< Has waited; the next message is due.
  event_queue waits;
  // Its end still tells us of actors, so it comes before that of all above.
  caf::actor_system_config config;
  caf::actor_system system;
  caf::scheduler::test_coordinator& scheduler;
  caf::detail::test_actor_clock& clock;
  job_worker worker;
  ticker_actor ticker;
};

virtual_system::virtual_system(std::uint64_t seed)
    : impl_{std::make_unique<impl>(seed)}, self_{impl_->system, true} {
  run();
}

virtual_system::~virtual_system() {
  impl_->watch = nullptr;
  impl_->slow.clear();
  impl_->interrupt = nullptr;
  for (const auto owner : std::set{impl_->paused})
    pause(owner, false);
  while (impl_->waits.next())
    impl_->waits.run_first();
  const auto leftovers = impl_->addresses;
  for (const auto& address : leftovers)
    if (auto hdl = caf::actor_cast<caf::actor>(address))
      caf::anon_send_exit(hdl, caf::exit_reason::kill);
  run();
  impl_->wakes.clear();
  impl_->ticker = nullptr;
}

caf::actor_system& virtual_system::actors() noexcept {
  return impl_->system;
}

void virtual_system::watch(message_watch* x) noexcept {
  impl_->watch = x;
}

// -- time -------------------------------------------------------------------------------------------

monotonic_ns virtual_system::now() const {
  return impl_->now();
}

std::optional<monotonic_ns> virtual_system::next_event() const {
  auto result = impl_->wakes.next();
  const auto consider = [&result](std::optional<monotonic_ns> x) {
    if (x && (!result || *x < *result))
      result = x;
  };
  consider(impl_->waits.next());
  if (const auto& schedule = impl_->scheduler.clock().schedule; !schedule.empty())
    consider(schedule.begin()->first.time_since_epoch().count());
  return result;
}

void virtual_system::set_time(monotonic_ns at) {
  // Not by `advance_time`, which would fire timers by itself.
  auto& clock = impl_->scheduler.clock();
  clock.current_time = caf::actor_clock::time_point{caf::actor_clock::duration_type{at}};
}

bool virtual_system::run_due() {
  return impl_->run_due();
}

void virtual_system::run() {
  impl_->run();
}

const ticker_actor& virtual_system::ticker() const noexcept {
  return impl_->ticker;
}

// -- owners -----------------------------------------------------------------------------------------

void virtual_system::spawn_for(owner_index owner) noexcept {
  impl_->spawning_for = owner;
}

void virtual_system::kill(owner_index owner) {
  pause(owner, false);
  set_disk_delay(owner, 0);
  const auto i = impl_->by_owner.find(owner);
  if (i == impl_->by_owner.end())
    return;
  auto ids = i->second;
  std::ranges::sort(ids);
  for (const auto id : ids)
    if (auto hdl = caf::actor_cast<caf::actor>(impl_->addresses[id]))
      caf::anon_send<caf::message_priority::high>(
          hdl, caf::exit_msg{hdl.address(), caf::exit_reason::kill});
}

std::size_t virtual_system::alive(owner_index owner) const {
  const auto i = impl_->by_owner.find(owner);
  if (i == impl_->by_owner.end())
    return 0;
  // One that has ended may be held by what is still under way on the network, and does nothing any more.
  return static_cast<std::size_t>(std::ranges::count_if(i->second, [this](caf::actor_id id) {
    const auto hdl = caf::actor_cast<caf::actor>(impl_->addresses[id]);
    return hdl && !hdl->getf(caf::abstract_actor::is_terminated_flag);
  }));
}

std::size_t virtual_system::alive() const {
  return impl_->alive;
}

void virtual_system::pause(owner_index owner, bool paused) {
  if (paused) {
    impl_->paused.insert(owner);
    return;
  }
  impl_->paused.erase(owner);
  if (const auto node = impl_->stopped.extract(owner))
    for (auto* job : node.mapped())
      impl_->scheduler.jobs.push_back(job);
}

void virtual_system::set_disk_delay(owner_index owner, monotonic_ns delay) {
  impl_->disk_delays[owner] = delay;
  const auto i = impl_->by_owner.find(owner);
  if (i == impl_->by_owner.end())
    return;
  for (const auto id : i->second) {
    const auto role = impl_->facts_of[id].role;
    if (role != actor_role::keeper && role != actor_role::server)
      continue;
    if (delay > 0)
      impl_->slow[id] = delay;
    else
      impl_->slow.erase(id);
  }
}

void virtual_system::interrupt_after(std::uint64_t messages, std::function<void()> then) {
  impl_->interrupt_at = impl_->messages + messages;
  impl_->interrupt = std::move(then);
}

// -- who is at work -----------------------------------------------------------------------------------

actor_facts virtual_system::current() const {
  const auto* x = impl_->current_job ? impl_->facts(impl_->current_job) : nullptr;
  return x ? *x : actor_facts{};
}

actor_facts virtual_system::facts(caf::actor_id id) const {
  return id < impl_->facts_of.size() ? impl_->facts_of[id] : actor_facts{};
}

caf::actor_control_block* virtual_system::running() const noexcept {
  auto* job = impl_->current_job;
  return job && job->subtype() == caf::resumable::scheduled_actor
             ? static_cast<caf::scheduled_actor*>(job)->ctrl()
             : nullptr;
}

std::uint64_t virtual_system::messages() const noexcept {
  return impl_->messages;
}

std::map<std::string, std::uint64_t> virtual_system::work() const {
  std::map<std::string, std::uint64_t> result;
  for (std::size_t i = 0; i < impl_->work.size(); ++i)
    for (std::size_t type = 0; type < impl_->work[i].size(); ++type)
      if (const auto count = impl_->work[i][type]; count > 0)
        result[impl_->kinds[i] + ": " +
               to_string(caf::query_type_name(static_cast<caf::type_id_t>(type)))] += count;
  return result;
}

std::uint64_t virtual_system::fingerprint() const noexcept {
  return impl_->fingerprint;
}

}  // namespace sim
