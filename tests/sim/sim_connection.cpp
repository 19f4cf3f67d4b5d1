#include "tests/sim/sim_connection.hpp"

#include "tests/sim/actor_memory.hpp"
#include "tests/sim/sim_transport.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sim {

using namespace timenode;

namespace {

/// What a program reads at one time, as `asio_connection` does.
constexpr std::size_t chunk_bytes = 64u << 10;

}  // namespace

sim_connection::sim_connection(sim_network& network, wire_record_ptr record, int side,
                               endpoint remote)
    : network_{network}, record_{std::move(record)}, side_{side},
      boot_{network.hosts_[record_->hosts[side]]->boots}, remote_{remote},
      framer_{side == 1 ? net::greeting_bytes : wire::max_line_bytes},
      process_{network.hosts_[record_->hosts[side]]->processes} {}

sim_connection::~sim_connection() {
  stop_dialing();
  if (alive())
    vanish(wire_end::crash, true);
  if (const auto other = peer_.lock())
    other->other_ = nullptr;
}

/// They are there from the program's first turn on.
void sim_connection::find_handlers() noexcept {
  behavior_ = program_ ? behavior_of(program_) : nullptr;
  handlers_ = behavior_ ? behavior_->as_behavior_impl().get() : nullptr;
}

bool sim_connection::orphaned() const {
  return process_ != network_.hosts_[host()]->processes;
}

void sim_connection::schedule(monotonic_ns delay, event what) {
  network_.events_.add(network_.now() + delay, shared_from_this(), what);
}

void sim_connection::happen(std::uint32_t what) {
  switch (static_cast<event>(what)) {
  case syn:
    return dial();
  case connected:
    return connect();
  case timed_out:
    if (state_ == state::dialing)
      fail(wire_end::none, "timed out after 5 s", false);
    return;
  case arrival:
    return on_arrival();
  case reset_arrives:
    return fail(wire_end::reset, "connection reset", false);
  case closed_here:
    leave();
    return tell(failure_, dialing_);
  case failed_here:
    return fail(wire_end::not_read, failure_, true);
  case acks:
    return on_acks();
  }
}

/// Nearly always bytes of ours arrive at the other end, whose program gets them.
void sim_connection::approach(nearness how) const noexcept {
  if (how == nearness::near)
    fetch_shared(record_.get(), sizeof(*record_));
  const auto* other = other_;
  if (!other)
    return;
  switch (how) {
  case nearness::far:
    break;
  case nearness::near:
    fetch_shared(other, sizeof(*other));
    break;
  case nearness::nearer:
    fetch(other->handler_.get(), 1);
    fetch(other->program_, fetched_of_actor);
    fetch(other->behavior_, 1);
    fetch(other->handlers_, fetched_of_behavior);
    fetch(record_->note.get(), 1);
    break;
  case nearness::next:
    if (!flights_.empty() && flights_.begin()->bytes)
      fetch(flights_.begin()->bytes->data(), 1);
    break;
  }
}

// -- the transport seam -----------------------------------------------------------------------

void sim_connection::start(std::unique_ptr<net::connection_handler> handler) {
  if (closing_)
    return;
  handler_ = std::move(handler);
  if (state_ == state::ended) {
    // The peer was gone before the program took the connection, which its first read tells.
    failure_ = "connection reset";
    schedule(0, closed_here);
    return;
  }
  if (network_.watch_) {
    network_.watch_->started(record_, side_);
    program_ = network_.watch_->running();
  }
  if (side_ == 1) {
    read();
    return;
  }
  state_ = state::dialing;
  dialed_at_ = network_.now();
  dial();
}

void sim_connection::open_up() {
  framer_.limit(wire::max_line_bytes);
  opened_up_ = true;
  read();
}

void sim_connection::send(net::shared_buffer bytes) {
  if (state_ != state::up || closing_)
    return;
  // As on a real socket, the message that is being written does not count.
  const auto being_sent = queue_.empty() ? std::size_t{0} : queue_.front()->size();
  if (queued_ >= net::max_send_queue_bytes + being_sent) {
    // Not at once: the program is in the middle of its call.
    failure_ = net::reason_send_overflow;
    schedule(0, failed_here);
    return;
  }
  queued_ += bytes->size();
  above_ = above_ || queued_ > net::send_low_water_bytes;
  if (queue_.empty() && window_used_ < window_bytes)
    put_out(std::move(bytes));
  else
    queue_.push(std::move(bytes));
}

void sim_connection::grant(std::size_t messages, std::size_t bytes) {
  held_messages_ -= std::min(held_messages_, messages);
  held_bytes_ -= std::min(held_bytes_, bytes);
  read();
}

void sim_connection::close(const std::string& reason) {
  if (state_ == state::ended || std::exchange(closing_, true))
    return;
  if (record_->end == wire_end::none) {
    record_->end = wire_end::closed;
    record_->ended_by = side_;
    record_->reason = reason;
  }
  // What is queued still goes out; then the other side sees the end. Our own end is told at once.
  if (state_ == state::up) {
    queue_.push(nullptr);
    pump();
  } else {
    stop_dialing();
    dialing_ = true;
    state_ = state::ended;
  }
  failure_ = "closed by us: " + reason;
  schedule(0, closed_here);
}

net::connection_stats sim_connection::stats() const {
  return {sent_, received_, queued_,
          held_messages_ >= net::read_credit_messages || held_bytes_ >= net::read_credit_bytes};
}

std::size_t sim_connection::bytes_held() const noexcept {
  auto result = queued_;
  for (const auto& x : inbox_)
    result += x->size();
  return result;
}

// -- sending --------------------------------------------------------------------------------------

/// Puts queued bytes on the way, as far as the window goes.
void sim_connection::pump() {
  while (!queue_.empty() && window_used_ < window_bytes)
    put_out(queue_.take());
}

void sim_connection::put_out(net::shared_buffer bytes) {
  if (bytes && bytes->size() > 1 && network_.fragments_ > 0 &&
      network_.fragments_ > network_.random_.below(100)) {
    // Where a stream is cut is nobody's business.
    const auto middle = 1 + network_.random_.below(bytes->size() - 1);
    launch(std::make_shared<const std::string>(*bytes, 0, middle));
    bytes = std::make_shared<const std::string>(*bytes, middle);
    last_launch_ = -1;
  }
  launch(std::move(bytes));
}

/// What is sent at one moment arrives at one moment, as what a stack has at hand goes out together.
void sim_connection::launch(net::shared_buffer bytes) {
  if (bytes)
    window_used_ += bytes->size();
  const auto now = network_.now();
  if (std::exchange(last_launch_, now) == now && !flights_.empty()) {
    flights_.push({std::move(bytes), last_arrival_});
    return;
  }
  // Streams keep their order whatever the jitter, and what was sent apart comes apart.
  last_arrival_ = std::max(last_arrival_ + 1, now + network_.delay(host(), other_host()));
  flights_.push({std::move(bytes), last_arrival_});
  if (flights_.size() == 1)
    schedule(last_arrival_ - now, arrival);
}

void sim_connection::on_arrival() {
  if (flights_.empty())
    return;  // it ended meanwhile
  if (boot_ != network_.hosts_[host()]->boots)
    return flights_.clear();
  if (cut_off(side_))
    return retransmit();
  auto other = peer_.lock();
  if (!other || other->state_ == state::ended) {
    const auto answers = network_.hosts_[other_host()]->transport != nullptr && !cut_off(1 - side_);
    if (!answers)
      return retransmit();
    fail(wire_end::unknown_here, "connection reset", false);
    return;
  }
  retry_ = waited_ = 0;
  auto ends = false;
  std::size_t arrived = 0;
  do {
    auto bytes = flights_.take().bytes;
    if (!bytes) {
      ends = true;
      continue;
    }
    arrived += bytes->size();
    if (!other->closing_)  // else nobody reads it any more
      other->inbox_.push(std::move(bytes));
  } while (!flights_.empty() && flights_.front().arrives <= network_.now());
  if (!flights_.empty())
    schedule(flights_.front().arrives - network_.now(), arrival);
  queued_ -= arrived;
  sent_ += arrived;
  if (above_ && queued_ < net::send_low_water_bytes) {
    above_ = false;
    if (handler_)
      handler_->on_drained();
  }
  if (!other->closing_)
    other->read();
  if (ends)
    other->end_of_stream();
}

/// TCP sends again until it gives up.
void sim_connection::retransmit() {
  if (waited_ >= stack_gives_up_after) {
    fail(wire_end::gave_up, "connection timed out", false);
    return;
  }
  retry_ = retry_ == 0 ? first_retransmission : std::min(2 * retry_, longest_retransmission);
  retry_ = std::min(retry_, stack_gives_up_after - waited_);  // it gives up in time
  waited_ += retry_;
  schedule(retry_, arrival);
}

/// The other side's program has read that much: the window opens, if we can be told.
void sim_connection::consumed(std::size_t bytes) {
  if (unacked_ > 0 || cut_off(1 - side_)) {
    if (unacked_ == 0) {
      ack_waited_ = first_retransmission;
      schedule(ack_waited_, acks);
    }
    unacked_ += bytes;
    return;
  }
  window_used_ -= bytes;
  pump();
}

void sim_connection::on_acks() {
  if (!alive())
    return;
  if (cut_off(1 - side_)) {
    if (ack_waited_ >= stack_gives_up_after) {
      fail(wire_end::gave_up, "connection timed out", false);
      return;
    }
    const auto pause =
        std::min({ack_waited_, longest_retransmission, stack_gives_up_after - ack_waited_});
    ack_waited_ += pause;
    schedule(pause, acks);
    return;
  }
  window_used_ -= std::exchange(unacked_, 0);
  pump();
}

// -- receiving --------------------------------------------------------------------------------------

void sim_connection::read() {
  // A program may do anything while it is told, so everything is looked at anew each time.
  while (handler_ && state_ == state::up && !closing_ && !inbox_.empty() &&
         network_.hosts_[host()]->reading && held_messages_ < net::read_credit_messages &&
         held_bytes_ < net::read_credit_bytes && (opened_up_ || side_ == 0 || !greeted_)) {
    const auto bytes = read_some();
    if (auto other = peer_.lock())
      other->consumed(bytes);
    hand_over(bytes);
  }
  if (peer_done_ && inbox_.empty() && state_ == state::up && !closing_)
    fail(wire_end::closed, std::string{net::reason_closed_by_peer}, false);
}

/// Takes what has come, as much as a program reads at one time, into the network's scratch. How many bytes.
std::size_t sim_connection::read_some() {
  auto& scratch = network_.scratch_;
  scratch.clear();
  do
    scratch.append(*inbox_.take());
  // Who is not known yet is heard line by line: what is behind his greeting waits until he is let in.
  while (!inbox_.empty() && (opened_up_ || side_ == 0) &&
         scratch.size() + inbox_.front()->size() <= chunk_bytes);
  return scratch.size();
}

/// Hands the lines in the first so many bytes of the scratch to the program.
void sim_connection::hand_over(std::size_t bytes) {
  received_ += bytes;
  auto& scratch = network_.scratch_;
  scratch.append(wire::line_decoder::padding, '\0');
  const auto chunk = std::string_view{scratch.data(), bytes};
  framer_.feed(chunk);
  net::received_batch batch;
  batch.lines.reserve(std::max<std::size_t>(1, net::count_lines(chunk)));
  while (auto line = framer_.next()) {
    batch.bytes += line->size() + 1;
    batch.lines.push_back(network_.decoder_.decode_padded(*line));
  }
  if (framer_.faulted())
    batch.lines.push_back(wire::malformed_line{"line too long", framer_.evidence(), true});
  if (batch.lines.empty())
    return;
  greeted_ = true;
  held_messages_ += batch.lines.size();
  held_bytes_ += batch.bytes;
  if (!handlers_)
    find_handlers();
  if (network_.watch_)
    network_.watch_->received(record_, side_, batch, queued_);
  handler_->on_received(std::move(batch));
}

// -- ending ---------------------------------------------------------------------------------------

void sim_connection::end_of_stream() {
  if (!alive() || closing_)
    return;
  peer_done_ = true;  // what came before the end is read first
  read();
}

void sim_connection::end(wire_end why, const std::string& reason) {
  if (why != wire_end::none && record_->end == wire_end::none) {
    record_->end = why;
    record_->ended_by = side_;
    record_->reason = reason;
  }
  stop_dialing();
  state_ = state::ended;
  queue_.clear();
  flights_.clear();
  inbox_.clear();
  leave();
}

/// The socket is gone, as far as the host's program can see.
void sim_connection::leave() {
  const auto key = 2 * record_->id + static_cast<unsigned>(side_);
  if (network_.hosts_[host()]->open.erase(key) && network_.watch_)
    network_.watch_->ended(record_, side_);
}

void sim_connection::tell(const std::string& reason, bool failed) {
  auto handler = std::move(handler_);
  if (!handler)
    return;
  if (failed)
    handler->on_failed(reason);
  else
    handler->on_closed(reason);
}

void sim_connection::fail(wire_end why, const std::string& reason, bool reset_peer) {
  if (state_ == state::ended)
    return;
  if (auto other = peer_.lock(); other && reset_peer && !cut_off(side_))
    other->schedule(network_.delay(host(), other_host()), reset_arrives);
  const auto dialing = state_ == state::dialing;
  end(why, reason);
  tell(reason, dialing);
}

void sim_connection::vanish(wire_end why, bool reset_peer) {
  if (state_ == state::ended)
    return;
  if (auto other = peer_.lock(); other && reset_peer && !cut_off(side_))
    other->schedule(network_.delay(host(), other_host()), reset_arrives);
  handler_.reset();
  end(why, {});
}

/// Whether a packet from that side does not get to the other one.
bool sim_connection::cut_off(int from) const {
  return lost_ || network_.lost(record_->hosts[from], record_->hosts[1 - from]);
}

}  // namespace sim
