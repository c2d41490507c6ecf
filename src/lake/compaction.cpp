#include "lake/compaction.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "lake/file_target.hpp"
#include "lake/table_plan.hpp"

namespace deltadrop::lake {

Result<Compaction> Compaction::in_folder(const std::filesystem::path& folder, Version last) {
  std::vector<CompactedFile> found;
  DD_TRY(for_each_file(folder, [&](const std::string& name) -> Result<void> {
    const auto file = CompactedFile::of_name(name);
    if (file && file->versions.last <= last) found.push_back(*file);
    return success();
  }));
  std::sort(found.begin(), found.end(), [](const CompactedFile& a, const CompactedFile& b) {
    return std::tie(a.type, a.versions.first, b.versions.last) <
           std::tie(b.type, b.versions.first, a.versions.last);
  });
  Compaction compaction;
  for (const auto& file : found) {
    const auto* before = compaction.files_.empty() ? nullptr : &compaction.files_.back();
    if (before != nullptr && before->type == file.type && before->versions.last >= file.versions.first)
      continue;
    compaction.files_.push_back(file);
  }
  return compaction;
}

bool Compaction::holds(ChangeType type, Version version) const {
  return std::any_of(files_.begin(), files_.end(), [&](const CompactedFile& file) {
    return file.type == type && file.versions.contains(version);
  });
}

bool Compaction::has(const CompactedFile& file) const {
  return std::find(files_.begin(), files_.end(), file) != files_.end();
}

namespace {

/// Versions whose events of a type have their own files: one upload, or the versions of a compacted file.
struct Piece {
  VersionRange versions;
  std::int64_t rows_max = 0;  ///< upper bound of the events of any type
  std::vector<std::string> files;
};

/// The folder's files by type and first version.
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
  /// Returns all files of the type whose versions are within the file's range.
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

/// Returns the existing pieces with the table's events of one type, in version order.
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

/// Joins consecutive pieces, as many as fit one file. Omits joins that do not reduce the number of files.
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
    if (piece.rows_max > rows_max) continue;  // it already has full files
    range = VersionRange{range ? range->first : piece.versions.first, piece.versions.last};
    rows += piece.rows_max;
    files += piece.files.size();
  }
  close();
  return merges;
}

/// Returns compacted files whose events other files also contain, because a run was interrupted.
std::vector<CompactedFile> interrupted_of(const TablePlan& plan, const FilesByVersion& files) {
  std::vector<CompactedFile> interrupted;
  for (const auto& file : plan.compaction.files()) {
    if (files.within(file).size() > 1) interrupted.push_back(file);
  }
  return interrupted;
}

/// Writes a merged file, renames it to its final name, then deletes the files that it replaces, including
/// those of an interrupted run.
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

}  // namespace

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

}  // namespace deltadrop::lake
