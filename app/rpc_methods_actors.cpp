#include "app/actor_inspect.hpp"
#include "app/rpc_methods_table.hpp"

#include <array>
#include <chrono>
#include <utility>

namespace timenode {

namespace {

/// Rows of single actors in one answer: five thousand connections are no table that anybody reads.
constexpr std::size_t max_actors_listed = 1'000;

double in_milliseconds(std::chrono::nanoseconds x) {
  return std::chrono::duration<double, std::milli>{x}.count();
}

json actor_json(const actor_row& x) {
  json result;
  result["id"] = x.id;
  result["name"] = x.name;
  if (x.parent != 0)
    result["parent"] = x.parent;
  result["since"] = x.since;
  result["messages"] = x.messages;
  result["busy_ms"] = in_milliseconds(x.busy);
  if (!x.last_error.empty())
    result["last_error"] = x.last_error;
  if (!x.at_work_on.empty()) {
    result["at_work_on"] = x.at_work_on;
    result["at_work_ms"] = in_milliseconds(x.at_work_for);
  }
  return result;
}

json kinds_json(const actor_report& x) {
  std::map<std::string, std::uint64_t> counts;
  for (const auto& actor : x.actors)
    ++counts[actor.name];
  auto result = json::array();
  for (const auto& [name, count] : counts) {
    const auto waiting = x.mailbox.find(name);
    result.push_back({{"name", name},
                      {"actors", count},
                      {"mailbox", waiting == x.mailbox.end() ? 0 : waiting->second}});
  }
  return result;
}

json message_json(const message_row& x) {
  json result;
  result["actor"] = x.actor;
  result["message"] = x.message;
  result["count"] = x.count;
  result["busy_ms"] = in_milliseconds(x.busy);
  result["longest_ms"] = in_milliseconds(x.longest);
  return result;
}

// -- methods ------------------------------------------------------------------------

rpc_result getactors(const rpc_view& view, const rpc_args&) {
  const auto report = view.node ? view.node->actors() : actor_report{};
  json result;
  result["kinds"] = kinds_json(report);
  auto& actors = result["actors"] = json::array();
  for (const auto& x : report.actors)
    if (actors.size() < max_actors_listed)
      actors.push_back(actor_json(x));
  result["actors_not_listed"] = report.actors.size() - actors.size();
  auto& messages = result["messages"] = json::array();
  for (const auto& x : report.messages)
    messages.push_back(message_json(x));
  return result;
}

rpc_result inspectactor(const rpc_view& view, const rpc_args& args) {
  if (!args[0].is_string())
    return rpc_fail(rpc_code::invalid_params, "Parameter 'name' must be a string");
  auto result = inspect_actor(*view.snapshot, args[0].get<std::string>());
  if (!result)
    return rpc_fail(rpc_code::not_found, result.error().reason);
  return std::move(*result);
}

rpc_result getlog(const rpc_view& view, const rpc_args& args) {
  const auto& after = args[0];
  if (!after.is_null() && !after.is_number_unsigned())
    return rpc_fail(rpc_code::invalid_params, "Parameter 'after' must be the number of a line");
  auto result = json::array();
  if (view.node)
    for (const auto& x : view.node->log().after(after.is_null() ? 0 : after.get<std::uint64_t>()))
      result.push_back(
          {{"number", x.number}, {"time", x.at}, {"level", x.level}, {"text", x.text}});
  return result;
}

rpc_result dumpflightrecord(const rpc_view& view, const rpc_args&) {
  if (!view.node)
    return rpc_fail(rpc_code::internal_error, "This node has no flight recorder");
  const auto file = view.node->dump("asked");
  if (!file)
    return rpc_fail(rpc_code::internal_error, file.error().reason);
  return json{{"file", file->string()}};
}

constexpr std::array actors_entries{
    rpc_method{"dumpflightrecord", "",
               "Writes what the actors did in the last ten minutes to a file in the node's data "
               "directory. 'timenode replay' prints it.",
               false, dumpflightrecord, "object: file", true},
    rpc_method{
        "getactors", "",
        "Every actor: what it is, since when, how many messages it handled and how long that "
        "took, what it is at now, its last error; mailbox by kind; messages by kind of actor.",
        false, getactors, "object: kinds, actors, actors_not_listed, messages"},
    rpc_method{"getlog", "|after:integer", "The last lines of the log, or those after a number.",
               false, getlog, "array: number, time, level, text"},
    rpc_method{"inspectactor", "name:string",
               "What an actor says of itself, by its name or, for connections, its peer's address.",
               true, inspectactor, "object"},
};

}  // namespace

std::span<const rpc_method> actor_methods() noexcept {
  return actors_entries;
}

}  // namespace timenode
