#include "lake/lake.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "io/file.hpp"
#include "lake/known_folders.hpp"
#include "lake/table_columns.hpp"
#include "lake/table_writer.hpp"

namespace deltadrop::lake {
namespace {

/// Rewrites all older uploads in the lake. Returns their number, or nothing if `columns` had to be widened.
Result<std::optional<std::int64_t>> write_older(TableWriter& table, history::LakeLedger& history,
                                                const UploadFacts& upload, TableColumns& columns) {
  std::int64_t count = 0;
  DD_TRY(const auto uploads, history.applied_uploads(upload.table, upload.version));
  for (const auto& older : uploads) {
    if (older.facts.version >= upload.version || !older.in_lake_at) continue;
    DD_TRY(const auto written, table.write(older.facts, columns));
    if (!written) return std::optional<std::int64_t>();
    ++count;
  }
  for (const auto& file : table.compaction().files()) {
    DD_TRY(const auto written, table.write_compacted(file, uploads, columns));
    if (!written) return std::optional<std::int64_t>();
  }
  return std::optional(count);
}

/// Writes the upload, and the older ones if `columns` now differ from those of their files. Returns false if
/// `columns` had to be widened.
Result<bool> write_all(TableWriter& table, history::LakeLedger& history, const UploadFacts& upload,
                       const TableColumns& held, TableColumns& columns, WriteReport& report) {
  DD_TRY(table.open());
  DD_TRY(const auto written, table.write(upload, columns));
  if (!written) return false;
  report.files = written->files;
  report.rows = written->rows;
  if (alike_in_files(held, columns)) return true;
  DD_TRY(const auto rewritten, write_older(table, history, upload, columns));
  report.rewritten_uploads = rewritten.value_or(0);
  return rewritten.has_value();
}

Result<WriteReport> write_and_publish(TableWriter& table, history::LakeLedger& history,
                                      const UploadFacts& upload, TableColumns& columns) {
  WriteReport report;
  DD_TRY(auto stored, history.lake_columns(upload.table));
  DD_TRY(columns, columns_to_begin_with(stored, history, upload));
  const TableColumns held(std::move(stored));
  // Every round but the last widens a type, which is possible only a few times per column.
  for (bool done = false; !done;) {
    DD_TRY(done, write_all(table, history, upload, held, columns, report));
  }
  DD_TRY(table.publish());
  DD_TRY(report.warnings, undeclared(upload, columns));
  return report;
}

}  // namespace

Result<void> check_folder(const std::filesystem::path& folder) {
  DD_TRY(io::make_folders_durably(folder, io::Readers::by_umask));
  if (::access(folder.c_str(), W_OK | X_OK) != 0) return io::system_error("write into", folder, errno);
  return success();
}

Result<WriteReport> write_upload(const Options& options, history::LakeLedger& history,
                                 const history::UploadStatus& upload, io::Clock& clock, KnownFolders* known) {
  const auto& facts = upload.facts;
  TableWriter table(options, history, facts.table);
  auto contents = known == nullptr ? std::nullopt : known->take(facts.table, table.folder());
  const auto last_known = contents ? contents->last_version : Version(0);
  if (contents && !upload.in_lake_at && facts.version > last_known) {
    table.trust(std::move(*contents));
  } else {
    // Only uploads in the lake are compacted. A compacted file with events of another upload belongs to a
    // history that was emptied since, and is deleted.
    const auto last = upload.in_lake_at ? history::kAnyVersion : Version(facts.version.value - 1);
    DD_TRY(auto compaction, Compaction::in_folder(table.folder(), last));
    table.respect(std::move(compaction));
  }
  TableColumns columns;
  auto report = write_and_publish(table, history, upload.facts, columns);
  if (!report.has_value()) {
    table.discard();
    return report;
  }
  DD_TRY(history.mark_in_lake(facts.upload_id, columns.all(), clock.now()));
  if (known != nullptr) {
    auto now_there = table.contents();
    now_there.last_version = std::max(last_known, facts.version);
    for (const auto& file : now_there.compaction.files()) {
      now_there.last_version = std::max(now_there.last_version, file.versions.last);
    }
    known->remember(facts.table, table.folder(), std::move(now_there));
  }
  return report;
}

}  // namespace deltadrop::lake
