#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/result.hpp"

namespace deltadrop::http {

/// Looks at a request's head as it comes, byte by byte and before anything else reads it, for what two
/// servers could read differently (RFC 9112 sections 2.2, 5.1, 5.2): a line that does not end with CRLF, a CR
/// or LF inside one, NUL and other control characters, a field folded over two lines, a blank before a colon,
/// a field without name or colon. The head's meaning is not its business.
class HeadScanner {
 public:
  struct Limits {
    std::size_t bytes_max;   ///< of the whole head
    std::size_t fields_max;  ///< header fields
  };
  explicit HeadScanner(const Limits& limits) : limits_(limits) {}

  /// `received`: everything since the end of the request before, which a later call repeats and continues.
  /// The head's size with its empty line once that is there. invalid_input "bad-request", "header-too-large";
  /// not to be called after one.
  Result<std::optional<std::size_t>> feed(std::string_view received);
  /// Bytes before the head: an empty line that some clients send behind a body.
  [[nodiscard]] std::size_t skipped() const { return skipped_; }

 private:
  enum class Part : std::uint8_t { before, request_line, line_start, name, value };

  Result<void> take(char byte);
  Result<void> take_line_end();
  Result<void> take_line_start(char byte);

  Limits limits_;
  Part part_ = Part::before;
  std::size_t at_ = 0;
  std::size_t skipped_ = 0;
  std::size_t fields_ = 0;
  bool after_cr_ = false;
  bool done_ = false;
};

}  // namespace deltadrop::http
