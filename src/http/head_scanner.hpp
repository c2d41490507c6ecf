#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/result.hpp"

namespace deltadrop::http {

/// Checks a request's head byte by byte as it arrives, before other code parses it, for input that two
/// servers could interpret differently (RFC 9112 sections 2.2, 5.1, 5.2): a line that does not end with CRLF,
/// a CR or LF within a line, NUL and other control characters, a field folded over two lines, a blank before
/// a colon, a field without a name or colon. It does not interpret the head.
class HeadScanner {
 public:
  struct Limits {
    std::size_t bytes_max;   ///< of the whole head
    std::size_t fields_max;  ///< header fields
  };
  explicit HeadScanner(const Limits& limits) : limits_(limits) {}

  /// `received` contains everything since the end of the previous request; each call repeats it and adds to
  /// it. Returns the size of the head, including its empty line, once it is complete. Fails with
  /// invalid_input, type "bad-request" or "header-too-large"; do not call it again afterwards.
  Result<std::optional<std::size_t>> feed(std::string_view received);
  /// The bytes before the head: an empty line that some clients send after a body.
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
