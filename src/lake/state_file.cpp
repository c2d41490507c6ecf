#include "lake/state_file.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "lake/event_values.hpp"
#include "lake/notations.hpp"

namespace deltadrop::lake {
namespace {

namespace json = simdjson::ondemand;

constexpr std::int64_t kPageBytes = std::int64_t{4} << 20;
/// A small page, because the rest of a page stays in memory while a piece is sent.
constexpr std::int64_t kSmallPageBytes = std::int64_t{256} << 10;
constexpr std::int64_t kPageRowsMin = 50;
constexpr std::int64_t kPageRowsMax = 5'000;

/// Reads a table's records at a time, by key, in pages of about equal size in bytes.
class RecordPages {
 public:
  RecordPages(history::HistoryReader& history, const RecordsOf& of, RowGroups groups)
      : history_(history),
        page_bytes_(groups == RowGroups::large ? kPageBytes : kSmallPageBytes),
        query_{of.table, of.as_of, std::nullopt, kPageRowsMin, page_bytes_} {}

  /// Returns an empty page after the last.
  Result<std::vector<history::StoredRecord>> next() {
    DD_TRY(auto page, history_.records(query_));
    if (page.empty()) return page;
    query_.after_key = page.back().key;
    std::int64_t bytes = 1;
    for (const auto& record : page) bytes += static_cast<std::int64_t>(record.data_json.size());
    const auto fitting = page_bytes_ * static_cast<std::int64_t>(page.size()) / bytes;
    query_.limit = std::clamp(fitting, kPageRowsMin, kPageRowsMax);
    return page;
  }

 private:
  history::HistoryReader& history_;
  std::int64_t page_bytes_;
  history::RecordQuery query_;
};

/// Returns the names in a JSON object of values, in its order.
Result<std::vector<std::string>> names_of(const Event& event) {
  json::parser parser;
  const simdjson::padded_string padded(event.new_values_json);
  json::document document;
  json::object object;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS ||
      document.get_object().get(object) != simdjson::SUCCESS) {
    return bad_event(event, "has values that are not a JSON object");
  }
  std::vector<std::string> names;
  for (auto field : object) {
    std::string_view name;
    if (field.unescaped_key().get(name) != simdjson::SUCCESS) {
      return bad_event(event, "has values that are cut off");
    }
    names.emplace_back(name);
  }
  return names;
}

/// Returns the columns that the last of `uploads` with an insert or update tracks. Records have no values in
/// other columns.
Result<std::vector<std::string>> tracked_columns(history::HistoryReader& history,
                                                 const std::vector<history::UploadStatus>& uploads) {
  for (auto upload = uploads.rbegin(); upload != uploads.rend(); ++upload) {
    for (const auto type : {ChangeType::insert, ChangeType::update}) {
      history::EventQuery query;
      query.upload_id = upload->facts.upload_id;
      query.type = type;
      query.limit = 1;
      DD_TRY(const auto first, history.events(query));
      if (!first.empty()) return names_of(first.front().event);
    }
  }
  return std::vector<std::string>();
}

Result<TableState> state_of_last(history::HistoryReader& history,
                                 const std::vector<history::UploadStatus>& uploads) {
  const auto& last = uploads.back().facts;
  TableState state;
  state.of = {last.table, last.version, last.effective_at};
  DD_TRY(state.columns, tracked_columns(history, uploads));
  return state;
}

}  // namespace

Result<TableState> state_at(history::HistoryReader& history, const TableRef& table,
                            std::optional<Timestamp> as_of) {
  DD_TRY(auto uploads, history.applied_uploads(table, history::kAnyVersion));
  const auto first = uploads.empty() ? std::string() : uploads.front().facts.effective_at.to_string();
  while (as_of && !uploads.empty() && uploads.back().facts.effective_at > *as_of) uploads.pop_back();
  if (!uploads.empty()) return state_of_last(history, uploads);
  return Error{ErrorCode::not_found, "no-version-then",
               first.empty() ? fmt::format("the history has no applied upload of {}", table.to_string())
                             : fmt::format("{} has no version at {}: the first one holds from {} on",
                                           table.to_string(), as_of->to_string(), first),
               first.empty() ? "see that it is the right history, and the right name" : "give a later time"};
}

Result<TableState> state_of(history::HistoryReader& history, const TableRef& table, Version version) {
  DD_TRY(const auto uploads, history.applied_uploads(table, version));
  if (!uploads.empty()) return state_of_last(history, uploads);
  return Error{
      ErrorCode::not_found, "no-such-version",
      fmt::format("the history has no applied version of {} up to {}", table.to_string(), version.value),
      "give a later version"};
}

struct StateFile::Parts {
  Parts(history::HistoryReader& from, TableState what, RowGroups groups)
      : state(std::move(what)), pages(from, state.of, groups) {}

  TableState state;
  RecordPages pages;
  std::string piece;  ///< the output that `next` has not returned yet
  std::optional<ParquetRecords> file;
  bool ended = false;
  std::int64_t rows = 0;
};

Result<StateFile> StateFile::begin(history::HistoryReader& history, TableState state, RowGroups groups) {
  // The order of these calls matters: if an upload enters the lake in between, its columns and types are in
  // the second result.
  DD_TRY(const auto uploads, history.applied_uploads(state.of.table, state.of.version));
  DD_TRY(auto held, history.lake_columns(state.of.table));
  TableColumns columns(std::move(held));
  bool all_in_lake = true;
  for (const auto& upload : uploads) {
    if (upload.in_lake_at) continue;
    all_in_lake = false;
    DD_TRY(columns, columns_to_begin_with(columns.all(), history, upload.facts));
  }
  columns.add(state.columns);
  auto notations = RecordNotations::of(uploads);
  if (!all_in_lake) {
    EventValues values;
    RecordPages pages(history, state.of, groups);
    while (true) {
      DD_TRY(const auto page, pages.next());
      if (page.empty()) break;
      for (const auto& record : page) {
        DD_TRY(values.read(as_event(record), Side::new_values, columns,
                           [&](std::size_t column, std::string_view text) -> Result<void> {
                             const auto* const declared =
                                 notations.find(record.upload_id, columns.all()[column].name);
                             columns.widen(column, typed_under(declared, text).type);
                             return success();
                           }));
      }
    }
  }
  auto parts = std::make_unique<Parts>(history, std::move(state), groups);
  const auto sink = [&piece = parts->piece](std::string_view bytes) -> Result<void> {
    piece += bytes;
    return success();
  };
  DD_TRY(auto file, ParquetRecords::create(sink, parts->state.of, columns, parts->state.columns, groups,
                                           std::move(notations)));
  parts->file.emplace(std::move(file));
  return StateFile(std::move(parts));
}

Result<std::string> StateFile::next() {
  auto& parts = *parts_;
  while (parts.piece.empty() && !parts.ended) {
    DD_TRY(const auto page, parts.pages.next());
    for (const auto& record : page) {
      DD_TRY(parts.file->append(record));
      ++parts.rows;
    }
    if (page.empty()) {
      DD_TRY(parts.file->finish());
      parts.ended = true;
    }
  }
  return std::exchange(parts.piece, std::string());
}

std::int64_t StateFile::rows() const { return parts_->rows; }

StateFile::StateFile(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
StateFile::StateFile(StateFile&&) noexcept = default;
StateFile& StateFile::operator=(StateFile&&) noexcept = default;
StateFile::~StateFile() = default;

}  // namespace deltadrop::lake
