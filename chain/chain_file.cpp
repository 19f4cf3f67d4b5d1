#include "chain/chain_file.hpp"

#include "messages/wire_codec.hpp"

#include <cstring>

namespace timenode::chain {

namespace {

// How much is read at a time: enough that the loop costs nothing, small against a line's limit.
constexpr std::size_t read_bytes = 256u << 10;

}  // namespace

struct chain_file_reader::impl {
  explicit impl(input_stream x) : in(std::move(x)) {}

  input_stream in;
  wire::line_decoder decoder;
  std::string buffer;        ///< Bytes that were read, lines and the beginning of one.
  std::size_t begin = 0;     ///< Where the next line begins in it.
  std::size_t searched = 0;  ///< Up to here there is no newline behind `begin`.
  bool ended = false;        ///< Nothing more is in the file.
  std::uint64_t line = 0;

  outcome<void> read_more() {
    buffer.erase(0, begin);
    searched -= begin;
    begin = 0;
    const auto old_size = buffer.size();
    buffer.resize(old_size + read_bytes);
    auto got = in.read({buffer.data() + old_size, read_bytes});
    buffer.resize(old_size + (got ? *got : 0));
    if (!got)
      return tl::unexpected<failure>{std::move(got.error())};
    ended = *got == 0;
    return {};
  }

  // The next line without its newline; none at the end. Good until the next call.
  outcome<std::optional<std::string_view>> next_line() {
    ++line;
    for (;;) {
      const auto* const from = buffer.data() + searched;
      const auto* const found =
          static_cast<const char*>(std::memchr(from, '\n', buffer.size() - searched));
      const auto end =
          found != nullptr ? static_cast<std::size_t>(found - buffer.data()) : buffer.size();
      if (end - begin > wire::max_line_bytes)
        return fail("it is longer than " + std::to_string(wire::max_line_bytes) + " bytes");
      if (found != nullptr || (ended && end != begin)) {
        const std::string_view result{buffer.data() + begin, end - begin};
        begin = searched = found != nullptr ? end + 1 : end;
        return result;
      }
      if (ended) {
        --line;  // There was none.
        return std::nullopt;
      }
      searched = end;
      if (auto more = read_more(); !more)
        return tl::unexpected<failure>{std::move(more.error())};
    }
  }

  outcome<std::optional<block_ptr>> next_block() {
    for (;;) {
      const auto text = next_line();
      if (!text)
        return tl::unexpected<failure>{text.error()};
      if (!*text)
        return std::nullopt;
      if ((*text)->find_first_not_of(" \t\r") == std::string_view::npos)
        continue;
      auto block = decoder.decode_block(**text);
      if (!block)
        return tl::unexpected<failure>{std::move(block.error())};
      return std::move(*block);
    }
  }
};

chain_file_reader::chain_file_reader(std::unique_ptr<impl> x) noexcept : impl_(std::move(x)) {}
chain_file_reader::chain_file_reader(chain_file_reader&&) noexcept = default;
chain_file_reader& chain_file_reader::operator=(chain_file_reader&&) noexcept = default;
chain_file_reader::~chain_file_reader() = default;

outcome<chain_file_reader> chain_file_reader::open(const std::string& name) {
  auto in = input_stream::open(name);
  if (!in)
    return tl::unexpected<failure>{std::move(in.error())};
  return chain_file_reader{std::make_unique<impl>(std::move(*in))};
}

outcome<std::optional<block_ptr>> chain_file_reader::next() {
  auto result = impl_->next_block();
  if (!result)
    result.error().reason = "line " + std::to_string(impl_->line) + ": " + result.error().reason;
  return result;
}

std::uint64_t chain_file_reader::line() const noexcept {
  return impl_->line;
}

std::uint64_t chain_file_reader::bytes_consumed() const noexcept {
  return impl_->in.bytes_consumed();
}

std::optional<std::uint64_t> chain_file_reader::bytes_total() const noexcept {
  return impl_->in.bytes_total();
}

outcome<chain_file_writer> chain_file_writer::create(const std::string& name) {
  auto out = output_stream::create(name);
  if (!out)
    return tl::unexpected<failure>{std::move(out.error())};
  return chain_file_writer{std::move(*out)};
}

outcome<void> chain_file_writer::write(const block& x) {
  line_.clear();
  wire::encode_block(x, line_);
  line_ += '\n';
  return out_.write(line_);
}

}  // namespace timenode::chain
