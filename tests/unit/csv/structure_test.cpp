#include "csv/structure.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "core/text.hpp"

namespace deltadrop::csv {
namespace {

/// The rule byte by byte.
EqualStretch expected_stretch(std::string_view a, std::string_view b, char delimiter) {
  EqualStretch best;
  std::uint64_t records = 0;
  std::uint64_t line_ends = 0;
  bool inside = false;
  bool field_start = true;
  bool behind_closing = false;
  bool in_record = false;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()) && a[i] == b[i]; ++i) {
    const char byte = a[i];
    const bool line_end = byte == '\n' || byte == '\r';
    // A CR by itself counts at the byte behind it.
    if (byte == '\n' || (i > 0 && a[i - 1] == '\r')) ++line_ends;
    if (inside) {
      if (byte == '"') {
        inside = false;
        behind_closing = true;
      }
      continue;
    }
    if (byte == '"') {
      if (!field_start && !behind_closing) break;
      inside = true;
      in_record = true;
      field_start = behind_closing = false;
      continue;
    }
    if (behind_closing && byte != delimiter && !line_end) break;
    behind_closing = false;
    field_start = byte == delimiter || line_end;
    if (line_end && in_record) ++records;
    in_record = !line_end;
    if (byte == '\n') best = {i + 1, records, line_ends};
  }
  return best;
}

bool operator==(const EqualStretch& a, const EqualStretch& b) {
  return a.bytes == b.bytes && a.records == b.records && a.line_ends == b.line_ends;
}

std::string text_of(const EqualStretch& found) {
  return std::to_string(found.bytes) + " bytes, " + std::to_string(found.records) + " records, " +
         std::to_string(found.line_ends) + " line ends";
}

std::vector<const StructuralScan*> ways() {
  std::vector<const StructuralScan*> all = {&portable_structural_scan()};
  if (const auto* avx2 = avx2_structural_scan()) all.push_back(avx2);
  return all;
}

std::uint64_t expected_line_ends(std::string_view text) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n'))) ++count;
  }
  return count;
}

std::string random_text(std::mt19937& random, std::size_t bytes) {
  // Mostly well-formed fields, so that long stretches come about, and now and then anything.
  static const std::vector<std::string> pieces = {"a",        "bc", "\"x\"", "\"y\n,\"\"z\"",
                                                  "\"\r\n\"", "",   "\"\""};
  static const std::vector<std::string> ends = {",", ",", ",", "\n", "\n", "\r\n", "\r", "\n\n"};
  static const std::string any = "a,\"\n\r\"";
  const bool wild = random() % 4 == 0;
  std::string text;
  while (text.size() < bytes) {
    if (wild && random() % 50 == 0) text += any[random() % any.size()];
    text += pieces[random() % pieces.size()];
    text += ends[random() % ends.size()];
  }
  return text;
}

TEST(EqualStretch, AgreesWithTheRuleByteByByte) {
  std::uint64_t longest = 0;
  for (unsigned seed = 0; seed < 20'000; ++seed) {
    std::mt19937 random(seed);
    const std::string a = random_text(random, random() % 400);
    std::string b = a;
    if (!b.empty() && random() % 5 != 0) b[random() % b.size()] ^= 1;
    if (random() % 3 == 0) b.resize(b.size() - random() % (b.size() + 1));
    const auto expected = expected_stretch(a, b, ',');
    longest = std::max(longest, expected.bytes);
    for (const auto* scan : ways()) {
      const auto found = scan->find_equal_stretch(a, b, ',');
      ASSERT_TRUE(found == expected) << "seed " << seed << ": found " << text_of(found) << ", expected "
                                     << text_of(expected) << " in " << quoted_for_message(a) << " and "
                                     << quoted_for_message(b);
      ASSERT_EQ(scan->count_line_ends(a), expected_line_ends(a)) << quoted_for_message(a);
      ASSERT_EQ(scan->count_line_ends(b), expected_line_ends(b)) << quoted_for_message(b);
    }
  }
  EXPECT_GT(longest, 128);
}

TEST(EqualStretch, SeesEveryPlaceOfADifference) {
  std::string a;
  for (int i = 0; i < 40; ++i) a += "k" + std::to_string(i) + ",\"v\n" + std::to_string(i) + "\"\r\n";
  for (std::size_t at = 0; at < a.size(); ++at) {
    std::string b = a;
    b[at] = '\x01';
    for (const auto* scan : ways())
      ASSERT_TRUE(scan->find_equal_stretch(a, b, ',') == expected_stretch(a, b, ',')) << at;
  }
}

}  // namespace
}  // namespace deltadrop::csv
