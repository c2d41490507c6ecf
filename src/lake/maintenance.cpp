#include "lake/maintenance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "core/text.hpp"
#include "lake/table_writer.hpp"

namespace deltadrop::lake {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kCompareBytes = std::size_t{256} << 10;

/// What a table's folder must hold by the history and the names of its compacted files.
struct TablePlan {
  fs::path folder;
  std::vector<history::UploadStatus> uploads;  ///< in the lake, by version
  std::set<std::string> waiting;               ///< marks of applied uploads that are not in the lake yet
  std::vector<history::LakeColumn> columns;
  Compaction compaction;
};

Result<TablePlan> plan_of(const Options& options, history::LakeLedger& history, const TableRef& table) {
  TablePlan plan;
  plan.folder = table_folder(options.folder, table);
  DD_TRY(auto applied, history.applied_uploads(table, history::kAnyVersion));
  for (auto& upload : applied) {
    if (upload.in_lake_at) {
      plan.uploads.push_back(std::move(upload));
    } else {
      DD_TRY(auto mark, mark_of(history, upload.facts));
      plan.waiting.insert(std::move(mark));
    }
  }
  DD_TRY(plan.columns, history.lake_columns(table));
  const auto last = plan.uploads.empty() ? Version(0) : plan.uploads.back().facts.version;
  DD_TRY(plan.compaction, Compaction::in_folder(plan.folder, last));
  return plan;
}

/// All files of the plan. False where `columns` had to be widened.
Result<bool> write_files(const TablePlan& plan, TableWriter& writer, TableColumns& columns,
                         TableWriter::Written& written, const OnProgress& progress) {
  written = {};
  Progress at{0, static_cast<std::int64_t>(plan.uploads.size()), 0};
  const auto count = [&](const TableWriter::Written& more) {
    written.files += more.files;
    written.rows += more.rows;
    at.files = written.files;
    progress(at);
  };
  for (const auto& upload : plan.uploads) {
    DD_TRY(const auto more, writer.write(upload.facts, columns));
    if (!more) return false;
    ++at.done;
    count(*more);
  }
  for (const auto& file : plan.compaction.files()) {
    DD_TRY(const auto more, writer.write_compacted(file, plan.uploads, columns));
    if (!more) return false;
    count(*more);
  }
  return true;
}

bool has_form(const std::string& name) { return upload_mark(name) || CompactedFile::of_name(name); }

/// Whether a name is of the lake's form and stands for nothing: not among the plan's files, and none of an
/// upload that is still to come.
bool is_extra(const TablePlan& plan, const TableWriter& writer, const std::string& name) {
  if (writer.wrote(name)) return false;
  if (const auto mark = upload_mark(name)) return !plan.waiting.contains(*mark);
  return CompactedFile::of_name(name).has_value();
}

/// Compares what would be written with what is there.
class ComparingTarget final : public FileTarget {
 public:
  using Found = std::function<void(const std::string& name, Fault fault, std::string detail)>;
  ComparingTarget(fs::path folder, Found found) : folder_(std::move(folder)), found_(std::move(found)) {}

  Result<void> begin(const std::string& name) override {
    name_ = name;
    position_ = 0;
    there_.reset();
    if (is_folder(folder_ / name)) {
      found_(name_, Fault::missing, "a folder has its name: move that to outside of PARQUET_DIR");
      return success();
    }
    std::error_code ignored;
    if (fs::is_directory(folder_ / name, ignored)) {
      found_(name_, Fault::missing, "a link to a folder has its name");
      return success();
    }
    auto opened = io::File::open_to_read(folder_ / name);
    if (!opened.has_value()) {
      if (opened.error().code != ErrorCode::not_found) return opened.error();
      found_(name_, Fault::missing, "it is not there");
      return success();
    }
    there_.emplace(std::move(opened.value()));
    return success();
  }

  Result<void> write(std::string_view bytes) override {
    while (there_ && !bytes.empty()) {
      const auto piece = bytes.substr(0, kCompareBytes);
      DD_TRY(const auto same, reads(piece));
      if (!same) return success();
      position_ += piece.size();
      bytes.remove_prefix(piece.size());
    }
    return success();
  }

  Result<void> end() override {
    if (!there_) return success();
    DD_TRY(const auto size, there_->size());
    if (size != position_) {
      found_(name_, Fault::differing,
             fmt::format("it has {}, and must have {}", counted(size, "byte"), position_));
    }
    there_.reset();
    return success();
  }

 private:
  /// Whether the next bytes of the file are these; it is let go of where they are not.
  Result<bool> reads(std::string_view piece) {
    std::size_t have = 0;
    while (have < piece.size()) {
      DD_TRY(const auto read,
             there_->read(std::as_writable_bytes(std::span(buffer_)).subspan(have, piece.size() - have)));
      if (read == 0) break;
      have += read;
    }
    const auto mismatch =
        std::mismatch(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(have), buffer_.begin());
    const auto same = static_cast<std::size_t>(mismatch.first - piece.begin());
    if (same == piece.size()) return true;
    found_(name_, Fault::differing,
           same == have ? fmt::format("it ends after {}", counted(position_ + have, "byte"))
                        : fmt::format("byte {} is another one", position_ + same));
    there_.reset();
    return false;
  }

  fs::path folder_;
  Found found_;
  std::string name_;
  std::optional<io::File> there_;
  std::array<char, kCompareBytes> buffer_{};
  std::uint64_t position_ = 0;
};

Error too_narrow(const TableRef& table) {
  return {ErrorCode::corrupt, "lake-columns",
          fmt::format("values of {} do not fit the column types that the history keeps for its files",
                      table.to_string()),
          fmt::format("find the types again with `deltadrop lake rebuild {} {}`", table.company_id,
                      table.table_name)};
}

// ---- compact
// ---------------------------------------------------------------------------------------------------------

/// Versions whose events of a type are in files of their own: one upload, or what was compacted before.
struct Piece {
  VersionRange versions;
  std::int64_t rows_max = 0;  ///< no type has more events
  std::vector<std::string> files;
};

/// The files in the folder by the version that they begin with and their type.
class FilesByVersion {
 public:
  static Result<FilesByVersion> of(const TablePlan& plan, history::LakeLedger& history) {
    std::map<std::string, Version> versions;  // by mark
    for (const auto& upload : plan.uploads) {
      DD_TRY(auto mark, mark_of(history, upload.facts));
      versions.emplace(std::move(mark), upload.facts.version);
    }
    FilesByVersion found;
    DD_TRY(for_each_file(plan.folder, [&](const std::string& name) -> Result<void> {
      if (const auto file = CompactedFile::of_name(name)) {
        found.compacted_[{file->type, file->versions.first, file->versions.last}].push_back(name);
        return success();
      }
      const auto mark = upload_mark(name);
      const auto version = mark ? versions.find(*mark) : versions.end();
      if (version == versions.end()) return success();
      found.uploads_[{*parse_change_type(name.substr(0, name.find('_'))), version->second}].push_back(name);
      return success();
    }));
    return found;
  }

  std::vector<std::string> of_upload(ChangeType type, Version version) const {
    const auto found = uploads_.find({type, version});
    return found == uploads_.end() ? std::vector<std::string>() : found->second;
  }
  std::vector<std::string> of_compacted(const CompactedFile& file) const {
    const auto found = compacted_.find({file.type, file.versions.first, file.versions.last});
    return found == compacted_.end() ? std::vector<std::string>() : found->second;
  }
  /// All files of that type whose events are of versions in the range.
  std::vector<std::string> within(const CompactedFile& file) const {
    std::vector<std::string> names;
    for (const auto& [place, found] : uploads_) {
      if (place.first == file.type && file.versions.contains(place.second))
        names.insert(names.end(), found.begin(), found.end());
    }
    for (const auto& [place, found] : compacted_) {
      const auto& [type, first, last] = place;
      if (type == file.type && file.versions.first <= first && last <= file.versions.last)
        names.insert(names.end(), found.begin(), found.end());
    }
    return names;
  }

 private:
  std::map<std::pair<ChangeType, Version>, std::vector<std::string>> uploads_;
  std::map<std::tuple<ChangeType, Version, Version>, std::vector<std::string>> compacted_;
};

/// The table's events of one type in the order of their versions, in the pieces that are there.
std::vector<Piece> pieces_of(const TablePlan& plan, const FilesByVersion& files, ChangeType type,
                             std::optional<Timestamp> before) {
  std::vector<Piece> pieces;
  for (const auto& upload : plan.uploads) {
    const auto& facts = upload.facts;
    if (!pieces.empty() && pieces.back().versions.contains(facts.version)) {
      pieces.back().rows_max += facts.total;
      continue;
    }
    if (before && facts.timestamp >= *before) break;
    const auto held = std::find_if(
        plan.compaction.files().begin(), plan.compaction.files().end(),
        [&](const auto& file) { return file.type == type && file.versions.contains(facts.version); });
    if (held != plan.compaction.files().end()) {
      pieces.push_back({held->versions, facts.total, files.of_compacted(*held)});
    } else {
      pieces.push_back({{facts.version, facts.version}, facts.total, files.of_upload(type, facts.version)});
    }
  }
  return pieces;
}

/// Pieces that follow each other, as many as fit one file, where that makes fewer files of them.
std::vector<CompactedFile> merges_of(const std::vector<Piece>& pieces, ChangeType type,
                                     std::int64_t rows_max) {
  std::vector<CompactedFile> merges;
  std::optional<VersionRange> range;
  std::int64_t rows = 0;
  std::size_t files = 0;
  const auto close = [&] {
    if (range && files > 1) merges.push_back({type, *range});
    range.reset();
    rows = 0;
    files = 0;
  };
  for (const auto& piece : pieces) {
    if (rows + piece.rows_max > rows_max) close();
    if (piece.rows_max > rows_max) continue;  // has full files already
    range = VersionRange{range ? range->first : piece.versions.first, piece.versions.last};
    rows += piece.rows_max;
    files += piece.files.size();
  }
  close();
  return merges;
}

/// Compacted files that stand beside files of events that they have: an interrupted run left those.
std::vector<CompactedFile> interrupted_of(const TablePlan& plan, const FilesByVersion& files) {
  std::vector<CompactedFile> interrupted;
  for (const auto& file : plan.compaction.files()) {
    if (files.within(file).size() > 1) interrupted.push_back(file);
  }
  return interrupted;
}

/// Writes a merged file, gives it its name, then removes what it stands for: of this run and of one that was
/// interrupted.
Result<CompactReport> merge_files(const TablePlan& plan, TableWriter& writer, const FilesByVersion& files,
                                  const CompactedFile& merge) {
  TableColumns columns(plan.columns);
  DD_TRY(const auto written, writer.write_compacted(merge, plan.uploads, columns));
  if (!written) return too_narrow(plan.uploads.front().facts.table);
  DD_TRY(writer.publish());
  std::vector<std::string> merged;
  for (const auto& name : files.within(merge)) {
    if (!writer.wrote(name)) merged.push_back(name);
  }
  DD_TRY(remove_superseded(plan.folder, merged));
  return CompactReport{static_cast<std::int64_t>(merged.size()), written->files, written->rows};
}

/// All files of the table under temporary names; then the columns as they are kept are right, too.
Result<TableWriter::Written> write_anew(const TablePlan& plan, TableWriter& writer,
                                        history::LakeLedger& history, const OnProgress& progress) {
  TableColumns columns(plan.columns);
  TableWriter::Written written;
  for (bool done = false; !done;) {
    DD_TRY(writer.open());
    DD_TRY(done, write_files(plan, writer, columns, written, progress));
  }
  if (columns.all() != plan.columns && !plan.uploads.empty()) {
    const auto& last = plan.uploads.back();
    DD_TRY(history.mark_in_lake(last.facts.upload_id, columns.all(), *last.in_lake_at));
  }
  return written;
}

}  // namespace

Result<RebuildReport> rebuild_table(const Options& options, history::LakeLedger& history,
                                    const TableRef& table, const OnProgress& progress) {
  DD_TRY(const auto plan, plan_of(options, history, table));
  RebuildReport report;
  report.uploads = static_cast<std::int64_t>(plan.uploads.size());
  report.waiting = static_cast<std::int64_t>(plan.waiting.size());
  DD_TRY(for_each_file(plan.folder, [&](const std::string& name) -> Result<void> {
    if (name.starts_with(kTemporaryPrefix)) ++report.removed;
    return success();
  }));
  TableWriter writer(options, history, table);
  writer.respect(plan.compaction);
  const auto written = write_anew(plan, writer, history, progress);
  if (!written.has_value()) {
    writer.discard();
    return written.error();
  }
  report.files = written.value().files;
  report.rows = written.value().rows;
  std::vector<std::string> extra;
  DD_TRY(for_each_file(plan.folder, [&](const std::string& name) -> Result<void> {
    if (is_extra(plan, writer, name)) extra.push_back(name);
    return success();
  }));
  report.removed += static_cast<std::int64_t>(extra.size());
  DD_TRY(writer.publish());
  DD_TRY(remove_superseded(plan.folder, extra));
  return report;
}

std::string_view to_string(Fault fault) {
  switch (fault) {
    case Fault::missing:
      return "missing";
    case Fault::extra:
      return "extra";
    case Fault::differing:
      return "differing";
    case Fault::unfinished:
      return "unfinished";
    case Fault::folder:
      return "folder";
  }
  return "";
}

Result<VerifyReport> verify_table(const Options& options, history::LakeLedger& history, const TableRef& table,
                                  const std::function<void(const Damage&)>& damaged,
                                  const OnProgress& progress) {
  DD_TRY(const auto plan, plan_of(options, history, table));
  VerifyReport report;
  report.uploads = static_cast<std::int64_t>(plan.uploads.size());
  report.waiting = static_cast<std::int64_t>(plan.waiting.size());
  const auto found = [&](const std::string& name, Fault fault, std::string detail) {
    ++report.damages;
    damaged({plan.folder / name, fault, std::move(detail)});
  };
  ComparingTarget target(plan.folder, found);
  TableWriter writer(options, history, table, target);
  writer.respect(plan.compaction);
  TableColumns columns(plan.columns);
  TableWriter::Written written;
  DD_TRY(const bool fits, write_files(plan, writer, columns, written, progress));
  if (!fits) return too_narrow(table);
  DD_TRY(for_each_entry(plan.folder, [&](const fs::directory_entry& entry) -> Result<void> {
    const auto name = entry.path().filename().string();
    if (is_folder(entry)) {
      if (!has_form(name) || writer.wrote(name)) return success();
      ++report.folders;
      found(name, Fault::folder, "move it to outside of PARQUET_DIR: readers take it for a file");
    } else if (name.starts_with(kTemporaryPrefix)) {
      found(name, Fault::unfinished, "an interrupted write left it");
    } else if (is_extra(plan, writer, name)) {
      found(name, Fault::extra, "no upload in the history has a file of this name");
    }
    return success();
  }));
  report.files = written.files;
  report.rows = written.rows;
  return report;
}

Result<CompactReport> compact_table(const Options& options, history::LakeLedger& history,
                                    const TableRef& table, std::optional<Timestamp> before,
                                    const OnProgress& progress) {
  DD_TRY(const auto plan, plan_of(options, history, table));
  DD_TRY(const auto files, FilesByVersion::of(plan, history));
  auto merges = interrupted_of(plan, files);
  for (const auto type : kTypes) {
    const auto found = merges_of(pieces_of(plan, files, type, before), type, options.rows_max);
    merges.insert(merges.end(), found.begin(), found.end());
  }
  CompactReport report;
  if (merges.empty()) return report;
  TableWriter writer(options, history, table);
  writer.respect(plan.compaction);
  DD_TRY(writer.open());
  Progress at{0, static_cast<std::int64_t>(merges.size()), 0};
  for (const auto& merge : merges) {
    const auto done = merge_files(plan, writer, files, merge);
    if (!done.has_value()) {
      writer.discard();
      return done.error();
    }
    report.merged += done.value().merged;
    report.files += done.value().files;
    report.rows += done.value().rows;
    ++at.done;
    at.files = report.files;
    progress(at);
  }
  return report;
}

Result<std::vector<TableRef>> tables_in_folder(const fs::path& root) {
  std::vector<TableRef> tables;
  DD_TRY(for_each_entry(root, [&](const fs::directory_entry& company) -> Result<void> {
    if (!company.is_directory()) return success();
    return for_each_entry(company.path(), [&](const fs::directory_entry& folder) -> Result<void> {
      const auto table =
          TableRef::make(company.path().filename().string(), folder.path().filename().string());
      if (!table.has_value() || !folder.is_directory()) return success();
      bool any = false;
      DD_TRY(for_each_file(folder.path(), [&](const std::string& file) -> Result<void> {
        any = any || has_form(file);
        return success();
      }));
      if (any) tables.push_back(table.value());
      return success();
    });
  }));
  std::sort(tables.begin(), tables.end());
  return tables;
}

}  // namespace deltadrop::lake
