#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "io/file.hpp"
#include "lake/lake.hpp"
#include "parquet_rows.hpp"
#include "sample.hpp"
#include "support/fake_history.hpp"
#include "support/temporary_folder.hpp"

namespace deltadrop::lake {
namespace {

namespace fs = std::filesystem;
using testing::as_upload;
using testing::deleted;
using testing::inserted;
using testing::ParquetRows;
using testing::read_parquet;
using testing::updated;
using testing::Values;

const Timestamp kNow = Timestamp::parse("2025-03-11T00:00:00.000Z").value();

/// A table whose uploads are one minute apart.
class LakeTypes : public ::testing::Test {
 protected:
  fs::path folder() const { return temporary_.path() / "so-financials/financials"; }

  UploadFacts next() {
    ++version_;
    auto facts = testing::sample_upload(version_, fmt::format("2025-03-10T12:{:02}:00.000Z", version_));
    if (!types_.empty()) facts.types_json = types_;
    return facts;
  }
  WriteReport write(std::vector<Event> events) { return write(options(), std::move(events)); }
  WriteReport write(const Options& with, std::vector<Event> events) {
    const auto upload = history_.add(as_upload(next(), std::move(events)));
    const auto report = write_upload(with, history_, upload, clock_);
    EXPECT_TRUE(report.has_value()) << report.error().text();
    return report.has_value() ? report.value() : WriteReport{};
  }
  /// Writes an upload of inserts with one column. Each value is a text or null.
  WriteReport write_values(const std::string& column, const std::vector<std::optional<std::string>>& values) {
    std::vector<Event> events;
    for (const auto& value : values) {
      const auto key = fmt::format("k{:02}-{:03}", version_ + 1, events.size());
      events.push_back(inserted(key, {{"id", key}, {column, value}}));
    }
    return write(std::move(events));
  }
  Options options() const {
    Options options;
    options.folder = temporary_.path();
    return options;
  }

  std::map<std::string, ParquetRows> files() const {
    std::map<std::string, ParquetRows> files;
    for (const auto& entry : fs::directory_iterator(folder())) {
      files[entry.path().filename().string()] = read_parquet(entry.path());
    }
    return files;
  }
  /// Returns the column's type, which must be the same on both sides in every file.
  std::string type_of(const std::string& column) const {
    std::string type;
    for (const auto& [name, file] : files()) {
      for (const auto* side : {"old_", "new_"}) {
        const auto& found = file.types.at(side + column);
        if (!type.empty() && found != type) return type + " and " + found;
        type = found;
      }
    }
    return type;
  }
  /// Returns all values of new_<column>, by key.
  std::vector<std::optional<std::string>> values_of(const std::string& column) const {
    std::map<std::string, std::optional<std::string>> by_key;
    for (const auto& [name, file] : files()) {
      for (const auto& row : file.rows) by_key[*row.at("key_value")] = row.at("new_" + column);
    }
    std::vector<std::optional<std::string>> values;
    for (auto& [key, value] : by_key) values.push_back(std::move(value));
    return values;
  }
  ColumnType kept(const std::string& column) const {
    for (const auto& each : history_.columns()) {
      if (each.name == column) return each.type;
    }
    return ColumnType::null;
  }

  testing::TemporaryFolder temporary_;
  testing::FakeHistory history_;
  io::ManualClock clock_{kNow};
  std::string types_;  ///< of the next uploads
  std::int64_t version_ = 0;
};

using Texts = std::vector<std::optional<std::string>>;

TEST_F(LakeTypes, AreThoseOfTheValues) {
  const Values values = {{"b", "true"},
                         {"d", "2024-02-29"},
                         {"i", "-9223372036854775808"},
                         {"m", "1234567.89"},
                         {"n", std::nullopt},
                         {"s", "007"},
                         {"t", "2025-03-10T12:34:56.789012Z"},
                         {"x", "12345678901234567890.123456789012345678"}};
  write({inserted("k", values)});
  const auto file = files().at("insert_20250310120100_k.parquet");
  EXPECT_EQ(file.types.at("new_b"), "bool");
  EXPECT_EQ(file.types.at("new_d"), "date32[day]");
  EXPECT_EQ(file.types.at("new_i"), "int64");
  EXPECT_EQ(file.types.at("new_m"), "decimal128(38, 2)");
  EXPECT_EQ(file.types.at("new_n"), "string");
  EXPECT_EQ(file.types.at("new_s"), "string");
  EXPECT_EQ(file.types.at("new_t"), "timestamp[us, tz=UTC]");
  EXPECT_EQ(file.types.at("new_x"), "decimal128(38, 18)");
  for (const auto& [name, value] : values) {
    EXPECT_EQ(file.types.at("old_" + name), file.types.at("new_" + name));
    EXPECT_EQ(file.rows[0].at("old_" + name), std::nullopt);
    if (name == "t") continue;
    EXPECT_EQ(file.rows[0].at("new_" + name), value);
  }
  EXPECT_EQ(file.rows[0].at("new_t"), "2025-03-10 12:34:56.789012Z");
  EXPECT_TRUE(file.statistics);
  EXPECT_EQ(kept("n"), ColumnType::null);
  EXPECT_EQ(kept("m"), ColumnType::decimal2);
}

TEST_F(LakeTypes, AreThoseOfTheDeclaredNotation) {
  types_ = R"-({"a":"decimal(2, ',')","d":"date(DD.MM.YYYY)","i":"int64(thousands '.')"})-";
  write({inserted("k1", {{"a", "1.234,56"}, {"d", "31.01.2025"}, {"i", "1.000"}}),
         inserted("k2", {{"a", "-7,00"}, {"d", "28.02.2025"}, {"i", "(5)"}})});
  EXPECT_EQ(type_of("a"), "decimal128(38, 2)");
  EXPECT_EQ(type_of("d"), "date32[day]");
  EXPECT_EQ(type_of("i"), "int64");
  EXPECT_EQ(values_of("a"), (Texts{"1234.56", "-7.00"}));
  EXPECT_EQ(values_of("d"), (Texts{"2025-01-31", "2025-02-28"}));
  EXPECT_EQ(values_of("i"), (Texts{"1000", "-5"}));
}

TEST_F(LakeTypes, AreReadAsEachVersionDeclares) {
  types_ = R"-({"a":"decimal(2, ',')"})-";
  write({inserted("k1", {{"a", "1.000,50"}}), inserted("k2", {{"a", "2,5"}})});
  types_ = R"-({"a":"decimal(2, '.')"})-";
  write({updated("k1", {{"a", "1.000,50"}}, {{"a", "1,000.75"}}, {"a"})});
  EXPECT_EQ(type_of("a"), "decimal128(38, 2)");
  const auto update = files().at("update_20250310120200_k1.parquet");
  EXPECT_EQ(update.rows[0].at("old_a"), "1000.50");
  EXPECT_EQ(update.rows[0].at("new_a"), "1000.75");
}

TEST_F(LakeTypes, StayDecimalsWhereOneNumberHasAnExponent) {
  write_values("v", {"0.25", "9.1e-05", "1"});
  EXPECT_EQ(type_of("v"), "decimal128(38, 6)");
  EXPECT_EQ(values_of("v"), (Texts{"0.250000", "0.000091", "1.000000"}));
}

TEST_F(LakeTypes, BecomeTextWhereAValueIsNotOfTheNotation) {
  types_ = R"-({"a":"decimal(2, ',')"})-";
  const auto report = write_values("a", {"1,50", "1.5.0"});
  EXPECT_EQ(type_of("a"), "string");
  EXPECT_EQ(values_of("a"), (Texts{"1,50", "1.5.0"}));
  ASSERT_EQ(report.warnings.size(), 1U);
  EXPECT_NE(report.warnings[0].find("string in the lake, not \"decimal(2, ',')\" as types= says"),
            std::string::npos)
      << report.warnings[0];
}

TEST_F(LakeTypes, WidenFromIntegerOverDecimalToText) {
  write_values("v", {"1", "-2", std::nullopt});
  EXPECT_EQ(type_of("v"), "int64");
  EXPECT_EQ(write_values("v", {"3"}).rewritten_uploads, 0);
  EXPECT_EQ(write_values("v", {"4.5"}).rewritten_uploads, 2);
  EXPECT_EQ(type_of("v"), "decimal128(38, 2)");
  EXPECT_EQ(write_values("v", {"5.125"}).rewritten_uploads, 3);
  EXPECT_EQ(type_of("v"), "decimal128(38, 4)");
  EXPECT_EQ(values_of("v"), (Texts{"1.0000", "-2.0000", std::nullopt, "3.0000", "4.5000", "5.1250"}));
  EXPECT_EQ(write_values("v", {"6"}).rewritten_uploads, 0) << "a decimal holds integers";
  EXPECT_EQ(write_values("v", {"n/a"}).rewritten_uploads, 5);
  EXPECT_EQ(type_of("v"), "string");
  EXPECT_EQ(values_of("v"), (Texts{"1", "-2", std::nullopt, "3", "4.5", "5.125", "6", "n/a"}))
      << "as the texts were";
  EXPECT_EQ(write_values("v", {"7"}).rewritten_uploads, 0) << "never narrower";
  EXPECT_EQ(kept("v"), ColumnType::string);
}

TEST_F(LakeTypes, AreOfOldValuesToo) {
  write({inserted("c", {{"id", "c"}, {"v", "1"}})});
  write({updated("a", {{"id", "a"}, {"v", "x"}}, {{"id", "a"}, {"v", "1"}}, {"v"}),
         deleted("b", {{"id", "b"}, {"v", "2024-01-01"}})});
  EXPECT_EQ(type_of("v"), "string");
}

TEST_F(LakeTypes, OfAColumnWithoutValueAreFoundWhenItHasOne) {
  write_values("v", {std::nullopt});
  EXPECT_EQ(type_of("v"), "string");
  EXPECT_EQ(write_values("v", {"2024-01-01"}).rewritten_uploads, 1);
  EXPECT_EQ(type_of("v"), "date32[day]");
  EXPECT_EQ(values_of("v"), (Texts{std::nullopt, "2024-01-01"}));
  write_values("w", {std::nullopt});
  EXPECT_EQ(write_values("w", {"text"}).rewritten_uploads, 0) << "its files were those of strings already";
  EXPECT_EQ(kept("w"), ColumnType::string);
}

TEST_F(LakeTypes, AreFoundWhereverInTheUploadAValueIs) {
  Texts values(5'000, "1");
  values.back() = "1.5";
  auto with = options();
  with.rows_max = 1'000;
  std::vector<Event> events;
  for (std::size_t i = 0; i < values.size(); ++i) {
    events.push_back(inserted(fmt::format("{:04}", i), {{"v", values[i]}, {"w", i == 2'500 ? "x" : "2"}}));
  }
  const auto report = write(with, std::move(events));
  EXPECT_EQ(report.files, 5);
  EXPECT_EQ(report.rows, 5'000);
  EXPECT_EQ(files().size(), 5U);
  EXPECT_EQ(type_of("v"), "decimal128(38, 2)");
  EXPECT_EQ(type_of("w"), "string");
  EXPECT_EQ(values_of("v")[17], "1.00");
  EXPECT_EQ(values_of("v").back(), "1.50");
}

TEST_F(LakeTypes, WhenWrittenAgainAreTheSameBytes) {
  const auto first = as_upload(next(), {inserted("a", {{"id", "a"}, {"v", "1"}})});
  const auto second = as_upload(next(), {inserted("b", {{"id", "b"}, {"v", "2.5"}})});
  const auto statuses = {history_.add(first), history_.add(second)};
  std::vector<std::map<std::string, std::string>> contents;
  for (int round = 0; round < 2; ++round) {
    for (const auto& status : statuses)
      ASSERT_TRUE(write_upload(options(), history_, status, clock_).has_value());
    auto& content = contents.emplace_back();
    for (const auto& entry : fs::directory_iterator(folder())) {
      content[entry.path().filename().string()] = io::read_whole_file(entry.path()).value();
    }
  }
  EXPECT_EQ(contents[0].size(), 2U);
  EXPECT_EQ(contents[0], contents[1]);
}

TEST_F(LakeTypes, CanBeDeclared) {
  types_ = R"-({"code":"string","n":"decimal(9)","revenue":"decimal(4)"})-";
  const auto report = write({inserted("a", {{"code", "7"}, {"n", std::nullopt}, {"revenue", "5"}})});
  EXPECT_TRUE(report.warnings.empty()) << report.warnings[0];
  EXPECT_EQ(type_of("code"), "string");
  EXPECT_EQ(type_of("n"), "decimal128(38, 9)");
  EXPECT_EQ(type_of("revenue"), "decimal128(38, 4)");
  EXPECT_EQ(values_of("revenue"), Texts{"5.0000"});
  types_.clear();
  EXPECT_EQ(write({inserted("b", {{"code", "8"}, {"n", "1"}, {"revenue", "6.25"}})}).rewritten_uploads, 0)
      << "a type stays when nobody declares it any more";
}

TEST_F(LakeTypes, DeclaredTooNarrowBecomeWiderAndSaySo) {
  types_ = R"-({"day":"date","missing":"int64","revenue":"decimal(4)","odd":"complex"})-";
  write({inserted("a", {{"day", "2024-01-01"}, {"odd", "1"}, {"revenue", "5.5"}})});
  const auto report = write({inserted("b", {{"day", "unknown"}, {"odd", "2"}, {"revenue", "1.123456"}})});
  EXPECT_EQ(type_of("day"), "string");
  EXPECT_EQ(type_of("revenue"), "decimal128(38, 6)");
  EXPECT_EQ(values_of("day"), (Texts{"2024-01-01", "unknown"})) << "no value is lost";
  ASSERT_EQ(report.warnings.size(), 3U);
  EXPECT_EQ(report.warnings[0],
            "column \"day\" of so-financials/financials is string in the lake, not \"date\" as types= says: "
            "line 2 of version 2 has the value \"unknown\"");
  EXPECT_EQ(
      report.warnings[1],
      "column \"odd\" of so-financials/financials is int64 in the lake, not \"complex\" as types= says, "
      "which is no type that is known");
  EXPECT_NE(report.warnings[2].find("decimal(6)"), std::string::npos) << report.warnings[2];
  const auto later = write({inserted("c", {{"day", "2024-01-02"}, {"odd", "2"}, {"revenue", "1"}})});
  ASSERT_EQ(later.warnings.size(), 3U);
  EXPECT_NE(later.warnings[0].find("since earlier values need it"), std::string::npos) << later.warnings[0];
}

TEST_F(LakeTypes, DeclaredLaterOnlyWiden) {
  write_values("v", {"1"});
  types_ = R"-({"v":"decimal(4)"})-";
  EXPECT_EQ(write_values("v", {"2"}).rewritten_uploads, 1);
  EXPECT_EQ(type_of("v"), "decimal128(38, 4)");
  types_ = R"-({"v":"int64"})-";
  EXPECT_EQ(write_values("v", {"3"}).warnings.size(), 1U);
  EXPECT_EQ(type_of("v"), "decimal128(38, 4)");
}

TEST_F(LakeTypes, ThatAreNoObjectAreRefused) {
  types_ = "[1]";
  const auto upload = history_.add(as_upload(next(), {inserted("a", {{"v", "1"}})}));
  const auto report = write_upload(options(), history_, upload, clock_);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().type, "lake-types");
}

TEST_F(LakeTypes, OfColumnsThatComeAndGoStay) {
  write({inserted("a", {{"id", "a"}, {"x", "1"}})});
  write({inserted("b", {{"id", "b"}, {"y", "true"}})});
  write({inserted("c", {{"id", "c"}, {"x", "2.5"}})});
  EXPECT_EQ(type_of("x"), "decimal128(38, 2)");
  EXPECT_EQ(type_of("y"), "bool");
  EXPECT_EQ(values_of("x"), (Texts{"1.00", std::nullopt, "2.50"}));
  EXPECT_EQ(values_of("y"), (Texts{std::nullopt, "true", std::nullopt}));
}

TEST_F(LakeTypes, OfTwoThousandColumns) {
  const std::vector<std::string> texts = {"1", "1.5", "2024-01-01", "true", "x", "2024-01-01T00:00:00Z"};
  Values values;
  for (std::size_t i = 0; i < 2'000; ++i) values.emplace_back(fmt::format("c{:04}", i), texts[i % 6]);
  values[1'999].second.reset();
  std::vector<Event> events;
  for (int row = 0; row < 300; ++row) events.push_back(inserted(fmt::format("{:03}", row), values));
  write(std::move(events));
  values[0].second = "0.5";
  EXPECT_EQ(write({inserted("z", values)}).rewritten_uploads, 1);
  const auto read = files();
  ASSERT_EQ(read.size(), 2U);
  for (const auto& [name, file] : read) {
    EXPECT_EQ(file.columns.size(), 18U + 4'000U);
    EXPECT_EQ(file.types.at("new_c0000"), "decimal128(38, 2)");
    EXPECT_EQ(file.types.at("new_c0002"), "date32[day]");
    EXPECT_EQ(file.types.at("new_c1998"), "int64");
  }
  EXPECT_EQ(read.at("insert_20250310120100_000.parquet").rows[299].at("new_c0001"), "1.50");
}

TEST_F(LakeTypes, HostileKeysStayInTheirFolderOneFileEach) {
  auto with = options();
  with.layout = FileLayout::event;
  const std::vector<std::string> keys = {"../../x",
                                         "a/b",
                                         "a%2Fb",
                                         "%2F",
                                         "/",
                                         ".",
                                         "..",
                                         "...",
                                         "a",
                                         "A",
                                         "\xC3\xA9",
                                         "\xC3\x89",
                                         "a~1",
                                         ",",
                                         ",,",
                                         "a,",
                                         ",a",
                                         "\"\"",
                                         "\"a\nb\",c",
                                         "-rf",
                                         "~",
                                         " ",
                                         "\t",
                                         "\\",
                                         "CON",
                                         "a.parquet",
                                         std::string(300, 'k'),
                                         std::string(299, 'k') + "l",
                                         std::string(150, 'k'),
                                         std::string(100, '/'),
                                         "\xF0\x9F\x98\x80",
                                         std::string(1'024, '%')};
  std::vector<Event> events;
  for (const auto& key : keys) events.push_back(inserted(key, {{"id", key}, {"v", "1"}}));
  EXPECT_EQ(write(with, std::move(events)).files, static_cast<std::int64_t>(keys.size()));
  std::set<std::string> seen;
  std::set<std::string> lower;
  for (const auto& [name, file] : files()) {
    ASSERT_EQ(file.rows.size(), 1U) << name;
    seen.insert(*file.rows[0].at("key_value"));
    EXPECT_TRUE(lower.insert(ascii_lower(name)).second) << name << " differs from another in case only";
    EXPECT_LE(name.size(), 230U);
  }
  EXPECT_EQ(seen, std::set<std::string>(keys.begin(), keys.end()));
  std::size_t entries = 0;
  for (const auto& entry : fs::recursive_directory_iterator(temporary_.path()))
    entries += entry.is_regular_file();
  EXPECT_EQ(entries, keys.size()) << "a file is outside of the table's folder";
}

}  // namespace
}  // namespace deltadrop::lake
