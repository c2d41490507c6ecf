#include "csv/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

#include "core/table_ref.hpp"
#include "core/text.hpp"
#include "csv/fields.hpp"
#include "csv/scan.hpp"

namespace deltadrop::csv {
namespace {

constexpr std::array<std::pair<std::string_view, Encoding>, 12> kEncodingNames = {{
    {"utf-8", Encoding::utf8},
    {"utf-16le", Encoding::utf16le},
    {"utf-16be", Encoding::utf16be},
    {"latin-1", Encoding::latin1},
    {"windows-1252", Encoding::windows1252},
    {"utf8", Encoding::utf8},
    {"utf-16", Encoding::utf16},
    {"utf16", Encoding::utf16},
    {"latin1", Encoding::latin1},
    {"iso-8859-1", Encoding::latin1},
    {"cp1252", Encoding::windows1252},
    {"windows1252", Encoding::windows1252},
}};

constexpr std::array<std::pair<std::string_view, char>, 6> kDelimiterWords = {
    {{"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"pipe", '|'}, {"tilde", '~'}, {"space", ' '}}};

/// Parses an escape such as "\x1f" in lower case.
std::optional<char> parse_escaped_byte(std::string_view text) {
  if (!text.starts_with("\\x") || text.size() != 4) return std::nullopt;
  unsigned byte = 0;
  const auto digits = text.substr(2);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
  if (error != std::errc() || end != digits.data() + digits.size() || byte > 0x7F) return std::nullopt;
  return static_cast<char>(byte);
}

bool usable_delimiter(char c) {
  const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return !alphanumeric && c != '"' && c != '\n' && c != '\r' && c > '\0' && c <= '~';
}

constexpr std::int64_t kLinesMax = 1'000'000;

std::optional<std::int64_t> parse_count(std::string_view text) {
  std::int64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc() || rest != end || count < 0 || count > kLinesMax) return std::nullopt;
  return count;
}

Error bad_column_list(std::string_view text, std::string_view reason) {
  return Error{ErrorCode::invalid_input, "bad-column-list",
               fmt::format("column list {} {}", quoted_for_message(text), reason),
               "write column names as one CSV record, such as id,\"a, b\""};
}

}  // namespace

std::string_view to_string(Encoding encoding) {
  for (const auto& [name, value] : kEncodingNames) {
    if (value == encoding) return name;
  }
  return "utf-8";
}

Result<Encoding> parse_encoding(std::string_view text) {
  const std::string lower = ascii_lower(text);
  for (const auto& [name, value] : kEncodingNames) {
    if (lower == name) return value;
  }
  return Error{ErrorCode::invalid_input, "bad-encoding",
               fmt::format("unknown encoding {}", quoted_for_message(text)),
               "use utf-8, utf-16, utf-16le, utf-16be, latin-1 or windows-1252"};
}

std::string_view to_string(EmptyPolicy policy) {
  switch (policy) {
    case EmptyPolicy::text:
      return "text";
    case EmptyPolicy::quoted:
      return "quoted";
    case EmptyPolicy::null:
      break;
  }
  return "null";
}

Result<EmptyPolicy> parse_empty_policy(std::string_view text) {
  if (text == "null") return EmptyPolicy::null;
  if (text == "text") return EmptyPolicy::text;
  if (text == "quoted") return EmptyPolicy::quoted;
  return Error{ErrorCode::invalid_input, "bad-empty-policy",
               fmt::format("{} says nothing about empty fields", quoted_for_message(text)),
               "use null, text or quoted"};
}

std::string_view to_string(Unnamed unnamed) {
  switch (unnamed) {
    case Unnamed::number:
      return "number";
    case Unnamed::drop:
      return "drop";
    case Unnamed::refuse:
      break;
  }
  return "refuse";
}

Result<Unnamed> parse_unnamed(std::string_view text) {
  for (const auto each : {Unnamed::refuse, Unnamed::number, Unnamed::drop}) {
    if (text == to_string(each)) return each;
  }
  return Error{ErrorCode::invalid_input, "bad-unnamed",
               fmt::format("{} does not say what becomes of nameless columns", quoted_for_message(text)),
               "use number, drop or refuse"};
}

std::string_view to_string(ShortRows short_rows) { return short_rows == ShortRows::pad ? "pad" : "refuse"; }

Result<ShortRows> parse_short_rows(std::string_view text) {
  if (text == "pad") return ShortRows::pad;
  if (text == "refuse") return ShortRows::refuse;
  return Error{ErrorCode::invalid_input, "bad-short-rows",
               fmt::format("{} does not say what becomes of short rows", quoted_for_message(text)),
               "use pad or refuse"};
}

std::string to_string(SkipLines skip) { return skip.automatic ? "auto" : std::to_string(skip.lines); }

Result<SkipLines> parse_skip_lines(std::string_view text) {
  if (text == "auto") return SkipLines{true, 0};
  if (const auto lines = parse_count(text)) return SkipLines{false, *lines};
  return Error{ErrorCode::invalid_input, "bad-skip-lines",
               fmt::format("skip_lines {} is not a number of lines", quoted_for_message(text)),
               fmt::format("use auto, or a number from 0 to {}", kLinesMax)};
}

Result<std::int64_t> parse_skip_footer(std::string_view text) {
  if (const auto lines = parse_count(text)) return *lines;
  return Error{ErrorCode::invalid_input, "bad-skip-footer",
               fmt::format("skip_footer {} is not a number of lines", quoted_for_message(text)),
               fmt::format("use a number from 0 to {}", kLinesMax)};
}

Result<bool> parse_has_header(std::string_view text) {
  if (text == "first") return true;
  if (text == "none") return false;
  return Error{ErrorCode::invalid_input, "bad-header",
               fmt::format("{} does not say where the header is", quoted_for_message(text)),
               "use none with columns=, or first"};
}

Result<char> parse_delimiter(std::string_view text) {
  const std::string lower = ascii_lower(text);
  if (lower == "\\t") return '\t';
  for (const auto& [word, delimiter] : kDelimiterWords) {
    if (lower == word) return delimiter;
  }
  if (const auto control = parse_escaped_byte(lower); control && usable_delimiter(*control)) return *control;
  if (text.size() == 1 && usable_delimiter(text.front())) return text.front();
  return Error{ErrorCode::invalid_input, "bad-delimiter",
               fmt::format("{} is not a usable delimiter", quoted_for_message(text)),
               "use one of , ; | ~ tab, or another ASCII character that is not a letter, digit or quote"};
}

std::string delimiter_name(char delimiter) {
  if (delimiter == '\t') return "tab";
  return delimiter < ' ' ? fmt::format("\\x{:02x}", delimiter) : std::string(1, delimiter);
}

std::string delimiter_word(char delimiter) {
  for (const auto& [word, value] : kDelimiterWords) {
    if (value == delimiter) return std::string(word);
  }
  return delimiter_name(delimiter);
}

Result<std::vector<std::string>> parse_column_list(std::string_view text) {
  std::vector<std::string> names;
  if (text.empty()) return names;
  RowScanner scanner(text, ',');
  Row row;
  if (!scanner.next(row)) return bad_column_list(text, "is empty");
  if (row.fault != RowFault::none) return bad_column_list(text, "is badly quoted");
  RowSplitter splitter(',');
  std::set<std::string_view> seen;
  for (const auto name : splitter.split(row.bytes)) {
    if (name.empty()) return bad_column_list(text, "has an empty name");
    if (!seen.insert(name).second) {
      return bad_column_list(text, fmt::format("names {} twice", quoted_for_message(name)));
    }
    names.emplace_back(name);
  }
  if (scanner.next(row)) return bad_column_list(text, "has more than one line");
  return names;
}

}  // namespace deltadrop::csv
