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

/// Converts a sheet of an XLSX workbook (ECMA-376, transitional or strict) to CSV. docs/xlsx.md says what a
/// cell becomes.
namespace deltadrop::xlsx {

/// Bounds on what a workbook may cost. None of them trusts a size that the file states.
struct Limits {
  /// All parts that are read, expanded.
  std::uint64_t expanded_bytes_max = std::uint64_t{16} << 30;
  /// Expanded bytes for each byte of the file, checked once `ratio_checked_from_bytes` were expanded.
  std::uint64_t ratio_max = 400;
  std::uint64_t ratio_checked_from_bytes = std::uint64_t{64} << 20;
  /// Each part that is kept in memory in another form, expanded: relationships, the list of sheets, styles.
  std::uint64_t part_bytes_max = std::uint64_t{64} << 20;
  /// Memory for the shared strings.
  std::uint64_t shared_strings_bytes_max = std::uint64_t{256} << 20;
  /// What `sink` receives, and the scratch file.
  std::uint64_t csv_bytes_max = std::uint64_t{4} << 30;
  std::uint64_t row_bytes_max = std::uint64_t{16} << 20;
  std::uint64_t cell_bytes_max = std::uint64_t{1} << 20;
  std::uint32_t rows_max = 1'048'576;  ///< Excel's own
  std::uint32_t columns_max = 16'384;  ///< Excel's own
  std::size_t entries_max = 10'000;    ///< of the zip file
  std::size_t sheets_max = 10'000;
  std::size_t merged_ranges_max = 1'000'000;
  int xml_depth_max = 64;
  /// The longest start tag or comment.
  std::size_t xml_token_bytes_max = std::size_t{1} << 20;
  /// Memory of the XML parser, which keeps each name of an element or attribute that it has seen.
  std::uint64_t xml_memory_bytes_max = std::uint64_t{32} << 20;
};

struct Progress {
  std::uint64_t expanded_bytes = 0;
  std::uint64_t rows = 0;
};

struct Options {
  /// A sheet's name (ignoring ASCII case), else its number from 1 on, in the order of the tabs. Empty: the
  /// first worksheet that is visible.
  std::string sheet;
  Limits limits;
  /// For CSV that does not fit in 8 MiB: an unnamed file here holds it until the sheet was read whole.
  std::filesystem::path scratch;
  /// Called after each block of at most 64 KiB.
  std::function<void(const Progress&)> on_progress;
};

/// Takes CSV in blocks; views live during the call only.
using CsvSink = std::function<Result<void>(std::string_view)>;

/// Something in the sheet whose value in the CSV may surprise. One for each type: `message` names the first
/// place and the number of places.
struct Warning {
  std::string type;
  std::string message;
  std::uint64_t count = 0;

  bool operator==(const Warning&) const = default;
};

struct Conversion {
  std::string sheet;                ///< the name of the sheet that was read
  std::vector<std::string> sheets;  ///< names of all sheets, in the order of the tabs
  std::uint64_t rows = 0;           ///< up to the last with a value, the header and empty rows among them
  std::uint32_t columns = 0;        ///< up to the last with a value
  std::uint64_t csv_bytes = 0;
  DateSystem dates = DateSystem::from_1900;
  std::vector<Warning> warnings;
};

/// True if a file that starts with these bytes (8 are enough) is to be given to convert_to_csv: a zip file,
/// or an OLE file, which convert_to_csv refuses with the reason (.xls, password).
bool may_be_workbook(std::span<const std::byte> first_bytes);

/// Writes the sheet to `sink` as RFC 4180 records in UTF-8, with "," as the delimiter and LF as the line end.
/// The first record is the first row as stored. All records have the same number of fields. A row without any
/// value is an empty line, so line numbers are row numbers as long as no cell has a line break. `sink` is
/// called only after the whole sheet was read: a workbook that is refused leaves nothing in it.
///
/// Uses memory up to `limits.shared_strings_bytes_max`, `limits.part_bytes_max`, two rows and some MiB.
///
/// Fails with invalid_input and type
/// - "not-xlsx": another format (.xls, .xlsb, .ods, Word...);
/// - "workbook-encrypted": it needs a password;
/// - "workbook-damaged": not a whole zip file, invalid XML, a part is missing, a reference points nowhere;
/// - "workbook-too-large": beyond a limit;
/// - "no-such-sheet": with the names of the sheets;
/// or with what `sink`, `stop` or the file system says.
Result<Conversion> convert_to_csv(const std::filesystem::path& workbook, const Options& options,
                                  const CsvSink& sink, const Stop& stop);

}  // namespace deltadrop::xlsx
