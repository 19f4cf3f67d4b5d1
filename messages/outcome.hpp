#pragma once

// How functions below the actors report failure: as a value with a sentence that an operator can
// act on. Nothing in messages/, chain/ or net/ throws across its border.

#include <tl/expected.hpp>

#include <string>
#include <utility>

namespace timenode {

/// A failure: what was wrong, where, and (where it helps) what to do. Reads as the end of a log line.
struct failure {
  std::string reason;

  bool operator==(const failure&) const = default;

  template <class Inspector>
  friend bool inspect(Inspector& f, failure& x) {
    return f.object(x).fields(f.field("reason", x.reason));
  }
};

/// Either a `T` or the reason why there is none.
template <class T>
using outcome = tl::expected<T, failure>;

/// Builds the failing side of an `outcome`.
inline tl::unexpected<failure> fail(std::string reason) {
  return tl::unexpected<failure>{failure{std::move(reason)}};
}

}  // namespace timenode
