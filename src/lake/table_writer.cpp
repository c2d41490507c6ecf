#include "lake/table_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "core/text.hpp"
#include "io/file.hpp"
#include "lake/notations.hpp"
#include "lake/parquet_file.hpp"

namespace deltadrop::lake {
namespace {

namespace fs = std::filesystem;

Error bad_upload(const UploadFacts& upload, std::string_view problem) {
  return {ErrorCode::corrupt, "lake-upload",
          fmt::format("upload {} of {} {}", upload.upload_id.to_string(), upload.table.to_string(), problem),
          "restore the history from a backup; or keep it as it is, and fill another, empty one with "
          "`deltadrop republish`"};
}

/// Returns true if the previous upload with events was accepted in the same second.
Result<bool> in_second_of_previous(history::LakeLedger& history, const UploadFacts& upload) {
  if (!upload.previous_upload_id) return false;
  DD_TRY(const auto previous, history.upload(*upload.previous_upload_id));
  if (!previous) {
    return bad_upload(upload, "follows upload " + upload.previous_upload_id->to_string() +
                                  ", which the history does not have");
  }
  return previous->facts.timestamp.compact_seconds() == upload.timestamp.compact_seconds();
}

/// Writes files to a target, one after another.
class FileSeries {
 public:
  /// Begins a file of the target, and may do more.
  using BeginFile = std::function<Result<void>(const std::string& name)>;
  FileSeries(FileTarget& target, BeginFile begin_file, TableColumns& columns,
             const std::optional<VersionRange>& versions)
      : target_(target), begin_file_(std::move(begin_file)), columns_(columns), versions_(versions) {}

  [[nodiscard]] bool in_file() const { return file_.has_value(); }
  [[nodiscard]] std::int64_t rows_in_file() const { return file_ ? file_->rows() : 0; }
  /// Returns the rows of all finished and unfinished files.
  [[nodiscard]] std::int64_t rows() const { return written_.rows; }

  Result<void> begin(const std::string& name, const UploadFacts& upload, const Notations& notations) {
    DD_TRY(begin_file_(name));
    const auto sink = [&target = target_](std::string_view bytes) { return target.write(bytes); };
    DD_TRY(auto opened, ParquetFile::create(sink, upload, notations, columns_, versions_));
    file_.emplace(std::move(opened));
    return success();
  }
  void next_upload(const UploadFacts& upload, const Notations& notations) {
    if (file_) file_->next_upload(upload, notations);
  }
  Result<void> append(const Event& event) {
    ++written_.rows;
    return file_->append(event);
  }
  /// Finishes the file if it fits. Otherwise keeps it to find the types of the remaining events.
  Result<void> finish_file() {
    if (!file_ || !file_->fits()) return success();
    DD_TRY(file_->finish());
    DD_TRY(target_.end());
    file_.reset();
    ++written_.files;
    return success();
  }
  /// Returns nothing if `columns` had to be widened.
  [[nodiscard]] std::optional<TableWriter::Written> outcome() const {
    return file_ ? std::nullopt : std::optional(written_);
  }

 private:
  FileTarget& target_;
  BeginFile begin_file_;
  TableColumns& columns_;
  std::optional<VersionRange> versions_;
  std::optional<ParquetFile> file_;
  TableWriter::Written written_;
};

std::int64_t rows_max_of(const Options& options) {
  return options.layout == FileLayout::event ? 1 : options.rows_max;
}

}  // namespace

TableWriter::TableWriter(const Options& options, history::LakeLedger& history, const TableRef& table)
    : rows_max_(rows_max_of(options)),
      history_(history),
      folder_(table_folder(options.folder, table)),
      own_target_(std::make_unique<FolderTarget>(folder_)),
      target_(*own_target_) {}

TableWriter::TableWriter(const Options& options, history::LakeLedger& history, const TableRef& table,
                         FileTarget& target)
    : rows_max_(rows_max_of(options)),
      history_(history),
      folder_(table_folder(options.folder, table)),
      target_(target) {}

Result<void> TableWriter::open() {
  if (rows_max_ < 1) {
    return Error{ErrorCode::invalid_input, "bad-option", fmt::format("PARQUET_MAX_ROWS is {}", rows_max_),
                 "give a whole number from 1"};
  }
  written_.clear();
  written_compacted_.clear();
  DD_TRY(io::make_folders_durably(folder_, io::Readers::by_umask));
  return remove_unfinished();
}

void TableWriter::trust(FolderContents contents) {
  respect(contents.compaction);
  trusted_ = std::move(contents);
}

Result<void> TableWriter::begin_file(const std::string& name) {
  if (unfinished_.size() < kUnfinishedMax) {
    unfinished_.push_back(name);
  } else {
    has_more_unfinished_ = true;
  }
  return target_.begin(name);
}

Result<void> TableWriter::remove_unfinished() {
  if (trusted_ && !has_more_unfinished_) {
    for (const auto& name : unfinished_) {
      DD_TRY(io::remove_file(folder_ / temporary_name(name)));
    }
  } else {
    DD_TRY(for_each_file(folder_, [&](const std::string& name) -> Result<void> {
      if (!name.starts_with(kTemporaryPrefix)) return success();
      return io::remove_file(folder_ / name);
    }));
  }
  unfinished_.clear();
  has_more_unfinished_ = false;
  return success();
}

Result<std::optional<TableWriter::Written>> TableWriter::write(const UploadFacts& upload,
                                                               TableColumns& columns) {
  DD_TRY(const bool same_second, in_second_of_previous(history_, upload));
  DD_TRY(const auto notations, Notations::of(history_, upload));
  FileNames fresh(upload, same_second);
  const auto mark = fresh.mark();
  auto& names = written_.insert_or_assign(mark, std::move(fresh)).first->second;
  FileSeries files(
      target_, [this](const std::string& name) { return begin_file(name); }, columns, std::nullopt);
  bool all_types = true;
  for (const auto type : types_of(upload)) {
    if (compaction_.holds(type, upload.version)) {
      all_types = false;
      continue;
    }
    DD_TRY(history_.scan_events(upload.upload_id, type, [&](const Event& event) -> Result<void> {
      if (files.rows_in_file() >= rows_max_) {
        DD_TRY(files.finish_file());
      }
      if (!files.in_file()) {
        DD_TRY(files.begin(names.take(event.type, event.key_value, event.seq), upload, notations));
      }
      return files.append(event);
    }));
    DD_TRY(files.finish_file());
  }
  if (all_types && files.rows() != upload.total) {
    return bad_upload(upload, fmt::format("has {} in the history, but {} in all",
                                          counted(files.rows(), "event"), upload.total));
  }
  return files.outcome();
}

Result<std::optional<TableWriter::Written>> TableWriter::write_compacted(
    const CompactedFile& file, std::span<const history::UploadStatus> uploads, TableColumns& columns) {
  FileSeries files(
      target_, [this](const std::string& name) { return begin_file(name); }, columns, file.versions);
  for (const auto& upload : uploads) {
    if (!file.versions.contains(upload.facts.version)) continue;
    DD_TRY(const auto notations, Notations::of(history_, upload.facts));
    files.next_upload(upload.facts, notations);
    DD_TRY(history_.scan_events(upload.facts.upload_id, file.type, [&](const Event& event) -> Result<void> {
      if (!files.in_file()) {
        const auto name = file.name(upload.facts, event.key_value);
        DD_TRY(files.begin(name, upload.facts, notations));
        written_compacted_.insert_or_assign(name, file);
      }
      return files.append(event);
    }));
  }
  DD_TRY(files.finish_file());
  return files.outcome();
}

Result<void> TableWriter::name_finished() {
  if (!has_more_unfinished_) {
    for (const auto& name : unfinished_) {
      DD_TRY(io::rename_file(folder_ / temporary_name(name), folder_ / name));
    }
    unfinished_.clear();
    return success();
  }
  // A rename during a listing may hide a name, so list again until a listing finds no temporary name.
  for (bool renamed = true; renamed;) {
    renamed = false;
    DD_TRY(for_each_file(folder_, [&](const std::string& name) -> Result<void> {
      if (!name.starts_with(kTemporaryPrefix)) return success();
      renamed = true;
      return io::rename_file(folder_ / name, folder_ / final_name(name));
    }));
  }
  unfinished_.clear();
  has_more_unfinished_ = false;
  return success();
}

bool TableWriter::all_is_new() const {
  return trusted_ && written_compacted_.empty() &&
         std::all_of(written_.begin(), written_.end(),
                     [&](const auto& each) { return trusted_->has_nothing_of(each.first); });
}

Result<void> TableWriter::publish() {
  DD_TRY(name_finished());
  if (all_is_new()) return io::sync_folder(folder_);
  trusted_.reset();
  found_ = {};
  std::vector<std::string> gone;
  DD_TRY(for_each_file(folder_, [&](const std::string& name) -> Result<void> {
    if (stale(name)) {
      gone.push_back(name);
    } else if (const auto mark = upload_mark(name)) {
      found_.note_mark(*mark);
    }
    return success();
  }));
  if (!gone.empty()) return remove_superseded(folder_, gone);
  return io::sync_folder(folder_);
}

bool TableWriter::stale(const std::string& file_name) const {
  if (wrote(file_name)) return false;
  if (const auto compacted = CompactedFile::of_name(file_name)) {
    return !compaction_.has(*compacted) ||
           std::any_of(written_compacted_.begin(), written_compacted_.end(),
                       [&](const auto& each) { return each.second == *compacted; });
  }
  const auto mark = upload_mark(file_name);
  return mark && written_.contains(*mark);
}

FolderContents TableWriter::contents() const {
  auto contents = trusted_.value_or(found_);
  contents.compaction = compaction_;
  for (const auto& [mark, names] : written_) contents.note_mark(mark);
  return contents;
}

void TableWriter::discard() { static_cast<void>(open()); }

bool TableWriter::wrote(std::string_view file_name) const {
  if (written_compacted_.contains(file_name)) return true;
  const auto mark = upload_mark(file_name);
  if (!mark) return false;
  const auto upload = written_.find(*mark);
  return upload != written_.end() && upload->second.taken(file_name);
}

Result<std::string> mark_of(history::LakeLedger& history, const UploadFacts& upload) {
  DD_TRY(const bool same_second, in_second_of_previous(history, upload));
  return upload_mark(upload, same_second);
}

Result<void> remove_superseded(const fs::path& folder, const std::vector<std::string>& names) {
  DD_TRY(io::sync_folder(folder));
  for (const auto& name : names) {
    DD_TRY(io::remove_file(folder / name));
  }
  return io::sync_folder(folder);
}

}  // namespace deltadrop::lake
