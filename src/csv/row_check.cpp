#include "csv/row_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "core/json_text.hpp"
#include "core/text.hpp"
#include "csv/encoding.hpp"

namespace deltadrop::csv {
namespace {

constexpr std::size_t kEventFactsBytes = 8192;  ///< maximum size of an event's own fields
constexpr std::size_t kNullJsonBytes = 4;
constexpr std::size_t kEscapeFactorMax = 6;  ///< \u0001 for one byte
constexpr std::size_t kRowBytesMax = std::numeric_limits<std::uint32_t>::max();
/// A stretch is read three times: for NUL, for UTF-8, and by the row scan. The first read brings it into the
/// second-level cache.
constexpr std::size_t kStretchBytes = std::size_t{128} << 10;

bool has_no_nul(std::string_view text) {
  return text.empty() || std::memchr(text.data(), 0, text.size()) == nullptr;
}

/// Returns the maximum size of a row's values in JSON: half of an event, less the event's own fields and the
/// names. The names occur in the values object and in changed_columns; the key has a name too.
std::size_t json_bytes_for_values(const Header& header, const Limits& limits, std::string_view key_column) {
  std::size_t names = json_string_size(key_column) + 4;
  for (const auto column : header.tracked) names += 2 * json_string_size(header.columns[column]) + 3;
  const std::size_t half = limits.event_bytes_max / 2;
  return half > kEventFactsBytes + names ? half - kEventFactsBytes - names : 0;
}

/// Returns a value that is not valid UTF-8 as Windows-1252 text.
std::string windows_1252_reading(std::string_view field) {
  std::string text;
  const auto done =
      transcode(field.substr(0, 80), Encoding::windows1252, [&](std::string_view piece) -> Result<void> {
        text += piece;
        return success();
      });
  return done.has_value() ? fmt::format("; as windows-1252 it reads {}", quoted_for_message(text)) : "";
}

}  // namespace

RowCheck::RowCheck(const File& file, CheckScope scope, TextCheck text, FindingLog& findings)
    : file_(file),
      scope_(scope),
      findings_(findings),
      text_check_(text),
      splitter_(file.header().delimiter, file.header().columns.size(), file.options().empty) {
  if (!file.header().key.empty()) key_column_ = file.header().key_column();
  row_json_max_ = json_bytes_for_values(file.header(), file.limits(), key_column_);
}

RowCheck::Place RowCheck::place_of(const Row& row, std::size_t at) const {
  FieldCursor cursor(row.bytes, file_.header().delimiter);
  RawField field;
  Place place;
  std::size_t column = 0;
  std::size_t from = 0;
  while (from <= at && cursor.next(field)) {
    const std::size_t next = cursor.offset();
    place.field = row.bytes.substr(from, next - from);
    const auto& columns = file_.header().columns;
    place.column = column < columns.size() ? std::optional(value_for_finding(columns[column])) : std::nullopt;
    if (next <= from) break;
    from = next;
    ++column;
  }
  if (place.field.ends_with(file_.header().delimiter) && from < row.bytes.size())
    place.field.remove_suffix(1);
  return place;
}

void RowCheck::report_at(const Row& row, std::size_t at, std::string_view type, std::string_view what,
                         std::string_view fix) {
  findings_.add(type, [&] {
    Place place = place_of(row, at);
    const std::string where = place.column ? fmt::format(" of column \"{}\"", *place.column) : std::string();
    return Finding{std::string(type),
                   row.line,
                   std::move(place.column),
                   value_for_finding(place.field),
                   fmt::format("the value {}{} in line {} {}", quoted_for_message(place.field), where,
                               row.line.value, what),
                   std::string(fix)};
  });
}

void RowCheck::report_fault(const Row& row) {
  if (row.fault == RowFault::unclosed_quote) {
    report_at(row, row.fault_at, "unclosed-quote", "opens a quote that is never closed",
              "close the quote; the file may have been cut off");
    return;
  }
  const std::string_view text = row.bytes.substr(row.fault_at);
  const auto after_blanks = text.find_first_not_of(" \t");
  const bool only_blanks =
      after_blanks != 0 && (after_blanks == std::string_view::npos || text[after_blanks] == delimiter());
  if (only_blanks) {
    report_at(row, row.fault_at, "text-after-quote", "has a blank after its closing quote",
              "remove the blank: only a delimiter or a line end may follow a closing quote");
  } else {
    report_at(row, row.fault_at, "text-after-quote", "has text after its closing quote",
              "double quotes inside a quoted field: \"a \"\"b\"\" c\"");
  }
}

bool RowCheck::touches_lone_return(const Row& row) const {
  if (file_.lines_end_with_return()) return false;
  const std::string_view text = file_.text();
  const auto is_lone_return = [&](std::size_t at) {
    return at < text.size() && text[at] == '\r' && (at + 1 == text.size() || text[at + 1] != '\n');
  };
  return is_lone_return(row.offset + row.bytes.size()) || (row.offset > 0 && is_lone_return(row.offset - 1));
}

/// Guesses from a row's bytes why it has the wrong number of fields, and the fix.
RowCheck::Cause RowCheck::cause_of_field_count(const Row& row) const {
  const bool many = row.fields > file_.header().fields();
  if (const auto quote = find_blank_before_quote(row.bytes, delimiter());
      many && quote != std::string_view::npos) {
    return {
        "; the cause is the blank before the quote: a quote opens a field only where nothing comes before it",
        "remove the blank before the quote, or the blank after every delimiter"};
  }
  if (touches_lone_return(row)) {
    return {"; a lone CR (carriage return) next to it ends a row, as LF and CRLF do",
            "remove the CR, or put the value that holds it in quotes"};
  }
  if (many) return {"", "quote fields that hold the delimiter"};
  return {"", "give every column a field, if an empty one, or give short_rows=pad"};
}

void RowCheck::report_field_count(const Row& row) {
  const Header& header = file_.header();
  const std::string_view type = row.fields > header.fields() ? "too-many-fields" : "too-few-fields";
  findings_.add(type, [&] {
    const Cause cause = cause_of_field_count(row);
    return Finding{std::string(type),
                   row.line,
                   std::nullopt,
                   value_for_finding(row.bytes),
                   fmt::format("line {} has {}, {} {}: {}{}", row.line.value, counted(row.fields, "field"),
                               file_.options().has_header ? "the header has" : "columns= names",
                               header.fields(), quoted_for_message(row.bytes), cause.why),
                   std::string(cause.fix)};
  });
}

/// Checks a row in a file whose lines end with a delimiter.
bool RowCheck::ends_with_delimiter(const Row& row) {
  if (row.fields < file_.header().fields() || row.bytes.ends_with(delimiter())) return true;
  const std::string_view last = splitter_.split(row.bytes).back();
  if (trim_blanks(last).empty()) return true;
  findings_.add("value-without-column", [&] {
    return Finding{
        "value-without-column",
        row.line,
        std::nullopt,
        value_for_finding(last),
        fmt::format("line {} has the value {} after its last delimiter, where the header has no name",
                    row.line.value, quoted_for_message(last)),
        "name the last column, or give unnamed=number or unnamed=drop"};
  });
  return false;
}

bool RowCheck::lies_in_valid_stretch(const Row& row) {
  const std::string_view text = file_.text();
  const std::size_t row_end = row.offset + row.bytes.size();
  if (row_end > stretch_end_) {
    std::size_t end = std::min(text.size(), std::max(row_end, row.offset + kStretchBytes));
    // Do not end inside a character. In invalid text the end does not matter.
    while (end > row_end && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
      --end;
    const auto stretch = text.substr(row.offset, end - row.offset);
    stretch_is_valid_ = has_no_nul(stretch) && find_invalid_utf8(stretch) == std::string_view::npos;
    stretch_end_ = end;
  }
  return stretch_is_valid_;
}

bool RowCheck::text_is_valid(const Row& row) {
  if (text_check_ == TextCheck::by_stretch && lies_in_valid_stretch(row)) return true;
  const auto nul = row.bytes.find('\0');
  if (nul != std::string_view::npos) {
    report_at(
        row, nul, "nul-byte", "holds a NUL byte",
        "remove it; if the file is UTF-16 without a byte order mark, give encoding=utf-16le or utf-16be");
  }
  const auto invalid = find_invalid_utf8(row.bytes);
  if (invalid != std::string_view::npos) {
    const bool utf16 =
        file_.header().encoding == Encoding::utf16le || file_.header().encoding == Encoding::utf16be;
    report_at(row, invalid, "invalid-utf8",
              utf16 ? std::string("is not valid UTF-16")
                    : fmt::format("is not valid UTF-8{}", windows_1252_reading(place_of(row, invalid).field)),
              "save the file as UTF-8, or name its encoding with encoding=, such as windows-1252");
  }
  return nul == std::string_view::npos && invalid == std::string_view::npos;
}

bool RowCheck::fits_limits(const Row& row) {
  const auto& limits = file_.limits();
  const auto row_max = std::min(kRowBytesMax, limits.row_bytes_max);
  if (row.bytes.size() > row_max) {
    findings_.add("row-too-large", [&] {
      return Finding{"row-too-large",
                     row.line,
                     std::nullopt,
                     std::nullopt,
                     fmt::format("the row in line {} has {} bytes, {} are allowed", row.line.value,
                                 row.bytes.size(), row_max),
                     "look for a quote that is opened there and closed much later, or raise MAX_ROW_BYTES"};
    });
    return false;
  }
  if (row.bytes.size() <= limits.field_bytes_max) return true;
  const auto& values = splitter_.split(row.bytes);
  // A field after a trailing delimiter is blank, so it needs no check.
  for (std::size_t column = 0; column < file_.header().columns.size(); ++column) {
    if (values[column].size() <= limits.field_bytes_max) continue;
    findings_.add("field-too-large", [&] {
      return Finding{"field-too-large",
                     row.line,
                     value_for_finding(file_.header().columns[column]),
                     value_for_finding(values[column]),
                     fmt::format("the value of column {} in line {} has {} bytes, {} are allowed",
                                 quoted_for_message(file_.header().columns[column]), row.line.value,
                                 values[column].size(), limits.field_bytes_max),
                     "look for a quote that is opened there and closed much later, or raise MAX_FIELD_BYTES"};
    });
    return false;
  }
  return true;
}

bool RowCheck::fits_event(const Row& row) {
  const auto& tracked = file_.header().tracked;
  if (row.bytes.size() * kEscapeFactorMax + tracked.size() * kNullJsonBytes <= row_json_max_) return true;
  const auto& values = splitter_.split(row.bytes);
  std::size_t size = 0;
  std::size_t largest = 0;
  std::size_t largest_column = tracked.front();
  for (const auto column : tracked) {
    const bool null = is_null(values[column], file_.options().empty);
    const std::size_t value_size = null ? kNullJsonBytes : json_string_size(values[column]);
    size += value_size;
    if (value_size <= largest) continue;
    largest = value_size;
    largest_column = column;
  }
  if (size <= row_json_max_) return true;
  findings_.add("row-too-large", [&] {
    return Finding{"row-too-large",
                   row.line,
                   value_for_finding(file_.header().columns[largest_column]),
                   value_for_finding(values[largest_column]),
                   fmt::format("the row in line {} takes {} bytes as JSON, {} are left for it in an event",
                               row.line.value, size, row_json_max_),
                   "shorten the named column, ignore it, or raise MAX_EVENT_BYTES"};
  });
  return false;
}

bool RowCheck::accept(const Row& row) {
  bool usable = text_is_valid(row);
  if (row.fault != RowFault::none) {
    report_fault(row);
    usable = false;
  } else if (!file_.header().takes(row.fields)) {
    report_field_count(row);
    usable = false;
  } else if (file_.header().trailing_delimiter && !ends_with_delimiter(row)) {
    usable = false;
  }
  if (!usable) return false;
  if (!fits_limits(row)) return false;
  return scope_ == CheckScope::shape || fits_event(row);
}

bool RowCheck::accept_key(const Row& row, std::string_view key, bool all_parts_empty) {
  if (all_parts_empty) {
    findings_.add("empty-key", [&] {
      return Finding{
          "empty-key",
          row.line,
          key_column_,
          std::nullopt,
          fmt::format("the key {} is empty in line {}", quoted_for_message(key_column_), row.line.value),
          "give every row a key, or choose another key column with key="};
    });
    return false;
  }
  if (scope_ == CheckScope::shape || key.size() <= file_.limits().key_bytes_max) return true;
  findings_.add("key-too-long", [&] {
    return Finding{"key-too-long",
                   row.line,
                   key_column_,
                   value_for_finding(key),
                   fmt::format("the key {} in line {} has {} bytes, {} are allowed", quoted_for_message(key),
                               row.line.value, key.size(), file_.limits().key_bytes_max),
                   "choose a shorter key with key=; no setting raises this limit"};
  });
  return false;
}

void RowCheck::report_repeated_key(std::string_view key, Line first, Line again) {
  findings_.add("repeated-key", [&] {
    return Finding{
        "repeated-key",
        again,
        key_column_,
        value_for_finding(key),
        fmt::format("repeated key {} in lines {} and {}", quoted_for_message(key), first.value, again.value),
        "keys must be unique; remove one of the rows, or name more key columns with key="};
  });
}

Findings RowCheck::warnings_of(const BareQuotes& quotes, const PassedOver& passed) const {
  Findings warnings = file_.header_warnings();
  warn_of_bare_quotes(quotes, warnings);
  warn_of_lone_returns(passed, warnings);
  return warnings;
}

void RowCheck::warn_of_lone_returns(const PassedOver& passed, Findings& warnings) const {
  if (passed.lone_returns() == 0 || file_.lines_end_with_return()) return;
  const Line line = passed.first_lone_return();
  warnings.first.push_back(
      {"lone-return", line, std::nullopt, std::nullopt,
       fmt::format("a lone CR (carriage return) ends line {}, and the row in it; {} in the file {} so",
                   line.value, counted(passed.lone_returns(), "line"),
                   passed.lone_returns() == 1 ? "ends" : "end"),
       "if it belongs to a value, put the whole value in quotes"});
  warnings.total += passed.lone_returns();
}

void RowCheck::warn_of_bare_quotes(const BareQuotes& found, Findings& warnings) const {
  if (found.fields() == 0) return;
  // The row may be the header, which the file's own scanner skips.
  RowScanner scanner(file_.text(), delimiter(), found.first_row(), found.first_line());
  Row row;
  // The text has changed; the caller rejects it later.
  if (!scanner.next(row)) return;
  Place place = place_of(row, found.first_at());
  if (place.field.ends_with(delimiter())) place.field.remove_suffix(1);
  const auto where = place.column ? fmt::format(", column \"{}\"", *place.column) : std::string();
  const bool after_blank =
      find_blank_before_quote(row.bytes.substr(0, found.first_at() + 1), delimiter()) == found.first_at();
  warnings.first.push_back(
      {"bare-quote", row.line, std::move(place.column), value_for_finding(place.field),
       fmt::format("line {}{}: {} has a quote inside an unquoted value{}, which was read as an ordinary "
                   "character; {} in the file {} one",
                   row.line.value, where, quoted_for_message(place.field),
                   after_blank ? ", since a blank comes before it" : "", counted(found.fields(), "value"),
                   found.fields() == 1 ? "has" : "have"),
       "to be unambiguous, put the whole value in quotes and double each quote inside"});
  warnings.total += found.fields();
}

void RowCheck::report_too_many_rows(Line line) {
  findings_.add([&] {
    return Finding{"too-many-rows",
                   line,
                   std::nullopt,
                   std::nullopt,
                   fmt::format("line {} is beyond the {} rows that a file may have", line.value,
                               file_.limits().rows_max),
                   "split the table, or raise MAX_ROWS"};
  });
}

}  // namespace deltadrop::csv
