#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "unit/xlsx/sample_workbook.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace deltadrop::xlsx::testing {
namespace {

using std::string_literals::operator""s;

const std::vector<std::string> kPieces = {"<row>",
                                          "<row r=\"3\">",
                                          "</row>",
                                          "<c>",
                                          "<c r=\"C3\" t=\"s\" s=\"1\">",
                                          "<c t=\"inlineStr\">",
                                          "</c>",
                                          "<v>",
                                          "</v>",
                                          "<v>1</v>",
                                          "<v>45351.5</v>",
                                          "<f>x</f>",
                                          "<is>",
                                          "</is>",
                                          "<t>",
                                          "<t xml:space=\"preserve\">",
                                          "</t>",
                                          "<r>",
                                          "</r>",
                                          "<rPh>",
                                          "</rPh>",
                                          "<si>",
                                          "</si>",
                                          "<sheetData>",
                                          "</sheetData>",
                                          "_x000D_",
                                          "_xD83D_",
                                          "\"",
                                          "&quot;",
                                          "&amp;",
                                          ",",
                                          "\n",
                                          "<mergeCells><mergeCell ref=\"A1:C2\"/></mergeCells>",
                                          "<!DOCTYPE a>",
                                          "<!--",
                                          "-->",
                                          "<![CDATA[",
                                          "]]>",
                                          "\0"s,
                                          "\xFF",
                                          "\xC3\xA9",
                                          "yyyy",
                                          "[h]",
                                          "[",
                                          "0",
                                          "00000",
                                          ";",
                                          "-1",
                                          "1E5",
                                          "999999999999",
                                          "t=\"b\"",
                                          "t=\"d\"",
                                          "PK\x01\x02"s};

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {
    workbook_.strings("<si><t>one</t></si><si><r><t>two</t></r><rPh><t>x</t></rPh></si>");
    workbook_.formats({"yyyy-mm-dd", "[h]:mm", "00000", "0;[Red]hh:mm"});
    workbook_.rows(
        R"(<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" s="1"><v>45351</v></c></row>)"
        R"(<row r="3"><c t="inlineStr"><is><t>a "b", c</t></is></c><c r="D3" s="3"><v>7</v></c></row>)");
    std::ifstream file(workbook_.write(), std::ios::binary);
    zip_.assign(std::istreambuf_iterator<char>(file), {});
  }

  std::string next() {
    // The parts in the order of the target.
    static const std::vector<std::string> kNames = {"xl/worksheets/sheet1.xml", "xl/sharedStrings.xml",
                                                    "xl/styles.xml", "xl/workbook.xml",
                                                    "xl/_rels/workbook.xml.rels"};
    const std::size_t choice = below(4) == 0 ? below(kNames.size() + 1) : below(2) * kNames.size();
    std::string text = choice < kNames.size() ? part(kNames[choice]) : zip_;
    for (std::size_t i = below(8); i > 0; --i) mutate(text);
    return static_cast<char>(choice) + text;
  }

 private:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

  std::string part(const std::string& name) {
    for (const ZipPart& each : workbook_.parts()) {
      if (each.name == name) return each.bytes;
    }
    return "";
  }

  void mutate(std::string& text) {
    const std::size_t at = below(text.size() + 1);
    switch (below(5)) {
      case 0:
        text.insert(at, kPieces[below(kPieces.size())]);
        break;
      case 1:
        text.erase(at, 1 + below(6));
        break;
      case 2:
        text.insert(at, text.substr(below(text.size() + 1), below(60)));
        break;
      case 3: {
        // Between two tags, where it is likelier to be valid.
        const std::size_t tag = text.find('<', at);
        if (tag != std::string::npos) text.insert(tag, kPieces[below(kPieces.size())]);
        break;
      }
      default:
        if (at < text.size()) text[at] = static_cast<char>(random_() & 0xFF);
    }
  }

  SampleWorkbook workbook_;
  std::string zip_;
  std::mt19937 random_;
};

TEST(FuzzSmoke, NoInputBreaksTheWorkbookReader) {
  constexpr unsigned kSeed = 20261129;
  constexpr int kInputs = 20000;
  Mutator mutator(kSeed);
  for (int i = 0; i < kInputs; ++i) {
    const std::string input = mutator.next();
    SCOPED_TRACE("input " + std::to_string(i) + " of seed " + std::to_string(kSeed));
    ASSERT_EQ(LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size()), 0);
  }
}

}  // namespace
}  // namespace deltadrop::xlsx::testing
