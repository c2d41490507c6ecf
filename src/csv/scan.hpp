#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/strong.hpp"
#include "csv/structure.hpp"

namespace deltadrop::csv {

enum class RowFault : std::uint8_t {
  none,
  text_after_quote,  ///< something other than a delimiter or a line end follows a closing quote
  unclosed_quote,    ///< the text ends inside a quoted field
};

/// One record as it stands in the text.
struct Row {
  std::string_view bytes;    ///< without its line end
  std::uint64_t offset = 0;  ///< of bytes in the text
  std::uint64_t fields = 0;
  Line line;  ///< physical line where it starts, 1-based
  RowFault fault = RowFault::none;
  std::size_t fault_at =
      0;  ///< offset in `bytes` of the first fault: the opening quote, or the text after a closing one
};

/// Walks the records of a text by RFC 4180: lines end with LF, CRLF or CR; a field that starts with a quote
/// runs to the next quote that is not doubled, over line ends; a quote elsewhere is a character. Wholly empty
/// lines are passed over.
class RowScanner {
 public:
  RowScanner(std::string_view text, char delimiter);
  /// From a place on where a record or an empty line starts, in physical line `line`.
  RowScanner(std::string_view text, char delimiter, std::uint64_t offset, Line line);

  /// Reads the next record into `row`, or returns false at the end.
  bool next(Row& row);
  /// Where it stands: behind the line end of the record last read.
  [[nodiscard]] std::uint64_t offset() const { return static_cast<std::uint64_t>(at_ - begin_); }
  [[nodiscard]] Line line() const { return Line(line_); }

 private:
  void skip_empty_lines();
  void take_line_end();
  /// From a row's start, where it has a quoted field, to its end.
  void scan_row_with_quotes(Row& row);
  void scan_quoted(Row& row);

  const char* begin_;
  const char* at_;
  const char* end_;
  std::int64_t line_ = 1;
  FindStop find_stop_;
  FindRecordEnd find_record_end_;
  char delimiter_;
};

}  // namespace deltadrop::csv
