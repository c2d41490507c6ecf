#include "lake/lake.hpp"

#include <fmt/format.h>
#include <simdjson.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/file.hpp"
#include "lake/layout.hpp"
#include "lake/parquet_file.hpp"

namespace deltadrop::lake {
namespace {

namespace fs = std::filesystem;
using Columns = std::vector<history::LakeColumn>;

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

/// What an interrupted write left behind.
Result<void> remove_unfinished(const fs::path& folder) {
  return for_each_name(folder, [&](const std::string& name) -> Result<void> {
    if (!name.starts_with(kTemporaryPrefix)) return success();
    return io::remove_file(folder / name);
  });
}

/// Adds the columns of a JSON object of values that `columns` has not yet. False where it is no such object.
bool add_columns(std::map<std::string, history::LakeColumn>& columns, const std::string& values_json) {
  namespace json = simdjson::ondemand;
  if (values_json.empty()) return true;
  json::parser parser;
  const simdjson::padded_string padded(values_json);
  json::document document;
  json::object object;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS ||
      document.get_object().get(object) != simdjson::SUCCESS) {
    return false;
  }
  for (auto field : object) {
    std::string_view name;
    if (field.unescaped_key().get(name) != simdjson::SUCCESS) return false;
    columns.try_emplace(std::string(name), history::LakeColumn{std::string(name), "string"});
  }
  return true;
}

/// `held` and the columns of the upload's events. All events of one type of one upload list the same columns,
/// so that the first of each type is enough; ParquetFile refuses an event that does not.
Result<Columns> columns_with(const Columns& held, history::HistoryStore& history, const UploadFacts& upload) {
  std::map<std::string, history::LakeColumn> by_name;
  for (const auto& column : held) by_name.emplace(column.name, column);
  for (const auto type : kTypes) {
    history::EventQuery query;
    query.company_id = upload.table.company_id;
    query.table_name = upload.table.table_name;
    query.upload_id = upload.upload_id;
    query.type = type;
    query.limit = 1;
    DD_TRY(const auto first, history.events(query));
    for (const auto& [applied_no, event] : first) {
      if (!add_columns(by_name, event.old_values_json) || !add_columns(by_name, event.new_values_json)) {
        return bad_upload(upload,
                          fmt::format("has values that are no JSON object in event {}", event.seq.value));
      }
    }
  }
  Columns columns;
  for (auto& [name, column] : by_name) columns.push_back(std::move(column));
  return columns;
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

/// Writes the files of one upload, one after another.
class UploadWriter {
 public:
  UploadWriter(const fs::path& folder, const UploadFacts& upload, const Columns& columns,
               std::int64_t rows_max, FileNames& names)
      : folder_(folder), upload_(upload), columns_(columns), rows_max_(rows_max), names_(names) {}

  Result<void> write(history::HistoryStore& history) {
    for (const auto type : kTypes) {
      DD_TRY(
          history.scan_events(upload_.upload_id, type, [this](const Event& event) { return append(event); }));
      DD_TRY(finish_file());
    }
    if (rows_ == upload_.total) return success();
    return bad_upload(upload_,
                      fmt::format("has {} events in the history, but {} in all", rows_, upload_.total));
  }

  /// What is left of a file that could not be finished.
  void discard() {
    if (!file_) return;
    file_.reset();
    // The failure that is being reported matters more than this one; the next write of the table tries again.
    static_cast<void>(io::remove_file(folder_ / temporary_name(name_)));
  }

  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] std::int64_t files() const { return files_; }

 private:
  Result<void> append(const Event& event) {
    if (file_ && file_->rows() >= rows_max_) {
      DD_TRY(finish_file());
    }
    if (!file_) {
      name_ = names_.take(event.type, event.key_value, event.seq);
      DD_TRY(auto opened, ParquetFile::create(folder_ / temporary_name(name_), upload_, columns_));
      file_.emplace(std::move(opened));
    }
    ++rows_;
    return file_->append(event);
  }

  Result<void> finish_file() {
    if (!file_) return success();
    DD_TRY(file_->finish());
    DD_TRY(io::rename_file(folder_ / temporary_name(name_), folder_ / name_));
    file_.reset();
    ++files_;
    return success();
  }

  const fs::path& folder_;
  const UploadFacts& upload_;
  const Columns& columns_;
  std::int64_t rows_max_;
  FileNames& names_;
  std::optional<ParquetFile> file_;
  std::string name_;
  std::int64_t rows_ = 0;
  std::int64_t files_ = 0;
};

/// One table's folder while it is written.
class TableWriter {
 public:
  TableWriter(const Options& options, history::HistoryStore& history, const TableRef& table)
      : rows_max_(options.layout == FileLayout::event ? 1 : options.rows_max),
        history_(history),
        folder_(table_folder(options.folder, table)) {}

  Result<void> open() {
    if (rows_max_ < 1) {
      return Error{ErrorCode::invalid_input, "bad-option", fmt::format("PARQUET_MAX_ROWS is {}", rows_max_),
                   "give a whole number from 1"};
    }
    DD_TRY(io::make_folders_durably(folder_));
    return remove_unfinished(folder_);
  }

  /// `report`: where to count the files and rows; null for an upload that is only written again.
  Result<void> write(const UploadFacts& upload, const Columns& columns, WriteReport* report) {
    DD_TRY(const bool same_second, in_second_of_previous(history_, upload));
    FileNames names(upload, same_second);
    const auto mark = names.mark();
    auto& kept = written_.insert_or_assign(mark, std::move(names)).first->second;
    UploadWriter writer(folder_, upload, columns, rows_max_, kept);
    auto outcome = writer.write(history_);
    if (!outcome.has_value()) {
      writer.discard();
      return outcome;
    }
    if (report != nullptr) {
      report->files = writer.files();
      report->rows = writer.rows();
    }
    return success();
  }

  /// Removes files of the uploads just written under names that they no longer have (the split or the layout
  /// was another one before), and makes it all durable.
  Result<void> close() {
    DD_TRY(for_each_name(folder_, [this](const std::string& name) -> Result<void> {
      const auto mark = upload_mark(name);
      if (!mark) return success();
      const auto names = written_.find(*mark);
      if (names == written_.end() || names->second.taken(name)) return success();
      return io::remove_file(folder_ / name);
    }));
    return io::sync_folder(folder_);
  }

 private:
  std::int64_t rows_max_;
  history::HistoryStore& history_;
  fs::path folder_;
  std::map<std::string, FileNames> written_;
};

}  // namespace

Result<void> check_folder(const fs::path& folder) {
  DD_TRY(io::make_folders_durably(folder));
  if (::access(folder.c_str(), W_OK | X_OK) != 0) return io::system_error("write into", folder, errno);
  return success();
}

Result<WriteReport> write_upload(const Options& options, history::HistoryStore& history,
                                 const history::UploadStatus& upload, Timestamp now) {
  const auto& facts = upload.facts;
  WriteReport report;
  TableWriter table(options, history, facts.table);
  DD_TRY(table.open());
  DD_TRY(const auto held, history.lake_columns(facts.table));
  DD_TRY(const auto columns, columns_with(held, history, facts));
  if (columns.size() > held.size()) {
    DD_TRY(const auto uploads, history.applied_uploads(facts.table, facts.version));
    for (const auto& older : uploads) {
      if (older.facts.version >= facts.version || !older.in_lake_at) continue;
      DD_TRY(table.write(older.facts, columns, nullptr));
      ++report.rewritten_uploads;
    }
  }
  DD_TRY(table.write(facts, columns, &report));
  DD_TRY(table.close());
  DD_TRY(history.mark_in_lake(facts.upload_id, columns, now));
  return report;
}

}  // namespace deltadrop::lake
