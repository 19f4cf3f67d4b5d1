#pragma once

#include "actors/alarm.hpp"
#include "actors/interfaces.hpp"
#include "actors/invariants.hpp"
#include "actors/node_context.hpp"

#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace timenode {

/// Tells its state when asked.
template <class Snapshot>
using snapshot_source = caf::typed_actor<auto(atom::snapshot)->caf::result<Snapshot>>;

/// Whom the telemetry actor asks, by the smallest interface that does. One that is not there counts
/// as silent.
struct telemetry_sources {
  caf::typed_actor<auto(atom::list)->caf::result<link_list>,
                   auto(atom::check)->caf::result<link_list, std::uint64_t>,
                   auto(atom::count)->caf::result<std::uint64_t>,
                   auto(atom::explain, ip_address)->caf::result<known_peer_snapshot>,
                   auto(atom::snapshot)->caf::result<registry_snapshot>>
      registry;  ///< A `connection_registry_actor`.
  caf::typed_actor<auto(atom::explain, ip_address)->caf::result<address_snapshot>,
                   auto(atom::snapshot)->caf::result<directory_snapshot>>
      directory;                            ///< A `peer_directory_actor`.
  snapshot_source<gossip_snapshot> gossip;  ///< A `gossip_actor`.
  snapshot_source<keeper_snapshot> keeper;  ///< A `chain_keeper_actor`.
  caf::typed_actor<auto(atom::progress)->caf::result<sync_progress>,
                   auto(atom::snapshot)->caf::result<sync_snapshot>>
      sync;  ///< A `sync_engine_actor`.
  caf::typed_actor<auto(atom::list)->caf::result<std::vector<masternode_entry>>,
                   auto(atom::snapshot)->caf::result<attestation_stats>>
      masternodes;                                ///< A `masternode_table_actor`.
  snapshot_source<consensus_snapshot> consensus;  ///< A `block_producer_actor`.
  snapshot_source<mempool_snapshot> mempool;      ///< A `mempool_actor`.
};

/// Collects what the others know, and checks every ten seconds that it fits together
/// (invariants.hpp).
///
/// One collection serves everyone who asked while it ran. It ends when all have answered or when
/// its deadline has come, whatever is first; who did not answer is named in
/// `node_snapshot::silent`.
class telemetry_state {
 public:
  static constexpr auto name = "timenode.telemetry";

  /// How long a collection may take: the interface promises an answer within a second.
  static constexpr std::chrono::milliseconds deadline{800};
  /// A result this young is given again, unless something was ordered since: a page that asks for
  /// several things asks the node once.
  static constexpr std::chrono::milliseconds reuse{200};
  /// How long each of the two rounds of questions for an explanation may take.
  static constexpr std::chrono::milliseconds explain_deadline{400};
  /// How often the invariants are checked unless asked otherwise, and when again after a difference.
  static constexpr std::chrono::seconds check_interval{10};
  static constexpr std::chrono::seconds recheck_after{1};
  /// Who asks beyond this many is refused. The RPC server, the most eager asker, has 64
  /// connections.
  static constexpr std::size_t max_askers = 256;

  /// @param open_sockets How many sockets of connections are open, counted by the transport.
  /// @param check_every How often the invariants are checked.
  telemetry_state(telemetry_actor::pointer self, node_context context, telemetry_sources sources,
                  std::function<std::size_t()> open_sockets,
                  std::chrono::seconds check_every = check_interval);

  telemetry_actor::behavior_type make_behavior();

 private:
  /// What came so far.
  struct collection {
    node_snapshot result;
    std::size_t outstanding = 0;  ///< Requests that were neither answered nor timed out.
    monotonic_ns ends = 0;        ///< Its deadline.
  };

  // -- snapshots ------------------------------------------------------------------
  caf::result<node_snapshot> answer();
  void changed();
  void begin();
  template <class Result, class Handle, class Request, class F>
  void ask(const Handle& whom, std::string who, Request what, F take);
  void take_links(const link_list& links);
  void one_less();
  void finish();

  // -- smaller answers ------------------------------------------------------------
  /// What came so far for one asker.
  template <class Answer>
  struct gathering {
    Answer result;
    std::chrono::milliseconds patience;  ///< With each question.
    std::size_t outstanding = 1;         ///< Held until all are asked.
    caf::typed_response_promise<Answer> asker;

    void one_less() {
      if (--outstanding == 0)
        asker.deliver(std::move(result));
    }
  };
  caf::result<node_pulse> pulse();
  caf::result<peer_explanation> explain(const ip_address& ip);
  template <class Result, class Answer, class Handle, class F, class... Request>
  void ask_for(const std::shared_ptr<gathering<Answer>>& x, const Handle& whom, std::string who,
               F take, Request... what);

  // -- invariants (telemetry_checks.cpp) --------------------------------------------
  /// What came so far of what a check compares: little of each connection, since every node of any size does it every ten
  /// seconds.
  struct checking {
    health_sample sample;
    std::size_t outstanding = 0;
    monotonic_ns ends = 0;
  };
  void begin_check();
  template <class... Results, class Handle, class Request, class F>
  void ask_in_check(const Handle& whom, Request what, F take);
  void check_links(const link_list& links);
  void one_checked();
  void judge(const health_sample& x);
  void count_violation(invariant which, const std::string& sentence);
  std::map<std::string, std::uint64_t> violations() const;
  std::optional<link_counts> gauges() const;

  // -- time ---------------------------------------------------------------------------
  void wake(std::uint64_t token);
  void wake_in(std::chrono::nanoseconds delay);

  telemetry_actor::pointer self_;
  node_context context_;
  telemetry_sources sources_;
  std::function<std::size_t()> open_sockets_;
  std::chrono::seconds check_every_;
  std::optional<collection> running_;
  std::vector<caf::typed_response_promise<node_snapshot>> askers_;  ///< Of the running collection.
  std::optional<node_snapshot> last_;
  monotonic_ns last_at_ = 0;
  bool out_of_date_ = false;  ///< Something was ordered after the running collection was begun.
  std::vector<caf::typed_response_promise<node_snapshot>> later_;  ///< Who asked after that.
  std::optional<checking> checking_;
  alarm_clock alarm_;
  monotonic_ns check_due_ = 0;
  health_checker checker_;
  std::array<std::uint64_t, invariant_count> found_{};  ///< Violations, where there are no metrics.
};

using telemetry = telemetry_actor::stateful_impl<telemetry_state>;

}  // namespace timenode
