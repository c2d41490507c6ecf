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

/// One record in its raw form.
struct Row {
  std::string_view bytes;    ///< without its line end
  std::uint64_t offset = 0;  ///< offset of `bytes` in the text
  std::uint64_t fields = 0;
  Line line;  ///< physical line where it starts, 1-based
  RowFault fault = RowFault::none;
  std::size_t fault_at =
      0;  ///< offset in `bytes` of the first fault: the opening quote, or the text after a closing one
};

/// Counts the fields with bare quotes: quotes inside unquoted fields, where they are ordinary characters.
/// Also stores the position of the first. A row that is read again counts once. A row may be read only after
/// all earlier ones.
class BareQuotes {
 public:
  /// Adds a quote at offset `at` of the bytes of `row`, in the row's field number `field`.
  void add(const Row& row, std::size_t at, std::uint64_t field) {
    if (row.offset + at < seen_to_) return;
    seen_to_ = row.offset + at + 1;
    if (fields_ > 0 && row.offset == last_row_ && field == last_field_) return;
    last_row_ = row.offset;
    last_field_ = field;
    if (fields_++ > 0) return;
    first_row_ = row.offset;
    first_line_ = row.line;
    first_at_ = at;
  }

  [[nodiscard]] std::int64_t fields() const { return fields_; }
  /// The first bare quote: the offset of its record, the line of its record and its offset in the record.
  [[nodiscard]] std::uint64_t first_row() const { return first_row_; }
  [[nodiscard]] Line first_line() const { return first_line_; }
  [[nodiscard]] std::size_t first_at() const { return first_at_; }

 private:
  std::uint64_t seen_to_ = 0;
  std::int64_t fields_ = 0;
  std::uint64_t last_row_ = 0;
  std::uint64_t last_field_ = 0;
  std::uint64_t first_row_ = 0;
  Line first_line_{1};
  std::size_t first_at_ = 0;
};

class RowFilter;
class PassedOver;

/// Iterates over the records of a text by RFC 4180. Lines end with LF, CRLF or CR. A field that starts with a
/// quote ends at the next quote that is not doubled and may contain line ends. A quote elsewhere is an
/// ordinary character. Empty lines are skipped.
class RowScanner {
 public:
  RowScanner(std::string_view text, char delimiter);
  /// Starts at `offset`, where a record or an empty line starts in physical line `line`.
  RowScanner(std::string_view text, char delimiter, std::uint64_t offset, Line line);

  /// Skips the records that are not rows according to `filter`, which must outlive this. Null skips none.
  void pass_over_by(const RowFilter* filter) { filter_ = filter; }
  /// Adds the records that are skipped from now on to `passed`, which must outlive this. Null stops counting.
  void count_passed(PassedOver* passed) { passed_ = passed; }

  /// Reads the next record into `row`. Returns false at the end of the text.
  bool next(Row& row);
  /// The current position, after the line end of the record last read.
  [[nodiscard]] std::uint64_t offset() const { return static_cast<std::uint64_t>(at_ - begin_); }
  [[nodiscard]] Line line() const { return Line(line_); }
  /// Adds the bare quotes of later rows to `found`, which must outlive this. Null stops counting. This costs
  /// nothing without bare quotes: only rows that the structural scan cannot explain are read quote by quote.
  void count_bare_quotes(BareQuotes* found) { bare_quotes_ = found; }

 private:
  void skip_empty_lines();
  void take_line_end();
  /// Scans a row with a quoted field from its start to its end.
  void scan_row_with_quotes(Row& row);
  void scan_quoted(Row& row);
  void read(Row& row);
  /// Returns true if a record that the filter suspects is not a row.
  bool is_passed_over(const Row& row);

  const char* begin_;
  const char* at_;
  const char* end_;
  std::int64_t line_ = 1;
  FindStop find_stop_;
  FindRecordEnd find_record_end_;
  BareQuotes* bare_quotes_ = nullptr;  ///< may be null
  const RowFilter* filter_ = nullptr;  ///< may be null
  PassedOver* passed_ = nullptr;       ///< may be null
  char delimiter_;
};

}  // namespace deltadrop::csv
