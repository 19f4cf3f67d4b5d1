#pragma once

// Who the actors are and what they do, from CAF's actor profiler: the one file that knows it. CAF
// calls it on every thread at once and for every message, so each thread counts for itself and
// nobody waits for anybody but a reader.

#include "app/flight_memory.hpp"

#include <caf/actor_profiler.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace timenode {

/// An actor that lives, or the sum of all of a kind that live for a single question.
struct actor_row {
  std::uint64_t id = 0;
  std::string name;
  std::uint64_t parent = 0;  ///< 0: none.
  std::int64_t since = 0;    ///< Unix seconds.
  std::uint64_t messages = 0;
  std::chrono::nanoseconds busy{};
  std::string last_error;  ///< The last error that it answered a request with; empty: none.
  /// The message that it is at now, and for how long; empty: it waits for one.
  std::string at_work_on;
  std::chrono::nanoseconds at_work_for{};
};

/// What the actors of one name did with one kind of message, since the start.
struct message_row {
  std::string actor;
  std::string message;  ///< "wake, uint64_t".
  std::uint64_t count = 0;
  std::chrono::nanoseconds busy{};
  std::chrono::nanoseconds longest{};
};

struct actor_report {
  std::vector<actor_row> actors;                ///< By id.
  std::map<std::string, std::int64_t> mailbox;  ///< Messages that wait, by name of actor.
  std::vector<message_row> messages;            ///< By actor, those that took longest first.
};

/// "peer_up, peer_info, peer_connection_actor" out of CAF's "[timenode::atom::peer_up, ...]".
std::string short_message_name(const std::string& types);

class actor_census final : public caf::actor_profiler {
 public:
  /// What happens is noted in `memory`, too, which outlives this.
  explicit actor_census(flight_memory& memory);
  ~actor_census() override;

  /// Thread-safe. Takes milliseconds with thousands of actors.
  actor_report report() const;

  // -- called by CAF ----------------------------------------------------------------

  void add_actor(const caf::local_actor& self, const caf::local_actor* parent) override;
  void remove_actor(const caf::local_actor& self) override;
  void before_processing(const caf::local_actor& self,
                         const caf::mailbox_element& element) override;
  void after_processing(const caf::local_actor& self, caf::invoke_message_result result) override;
  void before_sending(const caf::local_actor& self, caf::mailbox_element& element) override;
  void before_sending_scheduled(const caf::local_actor& self, caf::actor_clock::time_point timeout,
                                caf::mailbox_element& element) override;

 private:
  struct shard;
  struct member;

  shard& own_shard();
  std::uint16_t number_of(const std::string& name);

  flight_memory& memory_;
  const std::uint64_t number_;  ///< Of this census in the process: threads outlive it.

  mutable std::mutex mutex_;  ///< Guards what is below; taken before a shard's own.
  std::map<std::uint64_t, member> members_;
  std::vector<std::shared_ptr<shard>> shards_;
  std::map<std::string, std::uint16_t> numbers_;
};

}  // namespace timenode
