#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "ingest/archive.hpp"
#include "io/sha256.hpp"
#include "support/ingest_bench.hpp"

namespace deltadrop::ingest {
namespace {

using deltadrop::testing::IngestBench;
using deltadrop::testing::rows_csv;

class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto opened = bench_.open();
    ASSERT_TRUE(opened.has_value()) << opened.error().text();
  }

  [[nodiscard]] Layout layout() const { return {bench_.options.data_dir}; }
  std::string current(const std::string& company) const {
    return io::read_whole_file(layout().current_file({company, "financials"})).value();
  }

  IngestBench bench_;
};

TEST_F(EngineTest, AcceptsPublishesAndArchives) {
  const std::string v1 = "id,name\n1,a\n2,b\n";
  const auto report = bench_.upload(v1);
  EXPECT_EQ(report.status, UploadStatus::published);
  const UploadRecord& upload = report.upload;
  EXPECT_EQ(upload.version, Version(1));
  EXPECT_EQ(upload.outcome.counts, (diff::Counts{0, 2, 2, 0, 0}));
  EXPECT_EQ(upload.file.file_id, file_id_of("acme", upload.file.sha256));
  EXPECT_EQ(upload.file.archive_name, "20250310123456789_" + upload.file.file_id + ".csv");
  EXPECT_EQ(upload.times.timestamp, upload.times.effective_at);
  EXPECT_EQ(upload.reading.key_column, "id");
  EXPECT_FALSE(upload.previous_upload_id);
  EXPECT_EQ(io::read_whole_file(layout().archived_file(upload)).value(), v1);
  EXPECT_TRUE(std::filesystem::exists(layout().manifest_file(upload)));
  EXPECT_EQ(current("acme"), v1);
  EXPECT_TRUE(std::filesystem::is_empty(layout().spool()));
  struct stat status{};
  ASSERT_EQ(::stat(layout().archived_file(upload).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0444U);

  const auto messages = bench_.log->messages();
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[0].key, "acme/financials/1");
  const auto event = parse_event_json(messages[1].value);
  ASSERT_TRUE(event.has_value()) << event.error().text();
  EXPECT_EQ(event.value().upload.upload_id, upload.upload_id);
  EXPECT_EQ(event.value().seq, Seq(2));
  EXPECT_EQ(event.value().new_values_json, R"({"id":"2","name":"b"})");
}

TEST_F(EngineTest, ChainsUploadsThatHaveEvents) {
  const auto v1 = bench_.upload("id,name\n1,a\n2,b\n").upload;
  // Another value of `ignore` for a missing column makes a new version without events.
  auto request = IngestBench::request("acme");
  request.fields["ignore"] = "note";
  const auto v2 = bench_.upload(request, "id,name\n1,a\n2,b\n");
  EXPECT_EQ(v2.status, UploadStatus::published);
  EXPECT_EQ(v2.upload.version, Version(2));
  EXPECT_EQ(v2.upload.outcome.counts.changes(), 0);
  EXPECT_EQ(v2.upload.previous_upload_id, v1.upload_id);
  const auto v3 = bench_.upload("id,name\n1,a\n2,c\n").upload;
  EXPECT_EQ(v3.previous_upload_id, v1.upload_id) << "an upload without events is not in the chain";
  EXPECT_EQ(v3.reading.options.ignore, std::vector<std::string>{"note"}) << "remembered";
  EXPECT_EQ(v3.outcome.counts, (diff::Counts{2, 2, 0, 1, 0}));
  EXPECT_EQ(bench_.upload("id,name\n1,a\n").upload.previous_upload_id, v3.upload_id);
}

TEST_F(EngineTest, TellsWhichTablesGotAVersionSince) {
  using Tables = std::vector<TableRef>;
  const TableRef acme{"acme", "financials"};
  const TableRef other{"other", "financials"};
  EXPECT_EQ(bench_.engine->reader().accepted_since(0).tables, Tables{});
  bench_.upload("id,name\n1,a\n");
  bench_.upload(IngestBench::request("other"), "id,name\n1,a\n");
  bench_.upload("id,name\n1,b\n");
  const auto both = bench_.engine->reader().accepted_since(0);
  EXPECT_EQ(both.tables, (Tables{other, acme})) << "each once";
  bench_.upload("id,name\n1,b\n");
  auto dry = IngestBench::request("other");
  dry.fields["dry_run"] = "true";
  const auto held = bench_.upload(dry, "id,name\n1,c\n").upload;
  const auto same = bench_.engine->reader().accepted_since(both.next);
  EXPECT_EQ(same.tables, Tables{}) << "unchanged and held are no versions";
  EXPECT_TRUE(bench_.engine->intake().release(held.upload_id).has_value());
  EXPECT_EQ(bench_.engine->reader().accepted_since(same.next).tables, Tables{other});
}

/// Replaces DATA_DIR by a copy between the comparison and the acceptance of the next upload.
class ReplacesDataDir final : public Observer {
 public:
  ReplacesDataDir(std::filesystem::path data_dir, std::filesystem::path away)
      : data_dir_(std::move(data_dir)), away_(std::move(away)) {}
  void saw_step(Step step, std::chrono::nanoseconds /*took*/) override {
    if (step != Step::compare || std::filesystem::exists(away_)) return;
    std::filesystem::rename(data_dir_, away_);
    std::filesystem::copy(away_, data_dir_, std::filesystem::copy_options::recursive);
  }
  void saw_upload(const UploadSeen& /*upload*/) override {}
  void saw_published(std::chrono::milliseconds /*after_acceptance*/) override {}
  void saw_recorded(std::int64_t /*events*/) override {}
  void saw_applied(std::chrono::milliseconds /*after_acceptance*/) override {}

 private:
  std::filesystem::path data_dir_;
  std::filesystem::path away_;
};

TEST_F(EngineTest, NothingIsAcceptedIntoADataDirThatWasReplacedMeanwhile) {
  bench_.close();
  const auto away = bench_.folder.path() / "away";
  ReplacesDataDir observer(bench_.options.data_dir, away);
  bench_.options.observer = &observer;
  ASSERT_TRUE(bench_.open().has_value());
  const auto outcome = bench_.submit(IngestBench::request("acme"), "id,name\n1,a\n");
  ASSERT_TRUE(outcome.has_error());
  EXPECT_EQ(outcome.error().type, "data-dir-replaced");
  EXPECT_EQ(bench_.engine->reader().uploads({}).value().size(), 0U);
  for (const auto& folder : {bench_.options.data_dir, away}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / "archive")) {
      EXPECT_NE(entry.path().extension(), ".csv") << entry.path();
    }
  }
  bench_.close();
}

TEST_F(EngineTest, AMisspeltIgnoreIsWarnedOf) {
  auto request = IngestBench::request("acme");
  request.fields["ignore"] = "TS";
  const auto upload = bench_.upload(request, "id,ts\n1,a\n").upload;
  ASSERT_EQ(upload.outcome.warnings.size(), 1U);
  EXPECT_NE(upload.outcome.warnings.front().find("\"TS\""), std::string::npos)
      << upload.outcome.warnings.front();
}

TEST_F(EngineTest, AQuoteInsideAnUnquotedValueIsWarnedOf) {
  const std::string text = "id,size,note\n1,small,x\n2,5\" pipe,\"a \"\"b\"\"\"\n3,6\",7\"\n";
  const auto request = IngestBench::request("acme");
  const auto upload = bench_.upload(request, text).upload;
  const std::string warning =
      "line 3, column \"size\": \"5\" pipe\" has a quote inside an unquoted value, which was read as an "
      "ordinary character; 3 values in the file have one; to be unambiguous, put the whole value in "
      "quotes and double each quote inside";
  EXPECT_THAT(upload.outcome.warnings, ::testing::ElementsAre(warning));
  EXPECT_EQ(bench_.upload(request, text).status, UploadStatus::unchanged);
  EXPECT_THAT(bench_.upload(request, text).upload.outcome.warnings, ::testing::ElementsAre(warning));
  EXPECT_THAT(bench_.upload(request, "id,size,note\n1,\"5\"\" pipe\",x\n").upload.outcome.warnings,
              ::testing::Not(::testing::Contains(::testing::HasSubstr("quote"))));
}

TEST_F(EngineTest, UnchangedSaysWhatOfTheRequestWasNotTaken) {
  const std::string text = "id,name\n1,a\n";
  auto request = IngestBench::request("acme");
  request.fields["effective_at"] = "2025-01-01";
  bench_.upload(request, text);
  EXPECT_TRUE(bench_.upload(request, text).upload.outcome.warnings.empty())
      << "a retry gets what it asked for";
  request.fields["effective_at"] = "2025-02-01";
  request.fields["encoding"] = "utf-8";
  const auto again = bench_.upload(request, text);
  EXPECT_EQ(again.status, UploadStatus::unchanged);
  EXPECT_EQ(again.upload.times.effective_at, Timestamp::parse("2025-01-01").value());
  ASSERT_EQ(again.upload.outcome.warnings.size(), 2U);
  EXPECT_NE(again.upload.outcome.warnings[0].find("effective_at 2025-02-01"), std::string::npos)
      << again.upload.outcome.warnings[0];
  EXPECT_NE(again.upload.outcome.warnings[1].find("encoding"), std::string::npos)
      << again.upload.outcome.warnings[1];
}

TEST_F(EngineTest, SameBytesAndOptionsAreUnchanged) {
  const std::string text = "id,name\n1,a\n";
  const auto first = bench_.upload(text).upload;
  bench_.clock.advance_ms(1000);
  auto request = IngestBench::request("acme");
  for (const bool dry_run : {false, true}) {
    request.fields["dry_run"] = dry_run ? "true" : "false";
    request.fields["effective_at"] = "2025-01-01";
    const auto again = bench_.upload(request, text);
    EXPECT_EQ(again.status, UploadStatus::unchanged) << dry_run;
    EXPECT_EQ(again.upload.upload_id, first.upload_id);
    EXPECT_EQ(again.upload.outcome.counts.changes(), 0);
    EXPECT_EQ(again.upload.outcome.counts.rows, 1);
  }
  EXPECT_EQ(bench_.log->messages().size(), 1U);
  EXPECT_TRUE(std::filesystem::is_empty(layout().spool()));
  auto other = IngestBench::request("acme");
  other.fields["types"] = "name:string";
  const auto typed = bench_.upload(other, text).upload;
  EXPECT_EQ(typed.version, Version(2)) << "other types are another version";
  EXPECT_THAT(typed.outcome.warnings, ::testing::ElementsAre(::testing::HasSubstr("the next version")));
}

TEST_F(EngineTest, FindingsChangeNothing) {
  bench_.upload("id,name\n1,a\n");
  auto outcome = bench_.submit(IngestBench::request("acme"), "id,name\n1,a\n1,b\n");
  ASSERT_TRUE(outcome.has_value());
  const auto* findings = std::get_if<csv::Findings>(&outcome.value());
  ASSERT_NE(findings, nullptr);
  EXPECT_EQ(findings->first.front().type, "repeated-key");
  // A wrong header does not hide the findings about rows.
  outcome = bench_.submit(IngestBench::request("acme"), "id,name,NAME\n1,a,b\n2\n");
  ASSERT_TRUE(outcome.has_value());
  findings = std::get_if<csv::Findings>(&outcome.value());
  ASSERT_NE(findings, nullptr);
  EXPECT_GE(findings->total, 2);
  EXPECT_EQ(bench_.engine->reader().tables().value().front().versions, 1);
  EXPECT_TRUE(std::filesystem::is_empty(layout().spool()));
  EXPECT_EQ(bench_.upload("id,name\n1,b\n").upload.version, Version(2)) << "the next upload works";
}

TEST_F(EngineTest, NamesThatDifferInCaseAreRefused) {
  bench_.upload("id,name\n1,a\n");
  struct Case {
    std::string company;
    std::string table;
  };
  for (const auto& c : {Case{"ACME", "financials"}, Case{"Acme", "other"}, Case{"acme", "Financials"}}) {
    auto request = IngestBench::request(c.company);
    request.fields["table_name"] = c.table;
    const auto outcome = bench_.submit(request, "id,name\n1,a\n");
    ASSERT_FALSE(outcome.has_value()) << c.company << "/" << c.table;
    EXPECT_EQ(outcome.error().type, "name-differs-in-case");
    EXPECT_EQ(outcome.error().code, ErrorCode::conflict);
  }
}

TEST_F(EngineTest, EffectiveAtIsCheckedBeforeAnythingIsWritten) {
  auto request = IngestBench::request("acme");
  request.fields["effective_at"] = "2025-02-01";
  EXPECT_EQ(bench_.upload(request, "id\n1\n").upload.times.effective_at,
            Timestamp::parse("2025-02-01").value());
  for (const std::string bad : {"2025-02-01", "2025-01-31", "2035-01-01", "soon"}) {
    request.fields["effective_at"] = bad;
    const auto outcome = bench_.submit(request, "id\n1\n2\n");
    ASSERT_FALSE(outcome.has_value()) << bad;
    EXPECT_EQ(outcome.error().type, "bad-effective-at") << bad;
  }
  request.fields["effective_at"] = "2025-02-02";
  EXPECT_EQ(bench_.upload(request, "id\n1\n2\n").upload.version, Version(2));
}

TEST_F(EngineTest, TimestampsRiseWhenTheClockLags) {
  const auto v1 = bench_.upload("id\n1\n").upload;
  bench_.clock.advance_ms(-5000);
  const auto v2 = bench_.upload("id\n2\n").upload;
  EXPECT_EQ(v2.times.timestamp, v1.times.timestamp->plus_ms(1));
  EXPECT_EQ(v2.times.effective_at, v2.times.timestamp);
  ASSERT_EQ(v2.outcome.warnings.size(), 1U);
  EXPECT_NE(v2.outcome.warnings.front().find("clock"), std::string::npos) << v2.outcome.warnings.front();
}

TEST_F(EngineTest, HeldUploadIsPublishedAsShown) {
  bench_.upload(rows_csv(1, 30, "a"));
  const auto held = bench_.upload(rows_csv(1, 10, "b"));
  ASSERT_EQ(held.status, UploadStatus::held);
  EXPECT_FALSE(held.upload.version);
  EXPECT_EQ(held.upload.outcome.hold_reasons.size(), 1U);
  ASSERT_EQ(held.samples_json.size(), 5U);
  EXPECT_NE(held.samples_json.front().find(R"("version":null)"), std::string::npos)
      << held.samples_json.front();
  EXPECT_EQ(bench_.engine->health().held, 1);
  EXPECT_EQ(bench_.log->messages().size(), 30U);

  bench_.clock.advance_ms(1000);
  std::vector<std::string> shown;
  ASSERT_TRUE(bench_.engine->reader()
                  .changes(held.upload.upload_id, Seq(1),
                           [&](Seq, std::string_view json) {
                             shown.emplace_back(json);
                             return true;
                           })
                  .has_value());
  EXPECT_EQ(shown.size(), 30U);
  EXPECT_EQ(shown.front(), held.samples_json.front());

  const auto released = bench_.engine->intake().release(held.upload.upload_id);
  ASSERT_TRUE(released.has_value()) << released.error().text();
  EXPECT_EQ(released.value().status, UploadStatus::published);
  EXPECT_EQ(released.value().upload.upload_id, held.upload.upload_id);
  EXPECT_EQ(released.value().upload.version, Version(2));
  EXPECT_EQ(released.value().upload.times.timestamp, bench_.clock.now());
  EXPECT_EQ(bench_.log->messages().size(), 60U);
  EXPECT_TRUE(std::filesystem::is_empty(layout().held()));
  EXPECT_EQ(current("acme"), rows_csv(1, 10, "b"));
  const auto again = bench_.engine->intake().release(held.upload.upload_id);
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().type, "not-held");
}

TEST_F(EngineTest, ReleaseIsRefusedWhenTheTableHasMovedOn) {
  bench_.upload("id\n1\n");
  auto request = IngestBench::request("acme");
  request.fields["dry_run"] = "true";
  const auto held = bench_.upload(request, "id\n1\n2\n");
  bench_.upload("id\n1\n3\n");
  const auto released = bench_.engine->intake().release(held.upload.upload_id);
  ASSERT_FALSE(released.has_value());
  EXPECT_EQ(released.error().type, "table-moved-on");
  EXPECT_NE(released.error().message.find("version 2"), std::string::npos) << released.error().message;
  EXPECT_EQ(bench_.engine->reader().upload(held.upload.upload_id).value()->state, UploadState::held);
}

TEST_F(EngineTest, HeldFirstVersionMakesNoTable) {
  const auto held = bench_.upload("id,name\n");
  EXPECT_EQ(held.status, UploadStatus::held);
  EXPECT_TRUE(bench_.engine->reader().tables().value().empty());
  const auto released = bench_.engine->intake().release(held.upload.upload_id);
  ASSERT_TRUE(released.has_value()) << released.error().text();
  EXPECT_EQ(released.value().status, UploadStatus::published);
  EXPECT_EQ(released.value().upload.version, Version(1));
}

TEST_F(EngineTest, ADamagedHeldFileIsNotReleased) {
  auto request = IngestBench::request("acme");
  request.fields["dry_run"] = "true";
  const auto held = bench_.upload(request, "id\n1\n");
  const auto path = layout().held_file(held.upload.upload_id);
  ASSERT_TRUE(io::remove_file(path).has_value());
  ASSERT_TRUE(io::write_file_durably(path, "id\n2\n").has_value());
  const auto released = bench_.engine->intake().release(held.upload.upload_id);
  ASSERT_FALSE(released.has_value());
  EXPECT_EQ(released.error().code, ErrorCode::corrupt) << released.error().text();
}

TEST_F(EngineTest, DiscardRemovesTheFile) {
  auto request = IngestBench::request("acme");
  request.fields["dry_run"] = "true";
  const auto held = bench_.upload(request, "id\n1\n").upload;
  ASSERT_TRUE(bench_.engine->intake().discard(held.upload_id).has_value());
  EXPECT_EQ(bench_.engine->reader().upload(held.upload_id).value()->state, UploadState::discarded);
  EXPECT_TRUE(std::filesystem::is_empty(layout().held()));
  EXPECT_EQ(bench_.engine->intake().discard(held.upload_id).error().type, "not-held");
  EXPECT_EQ(bench_.engine->reader()
                .changes(held.upload_id, Seq(1), [](Seq, std::string_view) { return true; })
                .error()
                .type,
            "file-gone");
}

TEST_F(EngineTest, HeldUploadsExpire) {
  auto request = IngestBench::request("acme");
  request.fields["dry_run"] = "true";
  const auto dry = bench_.upload(request, "id\n1\n").upload;
  const auto kept = bench_.upload("id,name\n").upload;
  bench_.close();
  bench_.clock.advance_ms(std::int64_t{25} * 3'600'000);
  ASSERT_TRUE(bench_.open().has_value());
  EXPECT_EQ(bench_.engine->reader().upload(dry.upload_id).value()->state, UploadState::expired);
  EXPECT_EQ(bench_.engine->reader().upload(kept.upload_id).value()->state, UploadState::held);
  EXPECT_FALSE(std::filesystem::exists(layout().held_file(dry.upload_id)));
  EXPECT_TRUE(std::filesystem::exists(layout().held_file(kept.upload_id)));
}

TEST_F(EngineTest, RekeyIsHeldUnlessForced) {
  bench_.upload("id,code,name\n1,x,a\n2,y,b\n");
  auto request = IngestBench::request("acme");
  request.fields["key"] = "code";
  const std::string v2 = "id,code,name\n1,x,a\n2,y,c\n";
  EXPECT_EQ(bench_.submit(request, v2).error().type, "key-changed");
  request.fields["rekey"] = "true";
  EXPECT_EQ(bench_.upload(request, v2).status, UploadStatus::held);
  request.fields["force"] = "true";
  const auto forced = bench_.upload(request, v2);
  EXPECT_EQ(forced.status, UploadStatus::published);
  EXPECT_EQ(forced.upload.outcome.counts, (diff::Counts{2, 2, 2, 0, 2}));
  EXPECT_TRUE(forced.upload.reading.rekey);
  EXPECT_EQ(bench_.upload("id,code,name\n1,x,a\n2,y,d\n").upload.outcome.counts.updated, 1)
      << "the new key is remembered";
}

TEST_F(EngineTest, TablesRunInParallelAndOneTablesUploadsInTurn) {
  constexpr int kTables = 4;
  constexpr int kUploads = 6;
  std::vector<std::thread> threads;
  for (int t = 0; t < kTables; ++t) {
    // Each table has two threads.
    for (int half = 0; half < 2; ++half) {
      threads.emplace_back([&, t, half] {
        for (int i = 0; i < kUploads / 2; ++i) {
          bench_.upload(IngestBench::request("company" + std::to_string(t)),
                        "id,n\n1," + std::to_string(half * 100 + i) + "\n");
        }
      });
    }
  }
  for (auto& thread : threads) thread.join();
  for (int t = 0; t < kTables; ++t) {
    const auto versions =
        bench_.engine->reader().versions({"company" + std::to_string(t), "financials"}, Version(1), 100);
    ASSERT_TRUE(versions.has_value());
    ASSERT_EQ(versions.value().size(), std::size_t{kUploads});
    for (std::size_t i = 1; i < versions.value().size(); ++i) {
      EXPECT_EQ(versions.value()[i].previous_upload_id, versions.value()[i - 1].upload_id);
      EXPECT_GT(versions.value()[i].times.timestamp, versions.value()[i - 1].times.timestamp);
    }
  }
  EXPECT_EQ(bench_.log->messages().size(), std::size_t{kTables * kUploads});
}

TEST_F(EngineTest, AnswersWhatIsNotThere) {
  const TableRef none{"none", "financials"};
  EXPECT_EQ(bench_.engine->reader().versions(none, Version(1), 10).error().type, "no-such-table");
  EXPECT_EQ(bench_.engine->reader().archived_file(none, Version(1)).error().type, "no-such-table");
  EXPECT_FALSE(bench_.engine->reader().upload(UploadId{}).value());
  EXPECT_EQ(bench_.engine->intake().release(UploadId{}).error().type, "no-such-upload");
  const auto v1 = bench_.upload("id\n1\n").upload;
  EXPECT_EQ(bench_.engine->reader().archived_file(v1.table, Version(2)).error().type, "no-such-version");
  EXPECT_EQ(bench_.engine->reader().archived_file(v1.table, Version(1)).value()->read(0, 100).value(),
            "id\n1\n");
}

TEST_F(EngineTest, AnArchivedFileIsReadFromAnywhereInPieces) {
  std::string text = "id,name\n";
  for (int id = 0; text.size() < 700'000; ++id) text += std::to_string(id) + ",some name\n";
  const auto table = bench_.upload(text).upload.table;
  const auto file = bench_.engine->reader().archived_file(table, Version(1)).value();
  EXPECT_EQ(file->bytes(), text.size());
  for (const std::size_t first : {0UL, 1UL, 262'143UL, 262'144UL, 300'000UL, text.size() - 1, text.size()}) {
    for (const std::size_t bytes : {0UL, 1UL, 262'145UL, text.size()}) {
      std::string read;
      const std::size_t end = std::min(first + bytes, text.size());
      while (first + read.size() < end) {
        const auto piece = file->read(first + read.size(), end - first - read.size());
        ASSERT_TRUE(piece.has_value());
        ASSERT_FALSE(piece.value().empty());
        read += piece.value();
      }
      EXPECT_EQ(read, text.substr(first, bytes)) << first << " " << bytes;
    }
  }
}

TEST_F(EngineTest, ADownloadThatIsUnderWayGivesNoByteThatChangesMeanwhile) {
  std::string text = "id,name\n";
  for (int id = 0; text.size() < 700'000; ++id) text += std::to_string(id) + ",some name\n";
  const auto upload = bench_.upload(text).upload;
  const auto file = bench_.engine->reader().archived_file(upload.table, Version(1)).value();
  ASSERT_TRUE(file->read(0, 10).has_value());
  const auto path = layout().archived_file(upload);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  {
    std::fstream changed(path, std::ios::in | std::ios::out);
    changed.seekp(300'000);
    changed.put('#');
  }
  EXPECT_EQ(file->read(300'000, 1).error().type, "archive-damaged");
  EXPECT_EQ(file->read(262'144, 1).error().type, "archive-damaged") << "of the same block";
  EXPECT_TRUE(file->read(0, 10).has_value());
  ASSERT_EQ(bench_.engine->health().damaged.size(), 1U);
  std::filesystem::resize_file(path, 600'000);
  EXPECT_EQ(file->read(600'000, 1).error().type, "archive-damaged");
}

TEST_F(EngineTest, AFileThatHasTheNameOfANewVersionIsNeitherOverwrittenNorRemoved) {
  const auto first = bench_.upload("id\n1\n").upload;
  auto next = first;
  next.file.archive_name =
      archive_name_of(bench_.clock.now().plus_ms(1), file_id_of("acme", io::sha256_of("id\n2\n")));
  ASSERT_TRUE(io::write_file(layout().archived_file(next), "the only copy of something").has_value());
  const auto second = bench_.upload("id\n2\n").upload;
  EXPECT_EQ(second.times.timestamp, bench_.clock.now().plus_ms(2)) << "the next name that is free";
  EXPECT_EQ(io::read_whole_file(layout().archived_file(next)).value(), "the only copy of something");
  EXPECT_EQ(io::read_whole_file(layout().archived_file(second)).value(), "id\n2\n");
}

TEST_F(EngineTest, ListsUploadsNewestFirst) {
  std::vector<UploadId> ids;
  for (const std::string company : {"a", "b", "c"}) {
    bench_.clock.advance_ms(1);
    ids.push_back(bench_.upload(IngestBench::request(company), "id\n1\n").upload.upload_id);
  }
  UploadFilter filter;
  filter.limit = 2;
  const auto page = bench_.engine->reader().uploads(filter).value();
  ASSERT_EQ(page.size(), 2U);
  EXPECT_EQ(page[0].upload_id, ids[2]);
  filter.before = page[1].upload_id;
  const auto rest = bench_.engine->reader().uploads(filter).value();
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].upload_id, ids[0]);
  filter = {};
  filter.table = TableRef{"b", "financials"};
  filter.state = UploadState::published;
  EXPECT_EQ(bench_.engine->reader().uploads(filter).value().size(), 1U);
}

TEST_F(EngineTest, DelimiterAndEncodingAreFoundAgainUnlessGiven) {
  EXPECT_EQ(bench_.upload("id;name\n1;a\n").upload.reading.options.delimiter, ';');
  const auto v2 = bench_.upload("id,name\n1,b\n").upload;
  EXPECT_EQ(v2.reading.options.delimiter, ',');
  EXPECT_EQ(v2.outcome.counts.updated, 1);
  auto request = IngestBench::request("acme");
  request.fields["encoding"] = "latin-1";
  bench_.upload(request, "id,name\n1,\xE9\n");
  const auto v4 = bench_.upload("id,name\n1,\xE8\n").upload;
  EXPECT_EQ(v4.reading.options.encoding, csv::Encoding::latin1);
  EXPECT_EQ(parse_event_json(bench_.log->messages().back().value).value().new_values_json,
            "{\"id\":\"1\",\"name\":\"è\"}");
}

TEST_F(EngineTest, ARememberedEncodingIsComparedWithWhatTheBytesSay) {
  auto request = IngestBench::request("acme");
  request.fields["encoding"] = "latin-1";
  bench_.upload(request, "id,name\n1,\xE9\n");
  const std::string marked = "\xEF\xBB\xBFid,name\n1,\xC3\xA9\n";
  const auto outcome = bench_.submit(IngestBench::request("acme"), marked);
  ASSERT_TRUE(outcome.has_value()) << outcome.error().text();
  const auto* const findings = std::get_if<csv::Findings>(&outcome.value());
  ASSERT_NE(findings, nullptr);
  EXPECT_EQ(findings->first.front().type, "encoding-changed");
  EXPECT_EQ(bench_.upload("id,name\n1,\xE9\n2,b\n").upload.reading.options.encoding, csv::Encoding::latin1)
      << "a refused file changes nothing";
  request.fields["encoding"] = "auto";
  const auto found = bench_.upload(request, marked).upload;
  EXPECT_EQ(found.reading.options.encoding, csv::Encoding::utf8);
  EXPECT_FALSE(found.reading.encoding_given);
  EXPECT_EQ(found.outcome.counts.updated, 0) << "the same text in another encoding";
}

/// Limits the size of every file during its lifetime, which simulates a disk that is full for the catalog but
/// not for small files.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::uintmax_t bytes) {
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_limit_);
    rlimit limit = old_limit_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_limit_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_limit_{};
  void (*old_handler_)(int) = SIG_DFL;
};

TEST_F(EngineTest, ACatalogThatCannotGrowRefusesAndTheNextUploadWorks) {
  const auto v1 = bench_.upload("id\n1\n").upload;
  const auto folder = layout().archive_folder(v1.table);
  std::set<fs::path> strays;
  {
    const FileSizeLimit limit(fs::file_size(bench_.options.data_dir / "catalog.db-wal"));
    for (const std::string bytes : {"id\n1\n2\n", "id\n1\n3\n"}) {
      const auto outcome = bench_.submit(IngestBench::request("acme"), bytes);
      ASSERT_FALSE(outcome.has_value());
      EXPECT_EQ(outcome.error().code, ErrorCode::in_doubt) << outcome.error().text();
    }
    EXPECT_EQ(bench_.engine->reader().tables().value().front().versions, 1);
  }
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().stem() != fs::path(v1.file.archive_name).stem()) strays.insert(entry.path());
  }
  EXPECT_EQ(strays.size(), 2U) << "nobody knows yet that they are nobody's";
  // The name for the same bytes at the same time is taken, so the upload gets another one.
  const auto v2 = bench_.upload("id\n1\n2\n").upload;
  EXPECT_EQ(v2.version, Version(2));
  EXPECT_FALSE(strays.contains(layout().archived_file(v2)));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  const auto any_left = [&] {
    return std::any_of(strays.begin(), strays.end(), [](const fs::path& path) { return fs::exists(path); });
  };
  while (any_left() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_FALSE(any_left()) << "the housekeeper removes them when the catalog can be written again";
  EXPECT_EQ(io::read_whole_file(layout().archived_file(v2)).value(), "id\n1\n2\n");
  bench_.close();
  ASSERT_TRUE(bench_.open().has_value());
  EXPECT_EQ(current("acme"), "id\n1\n2\n");
  EXPECT_EQ(bench_.engine->reader().versions(v1.table, Version(1), 10).value().size(), 2U);
}

TEST_F(EngineTest, UploadsLeaveTheReserve) {
  const auto free = static_cast<double>(io::free_bytes(bench_.folder.path()).value());
  bench_.close();
  bench_.options.disk_reserve = static_cast<std::uint64_t>(0.7 * free);
  ASSERT_TRUE(bench_.open().has_value());
  EXPECT_TRUE(bench_.engine->intake().receive().has_value());
  bench_.close();
  bench_.options.disk_reserve = static_cast<std::uint64_t>(1.4 * free);
  ASSERT_TRUE(bench_.open().has_value());
  EXPECT_EQ(bench_.engine->intake().receive().error().type, "disk-full");
}

}  // namespace
}  // namespace deltadrop::ingest
