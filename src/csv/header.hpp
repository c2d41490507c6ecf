#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "csv/file.hpp"
#include "csv/findings.hpp"
#include "csv/scan.hpp"

namespace deltadrop::csv {

/// Fails with invalid_input where the options contradict themselves, whatever the file holds.
Result<void> check_options(const ReadOptions& options);

/// Reads a file's header in steps, and reports what is wrong with it.
class HeaderReader {
 public:
  HeaderReader(const ReadOptions& options, const Limits& limits, FindingLog& findings)
      : options_(options), limits_(limits), findings_(findings) {}

  /// Reads the next record as the header, or takes the columns of the options where there is none. False
  /// where it is too broken to read rows by; then `columns` is empty.
  bool read_names(RowScanner& scanner, Header& header);
  /// The header's record, where there is one.
  [[nodiscard]] std::string_view record() const { return record_; }
  [[nodiscard]] Line line() const { return line_; }
  /// Checks the names, gives names to columns without one, and finds the key. Where the key's columns are not
  /// all there, `key` is empty.
  void settle_columns(Header& header);

 private:
  void report(std::string_view type, std::optional<std::string_view> column, std::string message,
              std::string fix);
  void report_no_header();
  bool readable(const Row& row);
  void name_the_nameless(Header& header);
  void check_names(const Header& header);
  void find_tracked(Header& header) const;
  void find_key(Header& header);

  const ReadOptions& options_;
  const Limits& limits_;
  FindingLog& findings_;
  Line line_{1};
  std::string_view record_;
};

}  // namespace deltadrop::csv
