#include "csv/structure.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace deltadrop::csv {
namespace {

/// Computes the expected stretch byte by byte.
EqualStretch expected_stretch(std::string_view a, std::string_view b, char delimiter) {
  EqualStretch best;
  std::uint64_t records = 0;
  std::uint64_t line_ends = 0;
  bool inside = false;
  bool field_start = true;
  bool behind_closing = false;
  bool in_record = false;
  bool behind_return = false;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()) && a[i] == b[i]; ++i) {
    const char byte = a[i];
    if (behind_return && byte != '\n') break;
    behind_return = byte == '\r' && !inside;
    const bool line_end = byte == '\n' || byte == '\r';
    // A lone CR counts at the byte after it.
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
  for (const auto* scan :
       {avx512_structural_scan(), avx2_structural_scan(), sse2_structural_scan(), neon_structural_scan()}) {
    if (scan != nullptr) all.push_back(scan);
  }
  return all;
}

/// Returns the offset of the first stop from `from` on and the number of delimiters before it, byte by byte.
std::pair<std::size_t, std::uint64_t> expected_stop(std::string_view text, std::size_t from) {
  std::uint64_t delimiters = 0;
  for (; from < text.size(); ++from) {
    if (text[from] == '\n' || text[from] == '\r' || text[from] == '"') break;
    if (text[from] == ',') ++delimiters;
  }
  return {from, delimiters};
}

std::uint64_t expected_line_ends(std::string_view text) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n'))) ++count;
  }
  return count;
}

std::string random_text(std::mt19937& random, std::size_t bytes) {
  // Most fields are well-formed, so that long stretches occur. A few are random bytes.
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
      const auto found = scan->find_equal_stretch(a, b, ',', {});
      ASSERT_TRUE(found == expected) << "seed " << seed << ": found " << text_of(found) << ", expected "
                                     << text_of(expected) << " in " << testing::PrintToString(a) << " and "
                                     << testing::PrintToString(b);
      ASSERT_EQ(scan->count_line_ends(a), expected_line_ends(a)) << testing::PrintToString(a);
      ASSERT_EQ(scan->count_line_ends(b), expected_line_ends(b)) << testing::PrintToString(b);
    }
  }
  EXPECT_GT(longest, 128);
}

/// Returns the same as RowFilter::not_rows().
NotRows not_rows_of(std::string_view header) {
  NotRows not_rows;
  not_rows.looked_for = true;
  if (header.empty()) return not_rows;
  not_rows.header_first = header.front();
  const std::size_t known = std::min<std::size_t>(header.size(), 8);
  std::memcpy(&not_rows.header_start, header.data(), known);
  std::memset(&not_rows.header_mask, 0xFF, known);
  return not_rows;
}

/// Returns the offset of the first record that may not be a row according to NotRows, or the text's end. The
/// text's quotes must be paired.
std::size_t first_not_row(std::string_view text, std::string_view header, std::size_t length) {
  std::size_t start = 0;
  while (start < text.size()) {
    if (text[start] == '\n' || text[start] == '\r') return start;
    bool inside = false;
    bool blank = true;
    std::size_t end = start;
    for (; end < text.size() && (inside || (text[end] != '\n' && text[end] != '\r')); ++end) {
      if (text[end] == '"') inside = !inside;
      const bool delimits = text[end] == ',' && !inside;
      blank = blank && (delimits || text[end] == '"' || static_cast<unsigned char>(text[end]) <= ' ');
    }
    const auto known = header.substr(0, 8);
    const bool like_header = !known.empty() && text[start] == known.front() &&
                             (start + 8 > length || text.substr(start).starts_with(known));
    if (blank || like_header) return start;
    start = end + (text.substr(end).starts_with("\r\n") ? 2 : 1);
  }
  return text.size();
}

TEST(EqualStretch, EndsBeforeWhatMayNotBeARow) {
  std::uint64_t longest = 0;
  std::uint64_t ended = 0;
  for (unsigned seed = 0; seed < 20'000; ++seed) {
    std::mt19937 random(seed);
    const std::string header = random() % 3 == 0 ? "" : random() % 2 == 0 ? "bc,a\"" : "bc,bc,a,\"x\"";
    std::string a;
    while (a.size() < random() % 600) {
      static const std::vector<std::string> records = {
          "a,bc\n",          "bc,a,\"x\"\n", "\"x\",a\r\n", "\"\n,\",a\n",      "bc,bc,a,x\n",
          "bc,bc,a,\"x\"\n", "a,b c,d,e\n",  "a\n",         "\"\"\"\",\"a\"\n", ",,a\n"};
      static const std::vector<std::string> others = {",,\n",         "\n",       " ,\t\r\n",
                                                      "\"\",\" \"\n", "\"\n\"\n", "\r\n"};
      a += random() % 30 == 0 ? others[random() % others.size()] : records[random() % records.size()];
    }
    std::string b = a;
    if (!b.empty() && random() % 3 != 0) b[random() % b.size()] ^= 1;
    const NotRows not_rows = not_rows_of(header);
    const auto end = first_not_row(a, header, std::min(a.size(), b.size()));
    const auto expected =
        expected_stretch(std::string_view(a).substr(0, end), std::string_view(b).substr(0, end), ',');
    longest = std::max(longest, expected.bytes);
    if (end < a.size() && expected.bytes == end) ++ended;
    for (const auto* scan : ways()) {
      const auto found = scan->find_equal_stretch(a, b, ',', not_rows);
      ASSERT_TRUE(found == expected) << "seed " << seed << ": found " << text_of(found) << ", expected "
                                     << text_of(expected) << " in " << testing::PrintToString(a) << " and "
                                     << testing::PrintToString(b);
    }
  }
  EXPECT_GT(longest, 128);
  EXPECT_GT(ended, 1000);
}

TEST(EqualStretch, SeesEveryPlaceOfADifference) {
  std::string a;
  for (int i = 0; i < 40; ++i) a += "k" + std::to_string(i) + ",\"v\n" + std::to_string(i) + "\"\r\n";
  for (std::size_t at = 0; at < a.size(); ++at) {
    std::string b = a;
    b[at] = '\x01';
    for (const auto* scan : ways())
      ASSERT_TRUE(scan->find_equal_stretch(a, b, ',', {}) == expected_stretch(a, b, ',')) << at;
  }
}

TEST(EqualStretch, EndsBehindALoneCarriageReturn) {
  // Otherwise a text without line feeds would be searched to its end for each record.
  for (const auto* scan : ways()) {
    EXPECT_EQ(scan->find_equal_stretch("a\nb\rc\n", "a\nb\rc\n", ',', {}).bytes, 2);
    EXPECT_EQ(scan->find_equal_stretch("a\nb\r\nc\n", "a\nb\r\nc\n", ',', {}).bytes, 7);
    EXPECT_EQ(scan->find_equal_stretch("\"a\r\"\nb\n", "\"a\r\"\nb\n", ',', {}).bytes, 7);
    for (std::size_t at = 0; at < 130; ++at) {
      const std::string text = std::string(at, 'a') + "\rb\n";
      EXPECT_EQ(scan->find_equal_stretch(text, text, ',', {}).bytes, 0) << at;
    }
  }
}

TEST(FindStop, AgreesWithTheRuleByteByByte) {
  std::mt19937 random(7);
  const std::string alphabet = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,,,,\n\r\"\x80\xFF";
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 200, 'a');
    if (round % 3 != 0) {
      for (char& c : text) c = alphabet[random() % alphabet.size()];
    }
    const std::size_t from = text.empty() ? 0 : random() % text.size();
    const auto expected = expected_stop(text, from);
    for (const auto* scan : ways()) {
      std::uint64_t delimiters = 0;
      const char* stop = scan->find_stop(text.data() + from, text.data() + text.size(), ',', delimiters);
      ASSERT_EQ(std::pair(static_cast<std::size_t>(stop - text.data()), delimiters), expected)
          << testing::PrintToString(text) << " from " << from;
    }
  }
}

/// Returns the offsets of a record's delimiters, byte by byte, or nothing if a quote is doubled or bare.
std::optional<std::vector<std::uint32_t>> expected_delimiters(std::string_view record) {
  std::vector<std::uint32_t> places;
  bool inside = false;
  bool field_start = true;
  bool behind_closing = false;
  for (std::size_t i = 0; i < record.size(); ++i) {
    const char byte = record[i];
    if (inside) {
      inside = byte != '"';
      behind_closing = !inside;
      continue;
    }
    const bool separator = byte == ',' || byte == '\n' || byte == '\r';
    if (byte == '"' && !field_start) return std::nullopt;
    if (behind_closing && !separator) return std::nullopt;
    inside = byte == '"';
    behind_closing = false;
    field_start = separator;
    if (byte == ',') places.push_back(static_cast<std::uint32_t>(i));
  }
  return inside ? std::nullopt : std::optional(places);
}

TEST(FindDelimiters, AgreesWithTheRuleByteByByte) {
  std::size_t plain = 0;
  for (unsigned seed = 0; seed < 20'000; ++seed) {
    std::mt19937 random(seed);
    std::string record = random_text(random, random() % 300);
    if (random() % 2 == 0) std::replace(record.begin(), record.end(), '\n', ',');
    const auto expected = expected_delimiters(record);
    if (expected) ++plain;
    for (const auto* scan : ways()) {
      std::vector<std::uint32_t> places(400);
      const auto count = scan->find_delimiters(record, ',', places.data(), places.size());
      ASSERT_EQ(count != kNotPlain, expected.has_value()) << testing::PrintToString(record);
      if (!expected) continue;
      places.resize(count);
      ASSERT_EQ(places, *expected) << testing::PrintToString(record);
      if (count > 0) {
        EXPECT_EQ(scan->find_delimiters(record, ',', places.data(), count - 1), kNotPlain);
      }
    }
  }
  EXPECT_GT(plain, 1'000U);
}

/// Returns the end of the record at the text's start, byte by byte, or nothing if a quote is bare or not
/// closed.
std::optional<RecordEnd> expected_record_end(std::string_view text) {
  RecordEnd found;
  bool inside = false;
  bool field_start = true;
  bool behind_closing = false;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    const char byte = text[i];
    const bool line_end = byte == '\n' || byte == '\r';
    if (inside) {
      // A lone CR counts at the byte after it.
      if (byte == '\n' || text[i - 1] == '\r') ++found.line_ends;
      inside = byte != '"';
      behind_closing = !inside;
      continue;
    }
    if (line_end) break;
    if (byte == '"' && !field_start && !behind_closing) return std::nullopt;
    if (behind_closing && byte != '"' && byte != ',') return std::nullopt;
    inside = byte == '"';
    behind_closing = false;
    field_start = byte == ',';
    if (byte == ',') ++found.delimiters;
  }
  if (inside) return std::nullopt;
  found.at = text.data() + i;
  return found;
}

TEST(FindRecordEnd, AgreesWithTheRuleByteByByte) {
  std::size_t whole = 0;
  for (unsigned seed = 0; seed < 20'000; ++seed) {
    std::mt19937 random(seed);
    std::string text = random_text(random, random() % 300);
    if (random() % 2 == 0) {
      for (std::size_t i = 0; i + 70 < text.size(); ++i) {
        if (text[i] == '\n' || text[i] == '\r') text[i] = ',';
      }
    }
    while (!text.empty() && (text[0] == '\n' || text[0] == '\r')) text.erase(0, 1);
    if (text.empty()) continue;
    const auto expected = expected_record_end(text);
    if (expected) ++whole;
    for (const auto* scan : ways()) {
      const auto found = scan->find_record_end(text.data(), text.data() + text.size(), ',');
      ASSERT_EQ(found.at != nullptr, expected.has_value()) << testing::PrintToString(text);
      if (!expected) continue;
      ASSERT_EQ(found.at - text.data(), expected->at - text.data()) << testing::PrintToString(text);
      ASSERT_EQ(found.delimiters, expected->delimiters) << testing::PrintToString(text);
      ASSERT_EQ(found.line_ends, expected->line_ends) << testing::PrintToString(text);
    }
  }
  EXPECT_GT(whole, 5'000U);
}

TEST(StructuralScan, ThisMachineHasOneOfItsOwn) {
#if defined(__x86_64__)
  EXPECT_NE(sse2_structural_scan(), nullptr);
#elif defined(__aarch64__)
  EXPECT_NE(neon_structural_scan(), nullptr);
#endif
  EXPECT_EQ(&structural_scan(), ways().size() > 1 ? ways()[1] : ways()[0]);
}

}  // namespace
}  // namespace deltadrop::csv
