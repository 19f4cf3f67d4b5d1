// The heights: which one is decided next, by whom, from when on.

#include "actors/block_producer.hpp"

#include "actors/invariants.hpp"
#include "chain/block_schedule.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace timenode {

namespace {

/// So that this actor's random numbers are not those of another with the same seed.
constexpr std::uint64_t seed_salt = 0x626c'6f63'6b70'726f;

/// Heights below our tip whose votes are still collected: blocks may come by other ways than their votes.
constexpr std::size_t max_behind = 4;

/// When there are too few masternodes, who is there is asked again after this, and less and less often up to the second while it
/// stays so and no peer comes: an idle network is to be quiet.
constexpr monotonic_ns idle_period = 5'000'000'000;
constexpr monotonic_ns longest_idle_period = 20'000'000'000;

/// While blocks are downloaded, whether that is over is asked this often, if no block comes.
constexpr monotonic_ns catch_up_period = 2'000'000'000;

/// After a restart of the whole network the masternodes find each other within seconds; until then it is looked
/// this often whether enough of them are known.
constexpr monotonic_ns gather_period = 500'000'000;

}  // namespace

block_producer_state::block_producer_state(block_producer_actor::pointer self, node_context context,
                                           producer_parts parts)
    : self_{self}, context_{std::move(context)}, parts_{std::move(parts)}, random_{context_.seed ^
                                                                                   seed_salt} {
  if (context_.local_ip)
    on_own_address(*context_.local_ip);
}

block_producer_actor::behavior_type block_producer_state::make_behavior() {
  self_->send(parts_.registry, atom::subscribe_v, peer_listener_actor{self_});
  self_->send(parts_.keeper, atom::subscribe_v, tip_listener_actor{self_});
  return {
      [this](atom::attach, const gossip_actor& floods) { gossip_ = floods; },
      [this](atom::clock, const ip_address& ip, std::int64_t ahead) { on_clock(ip, ahead); },
      [this](atom::snapshot) { return snapshot(); },
      // -- peer listener ---
      [this](atom::peer_up, const peer_info& info, const peer_connection_actor& connection) {
        on_peer_up(info, connection);
      },
      [this](atom::peer_down, const ip_address& ip) {
        peers_.erase(ip);
        clocks_.forget(ip);
      },
      // -- judge ---
      [this](atom::judge, const ip_address& from, const wire::message& x) {
        auto result = judge(from, x);
        drive();
        return result;
      },
      [this](atom::own_address, const ip_address& ip) {
        on_own_address(ip);
        refresh();
      },
      // -- tip listener ---
      [this](atom::tip, const chain_tip& tip) { on_tip(tip); },
      // -- time ---
      [this](atom::wake, std::uint64_t token) {
        if (alarm_.accept(token))
          drive();
      },
  };
}

// -- heights ------------------------------------------------------------------------------

void block_producer_state::on_tip(const chain_tip& tip) {
  if (knows_tip_ && tip.hash == tip_.hash)
    return;
  idle_pause_ = 0;
  tip_ = tip;
  knows_tip_ = true;
  if (current_) {
    const auto height = current_->machine.height();
    // Our block of that height is there. Its votes may not be, and may be for another.
    if (tip.height >= height && parts_.store->final_height() < height)
      behind_.insert_or_assign(height, std::move(*current_));
    if (tip.height + 1 != height || current_->parent.hash != tip.hash)
      current_.reset();
  }
  const auto final_height = parts_.store->final_height();
  std::erase_if(behind_,
                [&](const auto& x) { return x.first <= final_height || x.first > tip.height; });
  while (behind_.size() > max_behind)
    behind_.erase(behind_.begin());
  refresh();
  drive();
}

/// A masternode is its IP: it takes part from when that is known.
void block_producer_state::on_own_address(const ip_address& ip) {
  context_.local_ip = ip;
  const auto now_ours = ip.to_string();
  if (!parts_.identity || !parts_.journal || own_address_ == now_ours)
    return;
  own_address_ = now_ours;
  // The height is begun again, with what the journal has of it.
  current_.reset();
}

void block_producer_state::refresh() {
  if (asking_)
    return;
  asking_ = true;
  ask_again_at_ = 0;
  self_->request(parts_.masternodes, caf::infinite, atom::believed_v)
      .then(
          [this](std::vector<masternode_entry>& entries) {
            asking_ = false;
            on_masternodes(entries);
          },
          [this](const caf::error&) {
            asking_ = false;
            ask_again_at_ = now() + idle_period;
            set_alarm();
          });
}

void block_producer_state::on_masternodes(std::vector<masternode_entry>& entries) {
  view_ = masternode_view{std::move(entries), context_.unix_now(), context_.network};
  for (auto& [height, x] : behind_)
    update_members(x);
  if (!current_) {
    if (knows_tip_)
      make_work();
  } else {
    update_members(*current_);
    if (catching_up_)
      ask_if_behind();
  }
  if (current_ && !current_->machine.begun() && !knows_enough(*current_))
    ask_again_at_ = now() + gather_period;
  if (current_ && current_->unproposed) {
    // What kept us from it may be over.
    const auto again = *std::exchange(current_->unproposed, std::nullopt);
    if (again.round == current_->machine.round())
      propose(*current_, again);
  }
  drive();
}

/// With fewer nothing can be decided, and who leads would be known to nobody.
bool block_producer_state::knows_enough(const work& x) noexcept {
  return x.machine.members().size() >= chain::quorum_of(x.machine.size());
}

std::optional<member_set> block_producer_state::members_for(const chain_tip& parent,
                                                            bool& by_presence) {
  const auto block = parts_.store->block_at(parent.height);
  if (!block) {
    idle_because_ = "block " + std::to_string(parent.height) + " cannot be read";
    return std::nullopt;
  }
  const auto& paid = block->masternode_rewards;
  by_presence =
      paid.size() < chain::least_masternodes || context_.rules.present_set_at == parent.height + 1;
  auto result = by_presence ? view_.present() : view_.paid_by(paid);
  const auto is_first = by_presence && parent.height == 0;
  const auto least = is_first ? context_.rules.wanted_first() : chain::least_masternodes;
  if (!least) {
    idle_because_ =
        "no block says who decides, and this is a public network: its first blocks come from peers "
        "(consensus.first_masternodes begins a new chain)";
    return std::nullopt;
  }
  if (result.size >= *least)
    return result;
  idle_because_ = "there are " + std::to_string(result.size) + " active masternodes, and " +
                  std::to_string(*least) + " are needed to make a block";
  return std::nullopt;
}

void block_producer_state::make_work() {
  bool by_presence = false;
  auto set = members_for(tip_, by_presence);
  if (!set) {
    idle_pause_ = std::clamp(2 * idle_pause_, idle_period, longest_idle_period);
    ask_again_at_ = now() + idle_pause_;
    return;
  }
  idle_pause_ = 0;
  idle_because_.clear();
  const auto height = tip_.height + 1;
  chain::height_consensus::setup setup;
  setup.height = height;
  for (const auto& [address, key] : set->known)
    setup.members.push_back(address);
  setup.size = set->size;
  setup.self = own_address_;
  setup.times = chain::times_for(context_.rules.block_time);
  const auto history =
      own_address_ ? parts_.journal->signed_for(height) : std::vector<chain::signed_record>{};
  current_.emplace(work{
      tip_, chain::height_consensus{std::move(setup), history}, std::move(set->known), by_presence,
      chain::due_time(context_.rules, context_.network, tip_, context_.unix_now())});
  // Blocks that we signed for before a restart, and that may be there no more anywhere else.
  for (const auto& record : history)
    if (const auto block = parts_.journal->block_of(record.block))
      if (!current_->blocks.contains(record.block)) {
        auto judged =
            judge_proposal(block, {context_.rules, context_.network, tip_, context_.unix_now()},
                           *parts_.store, view_);
        const auto quality = judged.quality;
        current_->blocks[record.block].judged = std::move(judged);
        current_->machine.block_is(record.block, quality, now());
      }
  ask_if_behind();
  replay_early();
}

/// A height that was due long ago is either one that the whole network missed, or one that the others have and
/// we are about to get. Who is to decide on it goes by those alone who decide with it: anybody else may claim any height and
/// deliver nothing, and with enough of them, or one who comes back again and again, no block would ever be made. One more of them than may
/// be faulty must say so: when the height is decided, two thirds of them have it.
void block_producer_state::ask_if_behind() {
  const auto long_ago = context_.unix_now() - 2 * context_.rules.block_time;
  catching_up_ = parts_.sync && current_->due < long_ago;
  if (!catching_up_)
    return;
  const auto height = current_->machine.height();
  const auto members = deciders();
  self_
      ->request(parts_.sync, caf::infinite, atom::progress_v,
                std::vector<ip_address>{members.begin(), members.end()})
      .then(
          [this, height](const sync_progress& x) {
            if (!current_ || current_->machine.height() != height)
              return;
            const auto& machine = current_->machine;
            const auto enough = machine.size() - chain::quorum_of(machine.size()) + 1;
            const auto behind = x.state == "syncing" || x.state == sync_state_asking;
            catching_up_ = (behind && (!machine.takes_part() || x.ahead >= enough)) ||
                           x.state == "waiting-for-storage";
            if (catching_up_)
              ask_again_at_ = now() + catch_up_period;
            drive();
          },
          [this](const caf::error&) { catching_up_ = false; });
}

/// More of its members may have become known, and what is disputed may be so no more.
void block_producer_state::update_members(work& x) {
  bool by_presence = x.by_presence;
  if (auto set = members_for(x.parent, by_presence);
      set && (x.by_presence || set->known.size() > x.keys.size())) {
    std::vector<std::string> members;
    for (const auto& [address, key] : set->known)
      members.push_back(address);
    x.keys = std::move(set->known);
    x.machine.members_are(std::move(members), set->size, now());
  }
  for (auto& [hash, known] : x.blocks) {
    if (known.judged.quality != chain::block_quality::disputed)
      continue;
    judge_again(known.judged, view_);
    x.machine.block_is(hash, known.judged.quality, now());
  }
}

block_producer_state::work* block_producer_state::find(std::uint64_t height) {
  if (current_ && current_->machine.height() == height)
    return &*current_;
  const auto found = behind_.find(height);
  return found != behind_.end() ? &found->second : nullptr;
}

void block_producer_state::replay_early() {
  const auto height = current_->machine.height();
  auto waiting = std::exchange(early_, {});
  early_bytes_ = 0;
  for (auto& x : waiting) {
    if (x.height < height)
      continue;
    // What is for later still waits on.
    if (judge(x.from, x.what).verdict == flood_verdict::forward)
      flood(x.what);
  }
}

// -- time -----------------------------------------------------------------------------------

void block_producer_state::on_clock(const ip_address& ip, std::int64_t ahead) {
  if (!peers_.contains(ip))
    return;
  clocks_.heard(ip, ahead);
  // When most clocks differ from ours, the last one of them that says so brings it up.
  if (std::llabs(ahead) < clock_warning_from)
    return;
  constexpr auto warning_period = to_ns(std::chrono::minutes{10});
  const auto offset = clock_offset();
  if (std::llabs(offset) < clock_warning_from ||
      (clock_warned_at_ != 0 && now() - clock_warned_at_ < warning_period))
    return;
  clock_warned_at_ = now();
  spdlog::warn(
      "consensus: this machine's clock is {} s {} those of most {}{}; set it right (is a time "
      "service running?)",
      std::llabs(offset), offset > 0 ? "behind" : "ahead of",
      deciders().empty() ? "peers" : "masternodes",
      own_address_ && !clock_may_sign() ? ", so this masternode signs nothing" : "");
}

/// Who decides the present height, as far as known.
std::set<ip_address> block_producer_state::deciders() const {
  std::set<ip_address> result;
  if (current_)
    for (const auto& x : current_->machine.members())
      if (const auto ip = ip_address::parse(x))
        result.insert(*ip);
  return result;
}

/// What is told: by those who decide, or by all peers when it is not known who does.
std::int64_t block_producer_state::clock_offset() const {
  const auto whose = deciders();
  return whose.empty() ? clocks_.offset() : clocks_.offset(whose);
}

bool block_producer_state::clock_may_sign() const {
  return std::llabs(clocks_.offset(deciders())) <= clock_signs_within;
}

/// Why we sign nothing at the moment; empty: nothing keeps us from it.
std::string block_producer_state::why_silent() const {
  if (!own_address_)
    return parts_.identity && parts_.journal ? "its own address is not known yet"
                                             : "this node is no masternode";
  if (!clock_may_sign())
    return "its clock is " + std::to_string(clock_offset()) + " s from those of most masternodes";
  return {};
}

bool block_producer_state::is_deciding() const noexcept {
  return !behind_.empty() ||
         (current_ && current_->machine.begun() && !current_->machine.committed());
}

monotonic_ns block_producer_state::repeat_period() const noexcept {
  // Half the time in which a ballot is missed, so that a lost one costs no round.
  return chain::times_for(context_.rules.block_time).ballots / 2;
}

/// A block may be large, and who takes a connection's lines has it: only one who had no use for it then gets it again.
monotonic_ns block_producer_state::proposal_again_after() const noexcept {
  constexpr monotonic_ns repeats = 8;
  return repeats * repeat_period();
}

void block_producer_state::set_alarm() {
  std::optional<monotonic_ns> at;
  const auto consider = [&at](monotonic_ns x) { at = std::min(at.value_or(x), x); };
  if (ask_again_at_ != 0)
    consider(ask_again_at_);
  if (current_) {
    if (!current_->machine.begun() && !catching_up_ && knows_enough(*current_)) {
      // A height that no clock can reach is not waited for.
      constexpr std::int64_t far = 86'400;
      const auto wait = std::clamp<std::int64_t>(current_->due - context_.unix_now(), 0, far);
      consider(now() + wait * 1'000'000'000);
    }
    if (const auto deadline = current_->machine.deadline())
      consider(*deadline);
  }
  if (is_deciding())
    consider(repeat_at_);
  if (at)
    alarm_.set(self_, context_.ticker, *at);
}

consensus_snapshot block_producer_state::snapshot() const {
  auto result = counts_;
  result.final_height = parts_.store->final_height();
  result.clock_offset = clock_offset();
  result.state = "idle";
  result.why = idle_because_.empty() ? "the chain's tip is not known yet" : idle_because_;
  if (parts_.identity && !own_address_)
    result.signs_nothing = why_silent();
  if (!current_)
    return result;
  const auto& machine = current_->machine;
  result.height = machine.height();
  result.round = machine.round();
  result.due_at = current_->due;
  result.members = machine.members();
  result.size = machine.size();
  result.quorum = chain::quorum_of(machine.size());
  result.takes_part = machine.takes_part();
  result.leader = machine.leader(machine.round()).value_or("");
  result.prepared = machine.ballots().count(machine.round(), wire::ballot_phase::prepare);
  result.locked = machine.ballots().count(machine.round(), wire::ballot_phase::lock);
  result.votes = machine.ballots().votes().size();
  if (machine.takes_part())
    result.signs_nothing = why_silent();
  result.why.clear();
  if (machine.committed() || machine.decided())
    result.state = "decided";
  else if (machine.begun())
    result.state = "deciding";
  else if (catching_up_) {
    result.state = "waiting";
    result.why = "blocks are being downloaded";
  } else if (!knows_enough(*current_)) {
    result.state = "waiting";
    result.why = std::to_string(machine.members().size()) + " of the " +
                 std::to_string(machine.size()) + " masternodes that decide are known, and " +
                 std::to_string(result.quorum) + " are needed";
  } else {
    result.state = "waiting";
    result.why = "the block is due in " +
                 std::to_string(std::max<std::int64_t>(current_->due - context_.unix_now(), 0)) +
                 " s";
  }
  return result;
}

}  // namespace timenode
