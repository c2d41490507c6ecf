#include "unit/xlsx/sample_workbook.hpp"

#include <fmt/format.h>
#include <minizip/zip.h>

#include <algorithm>
#include <cstdlib>

#include "support/result_check.hpp"

namespace deltadrop::xlsx::testing {
namespace {

constexpr std::string_view kMain = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
constexpr std::string_view kOffice = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
constexpr std::string_view kPackage = "http://schemas.openxmlformats.org/package/2006/relationships";

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

void write_zip(const std::filesystem::path& path, const std::vector<ZipPart>& parts, ZipForm form) {
  const zipFile zip = zipOpen64(path.c_str(), APPEND_STATUS_CREATE);
  require(zip != nullptr);
  for (const auto& [name, bytes] : parts) {
    const zip_fileinfo info{};
    require(zipOpenNewFileInZip64(zip, name.c_str(), &info, nullptr, 0, nullptr, 0, nullptr,
                                  form.stored ? 0 : Z_DEFLATED, Z_BEST_COMPRESSION,
                                  form.zip64 ? 1 : 0) == ZIP_OK);
    require(zipWriteInFileInZip(zip, bytes.data(), static_cast<unsigned>(bytes.size())) == ZIP_OK);
    require(zipCloseFileInZip(zip) == ZIP_OK);
  }
  require(zipClose(zip, nullptr) == ZIP_OK);
}

SampleWorkbook::SampleWorkbook() {
  set("_rels/.rels",
      fmt::format(R"(<Relationships xmlns="{}"><Relationship Id="rId1" Type="{}/officeDocument" )"
                  R"(Target="xl/workbook.xml"/></Relationships>)",
                  kPackage, kOffice));
  set("xl/_rels/workbook.xml.rels",
      fmt::format(R"(<Relationships xmlns="{0}">)"
                  R"(<Relationship Id="rId1" Type="{1}/worksheet" Target="worksheets/sheet1.xml"/>)"
                  R"(<Relationship Id="rId2" Type="{1}/styles" Target="styles.xml"/>)"
                  R"(<Relationship Id="rId3" Type="{1}/sharedStrings" Target="/xl/sharedStrings.xml"/>)"
                  R"(</Relationships>)",
                  kPackage, kOffice));
  set("xl/workbook.xml", fmt::format(R"(<workbook xmlns="{}" xmlns:r="{}"><workbookPr/><sheets>)"
                                     R"(<sheet name="Data" sheetId="1" r:id="rId1"/></sheets></workbook>)",
                                     kMain, kOffice));
  strings("");
  formats({});
  rows("");
}

SampleWorkbook& SampleWorkbook::set(std::string_view part, std::string_view bytes) {
  const auto known =
      std::find_if(parts_.begin(), parts_.end(), [&](const ZipPart& each) { return each.name == part; });
  if (known == parts_.end()) {
    parts_.push_back({std::string(part), std::string(bytes)});
  } else {
    known->bytes = bytes;
  }
  return *this;
}

SampleWorkbook& SampleWorkbook::remove(std::string_view part) {
  std::erase_if(parts_, [&](const ZipPart& each) { return each.name == part; });
  return *this;
}

SampleWorkbook& SampleWorkbook::rows(std::string_view xml, std::string_view after) {
  return set(
      "xl/worksheets/sheet1.xml",
      fmt::format(R"(<worksheet xmlns="{}"><dimension ref="A1"/><sheetData>{}</sheetData>{}</worksheet>)",
                  kMain, xml, after));
}

SampleWorkbook& SampleWorkbook::strings(std::string_view xml) {
  return set("xl/sharedStrings.xml",
             fmt::format(R"(<sst xmlns="{}" count="1" uniqueCount="1">{}</sst>)", kMain, xml));
}

SampleWorkbook& SampleWorkbook::formats(const std::vector<std::string>& codes) {
  std::string formats;
  std::string styles = R"(<xf numFmtId="0"/>)";
  for (std::size_t i = 0; i < codes.size(); ++i) {
    formats += fmt::format(R"(<numFmt numFmtId="{}" formatCode="{}"/>)", 164 + i, codes[i]);
    styles += fmt::format(R"(<xf numFmtId="{}"/>)", 164 + i);
  }
  return set("xl/styles.xml",
             fmt::format(R"(<styleSheet xmlns="{}"><numFmts>{}</numFmts><cellStyleXfs><xf numFmtId="14"/>)"
                         R"(</cellStyleXfs><cellXfs>{}</cellXfs></styleSheet>)",
                         kMain, formats, styles));
}

SampleWorkbook& SampleWorkbook::from_1904() {
  for (ZipPart& part : parts_) {
    const auto at = part.bytes.find("<workbookPr/>");
    if (at != std::string::npos) part.bytes.replace(at, 13, R"(<workbookPr date1904="1"/>)");
  }
  return *this;
}

std::filesystem::path SampleWorkbook::write(ZipForm form) const {
  const auto path = folder_.path() / "sample.xlsx";
  write_zip(path, parts_, form);
  return path;
}

Options SampleWorkbook::options() const {
  Options options;
  options.scratch = folder_.path();
  return options;
}

std::string SampleWorkbook::csv(const Options& options, ZipForm form) const {
  return csv_of(write(form), options);
}

Conversion SampleWorkbook::convert(const Options& options) const {
  return ::deltadrop::testing::must(
      convert_to_csv(write(), options, [](std::string_view) -> Result<void> { return success(); }, Stop()));
}

std::string csv_of(const std::filesystem::path& path, const Options& options) {
  std::string out;
  const auto done = convert_to_csv(
      path, options,
      [&](std::string_view block) -> Result<void> {
        out += block;
        return success();
      },
      Stop());
  if (done.has_value()) return out;
  return out + done.error().type + ": " + done.error().message;
}

}  // namespace deltadrop::xlsx::testing
