#include "app/rpc_server.hpp"

#include "app/rpc_methods.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace timenode {

namespace {

/// A snapshot, or why there is none.
using taken = std::shared_ptr<const outcome<node_snapshot>>;

http_response to_response(std::string body, unsigned status = 200) {
  http_response result;
  result.status = body.empty() ? 204 : status;
  result.body = std::move(body);
  if (!result.body.empty())
    result.body += '\n';
  return result;
}

http_response not_allowed(std::string allow) {
  http_response result;
  result.status = 405;
  result.content_type = "text/plain";
  result.body = "Only " + allow + " is served here.\n";
  result.allow = std::move(allow);
  return result;
}

http_response not_found() {
  http_response result;
  result.status = 404;
  result.content_type = "text/plain";
  result.body = "JSON-RPC is served at /.\n";
  return result;
}

/// Runs the calls on what is known. `snapshot` may be null when no method needs one.
http_response run_calls(const std::shared_ptr<rpc_backend>& backend, const rpc_document& document,
                        const taken& snapshot) {
  bool stop = false;
  auto view = rpc_view{backend->facts(), backend->chain(), nullptr, backend->unix_now(),
                       [&stop] { stop = true; }};
  std::string no_snapshot;
  if (snapshot && *snapshot)
    view.snapshot = &**snapshot;
  else if (snapshot)
    no_snapshot = snapshot->error().reason;
  auto result = to_response(document.answer([&](const std::string& method, const json& params) {
    return run_rpc(method, params, view, no_snapshot);
  }));
  if (stop)  // Only now, or the node could be gone before its answer was sent.
    result.then = [backend] { backend->stop(); };
  return result;
}

/// Says what keeps the node from doing its work.
http_response readiness(const outcome<node_snapshot>& x) {
  json result;
  auto& problems = result["problems"] = json::array();
  if (!x)
    problems.push_back(x.error().reason);
  if (x)
    for (const auto& who : x->silent)
      problems.push_back(who + " did not answer in time");
  if (x && !x->keeper.storage_error.empty())
    problems.push_back("the store fails: " + x->keeper.storage_error);
  const auto ready = problems.empty();
  result["ready"] = ready;
  return to_response(result.dump(-1, ' ', false, json::error_handler_t::replace),
                     ready ? 200 : 503);
}

void serve_calls(const std::shared_ptr<rpc_backend>& backend, const http_request& request,
                 http_answer answer) {
  auto document = std::make_shared<const rpc_document>(request.body);
  if (!document->any_method(rpc_needs_snapshot))
    return answer([backend, document] { return run_calls(backend, *document, nullptr); });
  // One snapshot for all calls of a batch: they tell of the same moment.
  backend->snapshot([backend, document, answer = std::move(answer)](outcome<node_snapshot> x) {
    auto snapshot = std::make_shared<const outcome<node_snapshot>>(std::move(x));
    answer([backend, document, snapshot] { return run_calls(backend, *document, snapshot); });
  });
}

void serve_readiness(const std::shared_ptr<rpc_backend>& backend, http_answer answer) {
  backend->snapshot([answer = std::move(answer)](outcome<node_snapshot> x) {
    auto snapshot = std::make_shared<const outcome<node_snapshot>>(std::move(x));
    answer([snapshot] { return readiness(*snapshot); });
  });
}

void serve(const std::shared_ptr<rpc_backend>& backend, const http_request& request,
           http_answer answer) {
  const auto is_health = request.target == "/health/live" || request.target == "/health/ready";
  if (!is_health && request.target != "/")
    return answer(not_found);
  const auto* method = is_health ? "GET" : "POST";
  if (request.method != method)
    return answer([method] { return not_allowed(method); });
  if (!is_health)
    return serve_calls(backend, request, std::move(answer));
  if (request.target == "/health/ready")
    return serve_readiness(backend, std::move(answer));
  answer([] { return to_response(R"({"live":true})"); });
}

}  // namespace

outcome<std::unique_ptr<rpc_server>> rpc_server::start(const rpc_options& options,
                                                       std::shared_ptr<rpc_backend> backend) {
  if (!options.listen.ip.is_loopback())
    return fail("RPC cannot listen on " + options.listen.to_string() +
                ": it has no authentication yet, so only a loopback address such as 127.0.0.1 is "
                "allowed");
  auto http = http_server::start(
      options.listen,
      [backend = std::move(backend)](const http_request& request, http_answer answer) {
        serve(backend, request, std::move(answer));
      },
      options.limits);
  if (!http)
    return fail("RPC " + http.error().reason);
  return std::unique_ptr<rpc_server>{new rpc_server{std::move(*http)}};
}

}  // namespace timenode
