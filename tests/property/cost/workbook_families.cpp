#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "cost.hpp"
#include "unit/xlsx/sample_workbook.hpp"
#include "xlsx/cell_text.hpp"
#include "xlsx/workbook.hpp"

namespace deltadrop::cost {
namespace {

using xlsx::testing::SampleWorkbook;

/// A workbook that `fill` makes, stored without compression.
Family workbook(std::string name, const std::function<void(SampleWorkbook&, std::size_t)>& fill,
                std::size_t size_max = std::size_t{1} << 22) {
  const auto prepare = [fill](std::size_t size) -> std::function<void()> {
    auto made = std::make_shared<SampleWorkbook>();
    fill(*made, size);
    const auto path = made->write({.stored = true});
    return [made, path] {
      xlsx::Options options = made->options();
      options.limits.xml_memory_bytes_max = std::uint64_t{1} << 32;
      options.limits.cell_bytes_max = std::size_t{1} << 30;
      const auto csv = xlsx::testing::csv_of(path, options);
      EXPECT_FALSE(csv.starts_with("workbook-") || csv.starts_with("not-")) << csv;
    };
  };
  return {std::move(name), prepare, size_max};
}

/// `size` elements after the rows, which only the parser sees.
Family skipped(std::string name, const std::function<std::string(std::size_t)>& xml) {
  return workbook(std::move(name),
                  [xml](SampleWorkbook& made, std::size_t size) { made.rows("", xml(size)); });
}

/// Tall ranges side by side, all of which are active in each row.
void merge_columns(SampleWorkbook& made, std::size_t size) {
  std::string cells;
  std::string ranges;
  const auto columns = static_cast<std::uint32_t>(size);
  for (std::uint32_t column = 1; column <= columns; ++column) {
    const std::string first = to_string(xlsx::CellPlace{1, column});
    ranges += fmt::format(R"(<mergeCell ref="{0}:{0}000"/>)", first);
    cells += "<c><v>1</v></c>";
  }
  made.rows(fmt::format("<row>{0}</row><row>{0}</row>", cells), "<mergeCells>" + ranges + "</mergeCells>");
}

/// Ranges that all overlap.
void merge_the_same(SampleWorkbook& made, std::size_t size) {
  made.rows("<row><c><v>1</v></c></row>",
            "<mergeCells>" + repeated(size, R"(<mergeCell ref="A1:C100"/>)") + "</mergeCells>");
}

/// Tags of several blocks. Within one tag, which has a limit, expat's cost grows faster than its attributes.
std::string attributes(std::size_t size) {
  constexpr std::size_t kInATag = 4096;
  std::string tag = "<a";
  for (std::size_t i = 0; i < kInATag; ++i) tag += fmt::format(" a{}=\"{}\"", i, std::string(40, 'x'));
  return repeated(size, tag + "/>");
}

}  // namespace

std::vector<Family> workbook_families() {
  return {
      skipped("WorkbookElements", [](std::size_t size) { return repeated(size, "<a/>"); }),
      skipped("WorkbookNamespaces",
              [](std::size_t size) { return repeated(size, "<b:a xmlns:b=\"urn:b\"/>"); }),
      workbook(
          "WorkbookAttributes",
          [](SampleWorkbook& made, std::size_t size) { made.rows("", attributes(size)); }, 256),
      workbook("WorkbookRuns",
               [](SampleWorkbook& made, std::size_t size) {
                 made.strings("<si>" + repeated(size, "<r><t> _x0041_</t></r>") + "</si>");
                 made.rows("<row><c t=\"s\"><v>0</v></c></row>");
               }),
      workbook("WorkbookEscapes",
               [](SampleWorkbook& made, std::size_t size) {
                 made.rows("<row><c t=\"inlineStr\"><is><t>" + repeated(size, "_x0041_") +
                           "</t></is></c></row>");
               }),
      workbook("WorkbookQuotes",
               [](SampleWorkbook& made, std::size_t size) {
                 made.rows("<row><c t=\"inlineStr\"><is><t>" + repeated(size, "\"") + "</t></is></c></row>");
               }),
      workbook(
          "WorkbookRows",
          [](SampleWorkbook& made, std::size_t size) {
            made.rows(repeated(size, "<row><c><v>1</v></c></row>"));
          },
          std::size_t{1} << 20),
      workbook(
          "WorkbookWideningRows",
          [](SampleWorkbook& made, std::size_t size) {
            made.rows(repeated(size, "<row><c><v>1</v></c></row>") + "<row><c/><c><v>1</v></c></row>");
          },
          std::size_t{1} << 19),
      workbook("WorkbookMergedColumns", merge_columns, 16384),
      workbook("WorkbookOverlappingMerges", merge_the_same, 1'000'000),
      workbook(
          "WorkbookFormats",
          [](SampleWorkbook& made, std::size_t size) { made.formats({repeated(size, "y[h]\\m;"), "0"}); },
          std::size_t{1} << 16),
  };
}

}  // namespace deltadrop::cost
