#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "csv/file.hpp"
#include "csv/findings.hpp"
#include "csv/scan.hpp"

namespace deltadrop::csv {

/// Fails with invalid_input if the options contradict each other, regardless of the file.
Result<void> check_options(const ReadOptions& options);

/// Reads a file's header in two steps and reports its errors.
class HeaderReader {
 public:
  HeaderReader(const ReadOptions& options, const Limits& limits, FindingLog& findings)
      : options_(options), limits_(limits), findings_(findings) {}

  /// Reads the next record as the header, or uses the columns of the options if the file has no header.
  /// Returns false and leaves `columns` empty if the header is too broken for reading rows.
  bool read_names(RowScanner& scanner, Header& header);
  /// The header's record. Empty without a header.
  [[nodiscard]] std::string_view record() const { return record_; }
  [[nodiscard]] Line line() const { return line_; }
  /// Checks the names, names unnamed columns and finds the key. If a key column is missing, `key` stays
  /// empty.
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
