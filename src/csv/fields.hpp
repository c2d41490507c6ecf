#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "csv/options.hpp"
#include "csv/structure.hpp"

namespace deltadrop::csv {

/// One field in its raw form.
struct RawField {
  std::string_view inner;  ///< without the quotes around it
  bool doubled = false;    ///< contains doubled quotes
  bool quoted = false;
};

/// Iterates over the fields of one record, in which the row scanner found no fault. In a record with text
/// after a closing quote, the cursor skips that text.
class FieldCursor {
 public:
  FieldCursor(std::string_view record, char delimiter)
      : begin_(record.data()), at_(begin_), end_(begin_ + record.size()), delimiter_(delimiter) {}

  /// Reads the next field. Returns false after the last one.
  bool next(RawField& field);
  /// Returns the offset of the next field in the record.
  [[nodiscard]] std::size_t offset() const { return static_cast<std::size_t>(at_ - begin_); }

 private:
  const char* begin_;
  const char* at_;
  const char* end_;
  char delimiter_;
  bool done_ = false;

  RawField take_quoted();
  void take_delimiter();
};

/// Returns the offset of a quote that would open a field but for the blanks before it, or npos.
std::size_t find_blank_before_quote(std::string_view record, char delimiter);

/// Appends a field's value to `out`, with each doubled quote as one quote.
void append_undoubled(std::string& out, std::string_view inner);

/// Returns true if `value`, which a RowSplitter with this policy returned, is null.
inline bool is_null(std::string_view value, EmptyPolicy policy) {
  if (policy == EmptyPolicy::text) return false;
  return policy == EmptyPolicy::quoted ? value.data() == nullptr : value.empty();
}

/// Splits records into unquoted values. Reuses its buffers; not thread-safe.
class RowSplitter {
 public:
  /// A record with fewer than `values_min` fields gets empty values at its end. Callers that index the values
  /// of a record that was checked earlier need this, because the file may have been written to since.
  /// With EmptyPolicy::quoted, an empty value has a data pointer only if it is quoted.
  explicit RowSplitter(char delimiter, std::size_t values_min = 0, EmptyPolicy empty = EmptyPolicy::null);

  /// Returns views of the record or of this splitter's buffer. They are valid until the next call.
  const std::vector<std::string_view>& split(std::string_view record);

 private:
  void split_plainly(std::string_view record, std::size_t delimiters);
  /// Splits field by field; works for any quotes.
  void split_carefully(std::string_view record);

  char delimiter_;
  std::size_t values_min_;
  bool marks_nulls_;
  FindDelimiters find_delimiters_;
  std::vector<std::uint32_t> delimiters_;  ///< their offsets; sized for the widest record so far
  std::vector<std::string_view> values_;
  std::string undoubled_;
};

}  // namespace deltadrop::csv
