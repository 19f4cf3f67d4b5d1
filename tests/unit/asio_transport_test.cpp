// Dialing, listening, accepting, closing. Reading and writing: asio_transport_flow_test.cpp.

#include "tests/unit/asio_transport_fixture.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

using namespace net_test;

namespace {

/// Every test of behaviour runs with one thread and with strands on two.
template <class F>
void with_threads(F f) {
  for (std::size_t threads : {1, 2}) {
    CAPTURE(threads);
    f(net::asio_transport_options{.threads = threads});
  }
}

/// A dialed connection whose dial has succeeded.
watched_link dialed(net::transport& from, const endpoint& to,
                    std::optional<ip_address> bound = {}) {
  watched_link result{.connection = from.dial(to, bound)};
  result.start();
  REQUIRE(result.log->wait([](const heard& x) { return x.connected == 1; }));
  return result;
}

/// How a dial of `to` fails.
std::string dial_failure(net::transport& from, const endpoint& to,
                         std::optional<ip_address> bound = {}) {
  watched_link result{.connection = from.dial(to, bound)};
  result.start();
  auto reason = result.wait_end();
  CHECK(result.log->now().failed);
  CHECK(from.open_connections() == 0);
  return reason;
}

std::size_t limit_files(std::size_t n) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  auto before = limit.rlim_cur;
  limit.rlim_cur = std::min<rlim_t>(n, limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
  return before;
}

}  // namespace

TEST_CASE("transport: lines go both ways, whoever dialed") {
  with_threads([](auto options) {
    server at{"127.0.0.1", options};
    net::asio_transport other{options};
    auto there = dialed(other, at.at);
    auto [here, remote] = at.take();
    here.start();
    CHECK(remote.ip == ip("127.0.0.1"));
    CHECK(there.log->now().local == remote);
    CHECK(there.connection->remote() == at.at);
    there.connection->send(buffer(ping_line(1)));
    here.connection->send(buffer(ping_line(2) + ping_line(3)));
    REQUIRE(here.wait_lines(1));
    REQUIRE(there.wait_lines(2));
    CHECK(here.log->now().nonces == std::vector<std::uint64_t>{1});
    CHECK(there.log->now().nonces == std::vector<std::uint64_t>{2, 3});
    CHECK(there.log->now().bytes == ping_line(2).size() + ping_line(3).size());
    CHECK(here.connection->stats().bytes_received == ping_line(1).size());
    // They are counted just after they are written, when they may have arrived already.
    const auto late = std::chrono::steady_clock::now() + deadline;
    while (here.connection->stats().send_queue_bytes > 0 && std::chrono::steady_clock::now() < late)
      std::this_thread::yield();
    CHECK(here.connection->stats().bytes_sent == ping_line(2).size() + ping_line(3).size());
    CHECK(here.connection->stats().send_queue_bytes == 0);
    CHECK_FALSE(here.connection->stats().reading_paused);
    CHECK(here.log->now().connected == 0);
    CHECK(at.transport.open_connections() == 1);
    CHECK(other.open_connections() == 1);
    there.connection->close("test");
    CHECK(there.wait_end() == "closed by us: test");
    CHECK(here.wait_end() == "closed by the peer");
    CHECK(at.transport.open_connections() == 0);
    CHECK(other.open_connections() == 0);
  });
}

TEST_CASE("transport: what was sent before the dial succeeded is not lost") {
  server at;
  net::asio_transport other;
  watched_link there{.connection = other.dial(at.at, std::nullopt)};
  there.connection->send(buffer(ping_line(1)));
  there.start();
  there.connection->send(buffer(ping_line(2)));
  auto [here, remote] = at.take();
  here.start();
  REQUIRE(here.wait_lines(2));
  CHECK(here.log->now().nonces == std::vector<std::uint64_t>{1, 2});
}

TEST_CASE("transport: failures of a dial, in words") {
  net::asio_transport from;
  SUBCASE("nobody listens") {
    endpoint at;
    {
      server gone;
      at = gone.at;
    }
    CHECK(dial_failure(from, at) == "connection refused");
  }
  SUBCASE("an address that is not ours") {
    server at;
    CHECK(dial_failure(from, at.at, ip("203.0.113.7")) ==
          "cannot bind to 203.0.113.7: no interface of this machine has that address");
  }
  SUBCASE("an address of the other family") {
    server at;
    CHECK(dial_failure(from, at.at, ip("2001:db8::1")) ==
          "cannot bind to 2001:db8::1: the peer is IPv4");
  }
}

TEST_CASE("transport: a dial that nobody answers times out") {
  // A listener whose queue is full ignores further connects, as a host behind a firewall does.
  auto listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(listener, 0) == 0);
  REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  endpoint at{.ip = ip("127.0.0.1"), .port = ntohs(address.sin_port)};
  plain_peer first{at};
  net::asio_transport from{{.connect_timeout = 100ms}};
  std::vector<watched_link> dials;
  // How many a queue of length 0 holds is the kernel's affair, but four it does not.
  for (int i = 0; i < 4; ++i) {
    dials.push_back({.connection = from.dial(at, std::nullopt)});
    dials.back().start();
  }
  CHECK(dials.back().wait_end() == "timed out after 100 ms");
  CHECK(dials.back().log->now().failed);
  ::close(listener);
}

TEST_CASE("transport: a dial is bound to the address given") {
  server at;
  net::asio_transport other;
  auto there = dialed(other, at.at, ip("127.0.0.2"));
  auto [here, remote] = at.take();
  CHECK(remote.ip == ip("127.0.0.2"));
  CHECK(there.log->now().local.ip == ip("127.0.0.2"));
}

TEST_CASE("transport: failures to listen, in words") {
  server at;
  auto listen = [](const endpoint& where) {
    net::asio_transport transport;
    auto log = std::make_shared<watched<arrivals>>();
    auto result = transport.listen(where, std::make_unique<arrival_recorder>(log));
    REQUIRE_FALSE(result);
    CHECK(log->now().destroyed);
    return result.error().reason;
  };
  auto port = std::to_string(at.at.port);
  CHECK(listen(at.at) ==
        "port " + port +
            " on 127.0.0.1 is in use by another program: stop it or choose another "
            "with --listen");
  CHECK(listen({.ip = ip("203.0.113.1"), .port = 24100}) ==
        "cannot listen on 203.0.113.1:24100: no interface of this machine has that address");
  auto again = at.transport.listen({.ip = ip("127.0.0.1"), .port = 0},
                                   std::make_unique<arrival_recorder>(at.log));
  REQUIRE_FALSE(again);
  CHECK(again.error().reason == "cannot listen on 127.0.0.1:0: this transport has listened before");
}

TEST_CASE("transport: on [::] an IPv4 peer is an IPv4 peer") {
  server at{"::"};
  if (!at.problem.empty()) {
    MESSAGE("skipped: ", at.problem);
    return;
  }
  net::asio_transport other;
  auto v4 = dialed(other, {.ip = ip("127.0.0.1"), .port = at.at.port});
  auto [here, remote] = at.take();
  CHECK(remote.ip == ip("127.0.0.1"));
  CHECK(remote.ip.is_v4());
  auto v6 = dialed(other, {.ip = ip("::1"), .port = at.at.port});
  auto [here6, remote6] = at.take(1);
  CHECK(remote6.ip == ip("::1"));
  CHECK_FALSE(remote6.ip.is_v4());
}

TEST_CASE("transport: an accepted connection is taken once") {
  server at;
  plain_peer peer{at.at};
  CHECK(at.transport.take(12345) == nullptr);
  auto [here, remote] = at.take();
  CHECK(at.transport.take(at.log->now().accepted[0].first) == nullptr);
}

TEST_CASE("transport: an accepted connection that is not taken is closed") {
  with_threads([](auto options) {
    options.take_timeout = 50ms;
    server at{"127.0.0.1", options};
    plain_peer peer{at.at};
    REQUIRE(at.log->wait([](const arrivals& x) { return x.accepted.size() == 1; }));
    CHECK(peer.read_all().empty());
    CHECK(peer.error() == 0);
    CHECK(at.transport.take(at.log->now().accepted[0].first) == nullptr);
    // The end of the stream can be seen a moment before the count.
    plain_peer second{at.at};
    CHECK(second.read_all().empty());
    CHECK(at.transport.open_connections() <= 1);
  });
}

TEST_CASE("transport: one that was taken in time stays") {
  server at{"127.0.0.1", {.take_timeout = 1ms}};
  // Some expire before they can be taken here; those that were taken must not.
  for (std::size_t i = 0; i < 50; ++i) {
    plain_peer peer{at.at};
    REQUIRE(at.log->wait([i](const arrivals& x) { return x.accepted.size() > i; }));
    watched_link here{.connection = at.transport.take(at.log->now().accepted[i].first)};
    if (!here.connection)
      continue;
    here.start();
    peer.write(ping_line(i));
    REQUIRE(here.wait_lines(1));
    here.connection->close("done");
    CHECK(peer.read_all().empty());
    peer.close();
    CHECK(here.wait_end() == "closed by us: done");
  }
}

TEST_CASE("transport: closing twice tells once, with the first reason") {
  with_threads([](auto options) {
    server at{"127.0.0.1", options};
    plain_peer peer{at.at};
    auto [here, remote] = at.take();
    here.start();
    here.connection->close("first");
    here.connection->close("second");
    CHECK(peer.read_all().empty());
    peer.close();
    CHECK(here.wait_end() == "closed by us: first");
    here.connection->close("third");
    here.connection->send(buffer("x\n"));
    here.connection->grant(1, 1);
    here.connection->open_up();
    CHECK(at.transport.open_connections() == 0);
  });
}

TEST_CASE("transport: closing before start tells nobody") {
  server at;
  plain_peer peer{at.at};
  auto [here, remote] = at.take();
  here.connection->close("not wanted");
  CHECK(peer.read_all().empty());
  here.start();
  CHECK(here.log->now().destroyed);
  CHECK(here.log->now().ends.empty());
  auto dial = at.transport.dial(at.at, std::nullopt);
  dial->close("changed our mind");
}

TEST_CASE("transport: one that was refused counts no more, though its socket lingers") {
  with_threads([](auto options) {
    options.linger = 60s;
    server at{"127.0.0.1", options};
    plain_peer peer{at.at};
    auto [here, remote] = at.take();
    CHECK(at.transport.open_connections() == 1);
    here.connection->close("not wanted");
    CHECK(peer.read_all().empty());
    CHECK(at.transport.open_connections() == 0);
    peer.close();
    // Nor is it taken off a second time when its socket goes.
    plain_peer second{at.at};
    auto [there, from] = at.take(1);
    CHECK(at.transport.open_connections() == 1);
  });
}

TEST_CASE("transport: closing while the dial is under way ends in on_closed") {
  net::asio_transport from{{.linger = 5ms}};  // Nobody takes those that come to be.
  server at;
  for (int i = 0; i < 50; ++i) {
    watched_link there{.connection = from.dial(at.at, std::nullopt)};
    there.start();
    there.connection->close("duplicate");
    CHECK(there.wait_end() == "closed by us: duplicate");
  }
  CHECK(from.open_connections() == 0);
}

TEST_CASE("transport: a connection that nobody holds is closed") {
  server at;
  plain_peer peer{at.at};
  auto [here, remote] = at.take();
  here.start();
  here.connection.reset();
  CHECK(peer.read_all().empty());
  peer.close();
  CHECK(here.wait_end() == "closed by us: dropped by its owner");
}

TEST_CASE("transport: closing sends what is queued, though input is left unread") {
  with_threads([](auto options) {
    server at{"127.0.0.1", options};
    plain_peer peer{at.at};
    auto [here, remote] = at.take();
    here.start();
    // More than the greeting: the rest stays unread, which makes a plain close a reset.
    for (std::uint64_t i = 0; i < 1000; ++i)
      peer.write(ping_line(i));
    std::string text(100'000, 'x');
    here.connection->send(buffer(text));
    here.connection->close("enough");
    CHECK(peer.read_all() == text);
    CHECK(peer.error() == 0);
    peer.close();
    CHECK(here.wait_end() == "closed by us: enough");
  });
}

TEST_CASE("transport: a peer that does not close its side cannot keep ours open") {
  server at{"127.0.0.1", {.linger = 20ms}};
  plain_peer peer{at.at};
  auto [here, remote] = at.take();
  here.start();
  here.connection->close("enough");
  CHECK(here.wait_end() == "closed by us: enough");
  CHECK(at.transport.open_connections() == 0);
}

TEST_CASE("transport: the peer closes or resets") {
  with_threads([](auto options) {
    server at{"127.0.0.1", options};
    plain_peer first{at.at};
    auto [a, from_a] = at.take();
    a.start();
    first.close();
    CHECK(a.wait_end() == "closed by the peer");
    plain_peer second{at.at};
    auto [b, from_b] = at.take(1);
    b.start();
    second.reset();
    CHECK(b.wait_end() == "connection reset");
  });
}

TEST_CASE("transport: stopping to listen leaves connections alone") {
  server at;
  plain_peer peer{at.at};
  auto [here, remote] = at.take();
  here.start();
  at.transport.stop_listening();
  at.transport.stop_listening();
  REQUIRE(at.log->wait([](const arrivals& x) { return x.destroyed; }));
  CHECK(dial_failure(*std::make_unique<net::asio_transport>(), at.at) == "connection refused");
  peer.write(ping_line(1));
  CHECK(here.wait_lines(1));
}

TEST_CASE("transport: its end is the end of everything, told once") {
  with_threads([](auto options) {
    std::vector<watched_link> links;
    std::vector<plain_peer> peers;
    {
      server at{"127.0.0.1", options};
      for (std::size_t i = 0; i < 20; ++i) {
        peers.emplace_back(at.at);
        if (i % 5 == 4)
          continue;  // Never taken.
        links.push_back(at.take(i).first);
        if (i % 5 != 3)  // Taken, not started.
          links.back().start();
        if (i % 5 == 2)
          links.back().connection->close("early");  // Lingers when the end comes.
      }
    }
    for (std::size_t i = 0; i < links.size(); ++i) {
      auto log = links[i].log->now();
      CAPTURE(i);
      if (i % 4 == 3) {
        CHECK(log.ends.empty());
        links[i].start();  // Too late, and harmless.
        CHECK(links[i].log->now().destroyed);
      } else {
        REQUIRE(log.over());
        CHECK(log.ends.size() == 1);
        CHECK(log.ends[0] ==
              (i % 4 == 2 ? "closed by us: early" : "closed by us: the transport shuts down"));
      }
      links[i].connection->send(buffer("x\n"));
      links[i].connection->close("late");
      CHECK(links[i].connection->stats().send_queue_bytes == 0);
    }
    for (auto& x : peers)
      CHECK(x.read_all().empty());
  });
}

TEST_CASE("transport: a thousand connections come and go without a trace") {
  limit_files(8192);
  with_threads([](auto options) {
    server at{"127.0.0.1", options};
    net::asio_transport other{options};
    constexpr std::size_t count = 1000;
    std::vector<watched_link> here(count);
    std::vector<watched_link> there;
    for (std::size_t i = 0; i < count; ++i) {
      there.push_back({.connection = other.dial(at.at, std::nullopt)});
      there.back().start();
      there.back().connection->send(buffer(ping_line(i)));
    }
    for (std::size_t i = 0; i < count; ++i) {
      auto x = at.take(i).first;
      x.start();
      REQUIRE(x.wait_lines(1));
      here[x.log->now().nonces[0]] = x;  // They need not come in the order of the dials.
    }
    CHECK(at.transport.open_connections() == count);
    CHECK(other.open_connections() == count);
    for (std::size_t i = 0; i < count; ++i)
      (i % 2 == 0 ? here : there)[i].connection->close("done");
    for (std::size_t i = 0; i < count; ++i) {
      CHECK((i % 2 == 0 ? here : there)[i].wait_end() == "closed by us: done");
      CHECK((i % 2 == 0 ? there : here)[i].wait_end() == "closed by the peer");
    }
    CHECK(at.transport.open_connections() == 0);
    CHECK(other.open_connections() == 0);
  });
}

TEST_CASE("transport: running out of files is told, and passes") {
  server at;
  plain_peer first{at.at};
  auto [here, remote] = at.take();
  auto probe = ::socket(AF_INET, SOCK_STREAM, 0);  // Takes the lowest free number.
  ::close(probe);
  auto before = limit_files(static_cast<std::size_t>(probe) + 1);
  {
    plain_peer second{at.at};  // Takes the last one.
    CHECK(at.log->wait([](const arrivals& x) { return !x.errors.empty(); }));
    limit_files(before);
    CHECK(at.log->wait([](const arrivals& x) { return x.accepted.size() == 2; }));
  }
  auto errors = at.log->now().errors;
  REQUIRE_FALSE(errors.empty());
  CHECK(errors[0].starts_with("too many open files"));
}
