#include "app/rpc_json.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <exception>
#include <optional>
#include <utility>
#include <vector>

namespace timenode {

namespace {

/// Looks at brackets outside of strings. Run before the parser, which has no limit of its own.
bool too_deep(std::string_view text) noexcept {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
    case '\\':
      i += in_string ? 1 : 0;
      break;
    case '"':
      in_string = !in_string;
      break;
    case '[':
    case '{':
      if (!in_string && ++depth > max_json_depth)
        return true;
      break;
    case ']':
    case '}':
      if (!in_string && depth > 0)
        --depth;
      break;
    default:
      break;
    }
  }
  return false;
}

/// Texts of peers may be anything: what is no UTF-8 is shown as a replacement character.
std::string to_body(const json& x) {
  return x.dump(-1, ' ', false, json::error_handler_t::replace);
}

json response(const json& id) {
  json result;
  result["jsonrpc"] = "2.0";
  result["id"] = id;
  return result;
}

json error_response(const json& id, const rpc_error& x) {
  auto result = response(id);
  result["error"]["code"] = static_cast<int>(x.code);
  result["error"]["message"] = x.message;
  return result;
}

/// One call, or why it is none.
struct rpc_call {
  json id;                    ///< Null also for a call that could not be read.
  bool notification = false;  ///< It has no id, and so no answer.
  std::string method;
  json params;
  std::optional<rpc_error> wrong;
};

rpc_call refuse(rpc_call call, std::string why) {
  call.notification = false;
  call.wrong = rpc_error{rpc_code::invalid_request, "Invalid request: " + std::move(why)};
  return call;
}

rpc_call read_call(const json& x) {
  rpc_call result;
  if (!x.is_object())
    return refuse(std::move(result), "a call is an object");
  if (const auto id = x.find("id"); id == x.end())
    result.notification = true;
  else if (id->is_string() || id->is_number() || id->is_null())
    result.id = *id;
  else
    return refuse(std::move(result), "'id' must be a string, a number or null");
  const auto version = x.find("jsonrpc");
  if (version == x.end() || *version != "2.0")
    return refuse(std::move(result), "'jsonrpc' must be \"2.0\"");
  const auto method = x.find("method");
  if (method == x.end() || !method->is_string())
    return refuse(std::move(result), "'method' must be a string");
  result.method = method->get<std::string>();
  if (const auto params = x.find("params"); params != x.end()) {
    if (!params->is_structured() && !params->is_null())
      return refuse(std::move(result), "'params' must be an array or an object");
    result.params = *params;
  }
  return result;
}

}  // namespace

struct rpc_document::impl {
  bool batch = false;
  std::vector<rpc_call> calls;
  std::optional<rpc_error> wrong;  ///< With the body as a whole.

  void read(std::string_view body) {
    if (too_deep(body)) {
      wrong = rpc_error{rpc_code::parse_error, "Parse error: nested too deeply"};
      return;
    }
    const auto document = json::parse(body.begin(), body.end(), nullptr, false);
    if (document.is_discarded()) {
      wrong = rpc_error{rpc_code::parse_error, "Parse error: the body is not JSON"};
      return;
    }
    batch = document.is_array();
    if (!batch) {
      calls.push_back(read_call(document));
    } else if (document.empty() || document.size() > max_batch) {
      wrong = rpc_error{rpc_code::invalid_request, "Invalid request: a batch has 1 to " +
                                                       std::to_string(max_batch) + " calls"};
    } else {
      for (const auto& x : document)
        calls.push_back(read_call(x));
    }
  }

  static std::string run_call(std::size_t place, const rpc_call& call, const placed_runner& run) {
    if (call.wrong)
      return to_body(error_response(call.id, *call.wrong));
    try {
      auto result = run(place, call.method, call.params);
      if (!result)
        return to_body(error_response(call.id, result.error()));
      auto x = response(call.id);
      x["result"] = std::move(*result);
      return to_body(x);
    } catch (const std::exception& x) {
      spdlog::error("rpc: {} failed: {}", call.method, x.what());
      return to_body(error_response(call.id, {rpc_code::internal_error, "Internal error"}));
    }
  }
};

rpc_document::rpc_document(std::string_view body) : impl_{std::make_unique<impl>()} {
  impl_->read(body);
}

rpc_document::~rpc_document() = default;

bool rpc_document::any_method(const std::function<bool(std::string_view)>& wanted) const {
  for (const auto& call : impl_->calls)
    if (!call.wrong && wanted(call.method))
      return true;
  return false;
}

void rpc_document::for_each(
    const std::function<void(std::size_t, const std::string&, const json&)>& show) const {
  for (std::size_t i = 0; i < impl_->calls.size(); ++i)
    if (const auto& call = impl_->calls[i]; !call.wrong)
      show(i, call.method, call.params);
}

std::string rpc_document::answer(const runner& run) const {
  return answer([&run](std::size_t, const std::string& method, const json& params) {
    return run(method, params);
  });
}

std::string rpc_document::answer(const placed_runner& run) const {
  if (impl_->wrong)
    return to_body(error_response(nullptr, *impl_->wrong));
  std::string result;
  for (std::size_t i = 0; i < impl_->calls.size(); ++i) {
    const auto& call = impl_->calls[i];
    auto text = result.size() < max_batch_answer_bytes
                    ? impl::run_call(i, call, run)
                    : to_body(error_response(call.id, {rpc_code::internal_error,
                                                       "The answers of the batch are too long"}));
    if (call.notification)
      continue;
    if (impl_->batch)
      result += result.empty() ? '[' : ',';
    result += text;
  }
  if (impl_->batch && !result.empty())
    result += ']';
  return result;
}

}  // namespace timenode
