// What a message from actor to actor costs, by itself and in the way that a line for many peers goes.

#include "messages/wire_codec.hpp"
#include "tests/bench/bench.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/init_global_meta_objects.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

namespace bench {

namespace {

using namespace timenode;

/// A line, handed from thread to thread the plainest way.
class handover {
 public:
  void give() {
    {
      const std::lock_guard lock{mutex_};
      ++given_;
    }
    came_.notify_one();
  }
  void take() {
    std::unique_lock lock{mutex_};
    came_.wait(lock, [this] { return given_ > 0; });
    --given_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  int given_ = 0;
};

results run(const options& x) {
  caf::core::init_global_meta_objects();
  caf::actor_system_config config;
  config.set("caf.scheduler.max-threads", 2);
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  const auto echo = system.spawn([](caf::event_based_actor*) -> caf::behavior {
    return {[](std::int32_t number) { return number; }};
  });
  const int hops = x.quick ? 2000 : 20'000;
  const auto round_trip = rate(
      hops,
      [&] {
        for (int i = 0; i < hops; ++i)
          self->request(echo, caf::infinite, std::int32_t{1})
              .receive([](std::int32_t) {}, [](const caf::error&) {});
      },
      0.1);

  handover there;
  handover back;
  std::jthread other{[&](const std::stop_token& stop) {
    for (;;) {
      there.take();
      if (stop.stop_requested())
        return;
      back.give();
    }
  }};
  const auto bare = rate(
      hops,
      [&] {
        for (int i = 0; i < hops; ++i) {
          there.give();
          back.take();
        }
      },
      0.1);
  other.request_stop();
  there.give();

  results result{{"question to an actor and back", round_trip, "round trips/s", bare,
                  "two threads with a mutex and a condition variable"}};

  // One line to many: encoded once, a reference to each.
  const auto line = wire::encode_shared(wire::get_block_height{});
  for (const int count : {100, 1000}) {
    std::vector<std::vector<wire::shared_line>> queues(static_cast<std::size_t>(count));
    const auto [shared, copied] = rates(
        count,
        [&] {
          const auto one = wire::encode_shared(wire::get_block_height{});
          for (auto& queue : queues)
            queue.push_back(one);
          for (auto& queue : queues)
            queue.clear();
        },
        [&] {
          for (auto& queue : queues)
            queue.push_back(line);
          for (auto& queue : queues)
            queue.clear();
        });
    result.push_back({"one line for " + std::to_string(count) + " queues, encoded once", shared,
                      "lines/s", copied, "a line that is there already"});
  }
  return result;
}

const registration registered{"actor", run};

}  // namespace

}  // namespace bench
