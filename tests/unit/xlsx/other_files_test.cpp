#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <string>

#include "unit/xlsx/sample_workbook.hpp"

// Files that are no workbooks, and workbooks that are damaged.
namespace deltadrop::xlsx::testing {
namespace {

class OtherFiles : public ::testing::Test {
 protected:
  std::string csv_of_bytes(std::string_view bytes) {
    const auto path = folder_.path() / "file.xlsx";
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return csv_of(path, options());
  }

  std::string csv_of_zip(const std::vector<ZipPart>& parts) {
    const auto path = folder_.path() / "file.xlsx";
    std::filesystem::remove(path);
    write_zip(path, parts);
    return csv_of(path, options());
  }

  Options options() {
    Options options;
    options.scratch = folder_.path();
    return options;
  }

  static std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static std::string utf16(std::string_view text) {
    std::string out;
    for (const char c : text) {
      out += c;
      out += '\0';
    }
    return out;
  }

  ::deltadrop::testing::TemporaryFolder folder_;
};

constexpr std::string_view kOle = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

TEST_F(OtherFiles, AreToldByTheirFirstBytes) {
  const auto may_be = [](std::string_view bytes) { return may_be_workbook(std::as_bytes(std::span(bytes))); };
  EXPECT_TRUE(may_be("PK\x03\x04rest"));
  EXPECT_TRUE(may_be("PK\x05\x06rest"));
  EXPECT_TRUE(may_be(kOle));
  EXPECT_FALSE(may_be("PK,name\n"));
  EXPECT_FALSE(may_be("id,a\n1,2\n"));
  EXPECT_FALSE(may_be(""));
}

TEST_F(OtherFiles, AreRefusedWithWhatTheyAre) {
  EXPECT_EQ(csv_of_bytes(""), "not-xlsx: the file is not an XLSX workbook: it is empty");
  EXPECT_EQ(csv_of_bytes("id,a\n1,2\n"),
            "not-xlsx: the file is not an XLSX workbook: it starts with \"id,a\\x0A1,2\" instead of \"PK\"");
  EXPECT_EQ(csv_of_bytes(std::string(kOle) + std::string(2000, '\0') + utf16("Workbook")),
            "not-xlsx: the file is not an XLSX workbook: it is in the format of Excel 97 to 2003 (.xls) or "
            "another OLE "
            "format");
  // Across the end of a block, too.
  for (const std::size_t before : {2000U, (256U << 10) - 12}) {
    EXPECT_EQ(csv_of_bytes(std::string(kOle) + std::string(before, '\0') + utf16("EncryptedPackage")),
              "workbook-encrypted: the workbook is protected by a password");
  }
  EXPECT_EQ(
      csv_of_zip({{"mimetype", "application/vnd.oasis.opendocument.spreadsheet"}, {"content.xml", "<x/>"}}),
      "not-xlsx: the file is not an XLSX workbook: it is an OpenDocument file (.ods)");
  EXPECT_EQ(csv_of_zip({{"_rels/.rels", "<x/>"}, {"xl/workbook.bin", "x"}}),
            "not-xlsx: the file is not an XLSX workbook: it is a binary workbook (.xlsb)");
  EXPECT_EQ(csv_of_zip({{"_rels/.rels", "<x/>"}, {"word/document.xml", "x"}}),
            "not-xlsx: the file is not an XLSX workbook: it is a Word document (.docx)");
  EXPECT_EQ(csv_of_zip({{"_rels/.rels", "<x/>"}, {"ppt/presentation.xml", "x"}}),
            "not-xlsx: the file is not an XLSX workbook: it is a PowerPoint presentation (.pptx)");
  EXPECT_EQ(csv_of_zip({{"data.csv", "id\n1\n"}}),
            "not-xlsx: the file is not an XLSX workbook: it is a zip file without the part _rels/.rels");
}

TEST_F(OtherFiles, ThatAreMissingAreNotFound) {
  EXPECT_TRUE(csv_of(folder_.path() / "none.xlsx", options()).find("none.xlsx") != std::string::npos);
}

TEST_F(OtherFiles, ThatEndTooEarlyAreDamaged) {
  SampleWorkbook workbook;
  workbook.rows("<row><c><v>1</v></c></row>");
  const std::string bytes = bytes_of(workbook.write());
  for (std::size_t length = 8; length < bytes.size(); length += 13) {
    const auto csv = csv_of_bytes(std::string_view(bytes).substr(0, length));
    EXPECT_TRUE(csv.starts_with("workbook-damaged: the workbook is damaged: it starts like a zip file"))
        << csv;
  }
}

TEST_F(OtherFiles, WithAChangedByteAreDamagedOrTheSame) {
  SampleWorkbook workbook;
  workbook.strings("<si><t>text</t></si>");
  workbook.rows("<row><c><v>12345</v></c><c t=\"s\"><v>0</v></c></row>");
  const std::string bytes = bytes_of(workbook.write({.stored = true}));
  const std::string expected = workbook.csv();
  int refused = 0;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 0x20);
    const auto csv = csv_of_bytes(changed);
    if (csv == expected) continue;
    ++refused;
    EXPECT_TRUE(csv.starts_with("workbook-") || csv.starts_with("not-xlsx") ||
                csv.starts_with("no-such-sheet"))
        << at << ": " << csv;
  }
  EXPECT_GT(refused, static_cast<int>(bytes.size() / 2));
}

/// Four bytes at `at`, little-endian.
void put(std::string& bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
}

/// Where the header of `part` begins, of those that start with `magic` and have the name at `name_at`.
std::size_t header_of(const std::string& bytes, std::string_view magic, std::size_t name_at,
                      std::string_view part) {
  for (std::size_t at = bytes.find(magic); at != std::string::npos; at = bytes.find(magic, at + 1)) {
    if (bytes.compare(at + name_at, part.size(), part) == 0) return at;
  }
  ADD_FAILURE() << part;
  return 0;
}

std::size_t directory_record(const std::string& bytes, std::string_view part) {
  return header_of(bytes, "PK\x01\x02", 46, part);
}

/// With another expanded size in the directory, and before the part.
std::string with_size(std::string bytes, std::string_view part, std::uint32_t size) {
  put(bytes, directory_record(bytes, part) + 24, size);
  put(bytes, header_of(bytes, "PK\x03\x04", 30, part) + 22, size);
  return bytes;
}

/// With other flags and another method in the directory.
std::string with_flags_and_method(std::string bytes, std::string_view part, std::uint32_t value) {
  put(bytes, directory_record(bytes, part) + 8, value);
  return bytes;
}

TEST_F(OtherFiles, ThatLieAboutTheirSizesAreDamaged) {
  SampleWorkbook workbook;
  workbook.rows("<row><c><v>1</v></c></row>");
  constexpr std::string_view kSheet = "xl/worksheets/sheet1.xml";
  const std::string bytes = bytes_of(workbook.write());
  EXPECT_TRUE(
      csv_of_bytes(with_size(bytes, kSheet, 10)).ends_with("xl/worksheets/sheet1.xml has a wrong checksum"));
  EXPECT_TRUE(csv_of_bytes(with_size(bytes, kSheet, 0)).starts_with("workbook-damaged"));
  EXPECT_TRUE(csv_of_bytes(with_size(bytes, kSheet, 4'000'000'000U))
                  .ends_with("not to 4000000000 as the zip file states"));
}

TEST_F(OtherFiles, ThatAreEncryptedOrCompressedOtherwiseAreRefused) {
  SampleWorkbook workbook;
  const std::string bytes = bytes_of(workbook.write());
  EXPECT_EQ(csv_of_bytes(with_flags_and_method(bytes, "xl/workbook.xml", 0x00080001)),
            "workbook-encrypted: the part xl/workbook.xml of the workbook is encrypted");
  EXPECT_EQ(csv_of_bytes(with_flags_and_method(bytes, "xl/workbook.xml", 0x000E0000)),
            "workbook-damaged: the workbook is damaged: xl/workbook.xml is compressed by method 14; only "
            "deflate, 8, is "
            "allowed");
}

TEST_F(OtherFiles, WithTwoPartsOfOneNameAreDamaged) {
  auto parts = SampleWorkbook().parts();
  parts.push_back({"XL\\Workbook.xml", "<x/>"});
  EXPECT_EQ(
      csv_of_zip(parts),
      "workbook-damaged: the workbook is damaged: its zip file has two entries named \"XL\\Workbook.xml\"");
}

struct DamagedCase {
  std::string part;
  std::string bytes;  ///< empty: the part is missing
  std::string expected;
};

TEST_F(OtherFiles, WithADamagedPartNameIt) {
  const std::string main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
  const DamagedCase cases[] = {
      {"xl/workbook.xml", "", "its zip file lacks the part \"xl/workbook.xml\""},
      {"xl/worksheets/sheet1.xml", "", "its zip file lacks the part \"xl/worksheets/sheet1.xml\""},
      {"xl/sharedStrings.xml", "", "its zip file lacks the part \"xl/sharedStrings.xml\""},
      {"xl/styles.xml", "", "its zip file lacks the part \"xl/styles.xml\""},
      {"xl/_rels/workbook.xml.rels", "",
       "sheet \"Data\" refers to relationship \"rId1\", which does not exist"},
      {"_rels/.rels",
       R"(<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"/>)",
       "_rels/.rels does not name the workbook's main part"},
      {"xl/workbook.xml", "<workbook>",
       "the root element of xl/workbook.xml is \"<workbook>\", not <workbook> of " + main},
      {"xl/workbook.xml", "<a xmlns=\"" + main + "\"/>",
       "the root element of xl/workbook.xml is \"<a> of " + main + "\", not <workbook> of " + main},
      {"xl/worksheets/sheet1.xml", "no XML",
       "xl/worksheets/sheet1.xml, line 1, column 1, is not valid XML: syntax error"},
      {"xl/worksheets/sheet1.xml", "<worksheet xmlns=\"" + main + "\">\n<sheetData>",
       "xl/worksheets/sheet1.xml, line 2, column 12, is not valid XML: no element found"},
      {"xl/sharedStrings.xml", "<!DOCTYPE sst [<!ENTITY a \"aaaa\">]><sst xmlns=\"" + main + "\"/>",
       "xl/sharedStrings.xml, line 1, column 15, has a document type, \"sst\", which no workbook has: it "
       "could define "
       "entities"},
      {"xl/worksheets/sheet1.xml", "<worksheet xmlns=\"" + main + "\"><a>&b;</a></worksheet>",
       "xl/worksheets/sheet1.xml, line 1, column 81, is not valid XML: undefined entity"},
  };
  for (const auto& [part, bytes, expected] : cases) {
    SampleWorkbook workbook;
    if (bytes.empty()) {
      workbook.remove(part);
    } else {
      workbook.set(part, bytes);
    }
    EXPECT_EQ(workbook.csv(), "workbook-damaged: the workbook is damaged: " + expected) << part;
  }
}

TEST_F(OtherFiles, WithCellsInAnInvalidOrderNameThem) {
  const std::pair<std::string, std::string> cases[] = {
      {R"(<row r="5"/><row r="4"/>)", "in sheet \"Data\", row \"4\" comes after row 5"},
      {R"(<row r="5"/><row r="5"/>)", "in sheet \"Data\", row \"5\" comes after row 5"},
      {R"(<row r="0"/>)", "in sheet \"Data\", row \"0\" comes after row 0"},
      {R"(<row r="x"/>)", "in sheet \"Data\", row \"x\" comes after row 0"},
      {R"(<row r="2"><c r="B2"/><c r="A2"/></row>)",
       "in sheet \"Data\", cell \"A2\" comes after B2 in row 2"},
      {R"(<row r="2"><c r="B2"/><c r="B2"/></row>)",
       "in sheet \"Data\", cell \"B2\" comes after B2 in row 2"},
      {R"(<row r="2"><c r="B3"/></row>)", "in sheet \"Data\", cell \"B3\" comes after the start in row 2"},
      {R"(<row r="2"><c r="?"/></row>)", "in sheet \"Data\", cell \"?\" comes after the start in row 2"},
      {R"(<row r="2"><c t="s"><v>0</v></c></row>)",
       "cell A2 of sheet \"Data\" refers to shared string \"0\"; the workbook has 0, counted from 0"},
      {R"(<row r="2"><c t="s"><v>-1</v></c></row>)",
       "cell A2 of sheet \"Data\" refers to shared string \"-1\"; the workbook has 0, counted from 0"},
  };
  for (const auto& [rows, expected] : cases) {
    SampleWorkbook workbook;
    workbook.rows(rows);
    EXPECT_EQ(workbook.csv(), "workbook-damaged: the workbook is damaged: " + expected);
  }
  SampleWorkbook merged;
  merged.rows("", R"(<mergeCells><mergeCell ref="B1:A1"/></mergeCells>)");
  EXPECT_EQ(merged.csv(),
            "workbook-damaged: the workbook is damaged: in sheet \"Data\", \"B1:A1\" is not a range of cells "
            "to merge");
}

}  // namespace
}  // namespace deltadrop::xlsx::testing
