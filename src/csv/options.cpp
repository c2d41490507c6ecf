#include "csv/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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

bool usable_delimiter(char c) {
  const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return !alphanumeric && c != '"' && (c == '\t' || (c >= ' ' && c <= '~'));
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

std::string_view to_string(EmptyPolicy policy) { return policy == EmptyPolicy::null ? "null" : "text"; }

Result<EmptyPolicy> parse_empty_policy(std::string_view text) {
  if (text == "null") return EmptyPolicy::null;
  if (text == "text") return EmptyPolicy::text;
  return Error{ErrorCode::invalid_input, "bad-empty-policy",
               fmt::format("{} says nothing about empty fields", quoted_for_message(text)),
               "use null or text"};
}

Result<char> parse_delimiter(std::string_view text) {
  const std::string lower = ascii_lower(text);
  if (lower == "tab" || lower == "\\t") return '\t';
  if (text.size() == 1 && usable_delimiter(text.front())) return text.front();
  return Error{ErrorCode::invalid_input, "bad-delimiter",
               fmt::format("{} is not a usable delimiter", quoted_for_message(text)),
               "use one of , ; | tab, or another ASCII character that is no letter, digit or quote"};
}

std::string delimiter_name(char delimiter) { return delimiter == '\t' ? "tab" : std::string(1, delimiter); }

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
