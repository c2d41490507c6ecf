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
  by_stretch,  ///< a stretch that fits the cache ahead of its rows: where most rows are asked for, in order
  by_row,      ///< each row that is asked for
};

/// Checks the rows of one file, one by one in the file's order, and logs what is wrong with them.
class RowCheck {
 public:
  RowCheck(const File& file, CheckScope scope, TextCheck text, FindingLog& findings);

  /// From here on rows are asked for in order, and most of them.
  void check_text_by_stretch() { text_check_ = TextCheck::by_stretch; }

  /// True when the row can be used: it has as many fields as the header, valid text and no fault.
  bool accept(const Row& row);
  /// Of an accepted row. `all_parts_empty` as KeyReader says.
  bool accept_key(const Row& row, std::string_view key, bool all_parts_empty);
  void report_repeated_key(std::string_view key, Line first, Line again);
  /// What to warn of in the header, where quotes are characters, and where a lone CR ends a row.
  [[nodiscard]] Findings warnings_of(const BareQuotes& quotes, const PassedOver& passed) const;
  /// Logs once that the file has too many rows.
  void report_too_many_rows(Line line);

 private:
  struct Place {
    std::optional<std::string> column;
    std::string_view field;  ///< as it stands in the record
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
  /// Whether a CR without LF ends the row or the one before it, where lines do not end so.
  [[nodiscard]] bool touches_lone_return(const Row& row) const;
  bool ends_with_delimiter(const Row& row);
  void warn_of_bare_quotes(const BareQuotes& found, Findings& warnings) const;
  void warn_of_lone_returns(const PassedOver& passed, Findings& warnings) const;
  bool text_is_valid(const Row& row);
  /// Whether the row lies in a stretch that is valid as a whole.
  bool lies_in_valid_stretch(const Row& row);
  bool fits_limits(const Row& row);
  bool fits_event(const Row& row);

  const File& file_;
  CheckScope scope_;
  FindingLog& findings_;
  TextCheck text_check_;
  std::size_t stretch_end_ = 0;  ///< up to where text was checked by stretch
  bool stretch_is_valid_ = false;
  std::size_t row_json_max_ = 0;  ///< most bytes that a row's own values may take in JSON
  RowSplitter splitter_;
  std::string key_column_;
};

}  // namespace deltadrop::csv
