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

/// What the header and the options say of a file's columns.
struct Header {
  std::vector<std::string> columns;  ///< all, in the file's order
  std::vector<std::size_t> tracked;  ///< indexes of columns that are not ignored, in the file's order
  std::vector<std::size_t> key;      ///< indexes of the key's columns, in the key's order
  std::vector<std::size_t> dropped;  ///< indexes of nameless columns that are left out; their names are empty
  char delimiter = ',';
  Encoding encoding = Encoding::utf8;
  bool trailing_delimiter = false;  ///< each line ends with a delimiter, after which there is no column
  bool pads_short_rows = false;
  KeyRules key_rules;

  /// How many fields a row has.
  [[nodiscard]] std::size_t fields() const { return columns.size() + (trailing_delimiter ? 1 : 0); }
  /// Whether a row of so many can be used.
  [[nodiscard]] bool takes(std::uint64_t row_fields) const {
    return row_fields == fields() || (pads_short_rows && row_fields < fields());
  }

  /// Raw name of a single key column, else one RFC 4180 record of the names.
  [[nodiscard]] std::string key_column() const;
};

/// How a file is read, as far as it was found in the file.
struct Dialect {
  char delimiter = ',';
  Encoding encoding = Encoding::utf8;
  std::int64_t skip_lines = 0;  ///< physical lines above the header, with the one that declares the delimiter
  bool delimiter_declared = false;  ///< by a first line such as sep=;
  bool trailing_delimiter = false;
};

/// What is in a file and not read as rows.
struct Skipped {
  std::int64_t blank = 0;   ///< lines below the header without a value
  std::int64_t header = 0;  ///< rows that repeat the header
  std::int64_t lines = 0;   ///< physical lines above the header
  std::int64_t footer = 0;  ///< physical lines of the footer

  bool operator==(const Skipped&) const = default;
};

/// A CSV file whose bytes are mapped (UTF-8) or were transcoded to an unnamed temporary file and mapped. Rows
/// are read by the diff. Immutable; may be shared by threads.
class File {
 public:
  /// Maps the file, finds encoding and delimiter, and reads the header. Fails only for reasons outside the
  /// file (I/O, options that make no sense); what is wrong with its text are findings. `scratch` is a folder
  /// for transcoded bytes.
  static Result<File> open(const std::filesystem::path& path, const ReadOptions& options,
                           const Limits& limits, const std::filesystem::path& scratch,
                           const Remembered& remembered = {});
  /// The same over bytes that the caller keeps alive.
  static Result<File> over(std::string_view bytes, const ReadOptions& options, const Limits& limits,
                           const Remembered& remembered = {});

  File(File&&) noexcept;
  File& operator=(File&&) noexcept;
  ~File();

  [[nodiscard]] const Header& header() const;
  [[nodiscard]] const Dialect& dialect() const;
  [[nodiscard]] const ReadOptions& options() const;
  /// The options under which this file is read for ever: with the delimiter, the encoding, the key and the
  /// number of lines above the header as they were found.
  [[nodiscard]] ReadOptions resolved_options() const;
  [[nodiscard]] const Limits& limits() const;
  /// A scanner that stands behind the header, and passes over what is not a row. Counts bare quotes from the
  /// header on, if `bare_quotes` is not null.
  [[nodiscard]] RowScanner rows(BareQuotes* bare_quotes = nullptr) const;
  /// The same at a later place where a row starts, or an empty line.
  [[nodiscard]] RowScanner rows_from(std::uint64_t offset, Line line) const;
  /// What tells such records; null under rules 1, where there are none.
  [[nodiscard]] const RowFilter* row_filter() const;
  /// The text as UTF-8, without a byte order mark and up to the footer.
  [[nodiscard]] std::string_view text() const;
  /// The file's own bytes as stored, in its own encoding; empty where it was not opened from a path.
  [[nodiscard]] std::string_view source_bytes() const;
  /// Of the file when it was opened, and now.
  [[nodiscard]] const io::FileStamp& stamp_when_opened() const;
  [[nodiscard]] Result<io::FileStamp> stamp_now() const;
  /// No program has written to the file since it was opened. True of text that is not mapped.
  [[nodiscard]] bool is_untouched() const;
  /// Call it behind the last look at the text. Fails as io::MappedFile::check_unchanged: then what was read
  /// means nothing. Text that is not mapped stays what it is.
  [[nodiscard]] Result<void> check_unchanged() const;
  /// What is wrong up to and with the header.
  [[nodiscard]] const Findings& header_findings() const;
  /// What was read up to the first row, and may not be meant.
  [[nodiscard]] const Findings& header_warnings() const;
  /// What was skipped above the header and in the footer, with what the scans of the rows passed over.
  [[nodiscard]] Skipped skipped(const PassedOver& passed) const;
  /// A CR without LF ends the first line, so it is how lines end here.
  [[nodiscard]] bool lines_end_with_return() const;

 private:
  struct State;
  explicit File(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace deltadrop::csv
