#include "app/rpc_openrpc.hpp"

namespace timenode {

namespace {

/// JSON Schema: no type means any.
json schema_of(std::string_view type) {
  auto result = json::object();
  if (!type.empty())
    result["type"] = std::string{type};
  return result;
}

/// "object: applied, ..." begins with the type.
std::string_view type_of_result(std::string_view result) {
  for (const std::string_view type : {"object", "array", "string", "integer", "number", "boolean"})
    if (result == type || (result.starts_with(type) && result[type.size()] == ':'))
      return type;
  return {};
}

json parameter_json(const rpc_parameter& x) {
  json result;
  result["name"] = std::string{x.name};
  result["required"] = !x.optional;
  result["schema"] = schema_of(x.type);
  return result;
}

json method_json(const rpc_method& x) {
  json result;
  result["name"] = std::string{x.name};
  result["summary"] = std::string{x.help};
  result["paramStructure"] = "either";
  auto& params = result["params"] = json::array();
  for (const auto& parameter : parameters(x))
    params.push_back(parameter_json(parameter));
  result["result"]["name"] = "result";
  if (!x.result.empty())
    result["result"]["description"] = std::string{x.result};
  result["result"]["schema"] = schema_of(type_of_result(x.result));
  return result;
}

}  // namespace

json openrpc_json(const std::vector<const rpc_method*>& methods, const std::string& version) {
  json result;
  result["openrpc"] = "1.2.6";
  result["info"]["title"] = "timenode";
  result["info"]["description"] =
      "JSON-RPC 2.0 over HTTP POST, batches of up to " + std::to_string(max_batch) + " calls.";
  result["info"]["version"] = version;
  auto& list = result["methods"] = json::array();
  for (const auto* method : methods)
    list.push_back(method_json(*method));
  return result;
}

std::string_view example_of(std::string_view type) noexcept {
  if (type == "integer")
    return "0";
  if (type == "number")
    return "0.5";
  if (type == "boolean")
    return "true";
  if (type == "array")
    return "[]";
  if (type == "object")
    return "{}";
  return "\"...\"";
}

}  // namespace timenode
