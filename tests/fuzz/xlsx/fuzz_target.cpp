#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

#include "core/assert.hpp"
#include "core/text.hpp"
#include "unit/xlsx/sample_workbook.hpp"
#include "xlsx/workbook.hpp"

// Any bytes, as a file or as the part of a workbook that the first byte picks: nothing may crash, an error
// must name a reason, and what is converted must be CSV of one width. libFuzzer calls this; so does
// fuzz_smoke_test.cpp in every build.
namespace deltadrop::xlsx {
namespace {

constexpr std::array<std::string_view, 5> kParts = {"xl/worksheets/sheet1.xml", "xl/sharedStrings.xml",
                                                    "xl/styles.xml", "xl/workbook.xml",
                                                    "xl/_rels/workbook.xml.rels"};

Limits small_limits() {
  Limits limits;
  limits.expanded_bytes_max = std::uint64_t{1} << 20;
  limits.shared_strings_bytes_max = std::uint64_t{64} << 10;
  limits.csv_bytes_max = std::uint64_t{64} << 10;
  limits.row_bytes_max = std::uint64_t{16} << 10;
  limits.cell_bytes_max = 4096;
  limits.rows_max = 2000;
  limits.columns_max = 200;
  limits.entries_max = 100;
  return limits;
}

/// Each record that is not empty has `columns` fields.
void check_csv(std::string_view csv, std::uint32_t columns) {
  std::uint32_t fields = 1;
  bool in_quotes = false;
  bool is_empty = true;
  for (const char c : csv) {
    if (c == '"') in_quotes = !in_quotes;
    if (c == ',' && !in_quotes) ++fields;
    if (c != '\n' || in_quotes) {
      is_empty = false;
      continue;
    }
    DD_ASSERT(is_empty || fields == columns);
    fields = 1;
    is_empty = true;
  }
  DD_ASSERT(is_empty && !in_quotes);
  DD_ASSERT(find_invalid_utf8(csv) == std::string_view::npos);
}

void check(const std::filesystem::path& path, Options options) {
  options.limits = small_limits();
  std::string csv;
  const auto done = convert_to_csv(
      path, options,
      [&](std::string_view block) -> Result<void> {
        csv += block;
        return success();
      },
      Stop());
  if (!done.has_value()) {
    DD_ASSERT(done.error().code == ErrorCode::invalid_input);
    DD_ASSERT(!done.error().message.empty() && !done.error().fix.empty());
    return;
  }
  const Conversion& conversion = done.value();
  DD_ASSERT(csv.size() == conversion.csv_bytes && csv.size() <= options.limits.csv_bytes_max);
  DD_ASSERT(conversion.columns <= options.limits.columns_max && conversion.rows <= options.limits.rows_max);
  DD_ASSERT((conversion.rows == 0) == csv.empty());
  check_csv(csv, conversion.columns);
}

void check_input(std::size_t choice, std::string_view bytes) {
  // One folder for all inputs.
  static testing::SampleWorkbook sample;
  if (choice >= kParts.size()) {
    const auto path = sample.options().scratch / "file.xlsx";
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return check(path, sample.options());
  }
  const testing::SampleWorkbook fresh;
  for (const auto& [name, text] : fresh.parts()) sample.set(name, text);
  sample.strings("<si><t>one</t></si><si><t>two, three</t></si>").formats({"yyyy-mm-dd", "[h]:mm", "00000"});
  sample.rows(R"(<row r="2"><c r="B2" t="s" s="1"><v>1</v></c></row>)").set(kParts[choice], bytes);
  check(sample.write({.stored = true}), sample.options());
}

}  // namespace
}  // namespace deltadrop::xlsx

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace deltadrop::xlsx;
  if (size < 1) return 0;
  check_input(data[0] % (kParts.size() + 1), {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
