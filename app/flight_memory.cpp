#include "app/flight_memory.hpp"

#include <algorithm>
#include <memory>

namespace timenode {

namespace {

template <std::size_t Size>
void copy_text(std::string_view from, std::array<char, Size>& to) {
  const auto length = std::min(from.size(), Size - 1);
  std::copy_n(from.data(), length, to.data());
  to[length] = '\0';
}

template <std::size_t Size>
std::string_view text_in(const std::array<char, Size>& x) {
  return {x.data(), static_cast<std::size_t>(std::find(x.begin(), x.end(), '\0') - x.begin())};
}

}  // namespace

void flight_memory::begin(std::string_view program_, std::int64_t now) {
  magic = right_magic;
  version = right_version;
  size = sizeof(flight_memory);
  started_at = now;
  copy_text(program_, program);
  names_used = 0;
  rings_used = 0;
  lines_written = 0;
  for (auto& x : rings)
    x.written = 0;
  add_name("more");
}

std::uint16_t flight_memory::add_name(std::string_view name) {
  const auto number = names_used.load();
  if (number >= max_names)
    return 0;
  copy_text(name, names[number]);
  names_used = number + 1;
  return static_cast<std::uint16_t>(number);
}

std::string_view flight_memory::name_of(std::uint16_t number) const {
  return number < max_names ? text_in(names[number]) : std::string_view{};
}

flight_memory::ring& flight_memory::take_ring() {
  return rings[rings_used.fetch_add(1) % max_rings];
}

void flight_memory::add(ring& to, const flight_event& x) noexcept {
  to.events[to.written.fetch_add(1, std::memory_order_relaxed) % ring_size] = x;
}

void flight_memory::add_line(std::int64_t at, std::uint8_t level, std::string_view text) noexcept {
  auto& x = lines[lines_written.fetch_add(1, std::memory_order_relaxed) % max_lines];
  x.level = level;
  copy_text(text, x.text);
  x.at = at;
}

flight_memory& process_flight_memory() {
  // Static memory: pages that nobody writes to are never there.
  static flight_memory memory;
  return memory;
}

}  // namespace timenode
