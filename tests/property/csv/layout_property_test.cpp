#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "csv/fields.hpp"
#include "csv/file.hpp"

// Random tables are written in random layouts, and must be read back under the options that say so, with the
// delimiter given or found.
namespace deltadrop::csv {
namespace {

using Value = std::optional<std::string>;
using Values = std::vector<Value>;

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(engine_() % n); }
  bool percent(int p) { return below(100) < static_cast<std::size_t>(p); }
  template <class T>
  const T& one_of(const std::vector<T>& choices) {
    return choices[below(choices.size())];
  }

 private:
  std::mt19937 engine_;
};

const std::vector<std::string> kTexts = {"0",   "1,5", "a;b",         "say \"hi\"", "\"",  "x\ny", "x\r\n",
                                         "|\t", "~",   "caf\xC3\xA9", "^",          " ",   "c0",   "Total",
                                         "x",   "",    ",",           "#",          "\ry", "sep"};
const std::string kFooterText = "#END";

struct Written {
  std::string text;
  ReadOptions options;
  std::vector<std::string> columns;
  std::vector<Values> rows;
  Skipped skipped;
};

class Writer {
 public:
  explicit Writer(unsigned seed) : dice_(seed) {}

  Written write() {
    choose();
    write_lines_above();
    if (written_.options.has_header) line(header_);
    const std::size_t rows = dice_.below(12);
    for (std::size_t i = 0; i < rows; ++i) {
      write_what_is_no_row();
      write_row();
    }
    write_footer();
    return std::move(written_);
  }

 private:
  void choose() {
    ReadOptions& options = written_.options;
    delimiter_ = dice_.one_of<char>({',', ';', '\t', '|', '~'});
    line_end_ = dice_.one_of<std::string>({"\n", "\r\n", "\r"});
    columns_ = 2 + dice_.below(4);
    options.empty = dice_.one_of<EmptyPolicy>({EmptyPolicy::null, EmptyPolicy::text, EmptyPolicy::quoted});
    options.has_header = dice_.percent(75);
    if (dice_.percent(30)) options.short_rows = ShortRows::pad;
    trails_ = options.short_rows == ShortRows::refuse && dice_.percent(30);
    if (dice_.percent(30)) options.unnamed = dice_.one_of<Unnamed>({Unnamed::number, Unnamed::drop});
    // The last name is there: without it, its column may be a delimiter at the end of the line.
    nameless_ =
        options.has_header && options.unnamed != Unnamed::refuse ? dice_.below(columns_ - 1) : columns_;
    for (std::size_t i = 0; i < columns_; ++i) {
      const std::string name = "c" + std::to_string(i);
      header_ += (i == 0 ? "" : std::string(1, delimiter_)) + (i == nameless_ ? "" : name);
      if (i == nameless_ && options.unnamed == Unnamed::drop) continue;
      written_.columns.push_back(i == nameless_ ? "column_" + std::to_string(i + 1) : name);
    }
    if (trails_) header_ += delimiter_;
    if (!options.has_header) options.columns = written_.columns;
    // The separator's line says what the delimiter is; without a header there may be too little to find it
    // by.
    declares_ = dice_.percent(20);
    if (!declares_ && (!options.has_header || dice_.percent(50))) options.delimiter = delimiter_;
  }

  void line(const std::string& text) { written_.text += text + line_end_; }

  void write_lines_above() {
    if (declares_) {
      line(dice_.percent(50) ? std::string("sep=") + delimiter_ : std::string("\"sep=") + delimiter_ + "\"");
    }
    const std::size_t titles = dice_.percent(30) ? dice_.below(4) : 0;
    for (std::size_t i = 0; i < titles; ++i)
      line(dice_.one_of<std::string>({"A title", "", "x,y;z", "a\tb"}));
    written_.skipped.lines = static_cast<std::int64_t>(titles) + (declares_ ? 1 : 0);
    if (titles > 0) written_.options.skip_lines.lines = written_.skipped.lines;
  }

  void write_what_is_no_row() {
    if (dice_.percent(10)) {
      line(dice_.percent(50)
               ? ""
               : std::string(columns_ - 1, delimiter_) + (trails_ ? std::string(1, delimiter_) : ""));
      ++written_.skipped.blank;
    }
    if (dice_.percent(10)) {
      line(" " + std::string(1, delimiter_) + "\"\"");
      ++written_.skipped.blank;
    }
    if (written_.options.has_header && dice_.percent(10)) {
      line(header_);
      ++written_.skipped.header;
    }
  }

  std::string field(const Value& value) {
    if (!value) return "";
    const bool needs_quotes =
        value->empty() || value->find_first_of(std::string("\r\n\"") + delimiter_) != std::string::npos;
    if (!needs_quotes && !dice_.percent(20)) return *value;
    std::string out = "\"";
    for (const char c : *value) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + "\"";
  }

  void write_row() {
    Values row;
    bool blank = true;
    for (std::size_t i = 0; i < columns_; ++i) {
      row.push_back(dice_.percent(25) ? Value() : Value(dice_.one_of(kTexts)));
      const bool empty = !row.back() || row.back()->empty() || *row.back() == " ";
      blank = blank && empty;
    }
    if (blank) row.front() = "x";
    std::size_t fields = columns_;
    while (written_.options.short_rows == ShortRows::pad && fields > 1 && !row[fields - 1]) --fields;
    std::string text;
    for (std::size_t i = 0; i < fields; ++i) {
      text += (i == 0 ? "" : std::string(1, delimiter_)) + field(row[i]);
    }
    line(text + (trails_ ? std::string(1, delimiter_) : ""));
    Values read;
    for (std::size_t i = 0; i < columns_; ++i) {
      if (i == nameless_ && written_.options.unnamed == Unnamed::drop) continue;
      read.push_back(as_read(row[i]));
    }
    written_.rows.push_back(std::move(read));
  }

  [[nodiscard]] Value as_read(const Value& value) const {
    if (written_.options.empty == EmptyPolicy::text) return value.value_or("");
    if (written_.options.empty == EmptyPolicy::null && value && value->empty()) return std::nullopt;
    return value;
  }

  void write_footer() {
    if (!dice_.percent(30)) return;
    const auto lines = 1 + dice_.below(3);
    const bool by_text = dice_.percent(50);
    for (std::size_t i = 0; i < lines; ++i) {
      line(i == 0 && by_text ? kFooterText + " of the file"
                             : dice_.one_of<std::string>({"", "1,2", "bye;", "x"}));
    }
    written_.skipped.footer = static_cast<std::int64_t>(lines);
    if (by_text) {
      written_.options.footer = {"Nothing", kFooterText};
    } else {
      written_.options.skip_footer = written_.skipped.footer;
    }
  }

  Dice dice_;
  Written written_;
  char delimiter_ = ',';
  std::string line_end_;
  std::string header_;
  std::size_t columns_ = 2;
  std::size_t nameless_ = 0;
  bool trails_ = false;
  bool declares_ = false;
};

/// Values of the rows, and what is skipped.
std::pair<std::vector<Values>, Skipped> read(const File& file) {
  std::vector<Values> rows;
  PassedOver passed;
  RowScanner scanner = file.rows();
  scanner.count_passed(&passed);
  const Header& header = file.header();
  RowSplitter splitter(header.delimiter, header.columns.size(), file.options().empty);
  Row row;
  while (scanner.next(row)) {
    EXPECT_TRUE(header.takes(row.fields));
    const auto& values = splitter.split(row.bytes);
    rows.emplace_back();
    for (const auto column : header.tracked) {
      const bool null = is_null(values[column], file.options().empty);
      rows.back().push_back(null ? Value() : Value(values[column]));
    }
  }
  return {rows, file.skipped(passed)};
}

void expect_read_back(const Written& written, const ReadOptions& options) {
  const auto opened = File::over(written.text, options, Limits{});
  ASSERT_TRUE(opened.has_value()) << opened.error().text();
  const File& file = opened.value();
  ASSERT_TRUE(file.header_findings().empty()) << file.header_findings().first.front().message;
  std::vector<std::string> columns;
  for (const auto column : file.header().tracked) columns.push_back(file.header().columns[column]);
  EXPECT_EQ(columns, written.columns);
  const auto [rows, skipped] = read(file);
  EXPECT_EQ(rows, written.rows);
  EXPECT_EQ(skipped, written.skipped)
      << skipped.blank << " " << skipped.header << " " << skipped.lines << " " << skipped.footer;
}

TEST(LayoutProperty, WhatIsWrittenInAnyLayoutIsReadBack) {
  constexpr unsigned kFirstSeed = 20251129;
  for (unsigned seed = kFirstSeed; seed < kFirstSeed + 20000; ++seed) {
    const Written written = Writer(seed).write();
    SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + ::testing::PrintToString(written.text));
    expect_read_back(written, written.options);
    if (HasFatalFailure() || HasNonfatalFailure()) return;
    const File file = File::over(written.text, written.options, Limits{}).value();
    expect_read_back(written, file.resolved_options());
    if (HasFatalFailure() || HasNonfatalFailure()) return;
  }
}

}  // namespace
}  // namespace deltadrop::csv
