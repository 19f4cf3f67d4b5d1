#include "app/near_names.hpp"
#include "app/rpc_methods_table.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace timenode {

namespace {

using span = std::span<const rpc_method>;

std::array<span, 10> subjects() noexcept {
  return {chain_methods(),      fork_methods(),   network_methods(),     peer_methods(),
          masternode_methods(), ledger_methods(), transaction_methods(), wallet_methods(),
          actor_methods(),      control_methods()};
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

}  // namespace

std::vector<const rpc_method*> all_methods() {
  std::vector<const rpc_method*> result;
  for (auto subject : subjects())
    for (const auto& method : subject)
      result.push_back(&method);
  std::sort(result.begin(), result.end(),
            [](const auto* x, const auto* y) { return x->name < y->name; });
  return result;
}

const rpc_method* find_method(std::string_view name) noexcept {
  for (auto subject : subjects())
    for (const auto& method : subject)
      if (method.name == name)
        return &method;
  return nullptr;
}

std::vector<rpc_parameter> parameters(const rpc_method& method) {
  std::vector<rpc_parameter> result;
  bool optional = false;
  for (auto rest = method.params; !rest.empty();) {
    if (rest.front() == '|' || rest.front() == ' ') {
      optional = optional || rest.front() == '|';
      rest.remove_prefix(1);
      continue;
    }
    const auto word = rest.substr(0, rest.find_first_of(" |"));
    const auto colon = word.find(':');
    result.push_back({word.substr(0, colon),
                      colon == word.npos ? std::string_view{} : word.substr(colon + 1), optional});
    rest.remove_prefix(word.size());
  }
  return result;
}

std::string usage(const rpc_method& method) {
  std::string result{method.name};
  for (const auto& [name, type, optional] : parameters(method)) {
    result += ' ';
    result += optional ? "[" + std::string{name} + "]" : std::string{name};
  }
  return result;
}

bool rpc_needs_snapshot(std::string_view method) noexcept {
  const auto* found = find_method(method);
  return found && found->needs_snapshot;
}

bool rpc_is_slow(std::string_view method) noexcept {
  const auto* found = find_method(method);
  return found && found->slow;
}

std::optional<node_question> question_of_call(const std::string& method, const json& params,
                                              const rpc_view& view) {
  const auto* found = find_method(method);
  if (!found || !found->question)
    return std::nullopt;
  const auto args = arrange(*found, params);
  if (!args)
    return std::nullopt;
  auto question = found->question(view, *args);
  return question ? std::optional{std::move(*question)} : std::nullopt;
}

namespace {

/// Of a name that nobody knows, as much is looked at and told.
constexpr std::size_t longest_name = 64;

std::string not_found(const std::string& name) {
  const auto apart = [&name](const rpc_method* x) { return app::letters_apart(name, x->name); };
  const auto known = all_methods();
  const auto nearest = std::ranges::min_element(known, {}, apart);
  // A third of it wrong is a slip of the hand; more is another word.
  const auto alike = !name.empty() && 3 * apart(*nearest) <= name.size();
  return "Method not found: " + name +
         (alike ? "; did you mean " + std::string{(*nearest)->name} + "?" : "; 'help' lists all");
}

}  // namespace

rpc_result run_rpc(const std::string& method, const json& params, const rpc_view& view,
                   const std::string& no_snapshot) {
  const auto* found = find_method(method);
  if (!found)
    return rpc_fail(rpc_code::method_not_found, not_found(method.substr(0, longest_name)));
  auto args = arrange(*found, params);
  if (!args)
    return tl::unexpected{args.error()};
  if (found->needs_snapshot && !view.snapshot)
    return rpc_fail(rpc_code::internal_error, no_snapshot);
  if (found->question) {
    if (const auto question = found->question(view, *args); !question)
      return tl::unexpected{question.error()};
    if (!view.reply || !*view.reply)
      return rpc_fail(rpc_code::internal_error,
                      view.reply ? view.reply->error().reason : "the node was not asked");
  }
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
  if (const auto warning = fork_warning(x.sync.forks))
    result.push_back(*warning);
  for (const auto& who : x.silent)
    result.push_back(who + " did not answer in time");
  if (!x.registry.not_kept.empty())
    result.push_back("A restart will forget bans and trust: " + x.registry.not_kept);
  if (!x.directory.not_kept.empty())
    result.push_back("A restart will forget the address book: " + x.directory.not_kept);
  for (const auto& [name, count] : x.invariant_violations)
    if (count > 0)
      result.push_back("The invariant " + name + " was violated " + std::to_string(count) +
                       (count == 1 ? " time" : " times"));
  return result;
}

}  // namespace timenode
