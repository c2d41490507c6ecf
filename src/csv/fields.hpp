#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "csv/options.hpp"
#include "csv/structure.hpp"

namespace deltadrop::csv {

/// One field as it stands in a record.
struct RawField {
  std::string_view inner;  ///< without the quotes around it
  bool doubled = false;    ///< holds doubled quotes
  bool quoted = false;
};

/// Walks the fields of one record that the row scanner found without fault; in one with text behind a closing
/// quote, that text is passed over.
class FieldCursor {
 public:
  FieldCursor(std::string_view record, char delimiter)
      : begin_(record.data()), at_(begin_), end_(begin_ + record.size()), delimiter_(delimiter) {}

  /// Reads the next field, or returns false behind the last.
  bool next(RawField& field);
  /// Where the next field starts in the record.
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

/// Where a record has a quote that would open a field, were there no blanks before it; npos without one.
std::size_t find_blank_before_quote(std::string_view record, char delimiter);

/// Appends a field's value: doubled quotes made single.
void append_undoubled(std::string& out, std::string_view inner);

/// Whether a value that a RowSplitter of this policy returned is null.
inline bool is_null(std::string_view value, EmptyPolicy policy) {
  if (policy == EmptyPolicy::text) return false;
  return policy == EmptyPolicy::quoted ? value.data() == nullptr : value.empty();
}

/// Splits records into unquoted values. Reuses its buffers; not thread-safe.
class RowSplitter {
 public:
  /// `values_min`: a record with fewer fields gets empty ones behind its last. Whoever counts on a record
  /// that was checked before needs that: its file may be written to meanwhile.
  /// With EmptyPolicy::quoted, an empty value has data only where it is quoted.
  explicit RowSplitter(char delimiter, std::size_t values_min = 0, EmptyPolicy empty = EmptyPolicy::null);

  /// Views of the record or of this splitter's buffer; valid until the next call.
  const std::vector<std::string_view>& split(std::string_view record);

 private:
  void split_plainly(std::string_view record, std::size_t delimiters);
  /// The record's fields one by one, whatever its quotes.
  void split_carefully(std::string_view record);

  char delimiter_;
  std::size_t values_min_;
  bool marks_nulls_;
  FindDelimiters find_delimiters_;
  std::vector<std::uint32_t> delimiters_;  ///< where they stand; as many as the records so far had, and some
  std::vector<std::string_view> values_;
  std::string undoubled_;
};

}  // namespace deltadrop::csv
