#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/strong.hpp"
#include "csv/comparison_options.hpp"

namespace deltadrop::csv {

/// Raised when parsing or diff semantics change; older rules stay in the code, and a file is always read
/// under the rules of its own manifest.
/// 1: the delimiter is found in the header alone, every record is a row, and the header is the first of them.
/// 2: docs/formats.md.
inline constexpr int kRules = 2;

/// `utf16` is what may be asked for, of either byte order; a header's encoding is always one of the others.
enum class Encoding : std::uint8_t { utf8, utf16le, utf16be, latin1, windows1252, utf16 };
/// "utf-8", "utf-16le", "utf-16be", "latin-1", "windows-1252", "utf-16"
std::string_view to_string(Encoding encoding);
/// Any case; also "utf8", "utf-16", "latin1", "iso-8859-1", "cp1252". invalid_input "bad-encoding".
Result<Encoding> parse_encoding(std::string_view text);

enum class EmptyPolicy : std::uint8_t {
  null,    ///< an empty field is null, quoted or not
  text,    ///< `""` is the empty text, nothing is null
  quoted,  ///< `""` is the empty text, nothing between two delimiters is null
};
std::string_view to_string(EmptyPolicy policy);
Result<EmptyPolicy> parse_empty_policy(std::string_view text);

/// What becomes of a column whose name is blank.
enum class Unnamed : std::uint8_t {
  refuse,
  number,  ///< it is called column_N by its place in the file, counted from 1
  drop,    ///< it is not tracked
};
std::string_view to_string(Unnamed unnamed);
/// "refuse", "number", "drop". invalid_input "bad-unnamed".
Result<Unnamed> parse_unnamed(std::string_view text);

/// What becomes of a row with fewer fields than the header.
enum class ShortRows : std::uint8_t {
  refuse,
  pad,  ///< the fields that it lacks are empty
};
std::string_view to_string(ShortRows short_rows);
/// "refuse", "pad". invalid_input "bad-short-rows".
Result<ShortRows> parse_short_rows(std::string_view text);

/// The lines above the header: a number of physical lines, or however many there are.
struct SkipLines {
  bool automatic = false;
  std::int64_t lines = 0;  ///< where not automatic

  bool operator==(const SkipLines&) const = default;
};
std::string to_string(SkipLines skip);
/// A number, or "auto". invalid_input "bad-skip-lines".
Result<SkipLines> parse_skip_lines(std::string_view text);
/// A number. invalid_input "bad-skip-footer".
Result<std::int64_t> parse_skip_footer(std::string_view text);
/// "first": the first line that is not skipped; "none". invalid_input "bad-header".
Result<bool> parse_has_header(std::string_view text);

/// The character itself, "comma", "semicolon", "tab", "pipe", "tilde", "space", or "\x1f" for a control
/// character. invalid_input "bad-delimiter".
Result<char> parse_delimiter(std::string_view text);
/// "tab", "\x1f", or the character itself.
std::string delimiter_name(char delimiter);
/// The same, with a word for each character that has one: a shell or a sentence takes ; and , for its own.
std::string delimiter_word(char delimiter);

/// Column names given as one RFC 4180 record ("id,\"a,b\""). invalid_input "bad-column-list".
Result<std::vector<std::string>> parse_column_list(std::string_view text);
/// The reverse: one RFC 4180 record, without a line end; also how a composite key's values are written.
std::string format_record(const std::vector<std::string_view>& fields);

/// How a file is to be read. Absent: found from the file.
struct ReadOptions {
  std::optional<char> delimiter;
  std::optional<Encoding> encoding;
  EmptyPolicy empty = EmptyPolicy::null;
  std::vector<std::string> key;     ///< column names; empty: the first column
  std::vector<std::string> ignore;  ///< columns that are not tracked
  int rules = kRules;
  // Under rules 1, what follows has its defaults.
  SkipLines skip_lines;
  std::int64_t skip_footer = 0;     ///< physical lines at the end
  std::vector<std::string> footer;  ///< the table ends before the first row whose first field begins with one
  bool has_header = true;
  std::vector<std::string> columns;  ///< their names, where there is no header
  Unnamed unnamed = Unnamed::refuse;
  ShortRows short_rows = ShortRows::refuse;

  // What columns are declared to hold, and what counts as equal: docs/types-and-comparison.md.
  DeclaredTypes types;
  std::optional<NumericComparison> compare;  ///< absent: values are compared as texts
  KeyRules key_rules;

  bool operator==(const ReadOptions&) const = default;
};

/// What is known of the table's files from earlier versions, and not given with this one.
struct Remembered {
  std::optional<char> delimiter;     ///< decides where several fit
  std::optional<Encoding> encoding;  ///< an 8-bit one is used, and compared with what the text says
};

struct Limits {
  std::size_t columns_max = 4096;
  std::int64_t rows_max = 1'000'000'000;
  std::size_t key_bytes_max = 1024;
  std::size_t field_bytes_max = std::size_t{16} << 20;  ///< as it stands in the file
  std::size_t row_bytes_max = std::size_t{64} << 20;
  std::size_t event_bytes_max = 1'000'000;
  std::size_t findings_max = 100;
};

/// One thing wrong with a file, with where and how to mend it.
struct Finding {
  std::string type;  ///< stable slug: "repeated-key", "too-many-fields", ...; of a warning: "bare-quote"
  Line line;         ///< where the record starts
  std::optional<std::string> column;  ///< name, where one column is concerned
  std::optional<std::string> value;   ///< cut to 80 bytes
  std::string message;
  std::string fix;
  std::int64_t count = 1;  ///< of rows that have the fault, where it is reported once for all of them

  bool operator==(const Finding&) const = default;
};

/// The first `findings_max` of a file, in line order, and how many there are in all.
struct Findings {
  std::vector<Finding> first;
  std::int64_t total = 0;

  [[nodiscard]] bool empty() const { return total == 0; }
};

}  // namespace deltadrop::csv
