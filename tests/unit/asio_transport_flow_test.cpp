// Reading and writing: credit, limits, overflow. The rest: asio_transport_test.cpp.

#include "tests/unit/asio_transport_fixture.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

using namespace net_test;

namespace {

/// An accepted connection in the middle of its life, and the other end of it.
struct pair {
  explicit pair(std::size_t threads, int receive_buffer = 0)
      : at{"127.0.0.1", {.threads = threads}}, peer{at.at, receive_buffer}, here{at.take().first} {}

  server at;
  plain_peer peer;
  watched_link here;
};

template <class F>
void with_threads(F f) {
  for (std::size_t threads : {1, 2}) {
    CAPTURE(threads);
    f(threads);
  }
}

std::string x_line(std::size_t size) {
  return "\"" + std::string(size - 2, 'x') + "\"\n";
}

bool paused(const watched_link& x) {
  return x.connection->stats().reading_paused;
}

}  // namespace

TEST_CASE("flow: without credit reading stops and the sender blocks; a grant resumes it") {
  with_threads([](std::size_t threads) {
    pair x{threads};
    x.here.connection->open_up();
    std::atomic<bool> granting = false;
    auto connection = x.here.connection.get();
    x.here.start([&granting, connection](const net::received_batch& b) {
      if (granting)
        connection->grant(b.lines.size(), b.bytes);
    });
    auto line = ping_line(1234567);
    // Far more than the kernel keeps for a socket that nobody reads.
    constexpr std::size_t most = 512u << 20;
    auto written = x.peer.write_until_blocked(line, most);
    CHECK(written < most);
    REQUIRE(x.here.log->wait([](const heard& h) { return h.lines >= net::read_credit_messages; }));
    auto before = x.here.log->now();
    // One chunk may overshoot, and no more.
    CHECK(before.lines < net::read_credit_messages + (64u << 10) / line.size() + 1);
    // Less than is owed changes nothing.
    x.here.connection->grant(before.lines - net::read_credit_messages, 0);
    CHECK(paused(x.here));
    CHECK(x.here.log->now().batches == before.batches);
    // Now all is granted as it comes; the rest flows, the sender too.
    granting = true;
    x.here.connection->grant(before.lines, before.bytes);
    CHECK(x.here.wait_lines(written / line.size()));
    x.peer.write("\n" + line);  // Ends the line that the full socket cut.
    CHECK(x.here.log->wait([](const heard& h) { return h.nonces.back() == 1234567; }));
  });
}

TEST_CASE("flow: credit in bytes counts too, but never stops the line that has begun") {
  pair x{1};
  x.here.connection->open_up();
  x.here.start();
  auto big = x_line(3u << 20);
  REQUIRE(big.size() > net::read_credit_bytes);
  // Written from a thread: nobody reads the second line until the first is granted.
  std::thread writer{[&] { x.peer.write(big + big + ping_line(7)); }};
  REQUIRE(x.here.wait_lines(1));
  CHECK(x.here.log->now().bytes == big.size());
  x.here.connection->grant(1, big.size());
  REQUIRE(x.here.wait_lines(2));
  x.here.connection->grant(2, 2 * big.size());  // More than is owed is as good as all.
  REQUIRE(x.here.wait_lines(3));
  writer.join();
}

TEST_CASE("flow: a grant from within on_received") {
  with_threads([](std::size_t threads) {
    pair x{threads};
    x.here.connection->open_up();
    net::connection* connection = x.here.connection.get();
    x.here.start(
        [connection](const net::received_batch& b) { connection->grant(b.lines.size(), b.bytes); });
    std::string text;
    for (std::uint64_t i = 0; i < 20'000; ++i)
      text += ping_line(i);
    x.peer.write(text);
    REQUIRE(x.here.wait_lines(20'000));
    auto nonces = x.here.log->now().nonces;
    for (std::uint64_t i = 0; i < nonces.size(); ++i)
      REQUIRE(nonces[i] == i);
    CHECK(x.here.log->now().bytes == text.size());
    CHECK(x.here.connection->stats().bytes_received == text.size());
  });
}

TEST_CASE("flow: lines before the end come before it, half a line never") {
  with_threads([](std::size_t threads) {
    pair x{threads};
    x.peer.write(ping_line(1) + ping_line(2) + "{\"Ping\":{\"non");
    x.peer.close();
    x.here.start();
    CHECK(x.here.wait_end() == "closed by the peer");
    CHECK(x.here.log->now().nonces == std::vector<std::uint64_t>{1, 2});
    CHECK(x.here.log->now().malformed.empty());
  });
}

TEST_CASE("flow: a peer that closes only its sending half still gets our lines") {
  pair x{1};
  auto connection = x.here.connection.get();
  x.here.start([connection](const net::received_batch&) { connection->send(buffer("answer\n")); });
  x.peer.write(ping_line(1));
  x.peer.shut_sending();
  CHECK(x.peer.read_all() == "answer\n");
}

TEST_CASE("flow: before open_up no more than the greeting is read") {
  with_threads([](std::size_t threads) {
    pair x{threads};
    std::string text;
    std::uint64_t lines = 0;
    while (text.size() < 3 * net::greeting_bytes)
      text += ping_line(lines++);
    x.peer.write(text);
    x.here.start();
    auto fit = (net::greeting_bytes + 1) / ping_line(0).size();
    REQUIRE(x.here.wait_lines(fit));
    CHECK(x.here.connection->stats().bytes_received <= net::greeting_bytes + 1);
    CHECK(x.here.log->now().lines <= fit + 1);
    // The line of which a part is here already is not lost.
    x.here.connection->open_up();
    REQUIRE(x.here.wait_lines(lines));
    auto heard = x.here.log->now();
    for (std::uint64_t i = 0; i < lines; ++i)
      CHECK(heard.nonces[i] == i);
    CHECK(heard.malformed.empty());
    // And now a line may be long.
    x.peer.write(x_line(100'000));
    REQUIRE(x.here.wait_lines(lines + 1));
  });
}

TEST_CASE("flow: a first line of exactly the greeting is read, a longer one is a violation") {
  pair x{1};
  x.peer.write(x_line(net::greeting_bytes));
  x.here.start();
  REQUIRE(x.here.wait_lines(1));
  CHECK(x.here.log->now().bytes == net::greeting_bytes + 1);

  for (auto text : {std::string(net::greeting_bytes + 1, 'x'), std::string(3000, 'x') + "\n",
                    "\n\n" + std::string(2000, 'x')}) {
    pair y{1};
    y.peer.write(text);
    y.here.start();
    REQUIRE(y.here.wait_lines(1));
    CHECK(y.here.log->now().malformed ==
          std::vector<std::string>{"no line within the first 1024 bytes"});
    // Nothing more is read, whatever is granted.
    y.here.connection->grant(1, 5000);
    y.here.connection->open_up();
    CHECK(y.here.connection->stats().bytes_received == net::greeting_bytes + 1);
    y.here.connection->send(buffer("bye\n"));
    y.here.connection->close("violation");
    CHECK(y.peer.read_all() == "bye\n");
    CHECK(y.peer.error() == 0);
    y.peer.close();
    CHECK(y.here.wait_end() == "closed by us: violation");
    CHECK(y.here.log->now().lines == 1);
  }
}

TEST_CASE("flow: a dialed connection has no greeting limit") {
  server at;
  net::asio_transport other;
  watched_link there{.connection = other.dial(at.at, std::nullopt)};
  there.start();
  auto [here, remote] = at.take();
  here.start();
  here.connection->send(buffer(x_line(100'000)));
  REQUIRE(there.wait_lines(1));
  CHECK(there.log->now().bytes == 100'001);
}

TEST_CASE("flow: an oversized line is delivered as a violation and is the last") {
  pair x{1};
  x.here.connection->open_up();
  x.here.start();
  std::thread writer{
      [&] { x.peer.write(ping_line(1) + std::string(wire::max_line_bytes + 1, 'x')); }};
  REQUIRE(x.here.wait_lines(2));
  writer.join();
  x.peer.write("\n" + ping_line(2));
  CHECK(x.here.log->now().malformed ==
        std::vector<std::string>{"a line longer than 8388608 bytes"});
  CHECK(paused(x.here));
  x.here.connection->grant(2, 100);
  x.here.connection->close("violation");
  CHECK(x.peer.read_all().empty());
  x.peer.close();
  CHECK(x.here.wait_end() == "closed by us: violation");
  CHECK(x.here.log->now().lines == 2);
}

TEST_CASE(
    "flow: lines without an end take what all of them may, and the one that grew slowest goes") {
  net::asio_transport_options options;
  options.max_unfinished_bytes = 1u << 20;
  server srv{"127.0.0.1", options};
  const std::string beginning(200u << 10, 'x');
  std::vector<std::unique_ptr<plain_peer>> peers;
  std::vector<watched_link> links;
  const auto begin_line = [&] {
    peers.push_back(std::make_unique<plain_peer>(srv.at));
    auto x = srv.take(links.size()).first;
    x.start();
    x.connection->open_up();
    peers.back()->write(beginning);
    // Nobody is told of the beginning of a line; the connection counts it.
    while (x.connection->stats().bytes_received < beginning.size() && x.log->now().ends.empty())
      std::this_thread::yield();
    links.push_back(std::move(x));
  };
  for (int i = 0; i < 5; ++i)
    begin_line();
  for (auto& x : links)
    CHECK(x.log->now().ends.empty());
  // A sixth is too much: the first goes, which is as long as the others and has waited longest.
  begin_line();
  CHECK(links[0].wait_end() == net::reason_line_overflow);
  for (std::size_t i = 1; i < links.size(); ++i) {
    peers[i]->write("\n" + ping_line(i));
    REQUIRE(links[i].wait_lines(2));
    CHECK(links[i].log->now().nonces == std::vector<std::uint64_t>{i});
  }
}

TEST_CASE("flow: a peer that does not read is cut off when its queue is full") {
  with_threads([](std::size_t threads) {
    pair x{threads, 128 << 10};
    x.here.start();
    auto piece = buffer(x_line(256u << 10));
    // What the kernel takes is bounded, so this ends.
    std::size_t most = 0;
    while (x.here.log->now().ends.empty()) {
      x.here.connection->send(piece);
      most = std::max<std::size_t>(most, x.here.connection->stats().send_queue_bytes);
    }
    CHECK(x.here.wait_end() == "send queue overflow");
    // What is being written does not count, and the piece that fills the queue is still taken.
    CHECK(most <= net::max_send_queue_bytes + 2 * piece->size());
    CHECK(x.here.connection->stats().send_queue_bytes == 0);
    CHECK(x.at.transport.open_connections() == 0);
  });
}

TEST_CASE("flow: on_drained tells once that the queue is low again") {
  with_threads([](std::size_t threads) {
    pair x{threads, 128 << 10};
    x.here.start();
    auto piece = buffer(x_line((64u << 10) - 1));
    std::size_t sent = 0;
    // Until the queue is well above the mark, which it may cross while the kernel still takes all.
    std::size_t before = 0;
    while (x.here.connection->stats().send_queue_bytes < 3 * net::send_low_water_bytes) {
      before = x.here.log->now().drained;
      x.here.connection->send(piece);
      sent += piece->size();
    }
    CHECK(x.peer.read_at_least(sent).size() == sent);
    REQUIRE(x.here.log->wait([before](const heard& h) { return h.drained > before; }));
    CHECK(x.here.log->now().drained == before + 1);
    CHECK(x.here.connection->stats().bytes_sent == sent);
  });
}

TEST_CASE("flow: senders on many threads; each one's order is kept") {
  with_threads([](std::size_t threads) {
    server at{"127.0.0.1", {.threads = threads}};
    net::asio_transport other{{.threads = threads}};
    watched_link there{.connection = other.dial(at.at, std::nullopt)};
    auto taker = there.connection.get();
    there.start([taker](const net::received_batch& b) { taker->grant(b.lines.size(), b.bytes); });
    auto [here, remote] = at.take();
    here.start();
    constexpr std::uint64_t senders = 4;
    constexpr std::uint64_t each = 5000;
    std::vector<std::thread> workers;
    for (std::uint64_t s = 0; s < senders; ++s)
      workers.emplace_back([&connection = *here.connection, s] {
        for (std::uint64_t i = 0; i < each; ++i)
          connection.send(buffer(ping_line(s * each + i)));
      });
    for (auto& x : workers)
      x.join();
    REQUIRE(there.wait_lines(senders * each));
    std::vector<std::uint64_t> next(senders);
    for (auto nonce : there.log->now().nonces)
      CHECK(nonce % each == next[nonce / each]++);
  });
}

TEST_CASE("flow: big messages both ways at once") {
  with_threads([](std::size_t threads) {
    server at{"127.0.0.1", {.threads = threads}};
    net::asio_transport other{{.threads = threads}};
    watched_link there{.connection = other.dial(at.at, std::nullopt)};
    auto granting = [](net::connection* to) {
      return [to](const net::received_batch& b) { to->grant(b.lines.size(), b.bytes); };
    };
    there.start(granting(there.connection.get()));
    auto here = at.take().first;
    here.start(granting(here.connection.get()));
    here.connection->open_up();
    auto big = buffer(x_line(1u << 20));
    for (int i = 0; i < 3; ++i) {
      here.connection->send(big);
      there.connection->send(big);
    }
    CHECK(here.wait_lines(3));
    CHECK(there.wait_lines(3));
    CHECK(there.log->now().bytes == 3 * big->size());
  });
}
