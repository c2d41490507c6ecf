#include "csv/other_formats.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "core/table_ref.hpp"
#include "core/text.hpp"
#include "csv/encoding.hpp"
#include "csv/findings.hpp"

namespace deltadrop::csv {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";

/// Detects workbooks by signatures that no text begins with.
bool is_workbook(std::string_view bytes) {
  constexpr std::array kSignatures = {"PK\x03\x04"sv, "PK\x05\x06"sv, "\xD0\xCF\x11\xE0"sv};
  return std::any_of(kSignatures.begin(), kSignatures.end(),
                     [&](std::string_view signature) { return bytes.starts_with(signature); });
}

Finding not_csv(std::string_view format, std::string fix) {
  return {
      "not-csv",     Line(1), std::nullopt, std::nullopt, fmt::format("the file is {}, and no CSV", format),
      std::move(fix)};
}

std::string_view workbook_format(std::string_view bytes, int rules) {
  if (rules == 1) return "an Excel workbook or a zip archive";
  if (bytes.starts_with("\xD0")) return "an Excel workbook (XLS)";
  // A zip file stores the names of its parts uncompressed.
  const bool is_xlsx = bytes.substr(0, 4096).find("[Content_Types].xml") != std::string_view::npos ||
                       bytes.find("xl/workbook.") != std::string_view::npos;
  return is_xlsx ? "an Excel workbook (XLSX)" : "an Excel workbook (XLSX) or a zip archive";
}

bool begins_with_tag(std::string_view text, std::string_view tag) {
  if (ascii_lower(text.substr(0, tag.size())) != tag || text.size() == tag.size()) return false;
  return " \t\r\n>/"sv.find(text[tag.size()]) != std::string_view::npos;
}

bool is_html(std::string_view text) {
  constexpr std::array kTags = {"<!doctype"sv, "<html"sv, "<head"sv, "<body"sv,   "<table"sv,
                                "<div"sv,      "<meta"sv, "<p"sv,    "<script"sv, "<title"sv};
  return text.starts_with("<!--") ||
         std::any_of(kTags.begin(), kTags.end(), [&](auto tag) { return begins_with_tag(text, tag); });
}

std::string_view without_blanks(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\r\n");
  return from == std::string_view::npos ? std::string_view() : text.substr(from);
}

/// Returns true for an object that is empty or starts with a name, or an array that is empty or starts with
/// an object, an array or a text. A header may begin with a bracket but does not continue this way.
bool is_json(std::string_view text) {
  if (!text.starts_with('{') && !text.starts_with('[')) return false;
  const std::string_view inner = without_blanks(text.substr(1));
  if (inner.empty()) return false;
  return text.front() == '{' ? inner.front() == '"' || inner.front() == '}'
                             : "{[\"]"sv.find(inner.front()) != std::string_view::npos;
}

/// Returns the field around a byte; any usual delimiter ends it, because the delimiter is unknown.
std::string_view cell_around(std::string_view bytes, std::size_t at) {
  constexpr std::string_view kEnds = ",;\t|~\"\r\n";
  const auto before = at == 0 ? std::string_view::npos : bytes.find_last_of(kEnds, at - 1);
  const std::size_t from = before == std::string_view::npos ? 0 : before + 1;
  const std::size_t to = std::min(bytes.find_first_of(kEnds, at), bytes.size());
  return bytes.substr(from, to - from);
}

std::size_t first_beyond_ascii(std::string_view bytes) {
  const auto found =
      std::find_if(bytes.begin(), bytes.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  return static_cast<std::size_t>(found - bytes.begin());
}

}  // namespace

std::optional<Finding> find_other_format(std::string_view bytes, int rules) {
  if (is_workbook(bytes)) {
    return not_csv(workbook_format(bytes, rules),
                   "open it, save the sheet as CSV (UTF-8), and send that file");
  }
  if (rules == 1) return std::nullopt;
  if (bytes.starts_with("PAR1"))
    return not_csv("a Parquet file", "export the table as CSV, and send that file");
  if (bytes.starts_with(kUtf8Mark)) bytes.remove_prefix(kUtf8Mark.size());
  const std::string_view text = without_blanks(bytes);
  if (text.starts_with("%PDF-")) {
    return not_csv("a PDF document",
                   "export the table as CSV where the document was made, and send that file");
  }
  if (is_html(text)) {
    return not_csv("an HTML page", "check the address or the login of the download, and send the CSV file");
  }
  if (text.starts_with("<?xml"))
    return not_csv("an XML document", "export the table as CSV, and send that file");
  if (is_json(text)) return not_csv("JSON", "export the table as CSV, and send that file");
  return std::nullopt;
}

std::optional<Finding> find_utf8_instead_of(Encoding remembered, std::string_view bytes) {
  const bool marked = bytes.starts_with(kUtf8Mark);
  const std::size_t at = first_beyond_ascii(bytes);
  if (at == bytes.size() || find_invalid_utf8(bytes) != std::string_view::npos) return std::nullopt;
  const std::string_view cell = cell_around(bytes, at);
  const auto line = 1 + std::count(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  std::string other;
  if (!transcode(cell, remembered, [&](std::string_view piece) -> Result<void> {
         other += piece;
         return success();
       }).has_value()) {
    return std::nullopt;
  }
  const std::string_view as_utf8 = marked && at == 0 ? cell.substr(kUtf8Mark.size()) : cell;
  return Finding{
      "encoding-changed",
      Line(line),
      std::nullopt,
      value_for_finding(as_utf8),
      fmt::format("the earlier files are in {}, and this one is in UTF-8: a value in line {} reads {} "
                  "as UTF-8, and {} as {}",
                  to_string(remembered), line, quoted_for_message(as_utf8), quoted_for_message(other),
                  to_string(remembered)),
      fmt::format("is the encoding right? give encoding=utf-8, or save the file as {} and send it "
                  "again",
                  to_string(remembered))};
}

}  // namespace deltadrop::csv
