#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "ingest/archive_reader.hpp"
#include "ingest/catalog.hpp"
#include "ingest/reading.hpp"
#include "ingest/reading_cache.hpp"
#include "ingest/stored_files.hpp"
#include "io/clock_watch.hpp"

namespace deltadrop::ingest {

/// Implements ArchiveReader. Records come from the catalog, files and changes from the archive.
class CatalogReader final : public ArchiveReader {
 public:
  /// All must outlive the reader.
  struct Parts {
    StoredFiles& files;
    Catalog& catalog;
    ReadingCache& readings;
    io::Clock& clock;
    io::ClockWatch& clock_watch;
  };
  CatalogReader(const Options& options, const ArchiveId& archive_id, const Parts& parts)
      : options_(options),
        archive_id_(archive_id),
        files_(parts.files),
        catalog_(parts.catalog),
        readings_(parts.readings),
        clock_(parts.clock),
        clock_watch_(parts.clock_watch) {}

  Result<std::optional<UploadRecord>> upload(const UploadId& upload) override {
    return catalog_.find(upload);
  }
  Result<std::vector<UploadRecord>> uploads(const UploadFilter& filter) override {
    return catalog_.list(filter);
  }
  Result<std::vector<TableRecord>> tables(const TableFilter& filter) override {
    return catalog_.tables(filter);
  }
  Result<std::optional<TableRecord>> table(const TableRef& table) override { return catalog_.table(table); }
  Acceptances accepted_since(std::uint64_t number) override { return catalog_.accepted_since(number); }
  [[nodiscard]] std::optional<Timestamp> expires_at(const UploadRecord& upload) override;
  Result<std::vector<UploadRecord>> versions(const TableRef& table, Version first,
                                             std::int64_t limit) override;
  Result<void> changes(const UploadId& upload, Seq first,
                       const std::function<bool(Seq seq, std::string_view json)>& use,
                       const Stop& stop) override;
  Result<VersionDiff> diff_versions(const TableRef& table, Version from, Version to, Seq first,
                                    const std::function<bool(const EventView& change)>& use,
                                    const Stop& stop) override;
  Result<std::unique_ptr<ArchivedFile>> archived_file(const TableRef& table, Version version) override;
  Result<std::unique_ptr<ArchivedFile>> archived_original(const TableRef& table, Version version) override;
  [[nodiscard]] ArchiveId archive_id() const override { return archive_id_; }

 private:
  Result<std::shared_ptr<const Reading>> reading_of(const UploadRecord& upload, const Stop& stop);

  const Options& options_;
  const ArchiveId archive_id_;
  StoredFiles& files_;
  Catalog& catalog_;
  ReadingCache& readings_;
  io::Clock& clock_;
  io::ClockWatch& clock_watch_;
};

}  // namespace deltadrop::ingest
