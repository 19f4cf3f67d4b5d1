#include "messages/json_index.hpp"

#include <simdjson.h>

#include <algorithm>
#include <new>

namespace timenode::wire {

namespace {

// simdjson's second stage, which would use a nesting depth, is never run.
constexpr std::size_t unused_depth = 1;

// Most lines are shorter: pings, votes, announcements.
constexpr std::size_t first_capacity = 4096;

}  // namespace

struct json_index::impl {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> stages;
  std::size_t capacity = 0;

  void grow(std::size_t wanted) {
    // Doubling, so that growing line by line does not allocate line by line.
    auto size = std::max({wanted, first_capacity, std::min(capacity * 2, wanted * 2)});
    auto error = stages ? stages->set_capacity(size)
                        : simdjson::get_active_implementation()->create_dom_parser_implementation(
                              size, unused_depth, stages);
    if (error != simdjson::SUCCESS) {
      stages.reset();
      capacity = 0;
      throw std::bad_alloc{};
    }
    capacity = size;
  }
};

static_assert(json_index::padding >= simdjson::SIMDJSON_PADDING);

json_index::json_index() : impl_{std::make_unique<impl>()} {}
json_index::~json_index() = default;
json_index::json_index(json_index&&) noexcept = default;
json_index& json_index::operator=(json_index&&) noexcept = default;

std::string_view json_index::build(std::string_view text) {
  if (!impl_->stages || impl_->capacity < text.size())
    impl_->grow(text.size());
  auto error = impl_->stages->stage1(reinterpret_cast<const std::uint8_t*>(text.data()),
                                     text.size(), simdjson::stage1_mode::regular);
  switch (error) {
  case simdjson::SUCCESS:
    return {};
  case simdjson::EMPTY:
    return "empty";
  case simdjson::UTF8_ERROR:
    return "not UTF-8";
  case simdjson::UNCLOSED_STRING:
    return "not JSON: a string has no end";
  case simdjson::UNESCAPED_CHARS:
    return "not JSON: a control character in a string";
  default:
    return "not JSON";
  }
}

const std::uint32_t* json_index::begin() const noexcept {
  return impl_->stages->structural_indexes.get();
}

const std::uint32_t* json_index::end() const noexcept {
  return begin() + impl_->stages->n_structural_indexes;
}

}  // namespace timenode::wire
