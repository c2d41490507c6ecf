#include "lake/layout.hpp"

#include <gtest/gtest.h>

#include "sample.hpp"

namespace deltadrop::lake {
namespace {

struct KeyCase {
  std::string name;
  std::string key;
  std::string part;
};

class KeyPart : public ::testing::TestWithParam<KeyCase> {};

TEST_P(KeyPart, IsAPlainName) {
  const auto part = key_part(GetParam().key);
  EXPECT_EQ(part, GetParam().part);
  EXPECT_EQ(part.find('/'), std::string::npos);
  EXPECT_FALSE(part.starts_with('.'));
}

// Hashes computed with sha256sum.
INSTANTIATE_TEST_SUITE_P(
    Cases, KeyPart,
    ::testing::Values(
        KeyCase{"plain", "FIN-0007_a.b", "FIN-0007_a.b"}, KeyCase{"climbs", "../../x", "%2E.%2F..%2Fx"},
        KeyCase{"slash", "a/b", "a%2Fb"}, KeyCase{"percent", "%2F", "%252F"}, KeyCase{"dot", ".", "%2E"},
        KeyCase{"hidden", ".bashrc", "%2Ebashrc"}, KeyCase{"inner_dot", "a.b.", "a.b."},
        KeyCase{"space", " a b ", "%20a%20b%20"}, KeyCase{"tilde", "a~v2", "a%7Ev2"},
        KeyCase{"emoji", "\xF0\x9F\x98\x80", "%F0%9F%98%80"}, KeyCase{"umlaut", "\xC3\xBC", "%C3%BC"},
        KeyCase{"composite", "\"a,b\",\"say \"\"x\"\"\nnow\"",
                "%22a%2Cb%22%2C%22say%20%22%22x%22%22%0Anow%22"},
        KeyCase{"empty_first_part", ",b", "%2Cb"}, KeyCase{"empty", "", ""},
        KeyCase{"control", std::string("a\x01\x7F", 3), "a%01%7F"}, KeyCase{"star", "*?[x]", "%2A%3F%5Bx%5D"},
        KeyCase{"longest", std::string(150, 'k'), std::string(150, 'k')},
        KeyCase{"too_long", std::string(151, 'k'), std::string(150, 'k') + "~a5fd439f"},
        KeyCase{"very_long", std::string(300, 'x'), std::string(150, 'x') + "~0d4e2ca9"},
        KeyCase{"cut_before_triple", std::string(149, 'k') + "//", std::string(149, 'k') + "~83787495"},
        KeyCase{"triple_fits", std::string(147, 'k') + "//", std::string(147, 'k') + "%2F~2147d0f4"}),
    [](const auto& each) { return each.param.name; });

std::string name_of(const std::string& key, bool same_second = false, std::int64_t version = 7) {
  FileNames names(testing::sample_upload(version, "2025-03-10T12:34:56.789Z"), same_second);
  return names.take(ChangeType::insert, key, Seq(1));
}

TEST(FileNames, AreTheBriefs) {
  FileNames names(testing::sample_upload(7, "2025-03-10T12:34:56.789Z"), false);
  EXPECT_EQ(names.take(ChangeType::insert, "FIN-1", Seq(1)), "insert_20250310123456_FIN-1.parquet");
  EXPECT_EQ(names.take(ChangeType::update, "FIN-1", Seq(2)), "update_20250310123456_FIN-1.parquet");
  EXPECT_EQ(names.take(ChangeType::remove, "FIN-1", Seq(3)), "delete_20250310123456_FIN-1.parquet");
}

TEST(FileNames, OfTheSameSecondCarryTheVersion) {
  EXPECT_EQ(name_of("FIN-1", true), "insert_20250310123456_FIN-1~v7.parquet");
  EXPECT_EQ(name_of(std::string(151, 'k'), true),
            "insert_20250310123456_" + std::string(150, 'k') + "~a5fd439f~v7.parquet");
}

TEST(FileNames, DifferWhereCaseIsIgnored) {
  FileNames names(testing::sample_upload(7, "2025-03-10T12:34:56.789Z"), true);
  EXPECT_EQ(names.take(ChangeType::insert, "ABC", Seq(1)), "insert_20250310123456_ABC~v7.parquet");
  EXPECT_EQ(names.take(ChangeType::insert, "Abc", Seq(8)), "insert_20250310123456_Abc~v7~8.parquet");
  EXPECT_EQ(names.take(ChangeType::insert, "abc", Seq(3)), "insert_20250310123456_abc~v7~3.parquet");
  EXPECT_EQ(names.take(ChangeType::update, "abc", Seq(4)), "update_20250310123456_abc~v7.parquet");
  EXPECT_TRUE(names.taken("insert_20250310123456_Abc~v7~8.parquet"));
  EXPECT_FALSE(names.taken("insert_20250310123456_Abd~v7.parquet"));
}

TEST(FileNames, FitAFileSystemAtTheirLongest) {
  auto upload = testing::sample_upload(7, "2025-03-10T12:34:56.789Z");
  upload.version = Version(INT64_MAX);
  FileNames names(upload, true);
  const std::string key(1024, '/');
  const auto first = names.take(ChangeType::insert, key, Seq(1));
  const auto second = names.take(ChangeType::insert, key, Seq(INT64_MAX));
  EXPECT_NE(first, second);
  for (const auto& name : {second, temporary_name(second)}) EXPECT_LE(name.size(), 255U) << name;
  EXPECT_FALSE(temporary_name(second).ends_with(kFileEnding));
}

TEST(FileNames, TellTheirUpload) {
  struct Case {
    std::string name;
    std::optional<std::string> mark;
  };
  for (const auto& [name, mark] :
       std::vector<Case>{{name_of("a~v2"), "20250310123456"},
                         {name_of("a~v2", true), "20250310123456~v7"},
                         {name_of(std::string(400, '/'), true), "20250310123456~v7"},
                         {name_of(""), "20250310123456"},
                         {"insert_20250310123456_a~v12~5.parquet", "20250310123456~v12"},
                         {"insert_20250310123456_a~5.parquet", "20250310123456"},
                         {"insert_20250310123456.parquet", std::nullopt},
                         {"upsert_20250310123456_a.parquet", std::nullopt},
                         {"insert_2025031012345x_a.parquet", std::nullopt},
                         {"insert_20250310123456_a~vx.parquet", std::nullopt},
                         {"insert_20250310123456_a.csv", std::nullopt},
                         {"part-0.parquet", std::nullopt},
                         {".parquet", std::nullopt},
                         {"", std::nullopt}}) {
    EXPECT_EQ(upload_mark(name), mark) << name;
  }
}

TEST(CompactedFileName, TellsItsVersions) {
  const auto first = testing::sample_upload(7, "2025-03-10T12:34:56.789Z");
  const CompactedFile file{ChangeType::update, {Version(7), Version(12)}};
  EXPECT_EQ(file.name(first, "a/b"), "update_20250310123456_a%2Fb~v7-12.parquet");
  for (const auto& key : std::vector<std::string>{"a", "a~v1-2", std::string(400, '/'), "x-1"}) {
    EXPECT_EQ(CompactedFile::of_name(file.name(first, key)), file) << key;
    EXPECT_EQ(upload_mark(file.name(first, key)), std::nullopt) << "it is of no upload alone";
    EXPECT_EQ(CompactedFile::of_name(name_of(key)), std::nullopt) << "an upload's file is none";
  }
  for (const auto* name : {"insert_20250310123456_a~v7.parquet", "insert_20250310123456_a~v12-7.parquet",
                           "insert_20250310123456_a~v0-7.parquet", "insert_20250310123456_a~v1-2~3.parquet",
                           "insert_20250310123456_a~v1-99999999999999999999.parquet",
                           "insert_20250310123456_a~v1-2.csv", "upsert_20250310123456_a~v1-2.parquet",
                           "insert_2025_a~v1-2.parquet", ".tmp-insert_20250310123456_a~v1-2"}) {
    EXPECT_EQ(CompactedFile::of_name(name), std::nullopt) << name;
  }
}

TEST(TableFolder, IsCompanyAndTable) {
  EXPECT_EQ(table_folder("/data/parquet", {"so-financials", "financials"}),
            "/data/parquet/so-financials/financials");
}

}  // namespace
}  // namespace deltadrop::lake
