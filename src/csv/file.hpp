#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "csv/options.hpp"
#include "csv/row_filter.hpp"
#include "csv/scan.hpp"
#include "io/file_stamp.hpp"

namespace deltadrop::csv {

/// A file's columns according to its header and the options.
struct Header {
  std::vector<std::string> columns;  ///< all columns, in the file's order
  std::vector<std::size_t> tracked;  ///< indexes of columns that are not ignored, in the file's order
  std::vector<std::size_t> key;      ///< indexes of the key's columns, in the key's order
  std::vector<std::size_t> dropped;  ///< indexes of unnamed columns that are left out; their names are empty
  char delimiter = ',';
  Encoding encoding = Encoding::utf8;
  bool trailing_delimiter = false;  ///< each line ends with a delimiter that no column follows
  bool pads_short_rows = false;
  KeyRules key_rules;

  /// The number of fields of a row.
  [[nodiscard]] std::size_t fields() const { return columns.size() + (trailing_delimiter ? 1 : 0); }
  /// Returns true if a row with `row_fields` fields is accepted.
  [[nodiscard]] bool takes(std::uint64_t row_fields) const {
    return row_fields == fields() || (pads_short_rows && row_fields < fields());
  }

  /// Returns the raw name of a single key column, or an RFC 4180 record of the names of a composite key.
  [[nodiscard]] std::string key_column() const;
};

/// The dialect that was detected in a file.
struct Dialect {
  char delimiter = ',';
  Encoding encoding = Encoding::utf8;
  std::int64_t skip_lines = 0;      ///< physical lines above the header, including a line such as sep=;
  bool delimiter_declared = false;  ///< a first line such as sep=; declares it
  bool trailing_delimiter = false;
};

/// Counts the parts of a file that are not rows.
struct Skipped {
  std::int64_t blank = 0;   ///< lines below the header without a value
  std::int64_t header = 0;  ///< rows that repeat the header
  std::int64_t lines = 0;   ///< physical lines above the header
  std::int64_t footer = 0;  ///< physical lines of the footer

  bool operator==(const Skipped&) const = default;
};

/// A CSV file, mapped into memory. A file that is not UTF-8 is transcoded to an unnamed temporary file first.
/// The diff reads the rows. Immutable; may be shared by threads.
class File {
 public:
  /// Maps the file, detects encoding and delimiter, and reads the header. Fails only for reasons outside the
  /// file (I/O errors, contradictory options); problems in its text become findings. `scratch` is the
  /// directory for transcoded bytes.
  static Result<File> open(const std::filesystem::path& path, const ReadOptions& options,
                           const Limits& limits, const std::filesystem::path& scratch,
                           const Remembered& remembered = {});
  /// Opens bytes in memory, which must outlive the file.
  static Result<File> over(std::string_view bytes, const ReadOptions& options, const Limits& limits,
                           const Remembered& remembered = {});

  File(File&&) noexcept;
  File& operator=(File&&) noexcept;
  ~File();

  [[nodiscard]] const Header& header() const;
  [[nodiscard]] const Dialect& dialect() const;
  [[nodiscard]] const ReadOptions& options() const;
  /// Returns the options under which every later read of this file has the same result: delimiter, encoding,
  /// key and the number of lines above the header have their detected values.
  [[nodiscard]] ReadOptions resolved_options() const;
  [[nodiscard]] const Limits& limits() const;
  /// Returns a scanner that starts after the header and skips records that are not rows. Counts bare quotes
  /// from the header on if `bare_quotes` is not null.
  [[nodiscard]] RowScanner rows(BareQuotes* bare_quotes = nullptr) const;
  /// Returns a scanner that starts at `offset`, where a row or an empty line starts in physical line `line`.
  [[nodiscard]] RowScanner rows_from(std::uint64_t offset, Line line) const;
  /// Returns the filter for records that are not rows, or null under rules 1, where every record is a row.
  [[nodiscard]] const RowFilter* row_filter() const;
  /// Returns the text as UTF-8, without a byte order mark and without the footer.
  [[nodiscard]] std::string_view text() const;
  /// Returns the stored bytes in the file's encoding. Empty if the file was not opened from a path.
  [[nodiscard]] std::string_view source_bytes() const;
  /// The stamp that the file had when it was opened, and the current one.
  [[nodiscard]] const io::FileStamp& stamp_when_opened() const;
  [[nodiscard]] Result<io::FileStamp> stamp_now() const;
  /// Returns true if no program has written to the file since it was opened. Always true if the text is not
  /// mapped.
  [[nodiscard]] bool is_untouched() const;
  /// Call this after the last access to the text. Fails as io::MappedFile::check_unchanged; the results of
  /// all reads are then invalid. Always succeeds if the text is not mapped.
  [[nodiscard]] Result<void> check_unchanged() const;
  /// Returns the errors up to and including the header.
  [[nodiscard]] const Findings& header_findings() const;
  /// Returns the warnings about the text before the first row.
  [[nodiscard]] const Findings& header_warnings() const;
  /// Returns what was skipped above the header and in the footer, plus the records that row scans skipped.
  [[nodiscard]] Skipped skipped(const PassedOver& passed) const;
  /// Returns true if a CR without LF ends the first line, which makes it this file's line end.
  [[nodiscard]] bool lines_end_with_return() const;

 private:
  struct State;
  explicit File(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace deltadrop::csv
