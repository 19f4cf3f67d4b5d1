#include "app/health.hpp"
#include "app/rpc_methods_table.hpp"
#include "app/rpc_openrpc.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace timenode {

namespace {

rpc_result node_failure(const failure& why) {
  return rpc_fail(rpc_code::internal_error, why.reason);
}

tl::unexpected<rpc_error> not_here() {
  return rpc_fail(rpc_code::internal_error, "This node cannot be changed while it runs");
}

// -- about the methods --------------------------------------------------------------

std::string example(const rpc_method& method) {
  std::string params;
  for (const auto& x : parameters(method))
    if (!x.optional)
      params += (params.empty() ? "" : ", ") + std::string{example_of(x.type)};
  return "curl -d '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" + std::string{method.name} +
         "\",\"params\":[" + params + "]}' http://127.0.0.1:24101/";
}

std::string help_of(const rpc_method& method) {
  auto result = usage(method) + "\n\n" + std::string{method.help} + '\n';
  const auto known = parameters(method);
  if (!known.empty())
    result += "\nParameters, by position or by name:\n";
  for (const auto& x : known) {
    result += "  " + std::string{x.name};
    if (!x.type.empty())
      result += " (" + std::string{x.type} + ")";
    result += x.optional ? ", may be left out\n" : "\n";
  }
  if (!method.result.empty())
    result += "\nResult: " + std::string{method.result} + '\n';
  return result + "\nExample:\n  " + example(method);
}

rpc_result help(const rpc_view&, const rpc_args& args) {
  const auto& command = args[0];
  if (command.is_null()) {
    std::string result;
    for (const auto* method : all_methods())
      result += (result.empty() ? "" : "\n") + usage(*method);
    return json(result);
  }
  if (!command.is_string())
    return rpc_fail(rpc_code::invalid_params, "Parameter 'command' must be a string");
  const auto* method = find_method(command.get<std::string>());
  if (!method)
    return rpc_fail(rpc_code::not_found, "No such command");
  return json(help_of(*method));
}

rpc_result discover(const rpc_view& view, const rpc_args&) {
  return openrpc_json(all_methods(), view.facts.version);
}

// -- the node itself ----------------------------------------------------------------

rpc_result uptime(const rpc_view& view, const rpc_args&) {
  return json(std::max<std::int64_t>(view.now - view.facts.started_at, 0));
}

rpc_result stop(const rpc_view& view, const rpc_args&) {
  if (view.stop)
    view.stop();
  return json("timenode stopping");
}

rpc_result gethealth(const rpc_view& view, const rpc_args&) {
  const auto facts = view.node ? view.node->health() : health_facts{};
  return health_json(judge_health(pulse_of(*view.snapshot), view.chain.tip(), facts, view.now));
}

rpc_result reload(const rpc_view& view, const rpc_args&) {
  if (!view.node)
    return not_here();
  const auto done = view.node->reload();
  if (!done)
    return node_failure(done.error());
  json result;
  result["applied"] = done->applied;
  result["needs_restart"] = done->needs_restart;
  result["notices"] = done->notices;
  return result;
}

rpc_result backup(const rpc_view& view, const rpc_args& args) {
  if (!args[0].is_string() || args[0].get_ref<const std::string&>().empty())
    return rpc_fail(rpc_code::invalid_params, "Parameter 'directory' must be a path");
  const std::filesystem::path directory{args[0].get<std::string>()};
  if (!directory.is_absolute())
    return rpc_fail(rpc_code::invalid_params,
                    "Parameter 'directory' must be an absolute path: the node has a working "
                    "directory of its own");
  if (!view.node)
    return not_here();
  const auto done = view.node->backup(directory);
  if (!done)
    return node_failure(done.error());
  json result;
  result["directory"] = directory.string();
  result["height"] = done->tip.height;
  result["bytes"] = done->bytes;
  result["files"] = done->files;
  return result;
}

constexpr std::array control_entries{
    rpc_method{"backup", "directory:string",
               "Writes a copy of the chain and the keys, as they are now, to a directory that does "
               "not exist yet. The node goes on meanwhile. 'timenode restore' takes it.",
               false, backup, "object: directory, height, bytes, files", true},
    rpc_method{"gethealth", "",
               "Whether the node does its work: it listens, its store works, every actor answers, "
               "and it is at the height of its peers or gets nearer to it.",
               true, gethealth, "object: ready, sync, problems, warnings, height, target"},
    rpc_method{"help", "|command:string", "Lists all commands, or tells about one.", false, help,
               "string"},
    rpc_method{"reload", "",
               "Reads the configuration again and applies what can change while the node runs.",
               false, reload, "object: applied, needs_restart, notices", true},
    rpc_method{"rpc.discover", "", "Describes every method in the OpenRPC format, for programs.",
               false, discover, "object: an OpenRPC document"},
    rpc_method{"stop", "", "Stops the node.", false, stop, "string"},
    rpc_method{"uptime", "", "Seconds since the node was started.", false, uptime, "integer"},
};

}  // namespace

std::span<const rpc_method> control_methods() noexcept {
  return control_entries;
}

}  // namespace timenode
