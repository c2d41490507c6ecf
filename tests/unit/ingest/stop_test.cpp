#include <gtest/gtest.h>

#include <filesystem>
#include <stop_token>
#include <string>

#include "support/ingest_bench.hpp"

// Cancelled uploads leave no files, and their table is free at once.
namespace deltadrop::ingest {
namespace {

namespace fs = std::filesystem;
using deltadrop::testing::IngestBench;
using deltadrop::testing::rows_csv;

std::size_t files_in(const fs::path& folder) {
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) count += entry.is_regular_file() ? 1 : 0;
  return count;
}

UploadRequest gone_client() {
  std::stop_source gone;
  gone.request_stop();
  auto request = IngestBench::request("acme");
  request.caller.stop = Stop().on(gone.get_token(), {ErrorCode::unavailable, "client-gone", "", ""});
  return request;
}

TEST(IngestStop, AnUploadWhoseClientHasGoneChangesNothing) {
  IngestBench bench;
  ASSERT_TRUE(bench.open().has_value());
  bench.upload(rows_csv(1, 30, "a"));
  const auto before = files_in(bench.options.data_dir / "archive");
  const auto outcome = bench.submit(gone_client(), rows_csv(1, 30, "b"));
  ASSERT_TRUE(outcome.has_error());
  EXPECT_EQ(outcome.error().type, "client-gone");
  EXPECT_EQ(files_in(bench.options.data_dir / "archive"), before);
  EXPECT_EQ(files_in(bench.options.data_dir / "spool"), 0U);
  EXPECT_EQ(bench.upload(rows_csv(1, 30, "c")).upload.version, Version(2));
}

TEST(IngestStop, AComparisonThatTakesTooLongChangesNothing) {
  IngestBench bench;
  ASSERT_TRUE(bench.open().has_value());
  bench.upload(rows_csv(1, 30, "a"));
  bench.close();
  bench.options.compare_timeout = std::chrono::milliseconds(0);
  ASSERT_TRUE(bench.open().has_value());
  const auto outcome = bench.submit(IngestBench::request("acme"), rows_csv(1, 30, "b"));
  ASSERT_TRUE(outcome.has_error());
  EXPECT_EQ(outcome.error().type, "compare-timed-out");
  EXPECT_EQ(outcome.error().code, ErrorCode::timed_out);
  EXPECT_EQ(files_in(bench.options.data_dir / "spool"), 0U);
  const auto table = bench.engine->reader().table(TableRef::make("acme", "financials").value());
  EXPECT_EQ(table.value()->versions, 1);
}

TEST(IngestStop, AReaderWhoHasGoneIsToldNothing) {
  IngestBench bench;
  ASSERT_TRUE(bench.open().has_value());
  const auto first = bench.upload(rows_csv(1, 30, "a")).upload;
  bench.upload(rows_csv(1, 30, "b"));
  const auto stop = gone_client().caller.stop;
  const auto changes = bench.engine->reader().changes(
      first.upload_id, Seq(1), [](Seq, std::string_view) { return true; }, stop);
  EXPECT_EQ(changes.error().type, "client-gone");
  const auto diff = bench.engine->reader().diff_versions(
      first.table, Version(1), Version(2), Seq(1), [](const EventView&) { return true; }, stop);
  EXPECT_EQ(diff.error().type, "client-gone");
  // The cancelled read is not cached: another reader gets all changes.
  std::int64_t seen = 0;
  const auto again = bench.engine->reader().changes(first.upload_id, Seq(1), [&](Seq, std::string_view) {
    ++seen;
    return true;
  });
  EXPECT_TRUE(again.has_value());
  EXPECT_EQ(seen, 30);
}

}  // namespace
}  // namespace deltadrop::ingest
