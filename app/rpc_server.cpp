#include "app/rpc_server.hpp"

#include "app/rpc_daemon_fields.hpp"
#include "app/rpc_methods.hpp"
#include "app/worker.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <memory>
#include <utility>

namespace timenode {

namespace {

/// A snapshot, or why there is none.
using taken = std::shared_ptr<const outcome<node_snapshot>>;

/// Slow requests that wait for their turn. They are an operator's: backups, reloads.
constexpr std::size_t max_slow_requests = 16;

/// What serves the requests. Lives as long as the server; its functions run on the server's thread.
struct rpc_service {
  std::shared_ptr<rpc_backend> backend;
  rpc_access access;
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

http_response plain(unsigned status, std::string text) {
  http_response result;
  result.status = status;
  result.content_type = "text/plain";
  result.body = std::move(text) + '\n';
  return result;
}

http_response not_allowed(const std::string& allow) {
  auto result = plain(405, "Only " + allow + " is served here.");
  result.allow = allow;
  return result;
}

http_response wants_password() {
  auto result = plain(401, "The node asks for a name and a password.");
  result.headers = {{"WWW-Authenticate", "Basic realm=\"timenode\", charset=\"UTF-8\""}};
  return result;
}

/// Runs the calls on what is known. `snapshot` may be null when no method needs one.
http_response run_calls(const std::shared_ptr<rpc_backend>& backend, const rpc_document& document,
                        const taken& snapshot) {
  bool stop = false;
  auto view = rpc_view{backend->facts(),    backend->chain(),         nullptr,
                       backend->unix_now(), [&stop] { stop = true; }, backend.get()};
  std::string no_snapshot;
  if (snapshot && *snapshot)
    view.snapshot = &**snapshot;
  else if (snapshot)
    no_snapshot = snapshot->error().reason;
  auto result = to_response(document.answer([&](const std::string& method, const json& params) {
    auto answer = run_rpc(method, params, view, no_snapshot);
    if (answer)
      add_daemon_fields(method, view, *answer);
    return answer;
  }));
  if (stop)  // Only now, or the node could be gone before its answer was sent.
    result.then = [backend] { backend->stop(); };
  return result;
}

/// Runs the calls on the thread that they need, and answers.
void run_and_answer(rpc_service& service, const std::shared_ptr<const rpc_document>& document,
                    const taken& snapshot, const http_answer& answer) {
  const auto backend = service.backend;
  if (!document->any_method(rpc_is_slow))
    return answer([=] { return run_calls(backend, *document, snapshot); });
  const auto accepted = service.slow.post([=] {
    auto done = std::make_shared<http_response>(run_calls(backend, *document, snapshot));
    answer([done] { return std::move(*done); });
  });
  if (!accepted)
    answer([] { return plain(503, "Too many slow requests wait already."); });
}

void serve_calls(const std::shared_ptr<rpc_service>& service, const http_request& request,
                 http_answer answer) {
  auto document = std::make_shared<const rpc_document>(request.body);
  if (!document->any_method(rpc_needs_snapshot))
    return run_and_answer(*service, document, nullptr, answer);
  // One snapshot for all calls of a batch: they tell of the same moment.
  service->backend->snapshot([weak = std::weak_ptr{service}, document,
                              answer = std::move(answer)](outcome<node_snapshot> x) {
    auto snapshot = std::make_shared<const outcome<node_snapshot>>(std::move(x));
    if (const auto alive = weak.lock())
      run_and_answer(*alive, document, snapshot, answer);
  });
}

http_response readiness(const rpc_backend& backend, const outcome<node_snapshot>& x) {
  const auto tip = backend.chain().tip();
  const auto report =
      x ? judge_health(*x, tip, backend.health(), backend.unix_now()) : no_health(x.error(), tip);
  return to_response(health_json(report).dump(-1, ' ', false, json::error_handler_t::replace),
                     report.ready ? 200 : 503);
}

void serve_readiness(const rpc_service& service, http_answer answer) {
  const auto backend = service.backend;
  backend->snapshot([backend, answer = std::move(answer)](outcome<node_snapshot> x) {
    auto snapshot = std::make_shared<const outcome<node_snapshot>>(std::move(x));
    answer([backend, snapshot] { return readiness(*backend, *snapshot); });
  });
}

bool is_health(const std::string& target) {
  return target == "/health/live" || target == "/health/ready";
}

/// The methods that a target is served for; empty: there is no such target.
std::string allowed(const std::string& target) {
  if (target == "/rpc" || target == "/")
    return "POST";
  return is_health(target) ? "GET" : "";
}

void serve(const std::shared_ptr<rpc_service>& service, const http_request& request,
           http_answer answer) {
  const auto allow = allowed(request.target);
  if (allow.empty())
    return answer([] { return plain(404, "JSON-RPC is served at /."); });
  if (allow.find(request.method) == allow.npos || request.method.empty())
    return answer([allow] { return not_allowed(allow); });
  if (request.target == "/health/ready")
    return serve_readiness(*service, std::move(answer));
  if (request.target == "/health/live")
    return answer([] { return to_response(R"({"live":true})"); });
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  switch (service->access.admit(request.remote, request.authorization, now)) {
  case rpc_admission::granted:
    return serve_calls(service, request, std::move(answer));
  case rpc_admission::refused:
    return answer(wants_password);
  case rpc_admission::throttled:
    return answer([] { return plain(429, "Too many wrong passwords; try again later."); });
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
  x->service = std::make_shared<rpc_service>();
  x->service->backend = std::move(backend);
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
