#include "csv/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "core/table_ref.hpp"
#include "core/text.hpp"
#include "csv/dialect.hpp"
#include "csv/fields.hpp"
#include "csv/header.hpp"
#include "csv/scan.hpp"
#include "csv/structure.hpp"

namespace deltadrop::csv {
namespace {

struct Place {
  std::uint64_t offset = 0;
  Line line{1};
};

/// Returns the position after the line end of the line at `place`, or the text's end.
Place next_line(std::string_view text, Place place) {
  auto end = text.find_first_of("\r\n", place.offset);
  if (end == std::string_view::npos) return {text.size(), place.line};
  if (text.substr(end).starts_with("\r\n")) ++end;
  return {end + 1, place.line.next()};
}

/// Returns the delimiter that a first line such as sep=; declares. Spreadsheets write such lines.
std::optional<char> declared_delimiter(std::string_view text) {
  std::string_view line = text.substr(0, text.find_first_of("\r\n"));
  if (line.size() > 1 && line.starts_with('"') && line.ends_with('"')) line = line.substr(1, line.size() - 2);
  constexpr std::string_view kSep = "sep=";
  if (line.size() != kSep.size() + 1 || ascii_lower(line.substr(0, kSep.size())) != kSep) return std::nullopt;
  const auto delimiter = parse_delimiter(line.substr(kSep.size()));
  return delimiter.has_value() ? std::optional(delimiter.value()) : std::nullopt;
}

/// Returns the offset where the last `lines` physical lines begin, but at least `from`.
std::uint64_t before_last_lines(std::string_view text, std::int64_t lines, std::uint64_t from) {
  std::size_t end = text.size();
  for (; lines > 0 && end > from; --lines) {
    // Skip the line's own end.
    if (text[end - 1] == '\n') --end;
    if (end > from && text[end - 1] == '\r') --end;
    while (end > from && text[end - 1] != '\n' && text[end - 1] != '\r') --end;
  }
  return end;
}

std::int64_t lines_in(std::string_view text) {
  if (text.empty()) return 0;
  const bool ends = text.ends_with('\n') || text.ends_with('\r');
  return static_cast<std::int64_t>(structural_scan().count_line_ends(text)) + (ends ? 0 : 1);
}

bool is_blank(std::string_view text) { return trim_blanks(text).empty(); }

std::string_view last_value(RowSplitter& splitter, const Row& row) {
  return splitter.split(row.bytes).back();
}

class LayoutReader {
 public:
  LayoutReader(std::string_view text, const ReadOptions& options, const Limits& limits, FindingLog& findings)
      : text_(text), options_(options), reader_(options, limits, findings), findings_(findings) {}

  Layout read(const Remembered& remembered, Encoding encoding) {
    layout_.header.encoding = layout_.dialect.encoding = encoding;
    layout_.header.pads_short_rows = options_.short_rows == ShortRows::pad;
    layout_.end = text_.size();
    if (options_.rules == 1) {
      read_by_rules_1();
    } else if (find_parts(remembered)) {
      settle_columns();
    }
    return std::move(layout_);
  }

 private:
  void read_by_rules_1() {
    layout_.header.delimiter = options_.delimiter ? *options_.delimiter : sniff_delimiter(text_);
    layout_.dialect.delimiter = layout_.header.delimiter;
    RowScanner scanner(text_, layout_.header.delimiter);
    const bool readable = reader_.read_names(scanner, layout_.header);
    set_rows(scanner);
    if (readable) reader_.settle_columns(layout_.header);
  }

  /// Finds the delimiter, the header's names and the rows. Returns false if it cannot find them.
  bool find_parts(const Remembered& remembered) {
    const auto declared = declared_delimiter(text_);
    layout_.dialect.delimiter_declared = declared.has_value();
    start_ = first_line(declared.has_value());
    layout_.end = before_last_lines(text_, options_.skip_footer, start_.offset);
    text_ = text_.substr(0, layout_.end);
    const Detected detected = detect_dialect(sample(), options_, declared, remembered.delimiter);
    layout_.header.delimiter = layout_.dialect.delimiter = detected.delimiter;
    if (detected.doubt) return refuse(*detected.doubt);
    if (detected.header.line > start_.line) start_ = {detected.header.offset, detected.header.line};
    layout_.dialect.skip_lines = start_.line.value - 1;
    layout_.lines_end_with_return = ends_with_return();
    layout_.header_offset = start_.offset;
    layout_.header_line = start_.line;
    RowScanner scanner(text_, detected.delimiter, start_.offset, start_.line);
    const bool readable = reader_.read_names(scanner, layout_.header);
    set_rows(scanner);
    if (!readable) return false;
    layout_.filter.emplace(reader_.record(), detected.delimiter);
    if (!options_.footer.empty()) find_footer();
    return true;
  }

  bool refuse(Finding finding) {
    layout_.header.columns.clear();
    findings_.add([&] { return std::move(finding); });
    return false;
  }

  /// Returns the position after the skipped lines. A line that declares the delimiter is never the header.
  [[nodiscard]] Place first_line(bool declares) const {
    Place place;
    const std::int64_t skipped = std::max<std::int64_t>(options_.skip_lines.lines, declares ? 1 : 0);
    for (std::int64_t i = 0; i < skipped && place.offset < text_.size(); ++i) place = next_line(text_, place);
    return place;
  }

  [[nodiscard]] Sample sample() const { return {text_, start_.offset, start_.line}; }

  [[nodiscard]] bool ends_with_return() const {
    const auto end = text_.find_first_of("\r\n", start_.offset);
    return end != std::string_view::npos && text_[end] == '\r' && !text_.substr(end).starts_with("\r\n");
  }

  void set_rows(const RowScanner& scanner) {
    layout_.rows_offset = scanner.offset();
    layout_.rows_line = scanner.line();
  }

  [[nodiscard]] RowScanner rows() const {
    RowScanner scanner(text_, layout_.header.delimiter, layout_.rows_offset, layout_.rows_line);
    scanner.pass_over_by(&*layout_.filter);
    return scanner;
  }

  void find_footer() {
    RowScanner scanner = rows();
    RowSplitter splitter(layout_.header.delimiter);
    Row row;
    while (scanner.next(row)) {
      const std::string_view first = row.fields == 1 ? row.bytes : splitter.split(row.bytes).front();
      const bool begins = std::any_of(options_.footer.begin(), options_.footer.end(),
                                      [&](const std::string& text) { return first.starts_with(text); });
      if (!begins) continue;
      layout_.end = row.offset;
      text_ = text_.substr(0, layout_.end);
      return;
    }
  }

  void settle_columns() {
    Header& header = layout_.header;
    find_trailing_delimiter();
    const bool skips_none = options_.has_header && start_.line == Line(1) && !options_.skip_lines.automatic;
    if (skips_none) {
      if (const auto below = header_below()) {
        refuse(lines_above(*below));
        return;
      }
    }
    reader_.settle_columns(header);
    if (options_.has_header && !header.columns.empty()) warn_of_data_in_header();
  }

  /// Detects that every line ends with a delimiter: the last name is empty and the last value of rows is
  /// blank.
  void find_trailing_delimiter() {
    Header& header = layout_.header;
    if (options_.has_header) {
      if (header.columns.size() < 2 || !header.columns.back().empty()) return;
      if (!rows_end_blank(header.columns.size(), 0)) return;
      header.columns.pop_back();
    } else if (!rows_end_blank(header.columns.size() + 1, 1)) {
      return;
    }
    header.trailing_delimiter = layout_.dialect.trailing_delimiter = true;
  }

  /// Returns true if the first rows, at least `rows_min`, have `fields` fields of which the last is blank.
  /// Reads all rows if an option accepts unnamed columns, because a row with a value there is then accepted.
  [[nodiscard]] bool rows_end_blank(std::size_t fields, std::int64_t rows_min) const {
    constexpr std::int64_t kRowsMax = 1000;
    const auto rows_max =
        options_.unnamed == Unnamed::refuse ? kRowsMax : std::numeric_limits<std::int64_t>::max();
    RowScanner scanner = rows();
    RowSplitter splitter(layout_.header.delimiter);
    Row row;
    std::int64_t count = 0;
    for (; count < rows_max && scanner.next(row); ++count) {
      if (layout_.header.pads_short_rows && row.fields < fields) continue;
      if (row.fault != RowFault::none || row.fields != fields) return false;
      const bool plainly = row.bytes.ends_with(layout_.header.delimiter);
      if (!plainly && !is_blank(last_value(splitter, row))) return false;
    }
    return count >= rows_min;
  }

  /// Returns a probable header below the first line.
  [[nodiscard]] std::optional<SamplePlace> header_below() const {
    const Header& header = layout_.header;
    const bool nameless = std::any_of(header.columns.begin(), header.columns.end(), is_blank);
    Row row;
    RowScanner scanner = rows();
    constexpr int kRowsLookedAt = 32;
    bool more_fields = false;
    for (int i = 0; i < kRowsLookedAt && !more_fields && scanner.next(row); ++i) {
      more_fields = row.fields > header.fields();
    }
    if (!nameless && !more_fields) return std::nullopt;
    const auto below = find_header_below(sample(), header.delimiter, options_);
    return below || options_.delimiter ? below : find_header_below(sample(), options_);
  }

  [[nodiscard]] Finding lines_above(const SamplePlace& below) const {
    const std::int64_t above = below.line.value - 1;
    return {
        "lines-above-header",
        reader_.line(),
        std::nullopt,
        value_for_finding(reader_.record()),
        fmt::format("line {} looks like a title, {}, and line {} like the header: {}", reader_.line().value,
                    quoted_for_message(reader_.record()), below.line.value, quoted_for_message(below.bytes)),
        fmt::format("give skip_lines={} or skip_lines=auto; if line {} is the header, give every line as "
                    "many fields, and name every column or give unnamed=number or unnamed=drop",
                    above, reader_.line().value)};
  }

  /// Warns if the names look like the values below them.
  void warn_of_data_in_header() {
    RowScanner scanner = rows();
    Row row;
    if (!scanner.next(row) || row.fault != RowFault::none) return;
    RowSplitter splitter(layout_.header.delimiter, layout_.header.columns.size());
    const auto& values = splitter.split(row.bytes);
    for (std::size_t i = 0; i < layout_.header.columns.size(); ++i) {
      const std::string& name = layout_.header.columns[i];
      const DataKind kind = data_kind(name);
      if (kind == DataKind::none || kind != data_kind(values[i])) continue;
      layout_.warnings.first.push_back(
          {"header-looks-like-data", reader_.line(), value_for_finding(name),
           value_for_finding(reader_.record()),
           fmt::format(
               "the header in line {} looks like data: {} is the name of a column, and the value below "
               "it is {}",
               reader_.line().value, quoted_for_message(name), quoted_for_message(values[i])),
           "if the file has no header, give header=none and name the columns with columns="});
      layout_.warnings.total = 1;
      return;
    }
  }

  std::string_view text_;  ///< up to the footer
  const ReadOptions& options_;
  HeaderReader reader_;
  FindingLog& findings_;
  Place start_;  ///< the position of the header, or of the first row
  Layout layout_;
};

}  // namespace

Layout read_layout(std::string_view text, const ReadOptions& options, const Remembered& remembered,
                   const Limits& limits, Encoding encoding, FindingLog& findings) {
  Layout layout = LayoutReader(text, options, limits, findings).read(remembered, encoding);
  layout.footer_lines = lines_in(text.substr(layout.end));
  return layout;
}

}  // namespace deltadrop::csv
