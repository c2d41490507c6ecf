#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/stop.hpp"
#include "csv/file.hpp"
#include "csv/key_reader.hpp"
#include "csv/row_check.hpp"
#include "csv/scan.hpp"

namespace deltadrop::diff {

/// Returns a scanner that starts after the file's header. Counts bare quotes and skipped records if the
/// arguments are not null.
csv::RowScanner rows_of(const csv::File& file, csv::BareQuotes* bare_quotes = nullptr,
                        csv::PassedOver* passed = nullptr);

/// Reads and checks the rows of one version and their keys. Not thread-safe.
class RowReader {
 public:
  /// Starts after the header. Logs the errors of rows to `findings`.
  RowReader(const csv::File& file, csv::CheckScope scope, csv::TextCheck text, csv::FindingLog& findings,
            Stop stop);
  RowReader(const RowReader&) = delete;
  RowReader& operator=(const RowReader&) = delete;

  /// Reads the next row. Returns false at the end, or if a stop is requested; Stop::check then fails.
  bool next() {
    if (scanner_.offset() >= ask_at_ && stops()) return false;
    if (!scanner_.next(row_)) return false;
    ++records_;
    return true;
  }
  [[nodiscard]] const csv::Row& row() const { return row_; }
  /// Checks the row and reads its key. Returns true if the row can be used. Without a key in the header, no
  /// row can be used.
  bool accept();
  /// The key of an accepted row. Valid until the next `accept`.
  [[nodiscard]] std::string_view key() const { return key_; }
  /// The number of records read, including those that cannot be used.
  [[nodiscard]] std::int64_t records() const { return records_; }
  /// The check to which callers report errors that involve several rows.
  csv::RowCheck& check() { return check_; }
  /// Returns the warnings about the header and the rows read so far.
  [[nodiscard]] csv::Findings warnings() const { return check_.warnings_of(bare_quotes_, passed_); }
  /// Returns the counts of what is not a row. Call it after all rows are read.
  [[nodiscard]] csv::Skipped skipped() const { return file_.skipped(passed_); }

  /// The position where the search for the next row starts.
  [[nodiscard]] std::uint64_t offset() const { return scanner_.offset(); }
  [[nodiscard]] Line line() const { return scanner_.line(); }
  /// Makes the row at `offset` the next one. `records` rows come before it.
  void go_to(std::uint64_t offset, Line line, std::int64_t records);

 private:
  /// Checks whether to stop. Called rarely, so the check costs nothing compared with reading.
  bool stops();

  const csv::File& file_;
  Stop stop_;
  std::uint64_t ask_at_ = 0;  ///< the offset of the next check whether to stop
  csv::RowCheck check_;
  std::optional<csv::KeyReader> key_reader_;
  csv::BareQuotes bare_quotes_;  ///< declared before scanner_, which adds to it
  csv::PassedOver passed_;       ///< also declared before scanner_, which adds to it
  csv::RowScanner scanner_;
  csv::Row row_;
  std::string_view key_;
  std::int64_t records_ = 0;
};

}  // namespace deltadrop::diff
