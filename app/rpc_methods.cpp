#include "app/rpc_methods_table.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace timenode {

namespace {

rpc_result help(const rpc_view& view, const rpc_args& args);

// -- the node itself ----------------------------------------------------------------

rpc_result uptime(const rpc_view& view, const rpc_args&) {
  return json(std::max<std::int64_t>(view.now - view.facts.started_at, 0));
}

rpc_result stop(const rpc_view& view, const rpc_args&) {
  if (view.stop)
    view.stop();
  return json("timenode stopping");
}

constexpr std::array control_methods{
    rpc_method{"help", "|command", "Lists all commands, or tells about one.", false, help},
    rpc_method{"stop", "", "Stops the node.", false, stop},
    rpc_method{"uptime", "", "Seconds since the node was started.", false, uptime},
};

std::array<std::span<const rpc_method>, 4> subjects() noexcept {
  return {chain_methods(), network_methods(), masternode_methods(), control_methods};
}

const rpc_method* find_method(std::string_view name) noexcept {
  for (auto subject : subjects())
    for (const auto& method : subject)
      if (method.name == name)
        return &method;
  return nullptr;
}

// -- parameters ---------------------------------------------------------------------

struct parameter {
  std::string_view name;
  bool optional = false;
};

std::vector<parameter> parameters(const rpc_method& method) {
  std::vector<parameter> result;
  bool optional = false;
  for (auto rest = method.params; !rest.empty();) {
    if (rest.front() == '|' || rest.front() == ' ') {
      optional = optional || rest.front() == '|';
      rest.remove_prefix(1);
      continue;
    }
    const auto name = rest.substr(0, rest.find_first_of(" |"));
    result.push_back({name, optional});
    rest.remove_prefix(name.size());
  }
  return result;
}

std::string usage(const rpc_method& method) {
  std::string result{method.name};
  for (const auto& [name, optional] : parameters(method)) {
    result += ' ';
    result += optional ? "[" + std::string{name} + "]" : std::string{name};
  }
  return result;
}

tl::unexpected<rpc_error> bad_params(const rpc_method& method, const std::string& why) {
  return rpc_fail(rpc_code::invalid_params, why + ". Usage: " + usage(method));
}

/// The arguments by position, from either form.
tl::expected<rpc_args, rpc_error> arrange(const rpc_method& method, const json& params) {
  const auto known = parameters(method);
  rpc_args result(known.size());
  if (params.is_array()) {
    if (params.size() > known.size())
      return bad_params(method, "Too many parameters");
    std::copy(params.begin(), params.end(), result.begin());
  } else if (params.is_object()) {
    for (const auto& [name, value] : params.items()) {
      const auto found =
          std::find_if(known.begin(), known.end(), [&](const auto& x) { return x.name == name; });
      if (found == known.end())
        return bad_params(method, "Unknown parameter '" + name.substr(0, 64) + "'");
      result[static_cast<std::size_t>(found - known.begin())] = value;
    }
  }
  for (std::size_t i = 0; i < known.size(); ++i)
    if (!known[i].optional && result[i].is_null())
      return bad_params(method, "Parameter '" + std::string{known[i].name} + "' is missing");
  return result;
}

rpc_result help(const rpc_view&, const rpc_args& args) {
  const auto& command = args[0];
  if (command.is_null()) {
    std::vector<std::string> lines;
    for (auto subject : subjects())
      for (const auto& method : subject)
        lines.push_back(usage(method));
    std::sort(lines.begin(), lines.end());
    std::string result;
    for (const auto& line : lines)
      result += (result.empty() ? "" : "\n") + line;
    return json(result);
  }
  if (!command.is_string())
    return rpc_fail(rpc_code::invalid_params, "Parameter 'command' must be a string");
  const auto* method = find_method(command.get<std::string>());
  if (!method)
    return rpc_fail(rpc_code::not_found, "No such command");
  return json(usage(*method) + "\n\n" + std::string{method->help});
}

}  // namespace

bool rpc_needs_snapshot(std::string_view method) noexcept {
  const auto* found = find_method(method);
  return found && found->needs_snapshot;
}

rpc_result run_rpc(const std::string& method, const json& params, const rpc_view& view,
                   const std::string& no_snapshot) {
  const auto* found = find_method(method);
  if (!found)
    return rpc_fail(rpc_code::method_not_found, "Method not found: " + method.substr(0, 64));
  auto args = arrange(*found, params);
  if (!args)
    return tl::unexpected{args.error()};
  if (found->needs_snapshot && !view.snapshot)
    return rpc_fail(rpc_code::internal_error, no_snapshot);
  return found->run(view, *args);
}

// -- shared by the subjects -----------------------------------------------------------

tl::expected<ip_address, rpc_error> ip_argument(const json& x, std::string_view name) {
  if (x.is_string())
    if (const auto ip = ip_address::parse(x.get<std::string>()))
      return *ip;
  return rpc_fail(rpc_code::invalid_params,
                  "Parameter '" + std::string{name} + "' must be an IP address");
}

json warnings_json(const node_snapshot& x) {
  auto result = json::array();
  if (!x.keeper.storage_error.empty())
    result.push_back("The store fails: " + x.keeper.storage_error);
  for (const auto& who : x.silent)
    result.push_back(who + " did not answer in time");
  for (const auto& [name, count] : x.invariant_violations)
    if (count > 0)
      result.push_back("The invariant " + name + " was violated " + std::to_string(count) +
                       (count == 1 ? " time" : " times"));
  return result;
}

}  // namespace timenode
