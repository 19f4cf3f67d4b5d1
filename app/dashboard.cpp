#include "app/dashboard.hpp"

#include "app/rpc_daemon_fields.hpp"
#include "app/rpc_methods.hpp"
#include "timenode/dashboard_html.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <atomic>
#include <utility>

namespace timenode {

namespace {

constexpr std::array<const char*, 8> methods{
    "getblockchaininfo", "getnetworkinfo", "getpeerinfo", "masternodelist",
    "masternodestatus",  "gethealth",      "getactors",   "uptime"};
constexpr std::uint64_t blocks_shown = 10;
/// Events that are being made: the first of each reader that the server lets in, and one a second.
constexpr std::size_t max_waiting = http_limits{}.streams + 1;

rpc_result answer_of(const char* method, const json& params, const rpc_view& view) {
  auto result = run_rpc(method, params, view);
  if (result)
    add_daemon_fields(method, view, *result);
  return result;
}

json recent_blocks(const rpc_view& view) {
  auto result = json::array();
  const auto tip = view.chain.tip().height;
  for (std::uint64_t i = 0; i < blocks_shown && i <= tip; ++i) {
    auto block = answer_of("getblock", json::array({tip - i}), view);
    if (!block)
      continue;  // Rolled back meanwhile.
    for (const auto* member : {"tx", "masternode_rewards"})
      block->erase(member);
    result.push_back(std::move(*block));
  }
  return result;
}

std::string text_of(const json& x) {
  return x.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

http_response dashboard_page() {
  http_response result;
  result.content_type = "text/html; charset=utf-8";
  result.body = std::string{dashboard_html};
  result.headers = {
      // Nothing from elsewhere; the page's own style and script stand in it.
      {"Content-Security-Policy",
       "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src "
       "'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"}};
  return result;
}

std::string dashboard_event(rpc_backend& backend, const outcome<node_snapshot>& snapshot,
                            std::string_view name, std::uint64_t log_after) {
  if (!snapshot)
    return server_sent_event("trouble", text_of(json(snapshot.error().reason)));
  const auto view =
      rpc_view{backend.facts(), backend.chain(), &*snapshot, backend.unix_now(), {}, &backend};
  json x;
  x["now"] = view.now;
  for (const auto* method : methods)
    if (auto answer = answer_of(method, nullptr, view))
      x[method] = std::move(*answer);
  // The page shows kinds of actors.
  x["getactors"].erase("actors");
  x["blocks"] = recent_blocks(view);
  x["log"] = answer_of("getlog", json::array({log_after}), view).value_or(json::array());
  return server_sent_event(name, text_of(x));
}

// -- the feed -------------------------------------------------------------------------

struct dashboard_feed::shared {
  explicit shared(std::shared_ptr<rpc_backend> x) : backend{std::move(x)} {}

  std::shared_ptr<rpc_backend> backend;
  std::shared_ptr<http_stream> stream = std::make_shared<http_stream>();
  std::atomic<std::uint64_t> log_seen = 0;  ///< The last line of the event before.
  worker maker{max_waiting};

  std::uint64_t last_line() const {
    const auto lines = backend->log().after(log_seen);
    return lines.empty() ? log_seen.load() : lines.back().number;
  }
};

dashboard_feed::dashboard_feed(std::shared_ptr<rpc_backend> backend)
    : shared_{std::make_shared<shared>(std::move(backend))}, thread_{[this] { run(); }} {}

dashboard_feed::~dashboard_feed() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

namespace {

/// Takes a snapshot and hands it to `make` on the maker's thread; calls `otherwise` when too many wait already.
template <class Shared, class Make, class Otherwise>
void with_snapshot(const std::shared_ptr<Shared>& own, Make make, Otherwise otherwise) {
  own->backend->snapshot([weak = std::weak_ptr{own}, make, otherwise](outcome<node_snapshot> x) {
    const auto alive = weak.lock();
    if (!alive)
      return;
    auto snapshot = std::make_shared<const outcome<node_snapshot>>(std::move(x));
    const auto accepted = alive->maker.post([weak, make, snapshot] {
      if (const auto own_again = weak.lock())
        make(*own_again, *snapshot);
    });
    if (!accepted)
      otherwise();
  });
}

}  // namespace

void dashboard_feed::serve(http_answer answer) {
  with_snapshot(
      shared_,
      [answer](shared& own, const outcome<node_snapshot>& snapshot) {
        auto first = std::make_shared<std::string>(
            "retry: 2000\n\n" + dashboard_event(*own.backend, snapshot, "first", 0));
        answer([first, stream = own.stream] {
          http_response result;
          result.content_type = "text/event-stream";
          result.body = std::move(*first);
          result.stream = stream;
          return result;
        });
      },
      [answer] {
        answer([] {
          return text_response(503, "Too many clients want to follow at one time; try again.");
        });
      });
}

void dashboard_feed::run() {
  std::unique_lock lock{mutex_};
  while (!changed_.wait_for(lock, dashboard_interval, [this] { return stopping_; })) {
    if (shared_->stream->readers() == 0) {
      shared_->log_seen = shared_->last_line();
      continue;
    }
    lock.unlock();
    with_snapshot(
        shared_,
        [](shared& own, const outcome<node_snapshot>& snapshot) {
          const auto last = own.last_line();
          own.stream->publish(std::make_shared<const std::string>(
              dashboard_event(*own.backend, snapshot, "node", own.log_seen)));
          own.log_seen = last;
        },
        [] {});  // Left out: the next comes soon.
    lock.lock();
  }
}

}  // namespace timenode
