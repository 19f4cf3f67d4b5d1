#include "tests/sim/world.hpp"

#include "actors/peer_connection.hpp"
#include "actors/sync_types.hpp"
#include "chain/hashes.hpp"
#include "chain/validation.hpp"
#include "tests/sim/block_maker.hpp"

#include <caf/send.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

namespace sim {

using namespace timenode;

namespace {

constexpr monotonic_ns block_period = chain::block_time_seconds * second;
/// A block that nobody has taken is offered again after this long.
constexpr monotonic_ns block_again = 5 * second;
constexpr monotonic_ns progress_period = 5 * second;
/// A node that is told to stop is gone after this (architecture, section 3).
constexpr monotonic_ns stops_within = 5 * second;
/// A connection to a reference peer may take until its kernel has noticed that an older one is gone: 120 s of
/// keepalive and one round of its own of 30 s.
constexpr monotonic_ns longest_apart_from_reference = longest_apart + 150 * second;
/// Who hands a new block over: an address of nobody.
const auto block_source = ip_address::from_v4({198, 51, 100, 1});

}  // namespace

world::world(world_options options)
    : options_{std::move(options)}, random_{options_.seed},
      network_{[this] { return system_.now(); }, random_()}, trace_{[this] {
        return system_.now();
      }},
      system_{random_()}, observer_{system_, network_, trace_, options_.nodes,
                                    options_.nodes + options_.references},
      log_sink_{trace_,
                [this] {
                  const auto who = system_.current().owner;
                  return who == nobody ? std::string{"-"} : ip(who).to_string();
                },
                options_.verbose} {
  if (!options_.trace_file.empty() && !trace_.write_to(options_.trace_file))
    throw std::runtime_error{"the trace cannot be written to " + options_.trace_file};
  network_.set_latency(5 * millisecond, 10 * millisecond, 80 * millisecond);
  network_.set_fragments(2);
  for (std::uint32_t i = 0; i < hosts(); ++i)
    network_.index_of(ip(i));  // so that a host's number is the network's
  choose_neighbours();
  chain_ = make_history(options_.block_time > 0 ? 0 : options_.history, start_of_time);
  std::vector<checked_block> checked;
  for (std::size_t i = 1; i < chain_.size(); ++i)
    checked.push_back(*chain::check_block(chain_[i]));
  for (std::uint32_t i = 0; i < options_.nodes; ++i) {
    nodes_.push_back(std::make_unique<sim_node>(
        system_, network_, setup_of(i),
        [this, i](const chain::store_batch& batch, const chain_tip& before) {
          on_commit(i, batch, before);
        }));
    nodes_.back()->give_blocks(checked);
  }
  for (std::uint32_t i = options_.nodes; i < hosts(); ++i) {
    std::vector<endpoint> known;
    for (const auto x : neighbours_[i])
      known.push_back({ip(x), p2p_port});
    references_.push_back(std::make_unique<reference_peer>(
        network_, ip(i), random_(), std::move(known), chain_.front(),
        [this] { return node_clock{}.unix_seconds(now()); },
        [this](const wire_record& wire, int side) {
          observer_.reference_established(wire, side);
        }));
    references_.back()->set_chain(chain_);
  }
  ailing.resize(hosts());
  disk_delays_.resize(nodes());
  disk_busy_until_.resize(nodes());
  waiting_.resize(options_.nodes);
  if (options_.payment_period > 0) {
    wallets_ = std::make_unique<wallets>(*this, options_.payment_period, options_.cheating);
    observer_.on_final = [this](owner_index node, const hash256& txid) {
      wallets_->on_final(node, txid);
    };
  }
  network_.watch(&observer_);
  system_.watch(&observer_);
}

world::~world() {
  network_.watch(nullptr);
  system_.watch(nullptr);
  // Actors end before the transports that they have.
  for (auto& x : nodes_)
    x->crash(crash_kind::process);
  system_.run();
  // What is under way holds connections, and these hold actors, which must not outlive their system.
  network_.drop_events();
}

void world::choose_neighbours() {
  std::vector<std::set<std::uint32_t>> chosen(hosts());
  const auto join = [&chosen](std::uint32_t a, std::uint32_t b) {
    if (a != b && chosen[a].insert(b).second)
      chosen[b].insert(a);
  };
  for (std::uint32_t i = 0; i < hosts(); ++i) {
    if (options_.neighbours == 0) {
      for (std::uint32_t j = 0; j < i; ++j)
        join(i, j);
      continue;
    }
    join(i, (i + 1) % hosts());  // so that nobody is apart from the rest
    while (chosen[i].size() < std::min(options_.neighbours, hosts() - 1))
      join(i, static_cast<std::uint32_t>(random_.below(hosts())));
  }
  const auto some = [this](double share, bool odd) {
    std::vector<bool> result(hosts());
    const auto count = static_cast<std::uint32_t>(share * options_.nodes);
    for (std::uint32_t i = 0; i < count; ++i) {
      // Spread over all addresses, so that high and low ones are among them; not the same for both uses.
      const auto at = (std::uint64_t{i} * options_.nodes / count + (odd ? 1 : 0)) % options_.nodes;
      result[at] = true;
    }
    return result;
  };
  undialable_ = some(options_.undialable, false);
  nameless_ = some(options_.nameless, true);
  for (const auto x : options_.undialable_hosts)
    undialable_[x] = true;
  for (std::uint32_t i = 0; i < hosts(); ++i) {
    neighbours_.emplace_back(chosen[i].begin(), chosen[i].end());
    network_.set_undialable(ip(i), undialable_[i]);
    observer_.pairs().set_undialable(i, undialable_[i]);
    for (const auto j : chosen[i])
      if (j < i && (is_ours(i) || is_ours(j)))
        observer_.pairs().want(
            i, j, is_ours(i) && is_ours(j) ? longest_apart : longest_apart_from_reference);
  }
}

node_setup world::setup_of(std::uint32_t number) const {
  node_setup result;
  result.number = number;
  result.ip = ip(number);
  for (const auto x : neighbours_[number])
    result.configured.push_back({ip(x), p2p_port});
  // Evenly over the addresses.
  result.masternode =
      options_.masternodes > 0 &&
      std::uint64_t{number} * options_.masternodes % options_.nodes < options_.masternodes;
  if (options_.block_time > 0) {
    result.signs = true;
    result.rules.block_time = options_.block_time;
    result.rules.first_masternodes = options_.masternodes;
  }
  // What few hosts of one group see is not believed, and the first block waits for all masternodes.
  result.knows_its_ip = !nameless_[number] || (options_.block_time > 0 && result.masternode);
  result.max_peers = options_.max_peers;
  result.check_interval = options_.check_interval;
  result.link_rules = options_.link_rules;
  result.liveness = options_.liveness;
  result.seed = random_source{options_.seed ^ (std::uint64_t{number} + 1) * 0xd1342543de82ef95}();
  if (options_.adjust)
    options_.adjust(result);
  return result;
}

// -- running ----------------------------------------------------------------------------------------------

void world::start() {
  for (std::uint32_t i = 0; i < hosts(); ++i)
    after(static_cast<monotonic_ns>(random_.below(10 * second)), [this, i] { start_host(i); });
  if (options_.makes_blocks && options_.block_time == 0)
    after(block_period, [this] { block_due(); });
  if (options_.look_period > 0 && nodes() > 0)
    after(options_.look_period, [this] { look_around(); });
  after(progress_period, [this] { watch_progress(); });
  if (wallets_)
    wallets_->start();
}

void world::run_until(monotonic_ns end) {
  for (;;) {
    system_.run();
    const auto wire = network_.next_event();
    const auto own = system_.next_event();
    const auto next = std::min(wire.value_or(end + 1), own.value_or(end + 1));
    if (next > now()) {
      observer_.settled();
      if (on_pause && !on_pause())
        return;
      if (next > end)
        break;
      system_.set_time(next);
    }
    if (!system_.run_due())
      if (wire && *wire <= now())
        network_.run_first();
  }
  system_.set_time(end);
}

// -- hosts --------------------------------------------------------------------------------------------------

bool world::up(std::uint32_t host) const {
  return is_ours(host) ? nodes_[host]->up() : references_[host - options_.nodes]->running();
}

bool world::is_gone(std::uint32_t host) const {
  return is_ours(host) ? nodes_[host]->stopped() : !up(host);
}

std::uint64_t world::height(std::uint32_t host) const {
  return is_ours(host) ? nodes_[host]->chain().tip().height
                       : references_[host - options_.nodes]->height();
}

hash256 world::tip(std::uint32_t host) const {
  return is_ours(host) ? nodes_[host]->chain().tip().hash
                       : chain::block_hash(references_[host - options_.nodes]->tip()->header);
}

void world::start_host(std::uint32_t host) {
  if (up(host))
    return;
  trace_.add(ip(host).to_string(), fmt::format("starts at height {}", height(host)));
  observer_.pairs().host_disturbed(host, false, now());
  if (is_ours(host)) {
    observer_.node_runs(host, true);
    nodes_[host]->start();
  } else {
    reference(host).start();
  }
}

void world::crash(std::uint32_t host, crash_kind kind) {
  if (!up(host))
    return;
  trace_.add(ip(host).to_string(), kind == crash_kind::power ? "loses power" : "is killed");
  observer_.pairs().host_disturbed(host, true, now());
  if (is_ours(host)) {
    observer_.node_runs(host, false);
    nodes_[host]->crash(kind);
  } else {
    reference(host).stop(kind == crash_kind::power);
  }
}

void world::stop(std::uint32_t host) {
  if (!is_ours(host) || !up(host))
    return crash(host, crash_kind::process);
  trace_.add(ip(host).to_string(), "is told to stop");
  observer_.pairs().host_disturbed(host, true, now());
  nodes_[host]->stop();
  // What its disk is at it cannot leave half done.
  const auto within = stops_within + std::max({monotonic_ns{0}, disk_delays_[host],
                                               disk_busy_until_[host] - now()});
  after(within, [this, host, within, run = nodes_[host]->runs()] {
    observer_.node_runs(host, false);
    if (nodes_[host]->runs() == run && !nodes_[host]->stopped())
      observer_.report(invariant::no_stuck,
                       fmt::format("{} had not stopped {} s after it was told to",
                                   ip(host).to_string(), within / second));
  });
}

void world::lose_disk(std::uint32_t host) {
  trace_.add(ip(host).to_string(), "loses its disk");
  if (is_ours(host))
    nodes_[host]->lose_disk();
  else
    reference(host).lose_disk();
}

void world::set_disk_delay(std::uint32_t node, monotonic_ns delay) {
  const auto before = std::exchange(disk_delays_[node], delay);
  const auto was_slow = before > 0;
  if (was_slow)
    disk_busy_until_[node] = now() + before;
  system_.set_disk_delay(node, delay);
  // What was asked for just before, and while it lasts, may come too late to be an answer.
  observer_.excuse(node);
  if (was_slow && delay == 0)
    after(monotonic_ns{std::chrono::nanoseconds{answer_timeout}.count()},
          [this, node] { observer_.excuse(node); });
}

// -- blocks ---------------------------------------------------------------------------------------------------

void world::block_due() {
  const auto due = chain_.back()->header.timestamp + chain::block_time_seconds;
  const auto unix_now = node_clock{}.unix_seconds(now());
  auto stored = false;
  for (std::uint32_t i = 0; i < hosts() && !stored; ++i)
    stored = height(i) + 1 == chain_.size();
  if (!stored || due <= unix_now) {
    make_block();
    after(block_again, [this] { block_due(); });
  } else {
    after((due - unix_now) * second, [this] { block_due(); });
  }
}

void world::make_block() {
  std::vector<std::uint32_t> best;
  for (std::uint32_t i = 0; i < hosts(); ++i) {
    if (!up(i) || ailing[i])
      continue;
    if (!best.empty() && height(i) > height(best.front()))
      best.clear();
    if (best.empty() || height(i) == height(best.front()))
      best.push_back(i);
  }
  if (best.empty())
    return;
  const auto maker = best[random_.below(best.size())];
  const auto next = height(maker) + 1;
  if (next == chain_.size()) {
    chain_.push_back(sim::make_block(*chain_.back(), node_clock{}.unix_seconds(now()), "payee"));
    trace_.add(ip(maker).to_string(), fmt::format("makes block {}", next));
  }
  hand_over(maker, chain_[next]);
}

void world::make_block_at(std::uint32_t host, const std::string& payee) {
  const auto parent =
      is_ours(host) ? nodes_[host]->chain().block_at(height(host)) : reference(host).tip();
  hand_over(host, sim::make_block(*parent, node_clock{}.unix_seconds(now()), payee));
}

void world::hand_over(std::uint32_t maker, const block_ptr& block) {
  if (is_ours(maker))
    caf::anon_send(nodes_[maker]->actors().gossip, block_source,
                   wire::message{wire::block_announcement{block}});
  else
    reference(maker).produce(block);
}

/// A block is stored only on top of the one before it; the same blocks leave the same unspent outputs.
void world::on_commit(std::uint32_t node, const chain::store_batch& batch,
                      const chain_tip& before) {
  auto height = before.height - batch.remove;
  auto parent = batch.remove == 0 ? before.hash : *nodes_[node]->chain().hash_at(height);
  for (const auto& x : batch.append) {
    const auto& header = x.block->header;
    if (header.height != height + 1 || header.previous_hash != parent)
      observer_.report(invariant::contiguous,
                       fmt::format("{} stored block {} on block {}", ip(node).to_string(),
                                   header.height, height));
    parent = chain::block_hash(header);
    height = header.height;
  }
  for (const auto& [_, x] : batch.certificates)
    on_certificate(node, x);
}

/// Two masternodes that lose their disks may vote twice; a third of them does not.
void world::on_certificate(std::uint32_t node, const wire::block_commit& x) {
  if (x.height < chain_.size()) {
    if (chain::block_hash(chain_[x.height]->header) != x.block_hash)
      observer_.report(invariant::one_certificate,
                       fmt::format("{} has a certificate for another block {} than others have",
                                   ip(node).to_string(), x.height));
    return;
  }
  // What is below it is final with it.
  for (auto h = chain_.size(); h <= x.height; ++h) {
    chain_.push_back(nodes_[node]->chain().block_at(h));
    if (wallets_)
      wallets_->on_block(*chain_.back());
  }
  trace_.add(ip(node).to_string(), fmt::format("has the certificate of block {}", x.height));
}

bool world::converged() const {
  std::set<hash256> tips;
  for (std::uint32_t i = 0; i < hosts(); ++i)
    if (up(i))
      tips.insert(tip(i));
  return tips.size() <= 1;
}

// -- looking --------------------------------------------------------------------------------------------------

void world::look_around() {
  after(options_.look_period, [this] { look_around(); });
  look_at(next_look_);
  next_look_ = (next_look_ + 1) % nodes();
}

std::optional<node_snapshot> world::look_at(std::uint32_t number) {
  auto& x = *nodes_[number];
  if (!x.up() || ailing[number] || !observer_.pairs().host_clean(number))
    return std::nullopt;
  try {
    auto result = system_.ask<node_snapshot>(x.actors().telemetry, atom::snapshot_v);
    judge(number, result);
    return result;
  } catch (const std::runtime_error& reason) {
    if (x.up())  // it may have been killed meanwhile
      observer_.report(invariant::no_stuck, fmt::format("{} does not tell its state: {}",
                                                        x.ip().to_string(), reason.what()));
    return std::nullopt;
  }
}

void world::judge(std::uint32_t number, const node_snapshot& x) {
  const auto name = ip(number).to_string();
  const auto check = [&](bool ok, invariant which, const auto& say) {
    if (!ok)
      observer_.report(which, name + ": " + say());
  };
  for (const auto& [which, count] : x.invariant_violations)
    for (std::size_t i = 0; i < invariant_count; ++i)
      if (which == to_text(static_cast<invariant>(i)))
        check(count == 0, static_cast<invariant>(i),
              [&] { return fmt::format("the node itself counts {} violations", count); });
  const auto sockets = network_.open_sockets(number);
  check(x.silent.empty(), invariant::no_stuck,
        [&] { return x.silent.front() + " did not answer"; });
  check(x.registry.links.size() == x.peers.size() && sockets <= x.registry.links.size(),
        invariant::one_truth, [&] {
          return fmt::format("{} links in the registry, {} connections that answer, {} sockets",
                             x.registry.links.size(), x.peers.size(), sockets);
        });
  for (const auto& peer : x.registry.peers)
    check(!peer.links.empty() || peer.next_step_ms >= 0, invariant::no_stuck, [&] {
      return fmt::format("it waits for {} ({}), and nothing is to happen", peer.ip.to_string(),
                         peer.state);
    });
  for (const auto& ban : x.registry.bans)
    check(network_.find(ban.network.base()).value_or(hosts()) >= hosts(), invariant::no_false_ban,
          [&] {
            return fmt::format("{} is banned: {}; evidence: {}", ban.network.to_short_string(),
                               ban.reason, ban.evidence);
          });
  // What each part may hold at most, by its own constants.
  const auto bounded = [&](std::uint64_t value, std::uint64_t limit, const char* what) {
    check(value <= limit, invariant::bounded,
          [&] { return fmt::format("{} {}, at most {}", value, what, limit); });
  };
  constexpr std::uint64_t known_limit = 4096 + 1024;
  bounded(x.directory.known, known_limit + x.directory.configured, "addresses");
  bounded(x.gossip.seen, 65'536 + 16'384, "hashes of items");
  bounded(x.sync.buffered_bytes, sync::max_waiting_bytes, "bytes of blocks that wait");
  bounded(x.sync.outstanding, sync::max_asks, "requests");
  bounded(x.masternodes.size(), 10'000, "masternodes");
  for (const auto& peer : x.peers)
    bounded(peer.send_queue_bytes, 2 * net::max_send_queue_bytes, "bytes in a send queue");
  if (const auto tip = nodes_[number]->chain().tip(); true) {
    const auto digest = nodes_[number]->chain().utxo_state();
    const auto& first = digests_.try_emplace(tip.hash, digest).first->second;
    check(first == digest, invariant::contiguous, [&] {
      return fmt::format("other unspent outputs than others have at height {}", tip.height);
    });
  }
}

/// A node that lacks a block which an honest peer of it has gets on within 15 s.
void world::watch_progress() {
  after(progress_period, [this] { watch_progress(); });
  for (std::uint32_t i = 0; i < nodes(); ++i) {
    auto& x = waiting_[i];
    const auto height = this->height(i);
    auto lacks = false;
    if (up(i) && !ailing[i] && height + 1 < chain_.size())
      for (const auto j : neighbours_[i])
        lacks = lacks || (up(j) && is_ours(j) && !ailing[j] && this->height(j) > height &&
                          observer_.pairs().links(i, j) > 0 &&
                          observer_.pairs().clean_for(i, j, stuck_patience, now()));
    if (!lacks || x.height != height || x.since == 0) {
      x = {height, lacks ? now() : 0};
    } else if (now() - x.since > stuck_patience) {
      observer_.report(invariant::no_stuck,
                       fmt::format("{} has stood at height {} for {} s, and a peer has more",
                                   ip(i).to_string(), height, (now() - x.since) / second));
      x.since = now();
    }
  }
}

}  // namespace sim
