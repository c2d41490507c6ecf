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

/// The errors that a RowCheck looks for.
enum class CheckScope : std::uint8_t {
  everything,
  shape,  ///< all but the limits, which may have been wider when the file was accepted
};

/// How a file's text is checked for NUL and invalid UTF-8.
enum class TextCheck : std::uint8_t {
  by_stretch,  ///< in cache-sized stretches, before their rows; for callers that check most rows, in order
  by_row,      ///< row by row
};

/// Checks the rows of one file, one by one in the file's order, and logs their errors.
class RowCheck {
 public:
  RowCheck(const File& file, CheckScope scope, TextCheck text, FindingLog& findings);

  /// Switches to TextCheck::by_stretch: the caller checks most of the following rows, in order.
  void check_text_by_stretch() { text_check_ = TextCheck::by_stretch; }

  /// Returns true if the row can be used: its number of fields fits the header, its text is valid and it has
  /// no fault.
  bool accept(const Row& row);
  /// Checks the key of an accepted row. `all_parts_empty` is KeyReader::last_was_empty().
  bool accept_key(const Row& row, std::string_view key, bool all_parts_empty);
  void report_repeated_key(std::string_view key, Line first, Line again);
  /// Returns the warnings about the header, about bare quotes and about lone CRs that end rows.
  [[nodiscard]] Findings warnings_of(const BareQuotes& quotes, const PassedOver& passed) const;
  /// Logs that the file has too many rows.
  void report_too_many_rows(Line line);

 private:
  struct Place {
    std::optional<std::string> column;
    std::string_view field;  ///< in its raw form
  };

  struct Cause {
    std::string_view why;
    std::string_view fix;
  };

  [[nodiscard]] char delimiter() const { return file_.header().delimiter; }
  [[nodiscard]] Place place_of(const Row& row, std::size_t at) const;
  void report_at(const Row& row, std::size_t at, std::string_view type, std::string_view what,
                 std::string_view fix);
  void report_fault(const Row& row);
  void report_field_count(const Row& row);
  [[nodiscard]] Cause cause_of_field_count(const Row& row) const;
  /// Returns true if a CR without LF ends the row or the one before it, in a file with other line ends.
  [[nodiscard]] bool touches_lone_return(const Row& row) const;
  bool ends_with_delimiter(const Row& row);
  void warn_of_bare_quotes(const BareQuotes& found, Findings& warnings) const;
  void warn_of_lone_returns(const PassedOver& passed, Findings& warnings) const;
  bool text_is_valid(const Row& row);
  /// Returns true if the row is in a stretch whose whole text is valid.
  bool lies_in_valid_stretch(const Row& row);
  bool fits_limits(const Row& row);
  bool fits_event(const Row& row);

  const File& file_;
  CheckScope scope_;
  FindingLog& findings_;
  TextCheck text_check_;
  std::size_t stretch_end_ = 0;  ///< end of the last checked stretch
  bool stretch_is_valid_ = false;
  std::size_t row_json_max_ = 0;  ///< the maximum size in bytes of a row's values in JSON
  RowSplitter splitter_;
  std::string key_column_;
};

}  // namespace deltadrop::csv
