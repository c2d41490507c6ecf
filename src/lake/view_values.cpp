#include "lake/view_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace deltadrop::lake {
namespace {

constexpr std::string_view kMinusSign = "\xE2\x88\x92";

/// SQLite's JSON paths have no escapes: a name between quotes must be the same as in the JSON.
bool fits_sqlite_path(std::string_view name) {
  return std::none_of(name.begin(), name.end(),
                      [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
}

std::string numeric_type(ColumnType type) {
  return fmt::format("numeric(38,{})", scale_of(type).value_or(0));
}

/// Returns the parts of a number's text other than digits, decimal mark and minus signs.
std::vector<std::string_view> decorations(const NumberNotation& notation) {
  auto all = thousands_separators(notation.thousands, notation.mark);
  for (const auto blank : number_blanks()) {
    if (std::find(all.begin(), all.end(), blank) == all.end()) all.push_back(blank);
  }
  for (const std::string_view each : {"(", ")", "%", "+"}) all.push_back(each);
  return all;
}

/// Returns SQL for the number. `translate` turns the decimal mark into a point and deletes characters without
/// a counterpart. A minus after an `e` belongs to the exponent.
std::string postgres_number(std::string text, ColumnType type, const NumberNotation& notation) {
  if (!notation.currency.empty())
    text = fmt::format("replace({}, {}, '')", text, sql_literal(notation.currency));
  std::string removed;
  for (const auto each : decorations(notation)) removed += each;
  const auto signs = fmt::format("(^|[^eE])[-{}]", kMinusSign);
  auto number = fmt::format(
      "(CASE WHEN {0} ~ {1} THEN '-' ELSE '' END || translate(regexp_replace({0}, {2}, '\\1', 'g'), {3}, "
      "'.'))",
      text, sql_literal("[(]|" + signs), sql_literal(signs), sql_literal(notation.mark + removed));
  if (type == ColumnType::int64) return number + "::bigint";
  // A product keeps all digits; a quotient may not.
  if (notation.percent) return fmt::format("({}::numeric * 0.01)::{}", number, numeric_type(type));
  return fmt::format("{}::{}", number, numeric_type(type));
}

std::string replaced(const std::string& text, std::string_view what, std::string_view by) {
  return fmt::format("replace({}, {}, {})", text, sql_literal(what), sql_literal(by));
}

/// Returns SQL for the number's text in JSON's notation.
std::string sqlite_number(std::string text, ColumnType type, const NumberNotation& notation) {
  if (!notation.currency.empty()) text = replaced(text, notation.currency, "");
  // A minus after an `e` belongs to the exponent.
  text = replaced(replaced(text, "e-", "~"), "E-", "~");
  std::string digits = replaced(replaced(text, "-", ""), kMinusSign, "");
  for (const auto each : decorations(notation)) digits = replaced(digits, each, "");
  if (notation.mark != '.') digits = replaced(digits, ",", ".");
  digits = replaced(digits, "~", "e-");
  auto number = fmt::format(
      "(CASE WHEN instr({0}, '-') + instr({0}, {1}) + instr({0}, '(') > 0 THEN '-' ELSE '' END || {2})", text,
      sql_literal(kMinusSign), digits);
  if (notation.percent) number = fmt::format("({} || 'e-2')", number);
  return type == ColumnType::int64 ? fmt::format("CAST({} AS INTEGER)", number) : number;
}

/// Returns SQL for a date. to_date also accepts fields with fewer digits.
std::string postgres_date(const std::string& text, const DatePattern& pattern) {
  std::string format;
  for (const auto& field : pattern.fields) {
    // The quotes prevent to_date from reading a letter as a field.
    if (!field.before.empty()) format += '"' + field.before + '"';
    constexpr std::array<std::string_view, 3> kFields = {"DD", "MM", "YYYY"};
    format += kFields[static_cast<std::size_t>(field.part)];
  }
  return fmt::format("to_date({}, {})", text, sql_literal(format));
}

/// Returns SQL that splits the text at the separators and joins the fields as ISO 8601.
std::string sqlite_date(const std::string& text, const DatePattern& pattern) {
  std::array<std::string, 3> parts;
  std::string rest = text;
  for (std::size_t i = 0; i < pattern.fields.size(); ++i) {
    const auto& field = pattern.fields[i];
    if (!field.before.empty() && i == 0) rest = fmt::format("substr({}, {})", rest, field.before.size() + 1);
    auto& part = parts[static_cast<std::size_t>(field.part)];
    if (i + 1 == pattern.fields.size()) {
      part = rest;
      break;
    }
    const auto& next = pattern.fields[i + 1].before;
    if (next.empty()) {
      part = fmt::format("substr({}, 1, {})", rest, field.digits);
      rest = fmt::format("substr({}, {})", rest, field.digits + 1);
    } else {
      const auto at = fmt::format("instr({}, {})", rest, sql_literal(next));
      part = fmt::format("substr({}, 1, {} - 1)", rest, at);
      rest = fmt::format("substr({}, {} + {})", rest, at, next.size());
    }
  }
  return fmt::format("CASE WHEN {} IS NOT NULL THEN printf('%04d-%02d-%02d', {}, {}, {}) END", text, parts[2],
                     parts[1], parts[0]);
}

}  // namespace

std::string in_quotes(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out + quote;
}

std::string sql_literal(std::string_view text) { return in_quotes(text, '\''); }

std::string json_value(Dialect dialect, std::string_view json, std::string_view name) {
  if (dialect == Dialect::postgres) return fmt::format("({}->>{})", json, sql_literal(name));
  return fits_sqlite_path(name)
             ? fmt::format("json_extract({}, {})", json, sql_literal(fmt::format("$.\"{}\"", name)))
             : fmt::format("(SELECT j.value FROM json_each({}) j WHERE j.key = {})", json, sql_literal(name));
}

std::string plain_value(Dialect dialect, const std::string& text, ColumnType type) {
  const bool postgres = dialect == Dialect::postgres;
  // SQLite stores numbers beyond 64 bits as floats, so decimals remain text.
  if (scale_of(type)) return postgres ? fmt::format("{}::{}", text, numeric_type(type)) : text;
  switch (type) {
    case ColumnType::int64:
      return postgres ? text + "::bigint" : fmt::format("CAST({} AS INTEGER)", text);
    case ColumnType::boolean:
      return postgres ? text + "::boolean" : fmt::format("({} = 'true')", text);
    case ColumnType::date:
      return postgres ? text + "::date" : text;
    case ColumnType::timestamp:
      if (!postgres) return text;
      // A time without an offset is UTC in every session time zone.
      return fmt::format("({0} || CASE WHEN substr({0}, 20) ~ '[Z+-]' THEN '' ELSE 'Z' END)::timestamptz",
                         text);
    default:
      return text;
  }
}

std::string value_under(Dialect dialect, const std::string& text, ColumnType type,
                        const DeclaredType& declared) {
  const bool postgres = dialect == Dialect::postgres;
  if (declared.dates() && type == ColumnType::date) {
    return postgres ? postgres_date(text, *declared.dates()) : sqlite_date(text, *declared.dates());
  }
  if (declared.numbers() && (type == ColumnType::int64 || scale_of(type))) {
    return postgres ? postgres_number(text, type, *declared.numbers())
                    : sqlite_number(text, type, *declared.numbers());
  }
  return text;
}

}  // namespace deltadrop::lake
