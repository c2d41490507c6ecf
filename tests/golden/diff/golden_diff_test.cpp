#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "diff/diff.hpp"
#include "io/file.hpp"
#include "io/sha256.hpp"
#include "support/temporary_folder.hpp"

// Each folder here is a table's life: v1.csv, v2.csv, ... are its files, `options` (if there) has a line
// `name=value` an option, or `v2.name=value` for one version. events.jsonl holds every event of all versions
// as they go into the log, summary.txt what the uploads' answers say. UPDATE_GOLDEN=1
// (tools/update_golden.sh) writes both anew.
namespace deltadrop::diff {
namespace {

namespace fs = std::filesystem;

struct VersionOptions {
  csv::ReadOptions read;
  bool rekey = false;
};

void set_option(VersionOptions& options, const std::string& name, const std::string& value) {
  if (name == "key") options.read.key = csv::parse_column_list(value).value();
  if (name == "ignore") options.read.ignore = csv::parse_column_list(value).value();
  if (name == "delimiter") options.read.delimiter = csv::parse_delimiter(value).value();
  if (name == "encoding") options.read.encoding = csv::parse_encoding(value).value();
  if (name == "empty") options.read.empty = csv::parse_empty_policy(value).value();
  if (name == "rekey") options.rekey = value == "true";
}

VersionOptions read_options(const fs::path& folder, int version) {
  VersionOptions options;
  if (!fs::exists(folder / "options")) return options;
  std::string text = io::read_whole_file(folder / "options").value();
  const std::string prefix = fmt::format("v{}.", version);
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string line = text.substr(0, end);
    text.erase(0, end == std::string::npos ? end : end + 1);
    if (line.starts_with(prefix)) line.erase(0, prefix.size());
    const auto equals = line.find('=');
    if (equals != std::string::npos) set_option(options, line.substr(0, equals), line.substr(equals + 1));
  }
  return options;
}

UploadFacts facts_of(const fs::path& path, int version, std::int64_t total,
                     std::optional<UploadId> previous) {
  UploadFacts facts;
  facts.table = TableRef::make("golden", std::string(kDefaultTableName)).value();
  facts.upload_id = UploadId::parse(fmt::format("0195f3a0-7c00-7000-8000-{:012}", version)).value();
  facts.previous_upload_id = previous;
  facts.file_sha256 = io::sha256_of(io::read_whole_file(path).value());
  facts.file_id = file_id_of(facts.table.company_id, facts.file_sha256);
  facts.version = Version(version);
  facts.timestamp = Timestamp::parse(fmt::format("2025-{:02}-10T12:34:56.789Z", version)).value();
  facts.effective_at = facts.timestamp;
  facts.total = total;
  return facts;
}

struct Rendered {
  std::string events;
  std::string summary;
};

void add_summary(std::string& out, int version, const ChangeSet& changes) {
  const Counts& counts = changes.counts;
  out += fmt::format("version {}: {} rows, {} inserted, {} updated, {} deleted\n", version, counts.rows,
                     counts.inserted, counts.updated, counts.deleted);
  for (const auto& change : changes.schema_changes) {
    out += fmt::format("  column {} {}, {} values lost\n", change.column, change.added ? "added" : "removed",
                       change.values_lost);
  }
}

Rendered render(const fs::path& folder) {
  const testing::TemporaryFolder scratch;
  Rendered rendered;
  std::optional<csv::File> before;
  std::optional<UploadId> previous;
  for (int version = 1; fs::exists(folder / fmt::format("v{}.csv", version)); ++version) {
    const fs::path path = folder / fmt::format("v{}.csv", version);
    VersionOptions options = read_options(folder, version);
    // A table's key is settled by its first version.
    if (before && options.read.key.empty()) {
      for (const auto column : before->header().key)
        options.read.key.push_back(before->header().columns[column]);
    }
    csv::File file = csv::File::open(path, options.read, csv::Limits{}, scratch.path()).value();
    const csv::File* old_file = before ? &*before : nullptr;
    const auto outcome = diff(old_file, file, {options.rekey});
    EXPECT_TRUE(outcome.has_value()) << path << ": " << outcome.error().text();
    if (!outcome.has_value()) break;
    for (const auto& finding : outcome.value().findings.first)
      ADD_FAILURE() << path << ": " << finding.message;
    const ChangeSet& changes = outcome.value().changes;
    add_summary(rendered.summary, version, changes);
    const UploadFacts facts = facts_of(path, version, changes.counts.changes(), previous);
    const EventWriter writer(facts);
    const auto done =
        for_each_event(old_file, file, changes, Seq(1), [&](const EventView& event) -> Result<bool> {
          writer.append(rendered.events, event);
          rendered.events += '\n';
          return true;
        });
    EXPECT_TRUE(done.has_value());
    if (changes.counts.changes() > 0) previous = facts.upload_id;
    before = std::move(file);
  }
  return rendered;
}

void check_or_update(const fs::path& path, const std::string& actual) {
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(io::write_file_durably(path, actual).has_value());
    return;
  }
  const auto expected = io::read_whole_file(path);
  ASSERT_TRUE(expected.has_value()) << expected.error().text() << "\nmake it with tools/update_golden.sh";
  EXPECT_EQ(actual, expected.value()) << path << " differs; if that is meant, run tools/update_golden.sh";
}

std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(GOLDEN_FOLDER)) {
    if (entry.is_directory()) names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Golden : public ::testing::TestWithParam<std::string> {};

TEST_P(Golden, GivesTheEventsOnFile) {
  const fs::path folder = fs::path(GOLDEN_FOLDER) / GetParam();
  const Rendered rendered = render(folder);
  check_or_update(folder / "events.jsonl", rendered.events);
  check_or_update(folder / "summary.txt", rendered.summary);
}

INSTANTIATE_TEST_SUITE_P(Cases, Golden, ::testing::ValuesIn(cases()),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace deltadrop::diff
