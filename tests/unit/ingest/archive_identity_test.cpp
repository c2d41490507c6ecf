#include "ingest/archive_identity.hpp"

#include <gtest/gtest.h>

#include "ingest/archive.hpp"
#include "ingest/catalog.hpp"
#include "ingest/manifest.hpp"
#include "support/ingest_bench.hpp"

// Tests the archive's id, and uploads to tables that another archive owns.
namespace deltadrop::ingest {
namespace {

using deltadrop::testing::IngestBench;
using deltadrop::testing::rows_csv;

constexpr auto kOwned = "table-owned-by-another-archive";

class ArchiveIdentityTest : public ::testing::Test {
 protected:
  ArchiveIdentityTest() { EXPECT_TRUE(bench_.open().has_value()); }

  [[nodiscard]] Layout layout() const { return {bench_.options.data_dir}; }
  [[nodiscard]] std::optional<ArchiveId> id_in_file() const { return read_archive_id(layout()).value(); }

  void reopen() {
    bench_.close();
    const auto opened = bench_.open();
    ASSERT_TRUE(opened.has_value()) << opened.error().text();
  }
  void lose_catalog() {
    bench_.close();
    for (const std::string name : {"catalog.db", "catalog.db-wal", "catalog.db-shm"}) {
      std::filesystem::remove(bench_.options.data_dir / name);
    }
  }
  /// Returns the id after a rebuild of the catalog and a start.
  ArchiveId rebuilt_id() {
    const auto rebuilt = rebuild_catalog(bench_.options, bench_.clock);
    EXPECT_TRUE(rebuilt.has_value()) << rebuilt.error().text();
    reopen();
    return bench_.engine->reader().archive_id();
  }
  static Event event_in(std::string_view message) { return parse_event_json(message).value(); }

  IngestBench bench_;
};

TEST_F(ArchiveIdentityTest, IsMadeOnceAndKept) {
  const auto id = bench_.engine->reader().archive_id();
  EXPECT_NE(id, ArchiveId{});
  EXPECT_EQ(id_in_file(), id);
  reopen();
  EXPECT_EQ(bench_.engine->reader().archive_id(), id);
  IngestBench other;
  ASSERT_TRUE(other.open().has_value());
  EXPECT_NE(other.engine->reader().archive_id(), id);
}

TEST_F(ArchiveIdentityTest, IsInEachVersionsManifestAndEvents) {
  const auto upload = bench_.upload(rows_csv(1, 2, "a")).upload;
  ASSERT_TRUE(bench_.wait_published(upload.upload_id));
  const auto path = layout().manifest_file(upload);
  const auto manifest = read_manifest(io::read_whole_file(path).value(), path);
  ASSERT_TRUE(manifest.has_value()) << manifest.error().text();
  EXPECT_EQ(manifest.value().archive_id, bench_.engine->reader().archive_id());
  const auto messages = bench_.log->messages();
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(event_in(messages[0].value).upload.archive_id, bench_.engine->reader().archive_id());
}

TEST_F(ArchiveIdentityTest, OneOfItsPlacesIsEnough) {
  const auto id = bench_.engine->reader().archive_id();
  bench_.close();
  std::filesystem::remove(layout().archive_id_file());
  reopen();
  EXPECT_EQ(bench_.engine->reader().archive_id(), id) << "from the catalog";
  EXPECT_EQ(id_in_file(), id);
  bench_.upload(rows_csv(1, 2, "a"));
  lose_catalog();
  EXPECT_EQ(rebuilt_id(), id) << "from archive/archive-id";
  lose_catalog();
  std::filesystem::remove(layout().archive_id_file());
  EXPECT_EQ(rebuilt_id(), id) << "from the manifests";
  bench_.close();
  std::filesystem::remove(layout().archive_id_file());
  EXPECT_EQ(rebuilt_id(), id);
  EXPECT_EQ(id_in_file(), id);
}

TEST_F(ArchiveIdentityTest, TheCatalogOfAnotherArchiveIsRefused) {
  bench_.upload(rows_csv(1, 2, "a"));
  bench_.close();
  ArchiveId other;
  other.bytes[15] = 1;
  ASSERT_TRUE(write_archive_id(layout(), other).has_value());
  const auto opened = bench_.open();
  ASSERT_TRUE(opened.has_error());
  EXPECT_EQ(opened.error().type, "mixed-archives");
  EXPECT_NE(opened.error().fix.find("deltadrop rebuild catalog"), std::string::npos) << opened.error().fix;
  EXPECT_EQ(rebuilt_id(), other) << "the files decide";
}

TEST_F(ArchiveIdentityTest, ADamagedIdIsNamed) {
  bench_.close();
  ASSERT_TRUE(io::write_file(layout().archive_id_file(), "nonsense\n").has_value());
  const auto opened = bench_.open();
  ASSERT_TRUE(opened.has_error());
  EXPECT_EQ(opened.error().type, "damaged-archive-id");
}

/// Tests an owner check that rejects every table and records its calls.
class OwnedTableTest : public ArchiveIdentityTest {
 protected:
  void refuse_from_now_on() {
    bench_.options.owner_check = [this](const TableRef& table, const ArchiveId& archive,
                                        const HasUpload& has_upload) -> Result<void> {
      asked_ = table;
      archive_ = archive;
      if (known_) {
        EXPECT_TRUE(has_upload(*known_).value());
        EXPECT_FALSE(has_upload(UploadId{}).value());
      }
      return Error{ErrorCode::conflict, kOwned, "another archive's", "go there"};
    };
    reopen();
  }

  std::optional<UploadId> known_;
  std::optional<TableRef> asked_;
  std::optional<ArchiveId> archive_;
};

TEST_F(OwnedTableTest, AnUploadIsRefusedBeforeItIsCompared) {
  refuse_from_now_on();
  const auto outcome = bench_.submit(IngestBench::request("acme"), "no CSV at all \xff");
  ASSERT_TRUE(outcome.has_error());
  EXPECT_EQ(outcome.error().type, kOwned);
  EXPECT_EQ(asked_, (TableRef{"acme", "financials"}));
  EXPECT_EQ(archive_, bench_.engine->reader().archive_id());
  EXPECT_TRUE(bench_.engine->reader().tables().value().empty());
  EXPECT_FALSE(std::filesystem::exists(layout().archive() / "acme"));
  EXPECT_TRUE(std::filesystem::is_empty(layout().spool()));
}

TEST_F(OwnedTableTest, ReleaseAndRevertAreRefusedToo) {
  const auto first = bench_.upload(rows_csv(1, 2, "a")).upload;
  known_ = first.upload_id;
  bench_.upload(rows_csv(1, 2, "b"));
  auto request = IngestBench::request("acme");
  request.fields["dry_run"] = "true";
  const auto held = bench_.upload(request, rows_csv(1, 3, "c")).upload;
  refuse_from_now_on();
  const auto released = bench_.engine->intake().release(held.upload_id);
  ASSERT_TRUE(released.has_error());
  EXPECT_EQ(released.error().type, kOwned);
  const auto reverted = bench_.engine->intake().revert({first.table, Version(1), false, false, {}, {}});
  ASSERT_TRUE(reverted.has_error());
  EXPECT_EQ(reverted.error().type, kOwned);
  EXPECT_EQ(bench_.engine->reader().versions(first.table, Version(1), 9).value().size(), 2U);
  EXPECT_EQ(bench_.engine->reader().upload(held.upload_id).value()->state, UploadState::held);
}

}  // namespace
}  // namespace deltadrop::ingest
