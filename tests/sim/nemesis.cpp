#include "tests/sim/nemesis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sim {

using namespace timenode;

namespace {

/// Pauses between two faults of one kind, by chance around this.
constexpr monotonic_ns usual_pause = 4 * minute;
/// A forgotten connection is dead at both ends after 90 s of silence; then nothing is left of the fault.
constexpr monotonic_ns half_open_span = 100 * second;
/// Of two hosts that are slow together, the round trip must stay below the 5 s that a dial may take.
constexpr monotonic_ns longest_latency = 600 * millisecond;
/// Blocks may be 600 s ahead of a clock. One that is wrong by more than this makes its node lag behind.
constexpr monotonic_ns tolerable_clock_error = 300 * second;

std::string names(world& w, const std::vector<std::uint32_t>& hosts) {
  std::string result;
  for (const auto x : hosts)
    result += (result.empty() ? "" : " ") + w.ip(x).to_string();
  return result;
}

}  // namespace

nemesis::nemesis(world& where, fault_set what, std::uint64_t seed)
    : world_{where}, what_{what}, random_{seed}, ailments_(where.hosts()) {}

void nemesis::start() {
  healing_ = false;
  ++storm_;
  for (const auto x : what_.list())
    next(x, storm_);
}

void nemesis::next(fault what, std::uint32_t storm) {
  world_.after(between(usual_pause / 4, 2 * usual_pause), [this, what, storm] {
    if (healing_ || storm != storm_)
      return;
    strike(what);
    next(what, storm);
  });
}

void nemesis::heal() {
  healing_ = true;
  world_.log().add("FAULT", "all faults end");
  while (!undo_.empty()) {
    const auto node = undo_.extract(undo_.begin());
    node.mapped()();
  }
  for (std::uint32_t i = 0; i < world_.hosts(); ++i)
    if (!world_.up(i))
      come_back(i, between(0, second));
}

void nemesis::strike(fault what) {
  if (what != fault::nat)
    ++strikes_[std::string{to_text(what)}];
  switch (what) {
  case fault::latency:
    return latency();
  case fault::resets:
    return resets();
  case fault::loss:
    return loss();
  case fault::one_way:
    return one_way();
  case fault::partition:
    return partition();
  case fault::half_open:
    return half_open();
  case fault::nat:
    return;  // a matter of the world's shape
  case fault::crash:
    return crash(false);
  case fault::disk_loss:
    return crash(true);
  case fault::site:
    return site();
  case fault::clock:
    return clock();
  case fault::slow_reader:
    return slow_reader();
  case fault::slow_disk:
    return slow_disk();
  case fault::pause:
    return pause();
  case fault::silent:
    return silent();
  case fault::liar:
    return liar();
  case fault::flood:
    return flood();
  case fault::clog:
    return clog();
  }
}

// -- chance -------------------------------------------------------------------------------------------------

void nemesis::tell(fault what, const std::string& text) {
  world_.log().add("FAULT", fmt::format("{}: {}", to_text(what), text));
}

void nemesis::until(monotonic_ns span, std::function<void()> undo) {
  const auto id = ++last_undo_;
  undo_.emplace(id, std::move(undo));
  world_.after(span, [this, id] {
    if (auto node = undo_.extract(id))
      node.mapped()();
  });
}

monotonic_ns nemesis::between(monotonic_ns least, monotonic_ns most) {
  return least +
         static_cast<monotonic_ns>(random_.below(static_cast<std::uint64_t>(most - least) + 1));
}

std::uint32_t nemesis::some_host() {
  return static_cast<std::uint32_t>(random_.below(world_.hosts()));
}

std::uint32_t nemesis::some_node() {
  return static_cast<std::uint32_t>(random_.below(world_.nodes()));
}

std::pair<std::uint32_t, std::uint32_t> nemesis::some_pair() {
  const auto a = some_host();
  return {a,
          static_cast<std::uint32_t>((a + 1 + random_.below(world_.hosts() - 1)) % world_.hosts())};
}

std::vector<std::uint32_t> nemesis::some_hosts(std::uint32_t count) {
  std::vector<std::uint32_t> all(world_.hosts());
  for (std::uint32_t i = 0; i < all.size(); ++i)
    std::swap(all[i] = i, all[random_.below(i + 1)]);
  all.resize(std::min<std::size_t>(count, all.size()));
  return all;
}

// -- wires --------------------------------------------------------------------------------------------------

void nemesis::block(std::uint32_t from, std::uint32_t to, bool blocked) {
  if (from == to)
    return;
  world_.eyes().pairs().pair_disturbed(from, to, blocked, world_.now());
  world_.network().block(world_.ip(from), world_.ip(to), blocked);
}

void nemesis::block_all(const std::vector<std::uint32_t>& from,
                        const std::vector<std::uint32_t>& to, bool blocked) {
  for (const auto a : from)
    for (const auto b : to)
      block(a, b, blocked);
}

void nemesis::latency() {
  const auto host = some_host();
  if (!busy_hosts_.insert(host).second)
    return;
  const auto extra = between(50 * millisecond, longest_latency);
  tell(fault::latency,
       fmt::format("{} is {} ms slower", world_.ip(host).to_string(), extra / millisecond));
  world_.network().set_host_latency(world_.ip(host), extra);
  until(between(30 * second, 10 * minute), [this, host] {
    busy_hosts_.erase(host);
    world_.network().set_host_latency(world_.ip(host), 0);
  });
}

void nemesis::resets() {
  const auto reset = [this](std::uint32_t a, std::uint32_t b) {
    tell(fault::resets,
         fmt::format("{} and {}", world_.ip(a).to_string(), world_.ip(b).to_string()));
    world_.eyes().pairs().pair_hit(a, b, world_.now());
    world_.network().reset(world_.ip(a), world_.ip(b));
  };
  if (random_.below(3) > 0) {  // a router that restarts
    for (auto i = 1 + random_.below(world_.hosts()); i > 0; --i) {
      const auto [a, b] = some_pair();
      reset(a, b);
    }
    return;
  }
  const auto [a, b] = some_pair();  // a wire that flaps
  for (auto i = 2 + random_.below(20); i > 0; --i)
    world_.after(between(0, 2 * minute), [this, reset, a = a, b = b] {
      if (!healing_)
        reset(a, b);
    });
}

void nemesis::loss() {
  const auto pair = some_pair();
  if (!lossy_.insert(pair).second)
    return;
  const auto [a, b] = pair;
  const auto percent =
      static_cast<std::uint8_t>(random_.below(3) == 0 ? 100 : 10 + random_.below(80));
  tell(fault::loss, fmt::format("{} % from {} to {}", percent, world_.ip(a).to_string(),
                                world_.ip(b).to_string()));
  world_.eyes().pairs().pair_disturbed(a, b, true, world_.now());
  world_.network().set_loss(world_.ip(a), world_.ip(b), percent);
  until(between(5 * second, 4 * minute), [this, a = a, b = b] {
    lossy_.erase({a, b});
    world_.network().set_loss(world_.ip(a), world_.ip(b), 0);
    world_.eyes().pairs().pair_disturbed(a, b, false, world_.now());
  });
}

void nemesis::one_way() {
  const auto chosen = some_hosts(static_cast<std::uint32_t>(2 + random_.below(world_.hosts() - 1)));
  const auto middle =
      chosen.begin() + 1 + static_cast<std::ptrdiff_t>(random_.below(chosen.size() - 1));
  const std::vector<std::uint32_t> from(chosen.begin(), middle);
  const std::vector<std::uint32_t> to(middle, chosen.end());
  tell(fault::one_way, names(world_, from) + " do not reach " + names(world_, to));
  block_all(from, to, true);
  until(between(5 * second, 5 * minute), [this, from, to] { block_all(from, to, false); });
}

void nemesis::partition() {
  const auto all = some_hosts(world_.hosts());
  const auto middle = all.begin() + 1 + static_cast<std::ptrdiff_t>(random_.below(all.size() - 1));
  const std::vector<std::uint32_t> one(all.begin(), middle);
  const std::vector<std::uint32_t> other(middle, all.end());
  tell(fault::partition, names(world_, one) + " | " + names(world_, other));
  block_all(one, other, true);
  block_all(other, one, true);
  // Some are over before anybody notices, some last until all backoffs have grown.
  const auto span =
      random_.below(4) == 0 ? between(5 * minute, 20 * minute) : between(5 * second, 3 * minute);
  until(span, [this, one, other] {
    block_all(one, other, false);
    block_all(other, one, false);
  });
}

/// A process that stood still counts the silence from when it went on.
void nemesis::end_half_open(std::uint32_t a, std::uint32_t b, monotonic_ns well_since) {
  if (world_.ailing[a] || world_.ailing[b])
    well_since = world_.now();
  if (world_.now() - well_since >= half_open_span)
    return world_.eyes().pairs().pair_disturbed(a, b, false, world_.now());
  world_.after(second, [this, a, b, well_since] { end_half_open(a, b, well_since); });
}

void nemesis::half_open() {
  const auto [a, b] = some_pair();
  tell(fault::half_open,
       fmt::format("between {} and {}", world_.ip(a).to_string(), world_.ip(b).to_string()));
  world_.eyes().pairs().pair_disturbed(a, b, true, world_.now());
  world_.network().forget(world_.ip(a), world_.ip(b));
  end_half_open(a, b, world_.now());
}

void nemesis::clog() {
  const auto chosen =
      some_hosts(static_cast<std::uint32_t>(1 + random_.below(std::max(1u, world_.hosts() / 2))));
  tell(fault::clog, names(world_, chosen));
  const auto everybody = some_hosts(world_.hosts());
  for (const auto host : chosen) {
    const auto begin = between(0, 20 * second);
    const auto end = begin + between(second, 2 * minute);
    world_.after(begin, [this, host, everybody, begin, end] {
      if (healing_)
        return;
      block_all({host}, everybody, true);
      block_all(everybody, {host}, true);
      until(end - begin, [this, host, everybody] {
        block_all({host}, everybody, false);
        block_all(everybody, {host}, false);
      });
    });
  }
}

// -- hosts ----------------------------------------------------------------------------------------------------

void nemesis::come_back(std::uint32_t host, monotonic_ns after) {
  world_.after(after, [this, host] {
    if (world_.up(host))
      return;
    if (world_.is_gone(host))
      world_.start_host(host);
    else
      come_back(host, second);  // it still stops
  });
}

void nemesis::ail(std::uint32_t host, bool begins) {
  ailments_[host] += begins ? 1u : -1u;
  if (begins)
    world_.ailing[host] = true;
  else  // what its disk was given before takes its time still: twelve seconds at most
    world_.after(15 * second, [this, host] { world_.ailing[host] = ailments_[host] > 0; });
}

/// Two quorums of four masternodes have two of them in common, and if both forget what they approved, money can be spent
/// twice by all rules: where some try that, only one masternode may forget.
bool nemesis::may_lose_disk(std::uint32_t host) {
  const auto matters =
      world_.options().cheating && world_.is_ours(host) && world_.node(host).setup().masternode;
  if (matters && !forgetful_)
    forgetful_ = host;
  return !matters || forgetful_ == host;
}

void nemesis::crash(bool lose_disk) {
  const auto host = some_host();
  if (!world_.up(host) || busy_hosts_.contains(host))
    return;
  lose_disk = lose_disk && may_lose_disk(host);
  const auto kind = random_.below(2) == 0 ? crash_kind::power : crash_kind::process;
  const auto rest = between(300 * millisecond, 5 * minute);
  tell(lose_disk ? fault::disk_loss : fault::crash, world_.ip(host).to_string());
  // In the middle of something: so many messages from now.
  world_.system().interrupt_after(random_.below(500), [this, host, kind, lose_disk, rest] {
    world_.crash(host, kind);
    if (lose_disk)
      world_.lose_disk(host);
    come_back(host, healing_ ? second : rest);
  });
}

void nemesis::site() {
  const auto group = world_.ip(some_host()).group();
  tell(fault::site, group);
  const auto in_order = random_.below(2) == 0;
  for (std::uint32_t i = 0; i < world_.hosts(); ++i) {
    // Half of a network that is one site.
    if (world_.ip(i).group() != group || random_.below(2) == 0 || busy_hosts_.contains(i))
      continue;
    world_.after(between(0, 2 * second), [this, i, in_order] {
      if (healing_ || busy_hosts_.contains(i))
        return;
      if (in_order)
        world_.stop(i);
      else
        world_.crash(i, crash_kind::power);
      come_back(i, between(6 * second, 20 * second));
    });
  }
}

void nemesis::clock() {
  const auto node = some_node();
  if (!busy_hosts_.insert(node).second)
    return;
  auto& x = world_.node(node).clock();
  const auto drifts = random_.below(3) == 0;
  const auto ails = !drifts && random_.below(3) == 0;
  if (drifts) {
    x.drift = (static_cast<double>(random_.below(2001)) - 1000) * 1e-5;  // up to 1 %
    x.drift_since = world_.now();
    tell(fault::clock,
         fmt::format("{} drifts by {:.3f} %", world_.ip(node).to_string(), 100 * x.drift));
  } else {
    const auto most = ails ? 6 * hour : tolerable_clock_error;
    x.offset = between(-most, most);
    tell(fault::clock,
         fmt::format("{} jumps by {} s", world_.ip(node).to_string(), x.offset / second));
  }
  ail(node, true);
  until(between(minute, 10 * minute), [this, node] {
    world_.node(node).clock() = {};
    busy_hosts_.erase(node);
    ail(node, false);
  });
}

void nemesis::slow_reader() {
  const auto host = some_node();
  if (!busy_hosts_.insert(host).second)
    return;
  tell(fault::slow_reader, world_.ip(host).to_string());
  world_.eyes().pairs().host_disturbed(host, true, world_.now());
  world_.network().set_reading(world_.ip(host), false);
  ail(host, true);
  until(between(5 * second, 3 * minute), [this, host] {
    busy_hosts_.erase(host);
    ail(host, false);
    world_.eyes().pairs().host_disturbed(host, false, world_.now());
    world_.network().set_reading(world_.ip(host), true);
  });
}

void nemesis::slow_disk() {
  const auto node = some_node();
  if (!busy_hosts_.insert(node).second)
    return;
  const auto delay = between(100 * millisecond, 12 * second);
  tell(fault::slow_disk,
       fmt::format("{}: {} ms", world_.ip(node).to_string(), delay / millisecond));
  world_.set_disk_delay(node, delay);
  ail(node, true);
  until(between(30 * second, 10 * minute), [this, node] {
    busy_hosts_.erase(node);
    ail(node, false);
    world_.set_disk_delay(node, 0);
  });
}

void nemesis::pause() {
  const auto node = some_node();
  if (!world_.up(node) || !busy_hosts_.insert(node).second)
    return;
  tell(fault::pause, world_.ip(node).to_string());
  world_.eyes().pairs().host_disturbed(node, true, world_.now());
  world_.system().pause(node, true);
  ail(node, true);
  until(between(second, 4 * minute), [this, node] {
    busy_hosts_.erase(node);
    ail(node, false);
    world_.eyes().pairs().host_disturbed(node, false, world_.now());
    world_.system().pause(node, false);
  });
}

// -- strangers ----------------------------------------------------------------------------------------------------

ip_address nemesis::strange_address() {
  const auto x = strangers_made_++;
  return ip_address::from_v4({172, static_cast<std::uint8_t>(16 + x / 250 % 16),
                              static_cast<std::uint8_t>(x / 4000),
                              static_cast<std::uint8_t>(1 + x % 250)});
}

void nemesis::admit(std::unique_ptr<plain_peer> stranger, monotonic_ns span) {
  stranger->start();
  const auto place = strangers_.size();
  strangers_.push_back(std::move(stranger));
  until(span, [this, place] { strangers_[place]->stop(); });
}

victims nemesis::everybody() {
  victims result;
  for (std::uint32_t i = 0; i < world_.hosts(); ++i)
    result.hosts.push_back(world_.ip(i));
  result.chain = [this]() -> decltype(auto) { return world_.chain(); };
  result.unix_now = [this] { return node_clock{}.unix_seconds(world_.now()); };
  return result;
}

void nemesis::silent() {
  const auto whom = everybody();
  for (auto i = 1 + random_.below(3); i > 0; --i) {
    const auto how = static_cast<silent_peer::manner>(random_.below(4));
    const auto ip = strange_address();
    tell(fault::silent, fmt::format("{}, manner {}", ip.to_string(), static_cast<int>(how)));
    admit(std::make_unique<silent_peer>(world_.network(), ip, random_(), how, whom),
          between(minute, 10 * minute));
  }
}

void nemesis::liar() {
  const auto whom = everybody();
  for (auto i = 1 + random_.below(3); i > 0; --i) {
    const auto about = static_cast<liar_peer::lie>(random_.below(liar_peer::lies));
    const auto ip = strange_address();
    tell(fault::liar, fmt::format("{}, lie {}", ip.to_string(), static_cast<int>(about)));
    admit(std::make_unique<liar_peer>(world_.network(), ip, random_(), about, whom),
          between(minute, 10 * minute));
  }
}

void nemesis::flood() {
  const auto victim = world_.ip(some_node());
  const auto hosts = 1 + random_.below(10);
  const auto rate = static_cast<std::uint32_t>(1 + random_.below(20));
  const auto span = between(10 * second, 2 * minute);
  tell(fault::flood, fmt::format("{} by {} hosts, {} connections a second each", victim.to_string(),
                                 hosts, rate));
  for (std::uint64_t i = 0; i < hosts; ++i)
    admit(std::make_unique<flooder>(world_.network(), strange_address(), random_(), victim, rate),
          span);
}

}  // namespace sim
