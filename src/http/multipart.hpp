#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace deltadrop::http {

/// Receives what a multipart body holds, in its order. An error ends the parsing and is passed on.
class MultipartVisitor {
 public:
  virtual ~MultipartVisitor() = default;
  /// A part with any other name than `file`.
  virtual Result<void> field(const std::string& name, const std::string& value) = 0;
  /// The part named `file`; `file_name` is the client's, or "".
  virtual Result<void> file_begins(const std::string& file_name) = 0;
  virtual Result<void> file_bytes(std::span<const std::byte> bytes) = 0;
};

/// The boundary of a Content-Type. Fails with invalid_input: "not-multipart" (another or no type, with the
/// command that works), "bad-multipart" (no usable boundary).
Result<std::string> multipart_boundary(std::string_view content_type);

/// Parses multipart/form-data (RFC 7578, RFC 2046 section 5.1) as it comes; any cutting into pieces gives the
/// same calls, but for where the file's bytes are cut. Bounded: a part's headers 16 KiB, a field 64 KiB,
/// `parts_max` parts. Errors are invalid_input: "bad-multipart", "truncated-body", "too-large"; not to be
/// called after one.
class MultipartParser {
 public:
  /// `visitor` outlives the parser.
  MultipartParser(std::string_view boundary, MultipartVisitor& visitor, std::size_t parts_max = 100);

  Result<void> feed(std::span<const std::byte> bytes);
  /// The body ended. Fails unless the closing boundary was seen and one part was named `file`.
  Result<void> finish();

 private:
  enum class State { preamble, after_delimiter, headers, field, file, epilogue };

  /// One step on what is buffered; false: more bytes are needed.
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
  std::string delimiter_;  ///< CRLF "--" boundary
  State state_ = State::preamble;
  std::string buffer_;
  std::size_t start_ = 0;  ///< what of buffer_ is done with
  std::size_t parts_max_;
  std::size_t parts_ = 0;
  bool has_file_ = false;
  std::string field_name_;
  std::string field_value_;
};

}  // namespace deltadrop::http
