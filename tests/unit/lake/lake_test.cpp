#include "lake/lake.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <functional>
#include <map>
#include <set>

#include "io/file.hpp"
#include "parquet_rows.hpp"
#include "sample.hpp"
#include "support/fake_history.hpp"
#include "support/temporary_folder.hpp"

namespace deltadrop::lake {
namespace {

namespace fs = std::filesystem;
using testing::as_upload;
using testing::FakeHistory;
using testing::inserted;
using testing::kV1;
using testing::kV2;
using testing::read_parquet;
using testing::sample_upload;
using testing::updated;

const Timestamp kNow = Timestamp::parse("2025-03-11T00:00:00.000Z").value();

class Lake : public ::testing::Test {
 protected:
  Options options() const {
    Options options;
    options.folder = temporary_.path() / "parquet";
    return options;
  }
  fs::path folder() const { return temporary_.path() / "parquet/so-financials/financials"; }

  WriteReport write(const history::UploadStatus& upload) { return write(options(), upload); }
  WriteReport write(const Options& with, const history::UploadStatus& upload) {
    const auto report = write_upload(with, history_, upload, clock_);
    EXPECT_TRUE(report.has_value()) << report.error().text();
    return report.has_value() ? report.value() : WriteReport{};
  }

  std::set<std::string> names() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder())) names.insert(entry.path().filename().string());
    return names;
  }
  std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> contents;
    for (const auto& name : names()) contents[name] = io::read_whole_file(folder() / name).value();
    return contents;
  }
  /// Returns the type and key of all rows in the folder, as a reader of all its files sees them.
  std::multiset<std::string> rows() const {
    std::multiset<std::string> rows;
    for (const auto& name : names()) {
      for (const auto& row : read_parquet(folder() / name).rows) {
        rows.insert(*row.at("event_type") + " " + *row.at("key_value"));
      }
    }
    return rows;
  }

  history::UploadStatus add_first() { return history_.add(testing::first_upload()); }
  history::UploadStatus add_second() { return history_.add(testing::second_upload()); }

  testing::TemporaryFolder temporary_;
  FakeHistory history_;
  io::ManualClock clock_{kNow};
};

TEST_F(Lake, OneChangeIsTheBriefsFile) {
  const auto report =
      write(history_.add(as_upload(sample_upload(1, kV1), {inserted("FIN-1", {{"id", "FIN-1"}})})));
  EXPECT_EQ(names(), std::set<std::string>{"insert_20250310123456_FIN-1.parquet"});
  EXPECT_EQ(report.files, 1);
  EXPECT_EQ(report.rows, 1);
  EXPECT_EQ(report.rewritten_uploads, 0);
}

TEST_F(Lake, IsSoFromWhenAllFilesAreThere) {
  class LookingClock final : public io::Clock {
   public:
    explicit LookingClock(std::function<std::set<std::string>()> look) : look_(std::move(look)) {}
    Timestamp now() override {
      seen = look_();
      return kNow;
    }
    std::chrono::milliseconds uptime() override { return {}; }
    std::string boot_id() override { return ""; }
    bool is_synchronised() override { return true; }
    std::set<std::string> seen;

   private:
    std::function<std::set<std::string>()> look_;
  };
  LookingClock clock([&] { return fs::exists(folder()) ? names() : std::set<std::string>{}; });
  const auto upload = add_first();
  ASSERT_TRUE(write_upload(options(), history_, upload, clock).has_value());
  EXPECT_EQ(clock.seen, names()) << "the files at the time that was taken";
  EXPECT_EQ(history_.upload(upload.facts.upload_id).value()->in_lake_at, kNow);
}

TEST_F(Lake, HasEveryFieldAndValue) {
  write(add_first());
  write(add_second());
  const auto file = read_parquet(folder() / "update_20250310123500_a.parquet");
  const auto facts = history_.upload(testing::sample_upload_id(2)).value()->facts;
  const std::map<std::string, std::optional<std::string>> expected = {
      {"event_id", EventId::of(facts.upload_id, Seq(2)).to_string()},
      {"event_type", "update"},
      {"company_id", "so-financials"},
      {"table_name", "financials"},
      {"timestamp", "2025-03-10 12:35:00.000Z"},
      {"effective_at", "2025-03-10 12:34:59.500Z"},
      {"key_column", "id"},
      {"key_value", "a"},
      {"changed_columns", "[name, Amount]"},
      {"upload_id", facts.upload_id.to_string()},
      {"file_id", "so-financials_a1b2c3d4"},
      {"file_sha256", facts.file_sha256.to_hex()},
      {"version", "2"},
      {"types", std::nullopt},
      {"previous_upload_id", testing::sample_upload_id(1).to_string()},
      {"seq", "2"},
      {"total", "2"},
      {"line", "3"},
      {"old_Amount", std::nullopt},
      {"new_Amount", "007.10"},
      {"old_id", "a"},
      {"new_id", "a"},
      {"old_name", std::nullopt},
      {"new_name", "A"}};
  ASSERT_EQ(file.rows.size(), 1U);
  EXPECT_EQ(file.rows[0], expected);
  const std::vector<std::string> value_columns(file.columns.end() - 6, file.columns.end());
  EXPECT_EQ(value_columns, (std::vector<std::string>{"old_Amount", "new_Amount", "old_id", "new_id",
                                                     "old_name", "new_name"}));
  EXPECT_EQ(file.types.at("timestamp"), "timestamp[ms, tz=UTC]");
  EXPECT_EQ(file.types.at("version"), "int64");
  EXPECT_EQ(file.types.at("new_Amount"), "string");
}

TEST_F(Lake, DeclaresOrderStatisticsAndOrigin) {
  write(add_first());
  const auto file = read_parquet(folder() / "insert_20250310123456_a.parquet");
  ASSERT_EQ(file.rows.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(file.rows[i].at("key_value"), std::string(1, "abc"[i]));
  EXPECT_EQ(file.rows[1].at("new_name"), "B, \"x\"\nY");
  EXPECT_EQ(file.rows[2].at("new_name"), "") << "empty text is not null";
  EXPECT_EQ(file.rows[0].at("new_name"), std::nullopt);
  EXPECT_EQ(file.rows[0].at("changed_columns"), "[]");
  ASSERT_GE(file.sorting_column, 0);
  EXPECT_EQ(file.columns[static_cast<std::size_t>(file.sorting_column)], "key_value");
  EXPECT_TRUE(file.zstd);
  EXPECT_TRUE(file.statistics);
  EXPECT_TRUE(file.page_index);
  const auto facts = history_.upload(testing::sample_upload_id(1)).value()->facts;
  EXPECT_EQ(file.metadata, (std::map<std::string, std::string>{{"upload_id", facts.upload_id.to_string()},
                                                               {"file_sha256", facts.file_sha256.to_hex()},
                                                               {"version", "1"}}));
  EXPECT_EQ(file.created_by.find("arrow"), std::string::npos) << file.created_by;
}

TEST_F(Lake, MarksTheUploadAndItsColumns) {
  write(add_first());
  write(add_second());
  EXPECT_EQ(history_.in_lake(),
            (std::vector<UploadId>{testing::sample_upload_id(1), testing::sample_upload_id(2)}));
  EXPECT_EQ(history_.columns(),
            (std::vector<history::LakeColumn>{
                {"Amount", ColumnType::string}, {"id", ColumnType::string}, {"name", ColumnType::string}}));
  EXPECT_EQ(history_.upload(testing::sample_upload_id(2)).value()->in_lake_at, kNow);
}

TEST_F(Lake, WritingAgainGivesTheSameBytes) {
  const auto first = add_first();
  const auto second = add_second();
  write(first);
  write(second);
  const auto before = contents();
  write(second);
  write(first);
  EXPECT_EQ(contents(), before);
  EXPECT_EQ(before.size(), 3U);
}

TEST_F(Lake, ANewColumnRewritesOlderUploads) {
  const auto first = add_first();
  write(first);
  const auto before = names();
  EXPECT_EQ(write(add_second()).rewritten_uploads, 1);
  std::set<std::vector<std::string>> schemas;
  for (const auto& name : names()) schemas.insert(read_parquet(folder() / name).columns);
  EXPECT_EQ(schemas.size(), 1U) << "one glob needs one schema";
  for (const auto& name : before) EXPECT_TRUE(names().contains(name)) << name;
  const auto old = read_parquet(folder() / *before.begin());
  EXPECT_EQ(old.rows.size(), 3U);
  EXPECT_EQ(old.rows[0].at("new_Amount"), std::nullopt);

  const auto gone = history_.add(as_upload(sample_upload(3, "2025-03-10T13:00:00.000Z"),
                                           {updated("a", {{"id", "a"}, {"name", "A"}, {"Amount", "007.10"}},
                                                    {{"id", "a"}, {"Amount", "8"}}, {"name", "Amount"})}));
  EXPECT_EQ(write(gone).rewritten_uploads, 0) << "a column that goes changes no file";
}

TEST_F(Lake, SplitsAtRowsMax) {
  auto with = options();
  with.rows_max = 2;
  const auto first = add_first();
  EXPECT_EQ(write(with, first).files, 2);
  EXPECT_EQ(names(),
            (std::set<std::string>{"insert_20250310123456_a.parquet", "insert_20250310123456_c.parquet"}));
  EXPECT_EQ(read_parquet(folder() / "insert_20250310123456_a.parquet").rows.size(), 2U);

  EXPECT_EQ(write(first).files, 1);
  EXPECT_EQ(names(), std::set<std::string>{"insert_20250310123456_a.parquet"})
      << "another split leaves no row twice";
}

TEST_F(Lake, WritesOneFileAnEventWhenAsked) {
  auto with = options();
  with.layout = FileLayout::event;
  const auto upload = history_.add(as_upload(
      sample_upload(1, kV1),
      {inserted("x", {{"id", "x"}}), inserted("X", {{"id", "X"}}), inserted("../y", {{"id", "../y"}})}));
  EXPECT_EQ(write(with, upload).files, 3);
  EXPECT_EQ(names(),
            (std::set<std::string>{"insert_20250310123456_X.parquet", "insert_20250310123456_x~1.parquet",
                                   "insert_20250310123456_%2E.%2Fy.parquet"}));
  EXPECT_EQ(rows(), (std::multiset<std::string>{"insert ../y", "insert X", "insert x"}));
}

TEST_F(Lake, KeepsVersionsOfOneSecondApart) {
  write(add_first());
  const auto second = history_.add(as_upload(sample_upload(2, "2025-03-10T12:34:56.900Z"),
                                             {inserted("a", {{"id", "a"}, {"name", "again"}})}));
  write(second);
  EXPECT_EQ(names(),
            (std::set<std::string>{"insert_20250310123456_a.parquet", "insert_20250310123456_a~v2.parquet"}));
  EXPECT_EQ(rows().size(), 4U);
}

TEST_F(Lake, RemovesWhatAnInterruptedWriteLeft) {
  const auto first = add_first();
  fs::create_directories(folder());
  for (const auto* name : {".tmp-insert_20250310123456_a", ".tmp-x", "notes.txt", "part-0.parquet"}) {
    ASSERT_TRUE(io::write_file_durably(folder() / name, "half").has_value());
  }
  write(first);
  EXPECT_EQ(names(),
            (std::set<std::string>{"insert_20250310123456_a.parquet", "notes.txt", "part-0.parquet"}))
      << "temporary files go, foreign files stay";
}

TEST_F(Lake, StreamsManyRowsInRowGroups) {
  std::vector<Event> events;
  for (int i = 0; i < 140'000; ++i) {
    events.push_back(
        inserted(fmt::format("{:06}", i), {{"id", fmt::format("{:06}", i)}, {"n", std::to_string(i % 7)}}));
  }
  write(history_.add(as_upload(sample_upload(1, kV1), std::move(events))));
  constexpr std::size_t kEvery = 997;
  const auto file = read_parquet(folder() / "insert_20250310123456_000000.parquet", kEvery);
  EXPECT_EQ(file.row_groups, 2);
  ASSERT_EQ(file.rows.size(), 140'000U / kEvery + 1);
  for (std::size_t i = 0; i < file.rows.size(); ++i) {
    EXPECT_EQ(file.rows[i].at("new_id"), fmt::format("{:06}", i * kEvery));
    EXPECT_EQ(file.rows[i].at("seq"), std::to_string(i * kEvery + 1));
    EXPECT_EQ(file.rows[i].at("new_n"), std::to_string(i * kEvery % 7));
  }
}

TEST_F(Lake, BoundsARowGroupByItsBytes) {
  std::vector<Event> events;
  for (int i = 0; i < 300; ++i) {
    events.push_back(
        inserted(fmt::format("{:03}", i), {{"t", std::string(400'000, static_cast<char>('a' + i % 26))}}));
  }
  write(history_.add(as_upload(sample_upload(1, kV1), std::move(events))));
  const auto file = read_parquet(folder() / "insert_20250310123456_000.parquet");
  EXPECT_EQ(file.row_groups, 2);
  ASSERT_EQ(file.rows.size(), 300U);
  EXPECT_EQ(file.rows[299].at("new_t"), std::string(400'000, static_cast<char>('a' + 299 % 26)));
}

struct Spoiled {
  std::string name;
  std::function<void(std::vector<Event>&)> spoil;
  std::string complaint;
};

class LakeRefuses : public Lake, public ::testing::WithParamInterface<Spoiled> {};

TEST_P(LakeRefuses, EventsThatContradictTheirUpload) {
  const auto upload = add_first();
  GetParam().spoil(history_.events_of(upload.facts.upload_id));
  const auto report = write_upload(options(), history_, upload, clock_);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code, ErrorCode::corrupt) << report.error().text();
  EXPECT_NE(report.error().message.find(GetParam().complaint), std::string::npos) << report.error().message;
  EXPECT_TRUE(history_.in_lake().empty());
  for (const auto& name : names()) EXPECT_FALSE(name.starts_with(".tmp-")) << name;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, LakeRefuses,
    ::testing::Values(
        Spoiled{"too_few", [](auto& events) { events.pop_back(); }, "2 events in the history, but 3"},
        Spoiled{"foreign_column",
                [](auto& events) { events[1].new_values_json = R"({"id":"a","more":"x"})"; }, "more"},
        Spoiled{"foreign_upload",
                [](auto& events) { events[1].upload.upload_id = testing::sample_upload_id(9); },
                "stands among"},
        Spoiled{"no_object", [](auto& events) { events[1].new_values_json = "[1]"; }, "not a JSON object"},
        Spoiled{"number", [](auto& events) { events[1].new_values_json = R"({"id":1})"; }, "id"},
        Spoiled{"twice", [](auto& events) { events[1].new_values_json = R"({"id":"a","id":"b"})"; }, "id"},
        Spoiled{"cut_off", [](auto& events) { events[1].new_values_json = R"({"id":"a)"; }, "event 2"}),
    [](const auto& each) { return each.param.name; });

TEST_F(Lake, SaysWhatIsMissing) {
  add_first();
  auto orphan = as_upload(sample_upload(3, kV2), {inserted("d", {{"id", "d"}})});
  const auto report = write_upload(options(), history_, history_.add(orphan), clock_);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code, ErrorCode::corrupt);
  EXPECT_NE(report.error().message.find("follows upload"), std::string::npos) << report.error().message;
}

TEST_F(Lake, NamesAFolderThatCannotBeWritten) {
  ASSERT_TRUE(io::write_file_durably(temporary_.path() / "parquet", "a file").has_value());
  const auto report = write_upload(options(), history_, add_first(), clock_);
  ASSERT_FALSE(report.has_value());
  EXPECT_NE(report.error().message.find((temporary_.path() / "parquet").string()), std::string::npos)
      << report.error().message;
  EXPECT_TRUE(history_.in_lake().empty());
}

TEST_F(Lake, LeavesFoldersAloneWhateverTheirNames) {
  const std::vector<std::string> strays = {
      ".tmp-x", "insert_20240101000000_x.parquet", "insert_20250310123456_zz.parquet",  // of the first upload
      "delete_20240101000000_x~v1-2.parquet"};  // claims that all deletes are compacted
  for (const auto& stray : strays) fs::create_directories(folder() / stray / "mine");
  write(add_first());
  write(add_second());
  for (const auto& stray : strays) {
    EXPECT_TRUE(fs::is_directory(folder() / stray / "mine")) << stray;
    fs::remove_all(folder() / stray);
  }
  const auto with_strays = contents();
  fs::remove_all(folder());
  FakeHistory fresh;
  for (const auto& upload : {testing::first_upload(), testing::second_upload()}) {
    ASSERT_TRUE(write_upload(options(), fresh, fresh.add(upload), clock_).has_value());
  }
  EXPECT_EQ(with_strays, contents());
}

TEST_F(Lake, NamesAFolderThatStandsWhereAFileMust) {
  const auto upload = add_first();
  for (const std::string name : {"insert_20250310123456_a.parquet", ".tmp-insert_20250310123456_a"}) {
    fs::create_directories(folder() / name);
    const auto report = write_upload(options(), history_, upload, clock_);
    ASSERT_FALSE(report.has_value()) << name;
    EXPECT_EQ(report.error().type, "folder-in-the-way") << report.error().text();
    EXPECT_NE(report.error().message.find((folder() / name).string()), std::string::npos);
    EXPECT_NE(report.error().fix.find("move the folder"), std::string::npos) << report.error().fix;
    EXPECT_EQ(names(), std::set<std::string>{name}) << "nothing else is there";
    EXPECT_TRUE(history_.in_lake().empty());
    fs::rename(folder() / name, temporary_.path() / name);
  }
  EXPECT_EQ(write(upload).files, 1);
}

TEST_F(Lake, RefusesFilesWithoutRows) {
  auto with = options();
  with.rows_max = 0;
  const auto report = write_upload(with, history_, add_first(), clock_);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code, ErrorCode::invalid_input);
}

/// The result of the program lake_writer, which writes both sample uploads, under a fault plan; see
/// io/fault_point.hpp.
struct Outcome {
  bool killed = false;
  bool wrote = false;
  std::string error_type;
};

Outcome run_writer(const fs::path& folder, const std::string& plan) {
  const auto command =
      fmt::format("DELTADROP_FAULT='{}' exec '{}' '{}'", plan, DELTADROP_LAKE_WRITER, folder.string());
  FILE* pipe = ::popen(command.c_str(), "r");
  std::string said;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) said += static_cast<char>(c);
  const int status = ::pclose(pipe);
  return {WIFSIGNALED(status), WIFEXITED(status) && WEXITSTATUS(status) == 0, said};
}

TEST_F(Lake, ReportsAFailureOfTheDisk) {
  for (const std::string point : {"mkdir", "write", "fsync", "close", "rename"}) {
    const auto outcome = run_writer(options().folder, "fail:" + point + ":1:ENOSPC");
    EXPECT_FALSE(outcome.wrote) << point;
    EXPECT_EQ(outcome.error_type, "disk-full") << point;
    if (fs::exists(folder())) {
      EXPECT_EQ(names(), std::set<std::string>{}) << point << ": nothing half-written stays";
    }
    fs::remove_all(options().folder);
  }
}

TEST_F(Lake, SurvivesKillAtEveryStep) {
  const std::vector uploads = {testing::first_upload(), testing::second_upload(), testing::typed_upload(),
                               testing::widened_upload()};
  const auto write_all = [&] {
    FakeHistory history;
    for (const auto& upload : uploads) {
      const auto report = write_upload(options(), history, history.add(upload), clock_);
      ASSERT_TRUE(report.has_value()) << report.error().text();
    }
  };
  write_all();
  const auto expected = contents();
  int step = 0;
  for (bool killed = true; killed;) {
    fs::remove_all(options().folder);
    const auto outcome = run_writer(options().folder, fmt::format("kill:*:{}", ++step));
    killed = outcome.killed;
    ASSERT_TRUE(killed || outcome.wrote) << "step " << step << ": " << outcome.error_type;
    ASSERT_LT(step, 400);
    if (fs::exists(folder())) {
      for (const auto& name : names()) {
        if (name.ends_with(".parquet")) {
          EXPECT_NO_THROW(read_parquet(folder() / name)) << name << " after step " << step;
        }
      }
    }
    write_all();
    EXPECT_EQ(contents(), expected) << "after step " << step;
  }
  EXPECT_GT(step, 50) << "the writer passes no fault points";
}

/// The disk is full at the Nth call of each kind. Readers see the same files before and after.
TEST_F(Lake, LeavesTheTableAsItWasWhenTheDiskIsFull) {
  for (const std::string point : {"write", "fsync", "close"}) {
    int failures = 0;
    for (int nth = 1;; ++nth) {
      fs::remove_all(options().folder);
      const auto outcome = run_writer(options().folder, fmt::format("fail:{}:{}:ENOSPC", point, nth));
      std::set<std::vector<std::string>> schemas;
      if (fs::exists(folder())) {
        for (const auto& name : names()) {
          EXPECT_TRUE(name.ends_with(".parquet")) << name << " after " << point << " " << nth;
          const auto file = read_parquet(folder() / name);
          auto schema = file.columns;
          for (const auto& column : file.columns) schema.push_back(file.types.at(column));
          schemas.insert(std::move(schema));
        }
      }
      EXPECT_LE(schemas.size(), 1U) << "files of two schemas after " << point << " " << nth;
      if (outcome.wrote) break;
      ++failures;
      EXPECT_EQ(outcome.error_type, "disk-full");
      ASSERT_LT(nth, 200);
    }
    EXPECT_GT(failures, 10) << point;
  }
}

}  // namespace
}  // namespace deltadrop::lake
