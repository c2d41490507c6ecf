#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/stop.hpp"
#include "xlsx/serial_date.hpp"

/// Converts a sheet of an XLSX workbook (ECMA-376, transitional or strict) to CSV. docs/xlsx.md describes the
/// conversion of cells.
namespace deltadrop::xlsx {

/// Limits on the resources for a workbook. None of them trusts a size that the file states.
struct Limits {
  /// Expanded size of all parts that are read.
  std::uint64_t expanded_bytes_max = std::uint64_t{16} << 30;
  /// Expanded bytes for each byte of the file. Checked after `ratio_checked_from_bytes` were expanded.
  std::uint64_t ratio_max = 400;
  std::uint64_t ratio_checked_from_bytes = std::uint64_t{64} << 20;
  /// Expanded size of each part that is converted in memory: relationships, the list of sheets, styles.
  std::uint64_t part_bytes_max = std::uint64_t{64} << 20;
  /// Memory for the shared strings.
  std::uint64_t shared_strings_bytes_max = std::uint64_t{256} << 20;
  /// Size of the CSV that `sink` receives, and of the scratch file.
  std::uint64_t csv_bytes_max = std::uint64_t{4} << 30;
  std::uint64_t row_bytes_max = std::uint64_t{16} << 20;
  std::uint64_t cell_bytes_max = std::uint64_t{1} << 20;
  std::uint32_t rows_max = 1'048'576;  ///< Excel's own
  std::uint32_t columns_max = 16'384;  ///< Excel's own
  std::size_t entries_max = 10'000;    ///< entries of the zip file
  std::size_t sheets_max = 10'000;
  std::size_t merged_ranges_max = 1'000'000;
  int xml_depth_max = 64;
  /// Size of a start tag or comment.
  std::size_t xml_token_bytes_max = std::size_t{1} << 20;
  /// Memory of the XML parser, which stores the names of all elements and attributes.
  std::uint64_t xml_memory_bytes_max = std::uint64_t{32} << 20;
};

struct Progress {
  std::uint64_t expanded_bytes = 0;
  std::uint64_t rows = 0;
};

struct Options {
  /// The sheet's name (ignoring ASCII case), or its number from 1 in the order of the tabs. Names take
  /// precedence. Empty selects the first visible worksheet.
  std::string sheet;
  Limits limits;
  /// The directory of an unnamed file for CSV that does not fit in 8 MiB, until the whole sheet is read.
  std::filesystem::path scratch;
  /// Called after each block of at most 64 KiB.
  std::function<void(const Progress&)> on_progress;
};

/// Receives CSV in blocks. Views are valid during the call only.
using CsvSink = std::function<Result<void>(std::string_view)>;

/// A warning about cells whose value in the CSV may be unexpected. There is one for each type; `message`
/// names the first position and the number of positions.
struct Warning {
  std::string type;
  std::string message;
  std::uint64_t count = 0;

  bool operator==(const Warning&) const = default;
};

struct Conversion {
  std::string sheet;                ///< the name of the sheet that was read
  std::vector<std::string> sheets;  ///< names of all sheets, in the order of the tabs
  std::uint64_t rows = 0;           ///< up to the last row with a value, including the header and empty rows
  std::uint32_t columns = 0;        ///< up to the last column with a value
  std::uint64_t csv_bytes = 0;
  DateSystem dates = DateSystem::from_1900;
  std::vector<Warning> warnings;
};

/// Returns true if a file that starts with these bytes (8 are enough) should be passed to convert_to_csv. It
/// is a zip file, or an OLE file, which convert_to_csv rejects with the reason (.xls, password).
bool may_be_workbook(std::span<const std::byte> first_bytes);

/// Writes the sheet to `sink` as RFC 4180 records in UTF-8, with "," as the delimiter and LF as the line end.
/// The first record is row 1 of the sheet. All records have the same number of fields. A row without any
/// value is an empty line, so line numbers equal row numbers unless a cell has a line break. `sink` is called
/// only after the whole sheet was read, so it receives nothing from a rejected workbook.
///
/// Uses memory up to `limits.shared_strings_bytes_max`, `limits.part_bytes_max`, two rows and some MiB.
///
/// Fails with invalid_input and type
/// - "not-xlsx": another format (.xls, .xlsb, .ods, Word...);
/// - "workbook-encrypted": it needs a password;
/// - "workbook-damaged": an incomplete zip file, invalid XML, a missing part or a dangling reference;
/// - "workbook-too-large": a limit is exceeded;
/// - "no-such-sheet": the message lists the sheets;
/// or as `sink`, or with the reason of `stop` or an error of the file system.
Result<Conversion> convert_to_csv(const std::filesystem::path& workbook, const Options& options,
                                  const CsvSink& sink, const Stop& stop);

}  // namespace deltadrop::xlsx
