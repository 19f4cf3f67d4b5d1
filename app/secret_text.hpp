#pragma once

// A text that is wiped from memory at the end of its life: a passphrase.

#include <string>
#include <string_view>
#include <utility>

namespace timenode::app {

/// Moves only, so that there are no copies to forget about.
class secret_text {
 public:
  secret_text() = default;
  explicit secret_text(std::string text) noexcept : text_{std::move(text)} {}
  secret_text(secret_text&& other) noexcept : text_{other.text_} { other.wipe(); }
  secret_text& operator=(secret_text&& other) noexcept {
    if (this != &other) {
      wipe();
      text_ = other.text_;
      other.wipe();
    }
    return *this;
  }
  ~secret_text() { wipe(); }

  std::string_view view() const noexcept { return text_; }
  bool empty() const noexcept { return text_.empty(); }

 private:
  /// A short text lies inside the string object, so its place has to be written over, not only given
  /// back; volatile keeps the compiler from leaving that out.
  void wipe() noexcept {
    volatile char* at = text_.data();
    for (std::size_t i = 0; i < text_.size(); ++i)
      at[i] = 0;
    text_.clear();
  }

  std::string text_;
};

}  // namespace timenode::app
