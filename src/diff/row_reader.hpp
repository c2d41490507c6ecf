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

/// A scanner that stands behind the file's header. Counts bare quotes and what it passes over, if asked to.
csv::RowScanner rows_of(const csv::File& file, csv::BareQuotes* bare_quotes = nullptr,
                        csv::PassedOver* passed = nullptr);

/// Reads the rows of one version with their keys, and checks each. Not thread-safe.
class RowReader {
 public:
  /// Begins behind the header. Logs what is wrong with rows to `findings`.
  RowReader(const csv::File& file, csv::CheckScope scope, csv::TextCheck text, csv::FindingLog& findings,
            Stop stop);
  RowReader(const RowReader&) = delete;
  RowReader& operator=(const RowReader&) = delete;

  /// Reads the next row; false at the end, and once it is to stop: then Stop::check fails.
  bool next() {
    if (scanner_.offset() >= ask_at_ && stops()) return false;
    if (!scanner_.next(row_)) return false;
    ++records_;
    return true;
  }
  [[nodiscard]] const csv::Row& row() const { return row_; }
  /// Checks the row and reads its key: true when it can be used. Where the header names no key, none can.
  bool accept();
  /// Of an accepted row. Valid until the next `accept`.
  [[nodiscard]] std::string_view key() const { return key_; }
  /// How many were read, whether they can be used or not.
  [[nodiscard]] std::int64_t records() const { return records_; }
  /// For what is to be found wrong beyond a row by itself.
  csv::RowCheck& check() { return check_; }
  /// Of the rows so far and the header: what was read, and may not be meant.
  [[nodiscard]] csv::Findings warnings() const { return check_.warnings_of(bare_quotes_, passed_); }
  /// What the file has that is not a row, once all is read.
  [[nodiscard]] csv::Skipped skipped() const { return file_.skipped(passed_); }

  /// Where the next row is looked for.
  [[nodiscard]] std::uint64_t offset() const { return scanner_.offset(); }
  [[nodiscard]] Line line() const { return scanner_.line(); }
  /// The row that starts there is the next, behind `records` others.
  void go_to(std::uint64_t offset, Line line, std::int64_t records);

 private:
  /// Far between, so that asking costs nothing beside reading.
  bool stops();

  const csv::File& file_;
  Stop stop_;
  std::uint64_t ask_at_ = 0;  ///< from this offset on, whether to stop
  csv::RowCheck check_;
  std::optional<csv::KeyReader> key_reader_;
  csv::BareQuotes bare_quotes_;  ///< of rows that were read; before scanner_, which adds to it
  csv::PassedOver passed_;       ///< likewise
  csv::RowScanner scanner_;
  csv::Row row_;
  std::string_view key_;
  std::int64_t records_ = 0;
};

}  // namespace deltadrop::diff
