#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "csv/fields.hpp"
#include "csv/file.hpp"
#include "csv/findings.hpp"
#include "csv/scan.hpp"

namespace deltadrop::csv {

/// Which of a file's refusals are looked for.
enum class CheckScope : std::uint8_t {
  everything,
  shape,  ///< not the limits: they may have been wider when the file was accepted
};

/// When a file's text is checked for NUL and invalid UTF-8.
enum class TextCheck : std::uint8_t {
  whole,   ///< at once, ahead of its rows: where all or most of them will be asked for
  by_row,  ///< each row that is asked for
};

/// Checks the rows of one file, one by one in the file's order, and logs what is wrong with them.
class RowCheck {
 public:
  RowCheck(const File& file, CheckScope scope, TextCheck text, FindingLog& findings);

  /// True when the row can be used: it has as many fields as the header, valid text and no fault.
  bool accept(const Row& row);
  /// Of an accepted row. `all_parts_empty` as KeyReader says.
  bool accept_key(const Row& row, std::string_view key, bool all_parts_empty);
  void report_repeated_key(std::string_view key, Line first, Line again);
  /// Logs once that the file has too many rows.
  void report_too_many_rows(Line line);

 private:
  struct Place {
    std::optional<std::string> column;
    std::string_view field;  ///< as it stands in the record
  };

  [[nodiscard]] Place place_of(const Row& row, std::size_t at) const;
  void report_at(const Row& row, std::size_t at, std::string_view type, std::string_view what,
                 std::string_view fix);
  void report_fault(const Row& row);
  void report_field_count(const Row& row);
  bool text_is_valid(const Row& row);
  bool fits_limits(const Row& row);
  bool fits_event(const Row& row);

  const File& file_;
  CheckScope scope_;
  FindingLog& findings_;
  bool text_is_clean_;            ///< known to hold no NUL and no invalid UTF-8
  std::size_t row_json_max_ = 0;  ///< most bytes that a row's own values may take in JSON
  RowSplitter splitter_;
  std::string key_column_;
};

}  // namespace deltadrop::csv
