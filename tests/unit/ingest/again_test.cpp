#include <gtest/gtest.h>

#include <future>
#include <set>
#include <thread>

#include "ingest/archive.hpp"
#include "ingest/manifest.hpp"
#include "support/ingest_bench.hpp"

namespace deltadrop::ingest {
namespace {

using deltadrop::testing::IngestBench;
using deltadrop::testing::rows_csv;

class AgainTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto opened = bench_.open();
    ASSERT_TRUE(opened.has_value()) << opened.error().text();
  }

  void reopen() {
    bench_.close();
    const auto opened = bench_.open();
    ASSERT_TRUE(opened.has_value()) << opened.error().text();
  }

  static UploadRequest keyed(const std::string& key) {
    auto request = IngestBench::request("acme");
    request.caller.idempotency_key = key;
    return request;
  }

  [[nodiscard]] std::int64_t versions() const {
    const auto table = bench_.engine->reader().table({"acme", "financials"});
    return table.value() ? table.value()->versions : 0;
  }

  UploadReport revert(std::int64_t to, bool force = false, bool dry_run = false,
                      const std::string& key = "") const {
    RevertRequest request{{"acme", "financials"}, Version(to), dry_run, force, {}, {}};
    if (!key.empty()) request.caller.idempotency_key = key;
    auto outcome = bench_.engine->intake().revert(request);
    EXPECT_TRUE(outcome.has_value()) << outcome.error().text();
    return std::get<UploadReport>(std::move(outcome.value()));
  }

  struct Seen {
    VersionDiff diff;
    std::vector<std::string> changes;  ///< "insert 3 line 4", ...
  };
  Seen diff(std::int64_t from, std::int64_t to, Seq first = Seq(1)) const {
    Seen seen;
    auto diff = bench_.engine->reader().diff_versions(
        {"acme", "financials"}, Version(from), Version(to), first, [&](const EventView& change) {
          seen.changes.push_back(std::string(to_string(change.type)) + " " + std::string(change.key_value) +
                                 " line " + std::to_string(change.line.value));
          return true;
        });
    EXPECT_TRUE(diff.has_value()) << diff.error().text();
    seen.diff = std::move(diff.value());
    return seen;
  }

  IngestBench bench_;
};

// ---- idempotency keys

TEST_F(AgainTest, ARetryIsAnsweredAsBeforeAndDoesNothing) {
  const std::string v1 = "id,name\n1,a\n";
  const std::string v2 = "id,name\n1,b\n";
  const auto first = bench_.upload(keyed("k1"), v1);
  EXPECT_FALSE(first.replayed);
  bench_.upload(v2);
  // Without a key, this upload would restore the first file.
  auto again = bench_.upload(keyed("k1"), v1);
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.status, UploadStatus::published);
  EXPECT_EQ(again.upload.upload_id, first.upload.upload_id);
  EXPECT_EQ(again.upload.outcome.counts, first.upload.outcome.counts);
  EXPECT_EQ(versions(), 2);
  reopen();
  again = bench_.upload(keyed("k1"), v1);
  EXPECT_TRUE(again.replayed) << "also after a restart";
  EXPECT_EQ(again.upload.upload_id, first.upload.upload_id);
  EXPECT_EQ(versions(), 2);
}

TEST_F(AgainTest, AKeyOfAnotherRequestIsRefused) {
  bench_.upload(keyed("k1"), "id,name\n1,a\n");
  const auto refused = [&](const UploadRequest& request, std::string_view bytes) {
    const auto outcome = bench_.submit(request, bytes);
    return outcome.has_error() ? outcome.error().type : std::string("taken");
  };
  EXPECT_EQ(refused(keyed("k1"), "id,name\n1,b\n"), "idempotency-key-reused");
  auto other_option = keyed("k1");
  other_option.fields["force"] = "true";
  EXPECT_EQ(refused(other_option, "id,name\n1,a\n"), "idempotency-key-reused");
  auto other_table = keyed("k1");
  other_table.fields["table_name"] = "balances";
  EXPECT_EQ(refused(other_table, "id,name\n1,a\n"), "idempotency-key-reused");
  EXPECT_EQ(bench_.engine->reader().tables().value().size(), 1U);
  auto other_name = keyed("k1");
  other_name.file_name = "copy of acme.csv";
  EXPECT_TRUE(bench_.upload(other_name, "id,name\n1,a\n").replayed) << "the file's name is no part of it";
}

TEST_F(AgainTest, HeldAndUnchangedAnswersStayAsTheyWere) {
  bench_.upload(rows_csv(1, 3, "a"));
  auto dry = keyed("dry");
  dry.fields["dry_run"] = "true";
  const auto held = bench_.upload(dry, rows_csv(1, 4, "a"));
  ASSERT_EQ(held.status, UploadStatus::held);
  const auto unchanged = bench_.upload(keyed("same"), rows_csv(1, 3, "a"));
  ASSERT_EQ(unchanged.status, UploadStatus::unchanged);
  ASSERT_TRUE(bench_.engine->intake().release(held.upload.upload_id).has_value());
  const auto held_again = bench_.upload(dry, rows_csv(1, 4, "a"));
  EXPECT_EQ(held_again.status, UploadStatus::held);
  EXPECT_EQ(held_again.samples_json, held.samples_json);
  EXPECT_EQ(record_to_json(held_again.upload), record_to_json(held.upload));
  EXPECT_EQ(held_again.upload.version, std::nullopt);
  const auto unchanged_again = bench_.upload(keyed("same"), rows_csv(1, 3, "a"));
  EXPECT_EQ(unchanged_again.status, UploadStatus::unchanged) << "though version 2 is another file";
  EXPECT_EQ(unchanged_again.upload.version, Version(1));
  EXPECT_EQ(versions(), 2);
}

TEST_F(AgainTest, ARefusalLeavesTheKeyFree) {
  const auto bad = bench_.submit(keyed("k"), "id,name\n1,a\n1,b\n");
  ASSERT_TRUE(std::holds_alternative<csv::Findings>(bad.value()));
  EXPECT_FALSE(bench_.upload(keyed("k"), "id,name\n1,a\n2,b\n").replayed);
}

TEST_F(AgainTest, AKeyIsFreeAgainWhenItsAnswerHasExpired) {
  const auto first = bench_.upload(keyed("k"), rows_csv(1, 2, "a"));
  bench_.clock.advance_ms(bench_.options.idempotency_ttl.count() + 1);
  const auto second = bench_.upload(keyed("k"), rows_csv(1, 2, "b"));
  EXPECT_FALSE(second.replayed);
  EXPECT_NE(second.upload.upload_id, first.upload.upload_id);
  EXPECT_TRUE(bench_.upload(keyed("k"), rows_csv(1, 2, "b")).replayed);
}

TEST_F(AgainTest, RequestsAtOnceWithOneKeyAreOneUpload) {
  constexpr int kThreads = 8;
  for (const bool one_table : {true, false}) {
    const std::string key = one_table ? "one table" : "two tables";
    std::vector<std::future<Result<SubmitOutcome>>> outcomes;
    for (int i = 0; i < kThreads; ++i) {
      outcomes.push_back(std::async(std::launch::async, [&, i] {
        auto request = keyed(key);
        request.fields["company_id"] = one_table ? "one" : "many" + std::to_string(i);
        return bench_.submit(request, "id,name\n1,a\n");
      }));
    }
    std::set<UploadId> ids;
    int made = 0;
    int refused = 0;
    for (auto& each : outcomes) {
      auto outcome = each.get();
      if (outcome.has_error()) {
        EXPECT_EQ(outcome.error().type, "idempotency-key-reused");
        ++refused;
        continue;
      }
      const auto& report = std::get<UploadReport>(outcome.value());
      if (!report.replayed) ++made;
      EXPECT_EQ(report.status, UploadStatus::published);
      ids.insert(report.upload.upload_id);
    }
    EXPECT_EQ(made, 1);
    EXPECT_EQ(ids.size(), 1U);
    EXPECT_EQ(refused, one_table ? 0 : kThreads - 1);
  }
  EXPECT_EQ(bench_.engine->reader().tables().value().size(), 2U);
  EXPECT_TRUE(std::filesystem::is_empty(Layout{bench_.options.data_dir}.spool()));
}

TEST_F(AgainTest, AReleaseCanBeRetried) {
  auto dry = IngestBench::request("acme");
  dry.fields["dry_run"] = "true";
  const auto held = bench_.upload(dry, rows_csv(1, 3, "a")).upload;
  Caller caller;
  caller.idempotency_key = "release";
  const auto released = bench_.engine->intake().release(held.upload_id, caller);
  ASSERT_TRUE(released.has_value()) << released.error().text();
  EXPECT_EQ(released.value().status, UploadStatus::published);
  const auto again = bench_.engine->intake().release(held.upload_id, caller);
  ASSERT_TRUE(again.has_value()) << again.error().text();
  EXPECT_TRUE(again.value().replayed);
  EXPECT_EQ(again.value().upload.version, Version(1));
  EXPECT_EQ(bench_.engine->intake().release(held.upload_id).error().type, "not-held");
}

TEST_F(AgainTest, WhoDoesNotWaitIsAnsweredAcceptedAndItIsPublishedAllTheSame) {
  auto request = keyed("async");
  request.caller.publish_wait = std::chrono::milliseconds(0);
  const auto report = bench_.upload(request, rows_csv(1, 3, "a"));
  EXPECT_EQ(report.status, UploadStatus::accepted);
  EXPECT_EQ(report.upload.version, Version(1));
  EXPECT_TRUE(bench_.wait_published(report.upload.upload_id));
  EXPECT_EQ(bench_.upload(request, rows_csv(1, 3, "a")).status, UploadStatus::published)
      << "a retry says how far it has come";
}

TEST_F(AgainTest, StepsHaveTheirTimes) {
  const auto report = bench_.upload(rows_csv(1, 3, "a"));
  const auto found = bench_.engine->reader().upload(report.upload.upload_id).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->times.steps.received, bench_.clock.now());
  EXPECT_EQ(found->times.steps.compared, bench_.clock.now());
  EXPECT_FALSE(bench_.engine->reader().expires_at(*found));
  auto dry = IngestBench::request("acme");
  dry.fields["dry_run"] = "true";
  const auto held = bench_.upload(dry, rows_csv(1, 2, "a")).upload;
  EXPECT_EQ(bench_.engine->reader().expires_at(held), held.times.received_at.plus_ms(24 * 3'600'000));
  bench_.clock.advance_ms(5000);
  ASSERT_TRUE(bench_.engine->intake().release(held.upload_id).has_value());
  const auto released = bench_.engine->reader().upload(held.upload_id).value();
  EXPECT_EQ(released->times.steps.received, held.times.steps.received) << "of the file, not of the release";
  EXPECT_EQ(released->times.timestamp, bench_.clock.now());
}

// ---- reverts

TEST_F(AgainTest, ARevertIsANewVersionThatNamesTheOldOne) {
  const std::string v1 = "id,name\n1,a\n2,b\n";
  bench_.upload(v1);
  bench_.clock.advance_ms(1000);
  bench_.upload("id,name\n1,a\n2,x\n");
  bench_.clock.advance_ms(1000);
  const auto report = revert(1);
  EXPECT_EQ(report.status, UploadStatus::published);
  EXPECT_EQ(report.upload.version, Version(3));
  EXPECT_EQ(report.upload.reverts_to, Version(1));
  EXPECT_EQ(report.upload.outcome.counts, (diff::Counts{2, 2, 0, 1, 0}));
  const Layout layout{bench_.options.data_dir};
  EXPECT_EQ(io::read_whole_file(layout.archived_file(report.upload)).value(), v1);
  const auto manifest_path = layout.manifest_file(report.upload);
  const auto manifest = read_manifest(io::read_whole_file(manifest_path).value(), manifest_path);
  ASSERT_TRUE(manifest.has_value()) << manifest.error().text();
  EXPECT_EQ(manifest.value().reverts_to, Version(1));
  EXPECT_EQ(revert(1).status, UploadStatus::unchanged) << "it is there already";
  EXPECT_EQ(versions(), 3);
}

TEST_F(AgainTest, ARevertTakesTheOptionsOfItsVersionBack) {
  auto first = IngestBench::request("acme");
  first.fields["delimiter"] = ";";
  first.fields["encoding"] = "latin-1";
  first.fields["ignore"] = "note";
  first.fields["types"] = "amount:decimal(2)";
  const std::string v1 = "id;amount;note\n1;caf\xE9;n\n2;2,50;n\n";
  const auto one = bench_.upload(first, v1).upload;
  auto second = IngestBench::request("acme");
  second.fields["delimiter"] = "auto";
  second.fields["encoding"] = "auto";
  second.fields["ignore"] = "";
  second.fields["types"] = "";
  second.fields["key"] = "id,note";
  second.fields["rekey"] = "true";
  second.fields["force"] = "true";
  bench_.upload(second, "id,amount,note\n1,3,n\n");
  const auto held = revert(1);
  EXPECT_EQ(held.status, UploadStatus::held) << "the key changes back, which the guard wants to be told";
  const auto report = revert(1, true);
  EXPECT_EQ(report.status, UploadStatus::published);
  const auto& upload = report.upload;
  EXPECT_EQ(upload.reading.options, one.reading.options);
  EXPECT_EQ(upload.reading.types_json, one.reading.types_json);
  EXPECT_EQ(upload.reading.delimiter_given, one.reading.delimiter_given);
  EXPECT_EQ(upload.reading.encoding_given, one.reading.encoding_given);
  EXPECT_TRUE(upload.reading.rekey);
  EXPECT_EQ(upload.outcome.counts, (diff::Counts{1, 2, 2, 0, 1}));
  EXPECT_EQ(diff(1, 3).changes, std::vector<std::string>{}) << "the same rows";
  // The table has the remembered options of that version again.
  EXPECT_EQ(bench_.upload("id;amount;note\n1;caf\xE9;m\n2;2,60;m\n").upload.outcome.counts,
            (diff::Counts{2, 2, 0, 1, 0}));
}

TEST_F(AgainTest, ARevertIsGuardedAndCanBeTried) {
  bench_.upload(rows_csv(1, 5, "a"));
  bench_.upload(rows_csv(1, 40, "a"));
  const auto held = revert(1);
  EXPECT_EQ(held.status, UploadStatus::held) << "it would delete 35 of 40 rows";
  EXPECT_EQ(held.upload.reverts_to, Version(1));
  const auto released = bench_.engine->intake().release(held.upload.upload_id);
  ASSERT_TRUE(released.has_value()) << released.error().text();
  EXPECT_EQ(released.value().upload.reverts_to, Version(1));
  EXPECT_EQ(released.value().upload.version, Version(3));
  EXPECT_EQ(revert(2, false, true).status, UploadStatus::held) << "a dry run";
  EXPECT_EQ(revert(2, true).status, UploadStatus::published);
  EXPECT_EQ(versions(), 4);
}

TEST_F(AgainTest, ARevertCanBeRetried) {
  bench_.upload("id,name\n1,a\n");
  bench_.upload("id,name\n1,b\n");
  const auto first = revert(1, false, false, "back");
  bench_.upload("id,name\n1,c\n");
  const auto again = revert(1, false, false, "back");
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.upload.upload_id, first.upload.upload_id);
  EXPECT_EQ(versions(), 4);
}

TEST_F(AgainTest, ARevertNeedsItsVersionAndItsFile) {
  const auto upload = bench_.upload("id,name\n1,a\n").upload;
  bench_.upload("id,name\n1,b\n");
  const auto error_of = [&](const TableRef& table, std::int64_t to) {
    return bench_.engine->intake().revert({table, Version(to), false, false, {}, {}}).error().type;
  };
  EXPECT_EQ(error_of({"acme", "financials"}, 3), "no-such-version");
  EXPECT_EQ(error_of({"nobody", "financials"}, 1), "no-such-table");
  const auto path = Layout{bench_.options.data_dir}.archived_file(upload);
  std::filesystem::remove(path);
  ASSERT_TRUE(io::write_file(path, "id,name\n1,z\n").has_value());
  EXPECT_EQ(error_of({"acme", "financials"}, 1), "archive-damaged");
  EXPECT_EQ(versions(), 2);
}

// ---- versions side by side

TEST_F(AgainTest, AnyTwoVersionsAreComparedBothWays) {
  bench_.upload("id,name\n1,a\n2,b\n3,c\n");
  bench_.upload("id,name\n1,a\n2,x\n3,c\n");
  bench_.upload("id,name,rank\n1,a,7\n2,b,\n4,d,\n");
  const auto forth = diff(1, 3);
  EXPECT_EQ(forth.diff.counts, (diff::Counts{3, 3, 1, 1, 1}));
  EXPECT_EQ(forth.changes,
            (std::vector<std::string>{"delete 3 line 4", "update 1 line 2", "insert 4 line 4"}));
  ASSERT_EQ(forth.diff.schema_changes.size(), 1U);
  EXPECT_EQ(forth.diff.schema_changes[0].column, "rank");
  EXPECT_FALSE(forth.diff.key_changed);
  const auto back = diff(3, 1);
  EXPECT_EQ(back.diff.counts, (diff::Counts{3, 3, 1, 1, 1}));
  EXPECT_EQ(back.changes,
            (std::vector<std::string>{"delete 4 line 4", "update 1 line 2", "insert 3 line 4"}));
  EXPECT_EQ(diff(2, 2).changes, std::vector<std::string>{});
  EXPECT_EQ(diff(1, 3, Seq(3)).changes, std::vector<std::string>{"insert 4 line 4"}) << "a later page";
  EXPECT_EQ(diff(1, 3, Seq(4)).changes, std::vector<std::string>{});
}

TEST_F(AgainTest, VersionZeroIsTheEmptyTable) {
  bench_.upload("id;\"na\"\"me\"\n1;a\n2;b\n");
  EXPECT_EQ(diff(0, 1).changes, (std::vector<std::string>{"insert 1 line 2", "insert 2 line 3"}));
  const auto all_gone = diff(1, 0);
  EXPECT_EQ(all_gone.changes, (std::vector<std::string>{"delete 1 line 2", "delete 2 line 3"}));
  EXPECT_EQ(all_gone.diff.counts, (diff::Counts{2, 0, 0, 0, 2}));
  EXPECT_TRUE(all_gone.diff.schema_changes.empty());
  EXPECT_EQ(diff(0, 0).diff.counts, diff::Counts{});
}

TEST_F(AgainTest, VersionsWithOtherKeysDifferInEveryRow) {
  bench_.upload("id,name\n1,a\n2,b\n");
  auto rekeyed = IngestBench::request("acme");
  rekeyed.fields["key"] = "name";
  rekeyed.fields["rekey"] = "true";
  rekeyed.fields["force"] = "true";
  bench_.upload(rekeyed, "id,name\n1,a\n2,b\n");
  const auto seen = diff(1, 2);
  EXPECT_TRUE(seen.diff.key_changed);
  EXPECT_EQ(seen.changes, (std::vector<std::string>{"delete 1 line 2", "delete 2 line 3", "insert a line 2",
                                                    "insert b line 3"}));
}

TEST_F(AgainTest, VersionsThatAreNotThereCannotBeCompared) {
  bench_.upload("id,name\n1,a\n");
  const auto error_of = [&](const TableRef& table, std::int64_t from, std::int64_t to) {
    return bench_.engine->reader()
        .diff_versions(table, Version(from), Version(to), Seq(1), [](const EventView&) { return true; })
        .error()
        .type;
  };
  EXPECT_EQ(error_of({"acme", "financials"}, 1, 2), "no-such-version");
  EXPECT_EQ(error_of({"nobody", "financials"}, 0, 1), "no-such-table");
  EXPECT_EQ(error_of({"nobody", "financials"}, 0, 0), "no-such-table");
}

TEST_F(AgainTest, ATableSaysWhenItChanged) {
  const auto first = bench_.upload("id,name\n1,a\n").upload;
  bench_.clock.advance_ms(1000);
  auto request = IngestBench::request("acme");
  request.fields["ignore"] = "note";
  bench_.upload(request, "id,name\n1,a\n");
  auto table = bench_.engine->reader().table({"acme", "financials"}).value();
  ASSERT_TRUE(table);
  EXPECT_EQ(table->versions, 2);
  EXPECT_EQ(table->changed_at, first.times.timestamp) << "version 2 changed no row";
  bench_.upload(IngestBench::request("beta"), "id,name\n1,a\n");
  bench_.upload(IngestBench::request("zeta"), "id,name\n1,a\n");
  const auto page = bench_.engine->reader().tables({TableRef{"acme", "financials"}, 1}).value();
  ASSERT_EQ(page.size(), 1U);
  EXPECT_EQ(page[0].table.company_id, "beta");
  EXPECT_FALSE(bench_.engine->reader().table({"nobody", "financials"}).value());
}

}  // namespace
}  // namespace deltadrop::ingest
