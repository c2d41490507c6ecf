#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace deltadrop::http {

/// Receives the parts of a multipart body in order. An error ends the parsing and is returned to the caller.
class MultipartVisitor {
 public:
  virtual ~MultipartVisitor() = default;
  /// A part with a name other than `file`.
  virtual Result<void> field(const std::string& name, const std::string& value) = 0;
  /// The part named `file`. `file_name` is the client's name for it, or "".
  virtual Result<void> file_begins(const std::string& file_name) = 0;
  virtual Result<void> file_bytes(std::span<const std::byte> bytes) = 0;
};

/// Returns the boundary of a Content-Type. Fails with invalid_input: type "not-multipart" for another type or
/// none, with a working command in the fix; type "bad-multipart" for an unusable boundary.
Result<std::string> multipart_boundary(std::string_view content_type);

/// Parses multipart/form-data (RFC 7578, RFC 2046 section 5.1) as it arrives. The calls to the visitor do not
/// depend on how the input is cut, except for the pieces of the file. Limits: 16 KiB of headers per part, 64
/// KiB per field, `parts_max` parts. Fails with invalid_input, type "bad-multipart", "truncated-body" or
/// "too-large"; do not call it after an error.
class MultipartParser {
 public:
  /// `visitor` must outlive the parser.
  MultipartParser(std::string_view boundary, MultipartVisitor& visitor, std::size_t parts_max = 100);

  Result<void> feed(std::span<const std::byte> bytes);
  /// Call it at the end of the body. Fails unless the closing boundary was seen and one part was named
  /// `file`.
  Result<void> finish();

 private:
  enum class State { preamble, after_delimiter, headers, field, file, epilogue };

  /// Processes one step of the buffered bytes. Returns false if more bytes are needed.
  Result<bool> step();
  Result<bool> find_first_delimiter();
  Result<bool> read_after_delimiter();
  Result<bool> read_headers();
  Result<bool> read_content();
  Result<void> take_content(std::string_view bytes);
  Result<void> begin_part(std::string_view headers);
  Result<void> end_part();
  void consume(std::size_t bytes) { start_ += bytes; }
  [[nodiscard]] std::string_view pending() const { return std::string_view(buffer_).substr(start_); }

  MultipartVisitor& visitor_;
  std::string delimiter_;  ///< CRLF, "--" and the boundary
  State state_ = State::preamble;
  std::string buffer_;
  std::size_t start_ = 0;  ///< the offset of the unprocessed bytes in buffer_
  std::size_t parts_max_;
  std::size_t parts_ = 0;
  bool has_file_ = false;
  std::string field_name_;
  std::string field_value_;
};

}  // namespace deltadrop::http
