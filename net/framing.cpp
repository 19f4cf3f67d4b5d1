#include "net/framing.hpp"

#include <algorithm>
#include <utility>

namespace timenode::net {

namespace {

/// As much of a wrong line as a malformed_line shows (messages/wire_codec.hpp).
constexpr std::size_t evidence_bytes = 120;

}  // namespace

std::optional<std::string_view> line_framer::next() {
  if (std::exchange(given_, false))
    partial_ = {};  // Not `clear`: an idle connection must not hold its longest line's memory.
  while (!faulted_ && !chunk_.empty()) {
    auto end = chunk_.find('\n');
    auto piece = chunk_.substr(0, end);
    if (partial_.size() + piece.size() > limit_) {
      fault(piece);
      break;
    }
    if (end == std::string_view::npos) {
      keep(piece, 0);
      break;
    }
    chunk_.remove_prefix(end + 1);
    if (!partial_.empty()) {
      keep(piece, wire::line_decoder::padding);
      given_ = true;
      return std::string_view{partial_.data(), partial_.size() - wire::line_decoder::padding};
    }
    if (!piece.empty())
      return piece;
  }
  chunk_ = {};
  return std::nullopt;
}

void line_framer::keep(std::string_view piece, std::size_t padding) {
  auto wanted = partial_.size() + piece.size() + padding;
  // Doubling, so that a long line in many pieces costs linear time, but never beyond what the
  // longest legal line can use.
  if (wanted > partial_.capacity()) {
    auto most = std::max(wanted, limit_ + wire::line_decoder::padding);
    partial_.reserve(std::clamp(2 * partial_.capacity(), wanted, most));
  }
  partial_.insert(partial_.end(), piece.begin(), piece.end());
  partial_.insert(partial_.end(), padding, '\0');
}

void line_framer::fault(std::string_view piece) {
  faulted_ = true;
  // Cut at the limit too: what is shown must not depend on how the bytes were split.
  auto most = std::min(evidence_bytes, limit_);
  evidence_.assign(partial_.data(), std::min(partial_.size(), most));
  evidence_.append(piece.substr(0, most - evidence_.size()));
  std::replace_if(
      evidence_.begin(), evidence_.end(), [](char x) { return x < ' ' || x > '~'; }, '.');
  partial_ = {};
  chunk_ = {};
}

std::size_t count_lines(std::string_view chunk) noexcept {
  std::size_t result = 0;
  while (true) {
    auto end = chunk.find('\n');
    if (end == std::string_view::npos)
      return result;
    result += end != 0;
    chunk.remove_prefix(end + 1);
  }
}

}  // namespace timenode::net
