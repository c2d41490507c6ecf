#include "csv/encoding.hpp"

#include <gtest/gtest.h>

#include "core/text.hpp"
#include "csv/file.hpp"
#include "io/file.hpp"
#include "support/temporary_folder.hpp"

namespace deltadrop::csv {
namespace {

using std::string_literals::operator""s;

std::string transcoded(std::string_view bytes, Encoding from) {
  std::string out;
  const auto done = transcode(bytes, from, [&](std::string_view piece) -> Result<void> {
    out += piece;
    return success();
  });
  EXPECT_TRUE(done.has_value());
  return out;
}

TEST(Transcode, GivesUtf8) {
  struct Case {
    Encoding from;
    std::string bytes;
    std::string expected;
  };
  for (const auto& [from, bytes, expected] : {
           Case{Encoding::latin1, "caf\xE9 \x80", "caf\xC3\xA9 \xC2\x80"},
           Case{Encoding::windows1252,
                "\x80 5\x96"
                "6 \x81\xFF",
                "\xE2\x82\xAC 5\xE2\x80\x93"
                "6 \xC2\x81\xC3\xBF"},
           Case{Encoding::utf16le, "a\0\xE9\0\xAC\x20"s, "a\xC3\xA9\xE2\x82\xAC"},
           Case{Encoding::utf16be, "\0a\0\xE9\x20\xAC"s, "a\xC3\xA9\xE2\x82\xAC"},
           Case{Encoding::utf16le, "\x3D\xD8\xC8\xDC"s, "\xF0\x9F\x93\x88"},
           Case{Encoding::utf16be, "\xD8\x3D\xDC\xC8"s, "\xF0\x9F\x93\x88"},
       }) {
    EXPECT_EQ(transcoded(bytes, from), expected);
  }
}

TEST(Transcode, MakesBadUtf16InvalidUtf8) {
  for (const auto& bytes : {"\x3D\xD8"s,
                            "\x3D\xD8"
                            "a\0"s,
                            "\xC8\xDC"s, "a\0b"s}) {
    EXPECT_NE(find_invalid_utf8(transcoded(bytes, Encoding::utf16le)), std::string::npos);
  }
}

TEST(Transcode, HandsOverBoundedPieces) {
  const std::string bytes(std::size_t{5} << 20, '\xE9');
  std::size_t total = 0;
  std::size_t largest = 0;
  const auto done = transcode(bytes, Encoding::latin1, [&](std::string_view piece) -> Result<void> {
    total += piece.size();
    largest = std::max(largest, piece.size());
    return success();
  });
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(total, bytes.size() * 2);
  EXPECT_LE(largest, (std::size_t{1} << 20) + 4);
}

std::string saved(const testing::TemporaryFolder& folder, const std::string& bytes) {
  const auto path = folder.path() / "in.csv";
  EXPECT_TRUE(io::write_file_durably(path, bytes).has_value());
  return path;
}

/// Swaps the byte order of UTF-16.
std::string swapped(std::string utf16) {
  for (std::size_t i = 0; i + 1 < utf16.size(); i += 2) std::swap(utf16[i], utf16[i + 1]);
  return utf16;
}

TEST(OpenedFile, IsTheSameInEveryEncoding) {
  struct Case {
    std::string name;
    std::optional<Encoding> option;
    std::string bytes;
    Encoding found;
  };
  const std::string expected = "id,caf\xC3\xA9\n1,\xE2\x82\xAC\n";
  const std::string utf16 =
      "i\0d\0,\0c\0a\0f\0\xE9\0\n\0"
      "1\0,\0\xAC\x20\n\0"s;
  for (const auto& [name, option, bytes, found] : {
           Case{"plain", {}, expected, Encoding::utf8},
           Case{"mark", {}, "\xEF\xBB\xBF" + expected, Encoding::utf8},
           Case{"utf-16 mark", {}, "\xFF\xFE" + utf16, Encoding::utf16le},
           Case{"utf-16 option", Encoding::utf16le, utf16, Encoding::utf16le},
           Case{"utf-16le by its NULs", Encoding::utf16, utf16, Encoding::utf16le},
           Case{"utf-16be by its NULs", Encoding::utf16, swapped(utf16), Encoding::utf16be},
           Case{"utf-16 option and mark", Encoding::utf16, "\xFE\xFF" + swapped(utf16), Encoding::utf16be},
           Case{"windows-1252", Encoding::windows1252, "id,caf\xE9\n1,\x80\n", Encoding::windows1252},
           Case{"mark beats option", Encoding::latin1, "\xEF\xBB\xBF" + expected, Encoding::utf8},
       }) {
    const testing::TemporaryFolder folder;
    ReadOptions options;
    options.encoding = option;
    const auto opened = File::open(saved(folder, bytes), options, Limits{}, folder.path());
    ASSERT_TRUE(opened.has_value()) << name << ": " << opened.error().text();
    EXPECT_EQ(opened.value().text(), expected) << name;
    EXPECT_EQ(opened.value().header().encoding, found) << name;
    const auto files = std::distance(std::filesystem::directory_iterator(folder.path()), {});
    EXPECT_EQ(files, 1) << name << " left a file behind";
    const auto in_memory = File::over(bytes, options, Limits{});
    ASSERT_TRUE(in_memory.has_value()) << name;
    EXPECT_EQ(in_memory.value().text(), expected) << name;
  }
}

TEST(OpenedFile, NamesWhatIsMissing) {
  const testing::TemporaryFolder folder;
  EXPECT_EQ(File::open(folder.path() / "none.csv", {}, {}, folder.path()).error().code, ErrorCode::not_found);
  ReadOptions options;
  options.encoding = Encoding::latin1;
  const auto path = saved(folder, "id\n1\n");
  EXPECT_FALSE(File::open(path, options, {}, folder.path() / "no-such-scratch").has_value());
}

}  // namespace
}  // namespace deltadrop::csv
