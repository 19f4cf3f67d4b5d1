#include "app/rpc_server.hpp"

#include "app/dashboard.hpp"
#include "app/rpc_daemon_fields.hpp"
#include "app/rpc_methods.hpp"
#include "app/worker.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace timenode {

namespace {

/// A snapshot, or why there is none.
using taken = std::shared_ptr<const outcome<node_snapshot>>;

/// Slow requests that wait for their turn. They are an operator's: backups, reloads.
constexpr std::size_t max_slow_requests = 16;

/// What serves the requests. Lives as long as the server; its functions run on the server's thread.
struct rpc_service {
  explicit rpc_service(std::shared_ptr<rpc_backend> x)
      : backend{std::move(x)}, dashboard{backend} {}

  std::shared_ptr<rpc_backend> backend;
  rpc_access access;
  dashboard_feed dashboard;
  worker slow{max_slow_requests};
};

http_response to_response(std::string body, unsigned status = 200) {
  http_response result;
  result.status = body.empty() ? 204 : status;
  result.body = std::move(body);
  if (!result.body.empty())
    result.body += '\n';
  return result;
}

http_response not_allowed(const std::string& allow) {
  auto result = text_response(405, "Only " + allow + " is served here.");
  result.allow = allow;
  return result;
}

http_response wants_password() {
  auto result = text_response(401, "The node asks for a name and a password.");
  result.headers = {{"WWW-Authenticate", "Basic realm=\"timenode\", charset=\"UTF-8\""}};
  return result;
}

/// What becomes of one request with calls.
struct rpc_work {
  explicit rpc_work(std::string_view body) : document{body} {}

  rpc_document document;
  std::vector<std::pair<std::size_t, node_question>> questions;  ///< By the place of their call.
  std::size_t asked = 0;
  std::map<std::size_t, outcome<node_reply>> replies;
  taken snapshot;  ///< Null when no method needs one.
};
using rpc_work_ptr = std::shared_ptr<rpc_work>;

/// Runs the calls on what is known.
http_response run_calls(const std::shared_ptr<rpc_backend>& backend, const rpc_work& work) {
  bool stop = false;
  auto view = rpc_view{backend->facts(),    backend->chain(),         nullptr,
                       backend->unix_now(), [&stop] { stop = true; }, backend.get()};
  std::string no_snapshot;
  if (work.snapshot && *work.snapshot)
    view.snapshot = &**work.snapshot;
  else if (work.snapshot)
    no_snapshot = work.snapshot->error().reason;
  const auto run = [&](std::size_t place, const std::string& method, const json& params) {
    const auto reply = work.replies.find(place);
    view.reply = reply == work.replies.end() ? nullptr : &reply->second;
    auto answer = run_rpc(method, params, view, no_snapshot);
    if (answer)
      add_daemon_fields(method, view, *answer);
    return answer;
  };
  auto result = to_response(work.document.answer(run));
  if (stop)  // Only now, or the node could be gone before its answer was sent.
    result.then = [backend] { backend->stop(); };
  return result;
}

/// Runs the calls on the thread that they need, and answers.
void run_and_answer(rpc_service& service, const rpc_work_ptr& work, const http_answer& answer) {
  const auto backend = service.backend;
  if (!work->document.any_method(rpc_is_slow))
    return answer([=] { return run_calls(backend, *work); });
  const auto accepted = service.slow.post([=] {
    auto done = std::make_shared<http_response>(run_calls(backend, *work));
    answer([done] { return std::move(*done); });
  });
  if (!accepted)
    answer([] { return text_response(503, "Too many slow requests wait already."); });
}

/// One snapshot for all calls of a batch: they tell of the same moment, that after its orders.
void take_snapshot(const std::shared_ptr<rpc_service>& service, const rpc_work_ptr& work,
                   http_answer answer) {
  if (!work->document.any_method(rpc_needs_snapshot))
    return run_and_answer(*service, work, answer);
  service->backend->snapshot(
      [weak = std::weak_ptr{service}, work, answer = std::move(answer)](outcome<node_snapshot> x) {
        work->snapshot = std::make_shared<const outcome<node_snapshot>>(std::move(x));
        if (const auto alive = weak.lock())
          run_and_answer(*alive, work, answer);
      });
}

/// Asks one after the other: the second order of a batch may build on the first.
void ask_next(const std::shared_ptr<rpc_service>& service, const rpc_work_ptr& work,
              http_answer answer) {
  if (work->asked == work->questions.size())
    return take_snapshot(service, work, std::move(answer));
  auto& [place, question] = work->questions[work->asked++];
  service->backend->ask(std::move(question), [weak = std::weak_ptr{service}, work, place = place,
                                              answer = std::move(answer)](outcome<node_reply> x) {
    work->replies.emplace(place, std::move(x));
    if (const auto alive = weak.lock())
      ask_next(alive, work, answer);
  });
}

void serve_calls(const std::shared_ptr<rpc_service>& service, const http_request& request,
                 http_answer answer) {
  auto work = std::make_shared<rpc_work>(request.body);
  auto& backend = *service->backend;
  const auto view =
      rpc_view{backend.facts(), backend.chain(), nullptr, backend.unix_now(), {}, &backend};
  work->document.for_each([&](std::size_t place, const std::string& method, const json& params) {
    if (auto question = question_of_call(method, params, view))
      work->questions.emplace_back(place, std::move(*question));
  });
  ask_next(service, work, std::move(answer));
}

http_response readiness(const rpc_backend& backend, const outcome<node_pulse>& x) {
  const auto tip = backend.chain().tip();
  const auto report =
      x ? judge_health(*x, tip, backend.health(), backend.unix_now()) : no_health(x.error(), tip);
  return to_response(health_json(report).dump(-1, ' ', false, json::error_handler_t::replace),
                     report.ready ? 200 : 503);
}

void serve_readiness(const rpc_service& service, http_answer answer) {
  const auto backend = service.backend;
  backend->pulse([backend, answer = std::move(answer)](outcome<node_pulse> x) {
    auto pulse = std::make_shared<const outcome<node_pulse>>(std::move(x));
    answer([backend, pulse] { return readiness(*backend, *pulse); });
  });
}

bool is_health(const std::string& target) {
  return target == "/health/live" || target == "/health/ready";
}

/// The methods that a target is served for; empty: there is no such target.
std::string allowed(const std::string& target) {
  if (target == "/")
    return "GET, POST";
  if (target == "/rpc")
    return "POST";
  return is_health(target) || target == "/events" ? "GET" : "";
}

void serve(const std::shared_ptr<rpc_service>& service, const http_request& request,
           http_answer answer) {
  const auto allow = allowed(request.target);
  if (allow.empty())
    return answer([] { return text_response(404, "JSON-RPC is served at /."); });
  if (request.method != "GET" && request.method != "POST")
    return answer([allow] { return not_allowed(allow); });
  if (allow.find(request.method) == allow.npos)
    return answer([allow] { return not_allowed(allow); });
  if (request.target == "/health/ready")
    return serve_readiness(*service, std::move(answer));
  if (request.target == "/health/live")
    return answer([] { return to_response(R"({"live":true})"); });
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  switch (service->access.admit(request.remote, request.authorization, now)) {
  case rpc_admission::granted:
    if (request.target == "/events")
      return service->dashboard.serve(std::move(answer));
    if (request.method == "GET")
      return answer(dashboard_page);
    return serve_calls(service, request, std::move(answer));
  case rpc_admission::refused:
    return answer(wants_password);
  case rpc_admission::throttled:
    return answer([] { return text_response(429, "Too many wrong passwords; try again later."); });
  }
}

}  // namespace

struct rpc_server::impl {
  std::shared_ptr<rpc_service> service;
  std::unique_ptr<http_server> http;
};

outcome<std::unique_ptr<rpc_server>> rpc_server::start(const rpc_options& options,
                                                       std::shared_ptr<rpc_backend> backend) {
  auto x = std::make_unique<impl>();
  x->service = std::make_shared<rpc_service>(std::move(backend));
  auto limits = options.limits;
  if (!options.listen.ip.is_loopback()) {
    if (options.users.empty() && options.cookie.empty())
      return fail("RPC cannot listen on " + options.listen.to_string() +
                  ": other machines can reach that address, and nobody has a password; give one by "
                  "rpc.rpcauth ('timenode rpcauth NAME' makes the line)");
    x->service->access = rpc_access{options.users, options.cookie};
    limits.any_host = true;
  }
  auto http = http_server::start(
      options.listen,
      [service = x->service](const http_request& request, http_answer answer) {
        serve(service, request, std::move(answer));
      },
      limits);
  if (!http)
    return fail("RPC " + http.error().reason);
  x->http = std::move(*http);
  return std::unique_ptr<rpc_server>{new rpc_server{std::move(x)}};
}

rpc_server::rpc_server(std::unique_ptr<impl> x) : impl_{std::move(x)} {}

rpc_server::~rpc_server() = default;

endpoint rpc_server::local_endpoint() const noexcept {
  return impl_->http->local_endpoint();
}

}  // namespace timenode
