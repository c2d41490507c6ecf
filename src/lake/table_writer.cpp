#include "lake/table_writer.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <system_error>
#include <utility>

#include "io/file.hpp"
#include "lake/parquet_file.hpp"

namespace deltadrop::lake {
namespace {

namespace fs = std::filesystem;

constexpr std::array kTypes = {ChangeType::insert, ChangeType::update, ChangeType::remove};

Error bad_upload(const UploadFacts& upload, std::string_view problem) {
  return {ErrorCode::corrupt, "lake-upload",
          fmt::format("upload {} of {} {}", upload.upload_id.to_string(), upload.table.to_string(), problem),
          "restore the history from a backup, or fill an empty one with `deltadrop republish`"};
}

/// Calls `use` with the name of each entry of `folder`.
template <class Use>
Result<void> for_each_name(const fs::path& folder, Use use) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    DD_TRY(use(entry->path().filename().string()));
  }
  if (error) return io::system_error("list", folder, error.value());
  return success();
}

/// Whether the previous upload with events was accepted in the same second.
Result<bool> in_second_of_previous(history::HistoryStore& history, const UploadFacts& upload) {
  if (!upload.previous_upload_id) return false;
  DD_TRY(const auto previous, history.upload(*upload.previous_upload_id));
  if (!previous) {
    return bad_upload(upload, "follows upload " + upload.previous_upload_id->to_string() +
                                  ", which the history does not have");
  }
  return previous->facts.timestamp.compact_seconds() == upload.timestamp.compact_seconds();
}

/// Writes the files of one upload, one after another, under temporary names.
class UploadWriter {
 public:
  UploadWriter(const fs::path& folder, const UploadFacts& upload, TableColumns& columns,
               std::int64_t rows_max, FileNames& names)
      : folder_(folder), upload_(upload), columns_(columns), rows_max_(rows_max), names_(names) {}

  /// Nothing where `columns` had to be widened.
  Result<std::optional<TableWriter::Written>> write(history::HistoryStore& history) {
    for (const auto type : kTypes) {
      DD_TRY(
          history.scan_events(upload_.upload_id, type, [this](const Event& event) { return append(event); }));
      DD_TRY(finish_file());
    }
    if (written_.rows != upload_.total) {
      return bad_upload(
          upload_, fmt::format("has {} events in the history, but {} in all", written_.rows, upload_.total));
    }
    if (file_) return std::optional<TableWriter::Written>();
    return std::optional(written_);
  }

 private:
  Result<void> append(const Event& event) {
    if (file_ && file_->rows() >= rows_max_) {
      DD_TRY(finish_file());
    }
    if (!file_) {
      path_ = folder_ / temporary_name(names_.take(event.type, event.key_value, event.seq));
      DD_TRY(auto opened, ParquetFile::create(path_, upload_, columns_));
      file_.emplace(std::move(opened));
    }
    ++written_.rows;
    return file_->append(event);
  }

  /// One that does not fit stays, and finds the types of all that is left.
  Result<void> finish_file() {
    if (!file_ || !file_->fits()) return success();
    DD_TRY(file_->finish());
    file_.reset();
    ++written_.files;
    return success();
  }

  const fs::path& folder_;
  const UploadFacts& upload_;
  TableColumns& columns_;
  std::int64_t rows_max_;
  FileNames& names_;
  std::optional<ParquetFile> file_;
  fs::path path_;
  TableWriter::Written written_;
};

}  // namespace

TableWriter::TableWriter(const Options& options, history::HistoryStore& history, const TableRef& table)
    : rows_max_(options.layout == FileLayout::event ? 1 : options.rows_max),
      history_(history),
      folder_(table_folder(options.folder, table)) {}

Result<void> TableWriter::open() {
  if (rows_max_ < 1) {
    return Error{ErrorCode::invalid_input, "bad-option", fmt::format("PARQUET_MAX_ROWS is {}", rows_max_),
                 "give a whole number from 1"};
  }
  written_.clear();
  DD_TRY(io::make_folders_durably(folder_));
  return for_each_name(folder_, [&](const std::string& name) -> Result<void> {
    if (!name.starts_with(kTemporaryPrefix)) return success();
    return io::remove_file(folder_ / name);
  });
}

Result<std::optional<TableWriter::Written>> TableWriter::write(const UploadFacts& upload,
                                                               TableColumns& columns) {
  DD_TRY(const bool same_second, in_second_of_previous(history_, upload));
  FileNames names(upload, same_second);
  const auto mark = names.mark();
  auto& kept = written_.insert_or_assign(mark, std::move(names)).first->second;
  return UploadWriter(folder_, upload, columns, rows_max_, kept).write(history_);
}

Result<void> TableWriter::publish() {
  // A folder that is renamed in while it is listed may hide a name; a list without one is an end.
  for (bool renamed = true; renamed;) {
    renamed = false;
    DD_TRY(for_each_name(folder_, [&](const std::string& name) -> Result<void> {
      if (!name.starts_with(kTemporaryPrefix)) return success();
      renamed = true;
      return io::rename_file(folder_ / name, folder_ / final_name(name));
    }));
  }
  DD_TRY(for_each_name(folder_, [this](const std::string& name) -> Result<void> {
    const auto mark = upload_mark(name);
    if (!mark) return success();
    const auto names = written_.find(*mark);
    if (names == written_.end() || names->second.taken(name)) return success();
    return io::remove_file(folder_ / name);
  }));
  return io::sync_folder(folder_);
}

void TableWriter::discard() { static_cast<void>(open()); }

}  // namespace deltadrop::lake
