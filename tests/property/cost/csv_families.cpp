#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "cost.hpp"
#include "csv/file.hpp"
#include "csv/options.hpp"
#include "diff/diff.hpp"

namespace deltadrop::cost {
namespace {

std::string names(std::size_t count, std::string_view prefix) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += fmt::format("{}{}{}", i == 0 ? "" : ",", prefix, i);
  return text;
}

/// Reads the text with one more row at its end: as a table's first version, and as the version after the text
/// itself.
std::vector<Family> file(const std::string& name, const std::function<std::string(std::size_t)>& text,
                         const csv::ReadOptions& options = {}) {
  const auto prepare = [text, options](std::size_t size, bool twice) -> std::function<void()> {
    auto bytes = std::make_shared<const std::string>(text(size));
    auto more = std::make_shared<const std::string>(*bytes + "zzz,1\n");
    return [bytes, more, options, twice] {
      csv::Limits limits;
      limits.columns_max = std::size_t{1} << 24;
      const auto before = csv::File::over(*bytes, options, limits);
      const auto after = csv::File::over(*more, options, limits);
      ASSERT_TRUE(before.has_value() && after.has_value());
      const auto outcome = diff::diff(twice ? &before.value() : nullptr, after.value());
      EXPECT_TRUE(outcome.has_value() || outcome.error().type == "corrupt-version");
    };
  };
  return {{name + "First", [prepare](std::size_t size) { return prepare(size, false); }},
          {name + "Again", [prepare](std::size_t size) { return prepare(size, true); }}};
}

Family column_list(std::string name, const std::function<std::string(std::size_t)>& text) {
  return {std::move(name), [text](std::size_t size) -> std::function<void()> {
            auto list = std::make_shared<const std::string>(text(size));
            return [list] { static_cast<void>(csv::parse_column_list(*list).has_value()); };
          }};
}

/// A header of `size` columns, and an option with as many names.
Family option_names(std::string name, const std::function<void(csv::ReadOptions&, std::size_t)>& set) {
  return {std::move(name), [set](std::size_t size) -> std::function<void()> {
            auto bytes = std::make_shared<const std::string>(names(size, "c") + "\n");
            auto options = std::make_shared<csv::ReadOptions>();
            set(*options, size);
            return [bytes, options] {
              csv::Limits limits;
              limits.columns_max = std::size_t{1} << 24;
              static_cast<void>(csv::File::over(*bytes, *options, limits).has_value());
            };
          }};
}

std::vector<std::string> list_of(std::size_t size, std::string_view prefix) {
  std::vector<std::string> list;
  for (std::size_t i = 0; i < size; ++i) list.push_back(fmt::format("{}{}", prefix, size - i - 1));
  return list;
}

}  // namespace

std::vector<Family> csv_families() {
  std::vector<Family> all;
  const auto add = [&all](std::vector<Family> some) {
    for (auto& family : some) all.push_back(std::move(family));
  };
  add(file("CsvUnclosedQuote", [](std::size_t n) { return "id,v\na,\"" + repeated(n, "x\n"); }));
  add(file("CsvUnclosedQuoteInHeader", [](std::size_t n) { return "\"" + repeated(n, "x;,\n"); }));
  add(file("CsvOnlyQuotes", [](std::size_t n) { return "id,v\na," + repeated(n, "\""); }));
  add(file("CsvQuotesInsideFields", [](std::size_t n) { return "id,v\n" + repeated(n, "a,x\"y\"z\n"); }));
  add(file("CsvTextAfterQuotes", [](std::size_t n) { return "id,v\n" + repeated(n, "a,\"x\"y\n"); }));
  add(file("CsvReturnsAlone", [](std::size_t n) { return "id,v\r" + repeated(n, "a,x\r"); }));
  add(file("CsvEmptyLines", [](std::size_t n) { return "id,v\n" + repeated(n, "\r\n\r\n\n"); }));
  add(file("CsvLineEndsInQuotes", [](std::size_t n) {
    std::string text = "id,v\n";
    for (std::size_t i = 0; i < n; ++i) text += fmt::format("k{},\"\n\n\r\n\"\n", i);
    return text;
  }));
  add(file("CsvOneLongLine", [](std::size_t n) { return "id,v\na," + repeated(n, "xyz "); }));
  add(file("CsvInvalidBytes", [](std::size_t n) { return "id,v\n" + repeated(n, "a,\xFF\xC3\n"); }));
  add(file("CsvInvalidByteBehindValidText",
           [](std::size_t n) { return "id,v\na," + repeated(n, "\xC3\xA9") + "\xFF\n"; }));
  add(file("CsvNulBytes",
           [](std::size_t n) { return "id,v\n" + repeated(n, std::string_view("a,\0\n", 4)); }));
  add(file("CsvTooManyFields", [](std::size_t n) { return "id,v\n" + repeated(n, "a,,,,\n"); }));
  add(file("CsvEmptyKeys", [](std::size_t n) { return "id,v\n" + repeated(n, ",x\n"); }));
  add(file("CsvManyColumns", [](std::size_t n) {
    std::string row(n - 1, ',');
    return names(n, "c") + "\n" + row + "\n" + row + "\n" + row + "\n";
  }));
  add(file("CsvOneColumnNameRepeated", [](std::size_t n) { return "a" + repeated(n, ",a") + "\n"; }));
  add(file("CsvNoColumnNames", [](std::size_t n) { return repeated(n, ",") + "\n"; }));
  csv::ReadOptions composite;
  composite.key = {"v", "id"};
  add(file(
      "CsvCompositeKeys", [](std::size_t n) { return "id,v\n" + repeated(n, "\"\"\"a\",\"\"\"\"\n"); },
      composite));
  csv::ReadOptions utf16;
  utf16.encoding = csv::Encoding::utf16;
  add(file("CsvWithoutByteOrder", [](std::size_t n) { return repeated(n, "ab"); }, utf16));
  all.push_back(column_list("CsvColumnList", [](std::size_t n) { return names(n, "c"); }));
  all.push_back(
      column_list("CsvColumnListQuoted", [](std::size_t n) { return "a" + repeated(n, ",\"\"\"\""); }));
  all.push_back(option_names("CsvIgnoredNames", [](auto& o, std::size_t n) {
    o.ignore = list_of(n, "c");
    o.ignore.pop_back();
  }));
  all.push_back(option_names("CsvKeyNames", [](auto& o, std::size_t n) { o.key = list_of(n, "c"); }));
  all.push_back(option_names("CsvUnknownKeyNames", [](auto& o, std::size_t n) { o.key = list_of(n, "x"); }));
  return all;
}

}  // namespace deltadrop::cost
