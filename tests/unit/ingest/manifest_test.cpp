#include "ingest/manifest.hpp"

#include <gtest/gtest.h>

#include "io/sha256.hpp"

namespace deltadrop::ingest {
namespace {

UploadRecord full_record() {
  UploadRecord record;
  record.upload_id = UploadId::parse("0195f3a0-7c00-7000-8000-000000000002").value();
  record.table = {"so-financials", "q1"};
  record.version = Version(2);
  record.previous_upload_id = UploadId::parse("0195f3a0-7c00-7000-8000-000000000001").value();
  record.file.sha256 = io::sha256_of("x");
  record.file.bytes = 5'000'000'000;
  record.file.file_id = "so-financials_2d711642";
  record.file.original_name = "so \"é\".csv";
  record.file.archive_name = "20250310123456789_so-financials_2d711642.csv";
  record.file.source = UploadSource{io::sha256_of("workbook"), 6'000'000'000, "Sheet \"1\""};
  record.times.received_at = Timestamp{1741610096789};
  record.times.timestamp = Timestamp{1741610096790};
  record.times.effective_at = Timestamp{1741610000000};
  record.reading.options.delimiter = '\t';
  record.reading.options.encoding = csv::Encoding::windows1252;
  record.reading.options.empty = csv::EmptyPolicy::text;
  record.reading.options.key = {"a,b", "c"};
  record.reading.options.ignore = {"note"};
  record.reading.delimiter_given = true;
  record.reading.encoding_given = csv::Encoding::latin1;
  record.reading.rekey = true;
  record.reading.types_json = R"-({"c":"decimal(2)"})-";
  record.reading.sheet = "2";
  record.reading.columns = {"a,b", "c", "note"};
  record.reading.tracked = {"a,b", "c"};
  record.reading.key_column = "\"a,b\",c";
  record.outcome.counts = {3, 4, 2, 1, 1};
  record.outcome.schema_changes = {{"c", true, 0}, {"d", false, 3}};
  record.outcome.hold_reasons = {"because"};
  record.outcome.warnings = {"careful"};
  record.dry_run = true;
  record.based_on = Version(1);
  return record;
}

/// Compares records by their JSON, because they have no ==.
void expect_same(const UploadRecord& a, const UploadRecord& b) {
  EXPECT_EQ(record_to_json(a), record_to_json(b));
}

TEST(Manifest, RoundTripsEveryColumn) {
  const UploadRecord record = full_record();
  const auto read = read_manifest(manifest_text(record), "x.json");
  ASSERT_TRUE(read.has_value()) << read.error().text();
  expect_same(read.value(), record);
  csv::ReadOptions expected = record.reading.options;
  expected.types = parse_declared_types("c:decimal(2)").value();
  EXPECT_EQ(read.value().reading.options, expected);
  EXPECT_EQ(read.value().outcome.counts, record.outcome.counts);
  EXPECT_EQ(read.value().outcome.schema_changes, record.outcome.schema_changes);
  EXPECT_EQ(read.value().reading.types_json, record.reading.types_json);
  EXPECT_EQ(read.value().reading.sheet, record.reading.sheet);
  EXPECT_EQ(read.value().file.source, record.file.source);
  EXPECT_EQ(read.value().times.timestamp, record.times.timestamp);
  EXPECT_EQ(read.value().based_on, record.based_on);
}

TEST(Manifest, RoundTripsWhatIsAbsent) {
  UploadRecord record = full_record();
  record.version.reset();
  record.previous_upload_id.reset();
  record.times.timestamp.reset();
  record.times.effective_at.reset();
  record.reading.types_json.reset();
  record.reading.sheet.reset();
  record.file.source.reset();
  record.based_on.reset();
  const auto read = record_from_json(record_to_json(record));
  ASSERT_TRUE(read.has_value()) << read.error().text();
  expect_same(read.value(), record);
  EXPECT_FALSE(read.value().version);
  EXPECT_FALSE(read.value().reading.types_json);
  EXPECT_FALSE(read.value().file.source);
}

TEST(Manifest, RoundTripsTheLayout) {
  UploadRecord record = full_record();
  csv::ReadOptions& options = record.reading.options;
  options.empty = csv::EmptyPolicy::quoted;
  options.skip_lines = {false, 3};
  options.skip_footer = 1;
  options.footer = {"Sum", "Total"};
  options.has_header = false;
  options.columns = {"a,b", "c", "note"};
  options.unnamed = csv::Unnamed::drop;
  options.short_rows = csv::ShortRows::pad;
  options.key_rules = {true, true, true};
  record.reading.skip_lines_given = {true, 0};
  record.reading.delimiter_declared = true;
  record.reading.trailing_delimiter = true;
  record.outcome.skipped = csv::Skipped{4, 3, 2, 1};
  const auto read = record_from_json(record_to_json(record));
  ASSERT_TRUE(read.has_value()) << read.error().text();
  expect_same(read.value(), record);
  options.types = read.value().reading.options.types;
  EXPECT_EQ(read.value().reading.options, options);
  EXPECT_TRUE(read.value().reading.skip_lines_given.automatic);
  EXPECT_TRUE(read.value().reading.delimiter_declared);
  EXPECT_TRUE(read.value().reading.trailing_delimiter);
  EXPECT_EQ(read.value().outcome.skipped, record.outcome.skipped);
}

TEST(Manifest, OneOfRules1IsWithoutALayout) {
  UploadRecord record = full_record();
  record.reading.options.rules = 1;
  record.reading.sheet.reset();  // else there are options
  const std::string text = record_to_json(record);
  for (const auto* name : {"\"options\"", "skip_lines", "skipped", "delimiter_declared"}) {
    EXPECT_EQ(text.find(name), std::string::npos) << name;
  }
  const auto read = record_from_json(text);
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(read.value().reading.options.rules, 1);
  EXPECT_FALSE(read.value().outcome.skipped) << "unknown, and not zero";
}

TEST(Manifest, AnOptionOfANewerProgramIsRefused) {
  UploadRecord record = full_record();
  record.reading.sheet.reset();  // else there are options already
  const std::string text = record_to_json(record);
  for (const auto* options : {R"({"skip_words":1})", R"({"key":["a"]})", "1"}) {
    const auto read = record_from_json(text.substr(0, text.size() - 1) + ",\"options\":" + options + "}");
    ASSERT_FALSE(read.has_value()) << options;
    EXPECT_NE(read.error().message.find("options"), std::string::npos) << read.error().message;
  }
  EXPECT_TRUE(record_from_json(text.substr(0, text.size() - 1) + R"(,"options":{}})").has_value());
}

TEST(Manifest, EveryFlippedByteIsFound) {
  const std::string text = manifest_text(full_record());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    const auto read = read_manifest(damaged, "folder/x.json");
    if (read.has_value()) {
      // Outside of strings, changing a line feed to another space does not change the meaning.
      expect_same(read.value(), full_record());
      continue;
    }
    EXPECT_EQ(read.error().code, ErrorCode::corrupt) << i;
    EXPECT_NE(read.error().message.find("folder/x.json"), std::string::npos) << read.error().message;
  }
}

TEST(Manifest, EveryTruncationIsFound) {
  const std::string text = manifest_text(full_record());
  for (std::size_t size = 0; size + 2 < text.size(); ++size) {
    EXPECT_FALSE(read_manifest(text.substr(0, size), "x.json").has_value()) << size;
  }
}

TEST(Manifest, TheChecksumIsOverTheCompactObjectWithoutIt) {
  const std::string text = manifest_text(full_record());
  std::string compact;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && text[i - 1] != '\\') quoted = !quoted;
    if (quoted || (text[i] != ' ' && text[i] != '\n')) compact += text[i];
  }
  const auto at = compact.find(",\"checksum\":\"");
  ASSERT_NE(at, std::string::npos) << compact;
  const std::string checksum = compact.substr(at + 13, 64);
  EXPECT_EQ(io::sha256_of(compact.substr(0, at) + "}").to_hex(), checksum);
}

TEST(Manifest, AnotherFormatIsRefused) {
  std::string text = manifest_text(full_record());
  text.replace(text.find("\"format\": 1"), 11, "\"format\": 2");
  const auto read = read_manifest(text, "x.json");
  ASSERT_FALSE(read.has_value());
  EXPECT_NE(read.error().message.find("format"), std::string::npos) << read.error().message;
}

TEST(Manifest, ARecordThatLacksAFieldIsCorrupt) {
  std::string json = record_to_json(full_record());
  json.replace(json.find("\"bytes\""), 7, "\"bites\"");
  const auto read = record_from_json(json);
  ASSERT_FALSE(read.has_value());
  EXPECT_NE(read.error().message.find("bytes"), std::string::npos) << read.error().message;
}

}  // namespace
}  // namespace deltadrop::ingest
