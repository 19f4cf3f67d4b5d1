#include "chain/file_stream.hpp"

#include "chain/write_all.hpp"

#include <fcntl.h>
#include <lzma.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace timenode::chain {

namespace {

// One system call a piece; larger ones gain nothing.
constexpr std::size_t piece_bytes = 64u << 10;
// What a decompressor may use: twice the 65 MiB that the highest preset of xz wants.
constexpr std::uint64_t max_decompressor_bytes = 128u << 20;
// xz's own default: higher ones take more memory and gain nothing for files of this kind.
constexpr std::uint32_t xz_preset = 6;
constexpr std::array<char, 6> xz_magic{'\xFD', '7', 'z', 'X', 'Z', '\0'};

std::string error_text(int code) {
  return std::error_code{code, std::generic_category()}.message();
}

// An open file, closed at the end unless it is one of the standard ones.
class file_handle {
 public:
  explicit file_handle(int fd = -1) noexcept : fd_(fd) {}
  file_handle(const file_handle&) = delete;
  file_handle& operator=(const file_handle&) = delete;
  ~file_handle() { close(); }

  int get() const noexcept { return fd_; }
  void reset(int fd) noexcept {
    close();
    fd_ = fd;
  }

 private:
  void close() noexcept {
    if (fd_ > STDERR_FILENO)
      ::close(fd_);
    fd_ = -1;
  }

  int fd_;
};

std::string_view xz_error(lzma_ret code) {
  switch (code) {
  case LZMA_MEM_ERROR:
    return "there is not enough memory for it";
  case LZMA_MEMLIMIT_ERROR:
    return "it was compressed in a way that takes more than 128 MiB to undo";
  case LZMA_FORMAT_ERROR:
    return "something that is not xz data follows in it";
  case LZMA_OPTIONS_ERROR:
    return "it was compressed in a way that is not known here";
  case LZMA_DATA_ERROR:
    return "its compressed data are damaged";
  case LZMA_BUF_ERROR:
    return "it ends in the middle of its compressed data";
  default:
    return "xz failed on it";
  }
}

}  // namespace

// -- reading ----------------------------------------------------------------------------

struct input_stream::impl {
  std::string name;
  file_handle file;
  std::optional<std::uint64_t> total;
  std::uint64_t consumed = 0;
  std::array<char, piece_bytes> piece;
  std::span<const char> left;  ///< Of the piece, not handed out yet.
  bool file_ended = false;
  bool compressed = false;
  bool ended = false;
  lzma_stream xz = LZMA_STREAM_INIT;

  ~impl() { lzma_end(&xz); }

  // Gets the next piece when all of the last is used up.
  outcome<void> refill() {
    if (!left.empty() || file_ended)
      return {};
    std::size_t filled = 0;
    // As much as goes, since a pipe gives little at a time and the first piece must hold the magic.
    while (filled < piece.size()) {
      const auto got = ::read(file.get(), piece.data() + filled, piece.size() - filled);
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return fail(name + " cannot be read: " + error_text(errno));
      if (got == 0) {
        file_ended = true;
        break;
      }
      filled += static_cast<std::size_t>(got);
      if (filled >= xz_magic.size())
        break;
    }
    left = {piece.data(), filled};
    consumed += filled;
    return {};
  }

  outcome<std::size_t> read_plain(std::span<char> buffer) {
    if (auto filled = refill(); !filled)
      return tl::unexpected<failure>{std::move(filled.error())};
    const auto count = std::min(buffer.size(), left.size());
    std::copy_n(left.begin(), count, buffer.begin());
    left = left.subspan(count);
    return count;
  }

  outcome<std::size_t> read_xz(std::span<char> buffer) {
    xz.next_out = reinterpret_cast<std::uint8_t*>(buffer.data());
    xz.avail_out = buffer.size();
    while (!ended && xz.avail_out == buffer.size()) {
      if (auto filled = refill(); !filled)
        return tl::unexpected<failure>{std::move(filled.error())};
      xz.next_in = reinterpret_cast<const std::uint8_t*>(left.data());
      xz.avail_in = left.size();
      const auto code = lzma_code(&xz, file_ended ? LZMA_FINISH : LZMA_RUN);
      left = left.last(xz.avail_in);
      if (code == LZMA_STREAM_END)
        ended = true;
      else if (code != LZMA_OK)
        return fail(name + " cannot be decompressed: " + std::string{xz_error(code)});
    }
    return buffer.size() - xz.avail_out;
  }
};

input_stream::input_stream(std::unique_ptr<impl> x) noexcept : impl_(std::move(x)) {}
input_stream::input_stream(input_stream&&) noexcept = default;
input_stream& input_stream::operator=(input_stream&&) noexcept = default;
input_stream::~input_stream() = default;

outcome<input_stream> input_stream::open(const std::string& name) {
  auto x = std::make_unique<impl>();
  if (name == "-") {
    x->name = "standard input";
    x->file.reset(STDIN_FILENO);
  } else {
    x->name = name;
    x->file.reset(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
    if (x->file.get() < 0)
      return fail(name + " cannot be opened: " + error_text(errno));
  }
  struct stat about {};
  if (::fstat(x->file.get(), &about) == 0) {
    if (S_ISDIR(about.st_mode))
      return fail(name + " is a directory, not a chain file");
    if (S_ISREG(about.st_mode))
      x->total = static_cast<std::uint64_t>(about.st_size);
  }
  if (auto filled = x->refill(); !filled)
    return tl::unexpected<failure>{std::move(filled.error())};
  x->compressed = x->left.size() >= xz_magic.size() &&
                  std::equal(xz_magic.begin(), xz_magic.end(), x->left.begin());
  if (x->compressed) {
    const auto code = lzma_stream_decoder(&x->xz, max_decompressor_bytes, LZMA_CONCATENATED);
    if (code != LZMA_OK)
      return fail(x->name + " cannot be decompressed: " + std::string{xz_error(code)});
  }
  return input_stream{std::move(x)};
}

outcome<std::size_t> input_stream::read(std::span<char> buffer) {
  if (buffer.empty())
    return std::size_t{0};
  return impl_->compressed ? impl_->read_xz(buffer) : impl_->read_plain(buffer);
}

const std::string& input_stream::name() const noexcept {
  return impl_->name;
}

std::uint64_t input_stream::bytes_consumed() const noexcept {
  return impl_->consumed - impl_->left.size();
}

std::optional<std::uint64_t> input_stream::bytes_total() const noexcept {
  return impl_->total;
}

// -- writing ----------------------------------------------------------------------------

struct output_stream::impl {
  std::string name;
  std::string temporary;  ///< Empty when the file is written directly.
  file_handle file;
  bool compressed = false;
  lzma_stream xz = LZMA_STREAM_INIT;
  std::string buffer;  ///< Bytes for the file that wait to become a piece.

  ~impl() {
    lzma_end(&xz);
    if (!temporary.empty())
      ::unlink(temporary.c_str());
  }

  tl::unexpected<failure> failed(int code) const {
    return fail(name + " cannot be written: " + error_text(code));
  }

  outcome<void> flush() {
    if (!write_all(file.get(), buffer))
      return failed(errno);
    buffer.clear();
    return {};
  }

  outcome<void> put(std::string_view bytes) {
    buffer += bytes;
    return buffer.size() < piece_bytes ? outcome<void>{} : flush();
  }

  outcome<void> compress(std::string_view bytes, lzma_action action) {
    std::array<char, piece_bytes> piece;
    xz.next_in = reinterpret_cast<const std::uint8_t*>(bytes.data());
    xz.avail_in = bytes.size();
    for (;;) {
      xz.next_out = reinterpret_cast<std::uint8_t*>(piece.data());
      xz.avail_out = piece.size();
      const auto code = lzma_code(&xz, action);
      if (code != LZMA_OK && code != LZMA_STREAM_END)
        return fail(name + " cannot be compressed: " + std::string{xz_error(code)});
      if (auto done = put({piece.data(), piece.size() - xz.avail_out}); !done)
        return done;
      if (code == LZMA_STREAM_END || (action == LZMA_RUN && xz.avail_in == 0 && xz.avail_out != 0))
        return {};
    }
  }

  outcome<void> open_temporary() {
    temporary = name + ".XXXXXX";
    const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
    if (fd < 0) {
      temporary.clear();
      return failed(errno);
    }
    file.reset(fd);
    // As any new file would be; mkostemp makes one for this user only.
    const auto mask = ::umask(0);
    ::umask(mask);
    if (::fchmod(fd, 0666 & ~mask) != 0)
      return failed(errno);
    return {};
  }
};

output_stream::output_stream(std::unique_ptr<impl> x) noexcept : impl_(std::move(x)) {}
output_stream::output_stream(output_stream&&) noexcept = default;
output_stream& output_stream::operator=(output_stream&&) noexcept = default;
output_stream::~output_stream() = default;

outcome<output_stream> output_stream::create(const std::string& name) {
  auto x = std::make_unique<impl>();
  x->name = name;
  struct stat about {};
  if (name == "-") {
    x->name = "standard output";
    x->file.reset(STDOUT_FILENO);
  } else if (::stat(name.c_str(), &about) == 0 && !S_ISREG(about.st_mode)) {
    x->file.reset(::open(name.c_str(), O_WRONLY | O_CLOEXEC));
    if (x->file.get() < 0)
      return x->failed(errno);
  } else if (auto opened = x->open_temporary(); !opened) {
    return tl::unexpected<failure>{std::move(opened.error())};
  }
  x->compressed = name.ends_with(".xz");
  if (x->compressed) {
    // Of xz's checksums the one that it takes itself; every xz can check it.
    const auto code = lzma_easy_encoder(&x->xz, xz_preset, LZMA_CHECK_CRC64);
    if (code != LZMA_OK)
      return fail(x->name + " cannot be compressed: " + std::string{xz_error(code)});
  }
  return output_stream{std::move(x)};
}

outcome<void> output_stream::write(std::string_view bytes) {
  return impl_->compressed ? impl_->compress(bytes, LZMA_RUN) : impl_->put(bytes);
}

outcome<void> output_stream::finish() {
  auto& x = *impl_;
  if (x.compressed)
    if (auto done = x.compress({}, LZMA_FINISH); !done)
      return done;
  if (auto done = x.flush(); !done)
    return done;
  if (x.temporary.empty())
    return {};
  // Before the name: a power cut must not leave the name on a file without its bytes.
  if (::fsync(x.file.get()) != 0 || ::rename(x.temporary.c_str(), x.name.c_str()) != 0)
    return x.failed(errno);
  x.temporary.clear();
  x.file.reset(-1);
  return {};
}

}  // namespace timenode::chain
