#include "csv/type_check.hpp"

#include <fmt/format.h>

#include <vector>

#include "core/text.hpp"
#include "csv/fields.hpp"
#include "csv/findings.hpp"
#include "csv/scan.hpp"

namespace deltadrop::csv {
namespace {

constexpr std::size_t kFindingsMax = 20;
constexpr std::int64_t kRowsPerStopCheck = 8192;

struct CheckedColumn {
  std::size_t number;
  const std::string& name;
  const DeclaredType& type;
};

/// Returns the tracked columns with a declared type other than string, which every value fits.
std::vector<CheckedColumn> checked_columns(const File& file) {
  std::vector<CheckedColumn> columns;
  const Header& header = file.header();
  for (const auto number : header.tracked) {
    const auto declared = file.options().types.find(header.columns[number]);
    if (declared == file.options().types.end() || declared->second.type() == ColumnType::string) continue;
    columns.push_back({number, header.columns[number], declared->second});
  }
  return columns;
}

Finding broken(const CheckedColumn& column, Line line, std::string_view value) {
  return {
      "declared-type-broken",
      line,
      value_for_finding(column.name),
      value_for_finding(value),
      fmt::format("line {}, column {}: {} {}", line.value, quoted_for_message(column.name),
                  quoted_for_message(value), column.type.fault_in(value)),
      fmt::format("correct the value, or declare another type; the column has type {} in the lake until then",
                  to_string(joined(column.type.type(), column.type.typed(value).type)))};
}

}  // namespace

Result<Findings> check_declared_types(const File& file, const Stop& stop) {
  FindingLog log(kFindingsMax);
  const auto columns = checked_columns(file);
  if (columns.empty()) return log.findings();
  RowScanner scanner = file.rows();
  const EmptyPolicy empty = file.options().empty;
  RowSplitter splitter(file.header().delimiter, file.header().columns.size(), empty);
  Row row;
  for (std::int64_t rows = 0; scanner.next(row); ++rows) {
    if (rows % kRowsPerStopCheck == 0) {
      DD_TRY(stop.check());
    }
    const auto& values = splitter.split(row.bytes);
    for (const auto& column : columns) {
      const auto value = values[column.number];
      if (is_null(value, empty)) continue;
      if (!column.type.holds(value)) log.add([&] { return broken(column, row.line, value); });
    }
  }
  Findings findings = log.findings();
  const auto shown = static_cast<std::int64_t>(findings.first.size());
  if (findings.total > shown) {
    findings.first.back().message +=
        fmt::format(" (and {})", counted(findings.total - shown, "more such value"));
  }
  return findings;
}

}  // namespace deltadrop::csv
