#include "app/toml_entries.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <sstream>
#include <utility>

namespace timenode::app {

namespace {

/// Enough to recognise a value by.
constexpr std::size_t max_shown = 80;

std::string show(const toml::node& node) {
  std::ostringstream out;
  node.visit([&out](const auto& x) { out << toml::toml_formatter{x, toml::format_flags::none}; });
  auto text = out.str();
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (text.size() > max_shown)
    text = text.substr(0, max_shown) + "...";
  return text;
}

toml_value value_of(const toml::node& node) {
  if (const auto* x = node.as_string())
    return x->get();
  if (const auto* x = node.as_integer())
    return x->get();
  if (const auto* x = node.as_boolean())
    return x->get();
  if (const auto* x = node.as_floating_point())
    return x->get();
  if (const auto* array = node.as_array()) {
    std::vector<toml_text> texts;
    for (const auto& element : *array) {
      const auto* text = element.as_string();
      if (!text)
        return toml_other{};
      texts.push_back({text->get(), element.source().begin.line});
    }
    return texts;
  }
  return toml_other{};
}

void flatten(const toml::table& table, const std::string& prefix, std::vector<toml_entry>& to) {
  for (const auto& [key, node] : table) {
    const auto line = key.source().begin.line;
    auto name = prefix + std::string{key.str()};
    if (const auto* inner = node.as_table()) {
      to.push_back({name, line, toml_section{}, "[" + name + "]"});
      flatten(*inner, name + ".", to);
    } else {
      to.push_back({std::move(name), line, value_of(node), show(node)});
    }
  }
}

}  // namespace

outcome<std::vector<toml_entry>> read_toml(std::string_view text, const std::string& file) {
  std::vector<toml_entry> result;
  try {
    flatten(toml::parse(text), {}, result);
  } catch (const toml::parse_error& x) {
    return fail(file + ":" + std::to_string(x.source().begin.line) +
                ": not TOML: " + std::string{x.description()});
  }
  // The library sorts by key; people read from top to bottom.
  std::stable_sort(result.begin(), result.end(),
                   [](const auto& a, const auto& b) { return a.line < b.line; });
  return result;
}

}  // namespace timenode::app
