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

/// The version of the parsing and diff semantics. The code keeps older versions, and a file is always read
/// under the rules in its manifest.
/// 1: the delimiter is detected from the header alone, every record is a row, the first record is the header.
/// 2: docs/formats.md.
inline constexpr int kRules = 2;

/// `utf16` is an option that accepts either byte order; a header's encoding is always one of the others.
enum class Encoding : std::uint8_t { utf8, utf16le, utf16be, latin1, windows1252, utf16 };
/// Returns "utf-8", "utf-16le", "utf-16be", "latin-1", "windows-1252" or "utf-16".
std::string_view to_string(Encoding encoding);
/// Parses the name of an encoding, ignoring case; also accepts "utf8", "latin1", "iso-8859-1" and "cp1252".
/// Fails with invalid_input, type "bad-encoding".
Result<Encoding> parse_encoding(std::string_view text);

enum class EmptyPolicy : std::uint8_t {
  null,    ///< an empty field is null, quoted or not
  text,    ///< an empty field is the empty text, never null
  quoted,  ///< `""` is the empty text, an unquoted empty field is null
};
std::string_view to_string(EmptyPolicy policy);
/// Parses "null", "text" or "quoted". Fails with invalid_input, type "bad-empty-policy".
Result<EmptyPolicy> parse_empty_policy(std::string_view text);

/// How a column with a blank name is treated.
enum class Unnamed : std::uint8_t {
  refuse,
  number,  ///< it is named column_N, where N is its position in the file from 1
  drop,    ///< it is not tracked
};
std::string_view to_string(Unnamed unnamed);
/// Parses "refuse", "number" or "drop". Fails with invalid_input, type "bad-unnamed".
Result<Unnamed> parse_unnamed(std::string_view text);

/// How a row with fewer fields than the header is treated.
enum class ShortRows : std::uint8_t {
  refuse,
  pad,  ///< the missing fields are empty
};
std::string_view to_string(ShortRows short_rows);
/// Parses "refuse" or "pad". Fails with invalid_input, type "bad-short-rows".
Result<ShortRows> parse_short_rows(std::string_view text);

/// The number of physical lines above the header, given or detected.
struct SkipLines {
  bool automatic = false;
  std::int64_t lines = 0;  ///< used if not automatic

  bool operator==(const SkipLines&) const = default;
};
std::string to_string(SkipLines skip);
/// Parses a number or "auto". Fails with invalid_input, type "bad-skip-lines".
Result<SkipLines> parse_skip_lines(std::string_view text);
/// Parses a number of lines. Fails with invalid_input, type "bad-skip-footer".
Result<std::int64_t> parse_skip_footer(std::string_view text);
/// Parses "first" or "none". Returns true for "first": the first line that is not skipped is the header.
/// Fails with invalid_input, type "bad-header".
Result<bool> parse_has_header(std::string_view text);

/// Parses a delimiter: the character itself, "comma", "semicolon", "tab", "pipe", "tilde", "space", or an
/// escape such as "\x1f" for a control character. Fails with invalid_input, type "bad-delimiter".
Result<char> parse_delimiter(std::string_view text);
/// Returns "tab", an escape such as "\x1f", or the character itself.
std::string delimiter_name(char delimiter);
/// Returns the word for the delimiter if there is one, otherwise delimiter_name(). Shells and sentences use
/// ";" and "," for themselves.
std::string delimiter_word(char delimiter);

/// Parses column names from one RFC 4180 record ("id,\"a,b\""). Fails with invalid_input, type
/// "bad-column-list".
Result<std::vector<std::string>> parse_column_list(std::string_view text);
/// Formats fields as one RFC 4180 record without a line end. Composite keys are also written this way.
std::string format_record(const std::vector<std::string_view>& fields);

/// Options for reading a file. Absent values are detected from the file.
struct ReadOptions {
  std::optional<char> delimiter;
  std::optional<Encoding> encoding;
  EmptyPolicy empty = EmptyPolicy::null;
  std::vector<std::string> key;     ///< column names; empty means the first column
  std::vector<std::string> ignore;  ///< columns that are not tracked
  int rules = kRules;
  // Under rules 1, the options below have their defaults.
  SkipLines skip_lines;
  std::int64_t skip_footer = 0;     ///< physical lines at the end
  std::vector<std::string> footer;  ///< the footer starts at the first row that begins with one of these
  bool has_header = true;
  std::vector<std::string> columns;  ///< the column names if there is no header
  Unnamed unnamed = Unnamed::refuse;
  ShortRows short_rows = ShortRows::refuse;

  // Declared column types and the rules of equality: docs/types-and-comparison.md.
  DeclaredTypes types;
  std::optional<NumericComparison> compare;  ///< if absent, values are compared as texts
  KeyRules key_rules;

  bool operator==(const ReadOptions&) const = default;
};

/// Defaults from the table's earlier versions, used if the options do not give a value.
struct Remembered {
  std::optional<char> delimiter;     ///< decides if several delimiters fit
  std::optional<Encoding> encoding;  ///< an 8-bit encoding is used and compared with the text
};

struct Limits {
  std::size_t columns_max = 4096;
  std::int64_t rows_max = 1'000'000'000;
  std::size_t key_bytes_max = 1024;
  std::size_t field_bytes_max = std::size_t{16} << 20;  ///< in its raw form
  std::size_t row_bytes_max = std::size_t{64} << 20;
  std::size_t event_bytes_max = 1'000'000;
  std::size_t findings_max = 100;
};

/// One problem in a file, with its position and a fix.
struct Finding {
  std::string type;                   ///< stable slug such as "repeated-key", or "bare-quote" for a warning
  Line line;                          ///< the line where the record starts
  std::optional<std::string> column;  ///< the name, if the problem concerns one column
  std::optional<std::string> value;   ///< cut to 80 bytes
  std::string message;
  std::string fix;
  std::int64_t count = 1;  ///< the number of rows with the fault, if it is reported once for all of them

  bool operator==(const Finding&) const = default;
};

/// The first `findings_max` findings of a file in line order, and the total number.
struct Findings {
  std::vector<Finding> first;
  std::int64_t total = 0;

  [[nodiscard]] bool empty() const { return total == 0; }
};

}  // namespace deltadrop::csv
