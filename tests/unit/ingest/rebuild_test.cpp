#include <gtest/gtest.h>

#include "ingest/archive.hpp"
#include "ingest/catalog.hpp"
#include "ingest/manifest.hpp"
#include "support/ingest_bench.hpp"

namespace deltadrop::ingest {
namespace {

using deltadrop::testing::IngestBench;
using deltadrop::testing::rows_csv;

/// Makes a DATA_DIR with two tables, three versions and one held upload, and closes it.
class RebuildTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(bench_.open().has_value());
    auto request = IngestBench::request("acme");
    request.fields["types"] = "name:string";
    request.fields["delimiter"] = ",";
    uploads_.push_back(bench_.upload(request, rows_csv(1, 3, "a")).upload);
    uploads_.push_back(bench_.upload(rows_csv(2, 4, "b")).upload);
    uploads_.push_back(bench_.upload(IngestBench::request("other"), rows_csv(1, 2, "a")).upload);
    request = IngestBench::request("acme");
    request.fields["dry_run"] = "true";
    held_ = bench_.upload(request, rows_csv(1, 9, "c")).upload;
    events_ = bench_.log->messages();
    bench_.close();
  }

  void lose_catalog() {
    for (const std::string name : {"catalog.db", "catalog.db-wal", "catalog.db-shm"}) {
      std::filesystem::remove(bench_.options.data_dir / name);
    }
  }
  /// Simulates a power failure after a small upload: the catalog has its row and its bytes, but only a part
  /// of its files is on disk.
  void lose_power_after(const UploadRecord& upload, std::string_view bytes) {
    {
      const auto catalog = Catalog::open(layout().catalog());
      ASSERT_TRUE(catalog.value()->add_version(upload, bytes).has_value());
    }
    std::filesystem::remove(layout().archived_file(upload));
    std::filesystem::remove(layout().manifest_file(upload));
    ASSERT_TRUE(io::write_file(layout().archived_file(upload), "").has_value());
    ASSERT_TRUE(io::write_file(layout().manifest_file(upload), "{\"format\"").has_value());
  }
  void check_restored(const UploadRecord& upload, std::string_view bytes) {
    const auto path = layout().manifest_file(upload);
    EXPECT_EQ(io::read_whole_file(layout().archived_file(upload)).value(), bytes);
    const auto manifest = read_manifest(io::read_whole_file(path).value(), path);
    ASSERT_TRUE(manifest.has_value()) << manifest.error().text();
    EXPECT_EQ(record_to_json(manifest.value()), record_to_json(upload));
  }
  Result<RebuildReport> rebuild() { return rebuild_catalog(bench_.options, bench_.clock); }
  [[nodiscard]] Layout layout() const { return {bench_.options.data_dir}; }

  IngestBench bench_;
  std::vector<UploadRecord> uploads_;
  UploadRecord held_;
  std::vector<deltadrop::testing::RecordedMessage> events_;
};

TEST_F(RebuildTest, AMissingCatalogIsRefusedAndNothingIsTouched) {
  lose_catalog();
  const auto opened = bench_.open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().type, "catalog-behind");
  EXPECT_NE(opened.error().fix.find("deltadrop rebuild catalog"), std::string::npos);
  for (const auto& upload : uploads_) EXPECT_TRUE(std::filesystem::exists(layout().archived_file(upload)));
  EXPECT_TRUE(std::filesystem::exists(layout().held_file(held_.upload_id)));
  EXPECT_FALSE(std::filesystem::exists(layout().catalog()));
}

TEST_F(RebuildTest, SmallFilesThatPowerFailureTookAreRestoredAtStart) {
  ASSERT_TRUE(Catalog::open(layout().catalog()).value()->with_bytes().value().empty())
      << "stopping synced the files";
  lose_power_after(uploads_[1], rows_csv(2, 4, "b"));
  // Even the folder's name may be missing on disk.
  lose_power_after(uploads_[2], rows_csv(1, 2, "a"));
  std::filesystem::remove_all(layout().archive_folder(uploads_[2].table).parent_path());
  std::filesystem::remove(layout().current_file(uploads_[2].table));
  const auto opened = bench_.open();
  ASSERT_TRUE(opened.has_value()) << opened.error().text();
  check_restored(uploads_[1], rows_csv(2, 4, "b"));
  check_restored(uploads_[2], rows_csv(1, 2, "a"));
  EXPECT_EQ(io::read_whole_file(layout().current_file(uploads_[2].table)).value(), rows_csv(1, 2, "a"));
  EXPECT_EQ(bench_.upload(rows_csv(2, 5, "b")).upload.outcome.counts.inserted, 1);
  bench_.close();
  EXPECT_TRUE(Catalog::open(layout().catalog()).value()->with_bytes().value().empty());
}

TEST_F(RebuildTest, DamagedBytesInTheCatalogDoNotReplaceASmallFile) {
  {
    const auto catalog = Catalog::open(layout().catalog());
    ASSERT_TRUE(catalog.value()->add_version(uploads_[1], rows_csv(2, 4, "x")).has_value());
  }
  ASSERT_TRUE(bench_.open().has_value());
  check_restored(uploads_[1], rows_csv(2, 4, "b"));
  EXPECT_TRUE(bench_.engine->health().damaged.empty());
  bench_.close();
  EXPECT_EQ(Catalog::open(layout().catalog()).value()->with_bytes().value().size(), 1U);
}

TEST_F(RebuildTest, AnEmptyCatalogIsALostOne) {
  for (const auto& upload : uploads_) std::filesystem::remove(layout().manifest_file(upload));
  lose_catalog();
  ASSERT_TRUE(io::write_file(layout().catalog(), "").has_value());
  const auto opened = bench_.open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().type, "catalog-behind");
  for (const auto& upload : uploads_) EXPECT_TRUE(std::filesystem::exists(layout().archived_file(upload)));
}

TEST_F(RebuildTest, ARebuildTakesSmallFilesFromTheOldCatalog) {
  lose_power_after(uploads_[1], rows_csv(2, 4, "b"));
  const auto report = rebuild();
  ASSERT_TRUE(report.has_value()) << report.error().text();
  EXPECT_EQ(report.value().uploads, 3);
  check_restored(uploads_[1], rows_csv(2, 4, "b"));
}

TEST_F(RebuildTest, TheRebuiltCatalogPublishesAllUnderTheSameIds) {
  lose_catalog();
  const auto report = rebuild();
  ASSERT_TRUE(report.has_value()) << report.error().text();
  EXPECT_EQ(report.value().tables, 2);
  EXPECT_EQ(report.value().uploads, 3);
  ASSERT_EQ(report.value().unclaimed.size(), 1U) << "the held file, whose row is lost";
  EXPECT_TRUE(std::filesystem::exists(report.value().unclaimed.front()));
  ASSERT_TRUE(bench_.open().has_value());
  for (const auto& upload : uploads_) EXPECT_TRUE(bench_.wait_published(upload.upload_id));
  std::multiset<std::string> before;
  std::multiset<std::string> after;
  for (const auto& message : events_) before.insert(message.value);
  for (const auto& message : bench_.log->messages()) after.insert(message.value);
  EXPECT_EQ(after, before);
  const auto found = bench_.engine->reader().upload(uploads_[1].upload_id).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(record_to_json(*found), record_to_json(uploads_[1]));
  const auto next = bench_.upload(rows_csv(2, 5, "b")).upload;
  EXPECT_EQ(next.version, Version(3));
  EXPECT_TRUE(next.reading.delimiter_given) << "what the table remembers is in the manifests";
  EXPECT_TRUE(next.reading.types_json);
}

TEST_F(RebuildTest, AManifestWithoutRowIsRefused) {
  std::filesystem::copy_file(layout().manifest_file(uploads_[0]), layout().archive_folder(uploads_[0].table) /
                                                                      "20990101000000000_acme_00000000.json");
  const auto opened = bench_.open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().type, "catalog-behind");
}

TEST_F(RebuildTest, DamageIsNamedAndTheOldCatalogStays) {
  const auto manifest = layout().manifest_file(uploads_[1]);
  const auto file = layout().archived_file(uploads_[0]);
  const std::string manifest_text = io::read_whole_file(manifest).value();
  const std::string file_text = io::read_whole_file(file).value();
  std::string damaged_file = file_text;
  damaged_file.back() = ' ';
  std::string damaged_manifest = manifest_text;
  damaged_manifest[damaged_manifest.find("\"rows\": ") + 8] = '9';
  struct Case {
    std::filesystem::path path;
    std::string good;
    std::string bad;
  };
  // Remove the old catalog, which could restore the manifest.
  const auto kept = bench_.options.data_dir / "kept.db";
  std::filesystem::rename(layout().catalog(), kept);
  for (const auto& c : {Case{manifest, manifest_text, damaged_manifest}, Case{file, file_text, damaged_file},
                        Case{file, file_text, file_text + "9,z\n"}}) {
    ASSERT_TRUE(io::write_file_durably(c.path, c.bad).has_value());
    const auto report = rebuild();
    ASSERT_FALSE(report.has_value()) << c.path;
    EXPECT_EQ(report.error().code, ErrorCode::corrupt);
    const auto name = c.path.lexically_relative(layout().root).string();
    EXPECT_NE(report.error().message.find(name), std::string::npos) << report.error().message;
    ASSERT_TRUE(io::write_file_durably(c.path, c.good).has_value());
  }
  std::filesystem::remove(layout().manifest_file(uploads_[0]));
  const auto report = rebuild();
  ASSERT_FALSE(report.has_value()) << "version 1 is missing";
  EXPECT_EQ(report.error().type, "broken-chain");
  std::filesystem::rename(kept, layout().catalog());
  ASSERT_TRUE(bench_.open().has_value()) << "the old catalog is still there";
  EXPECT_TRUE(std::filesystem::exists(layout().manifest_file(uploads_[0]))) << "written again from its row";
  EXPECT_EQ(bench_.engine->reader().tables().value().size(), 2U);
}

TEST_F(RebuildTest, AFileWithoutManifestIsKeptAside) {
  std::filesystem::remove(layout().manifest_file(uploads_[1]));
  lose_catalog();
  const auto report = rebuild();
  ASSERT_TRUE(report.has_value()) << report.error().text();
  EXPECT_EQ(report.value().uploads, 2);
  ASSERT_EQ(report.value().unclaimed.size(), 2U);
  EXPECT_EQ(io::read_whole_file(report.value().unclaimed.front()).value(), rows_csv(2, 4, "b"));
}

TEST_F(RebuildTest, AMissingManifestIsWrittenFromTheOldCatalog) {
  std::filesystem::remove(layout().manifest_file(uploads_[0]));
  std::filesystem::remove(layout().manifest_file(uploads_[1]));
  const auto report = rebuild();
  ASSERT_TRUE(report.has_value()) << report.error().text();
  EXPECT_EQ(report.value().uploads, 3);
  EXPECT_EQ(report.value().manifests_written, 2);
  EXPECT_TRUE(report.value().unclaimed.empty());
  for (const auto& upload : uploads_) {
    EXPECT_EQ(io::read_whole_file(layout().manifest_file(upload)).value(), manifest_text(upload));
  }
  ASSERT_TRUE(bench_.open().has_value());
  EXPECT_EQ(bench_.upload(rows_csv(2, 5, "b")).upload.version, Version(3));
}

TEST_F(RebuildTest, HeldUploadsAreTakenOver) {
  const auto report = rebuild();
  ASSERT_TRUE(report.has_value()) << report.error().text();
  EXPECT_EQ(report.value().held, 1);
  EXPECT_TRUE(report.value().unclaimed.empty());
  ASSERT_TRUE(bench_.open().has_value());
  const auto released = bench_.engine->intake().release(held_.upload_id);
  ASSERT_TRUE(released.has_value()) << released.error().text();
  EXPECT_EQ(released.value().upload.version, Version(3));
}

TEST_F(RebuildTest, AHeldRowOfAnAcceptedUploadIsNotTakenOver) {
  const auto older = bench_.options.data_dir / "older.db";
  std::filesystem::copy_file(layout().catalog(), older);
  ASSERT_TRUE(bench_.open().has_value());
  ASSERT_TRUE(bench_.engine->intake().release(held_.upload_id).has_value());
  bench_.close();
  lose_catalog();
  std::filesystem::rename(older, layout().catalog());
  const auto report = rebuild();
  ASSERT_TRUE(report.has_value()) << report.error().text();
  EXPECT_EQ(report.value().uploads, 4);
  EXPECT_EQ(report.value().held, 0);
  ASSERT_TRUE(bench_.open().has_value());
  EXPECT_EQ(bench_.engine->reader().upload(held_.upload_id).value()->version, Version(3));
}

TEST_F(RebuildTest, AVersionWhoseFileIsGoneIsNamedThoughItHasNoManifest) {
  std::filesystem::remove_all(layout().archive_folder(uploads_[2].table));
  const auto report = rebuild();
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().type, "archive-damaged");
  EXPECT_NE(report.error().message.find(uploads_[2].file.archive_name), std::string::npos);
}

TEST_F(RebuildTest, ACatalogThatCannotBeReadIsReplacedAndNamed) {
  lose_catalog();
  ASSERT_TRUE(io::write_file_durably(layout().catalog(), std::string(8192, 'x')).has_value());
  const auto report = rebuild();
  ASSERT_TRUE(report.has_value()) << report.error().text();
  EXPECT_EQ(report.value().uploads, 3);
  ASSERT_TRUE(report.value().old_catalog);
  EXPECT_EQ(report.value().unclaimed.size(), 1U) << "the held file";
  EXPECT_TRUE(bench_.open().has_value());
}

TEST_F(RebuildTest, RecoveryMendsWhatACrashLeaves) {
  const auto& last = uploads_[1];
  const auto folder = layout().archive_folder(last.table);
  std::filesystem::remove(layout().manifest_file(last));
  const std::vector<std::filesystem::path> stray = {folder / "20990101000000000_acme_00000000.csv",
                                                    folder / "x.json.tmp", layout().spool() / "7.part",
                                                    layout().held() / (last.upload_id.to_string() + ".csv"),
                                                    layout().current() / "acme" / "financials.csv.tmp"};
  for (const auto& path : stray) ASSERT_TRUE(io::write_file_durably(path, "id\n1\n").has_value());
  ASSERT_TRUE(io::write_file_durably(layout().current_file(last.table), "old").has_value());
  ASSERT_TRUE(bench_.open().has_value());
  for (const auto& path : stray) EXPECT_FALSE(std::filesystem::exists(path)) << path;
  const auto is_kept = [&](const std::filesystem::path& path) {
    return std::filesystem::exists(layout().lost_and_found() / path.lexically_relative(layout().root));
  };
  EXPECT_TRUE(is_kept(stray[0])) << "no row tells whose it is";
  EXPECT_TRUE(is_kept(stray[1]));
  EXPECT_FALSE(is_kept(stray[2])) << "the spool is emptied";
  EXPECT_FALSE(is_kept(stray[3])) << "the held name of an accepted upload";
  EXPECT_FALSE(is_kept(stray[4])) << "a copy that was being made";
  EXPECT_TRUE(std::filesystem::exists(layout().manifest_file(last)));
  EXPECT_EQ(io::read_whole_file(layout().current_file(last.table)).value(), rows_csv(2, 4, "b"));
  EXPECT_TRUE(std::filesystem::exists(layout().held_file(held_.upload_id)));
  EXPECT_TRUE(bench_.engine->intake().release(held_.upload_id).has_value());
}

}  // namespace
}  // namespace deltadrop::ingest
