#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "history/history_store.hpp"

namespace deltadrop::testing {

/// A history that reports calls to a test before they reach the real history and after they took effect. If
/// `before` or `after` returns an error, the call fails with it. Calls may come from several threads.
class WatchedHistory final : public history::HistoryStore {
 public:
  using Watch = std::function<std::optional<Error>(std::string_view call)>;

  explicit WatchedHistory(history::HistoryStore& store) : store_(store) {}

  Watch before = [](std::string_view) { return std::nullopt; };
  Watch after = [](std::string_view) { return std::nullopt; };
  /// Sees each batch before it is recorded.
  std::function<std::optional<Error>(const history::RecordBatch&)> refuse = [](const auto&) {
    return std::nullopt;
  };

  Result<std::vector<history::StoredOffset>> offsets(const std::string& topic) override {
    return call("offsets", [&] { return store_.offsets(topic); });
  }
  Result<history::RecordReport> record(const history::RecordBatch& batch) override {
    if (auto error = refuse(batch)) return *error;
    return call("record", [&] { return store_.record(batch); });
  }
  Result<std::vector<TableRef>> tables_to_apply() override {
    return call("tables_to_apply", [&] { return store_.tables_to_apply(); });
  }
  Result<history::ApplyOutcome> apply_next(const TableRef& table, Timestamp now) override {
    return call("apply_next", [&] { return store_.apply_next(table, now); });
  }
  Result<std::vector<history::UploadStatus>> uploads_for_lake() override {
    return call("uploads_for_lake", [&] { return store_.uploads_for_lake(); });
  }
  Result<std::vector<TableRef>> applied_tables() override {
    return call("applied_tables", [&] { return store_.applied_tables(); });
  }
  Result<std::vector<history::UploadStatus>> applied_uploads(const TableRef& table, Version last) override {
    return call("applied_uploads", [&] { return store_.applied_uploads(table, last); });
  }
  Result<void> scan_events(const UploadId& upload, ChangeType type,
                           const std::function<Result<void>(const Event&)>& use) override {
    return call("scan_events", [&] { return store_.scan_events(upload, type, use); });
  }
  Result<std::vector<history::LakeColumn>> lake_columns(const TableRef& table) override {
    return call("lake_columns", [&] { return store_.lake_columns(table); });
  }
  Result<void> mark_in_lake(const UploadId& upload, const std::vector<history::LakeColumn>& columns,
                            Timestamp now) override {
    return call("mark_in_lake", [&] { return store_.mark_in_lake(upload, columns, now); });
  }
  Result<std::vector<history::StoredRecord>> records(const history::RecordQuery& query) override {
    return call("records", [&] { return store_.records(query); });
  }
  Result<std::vector<history::AppliedEvent>> key_history(const TableRef& table,
                                                         const std::string& key) override {
    return call("key_history", [&] { return store_.key_history(table, key); });
  }
  Result<std::vector<history::AppliedEvent>> events(const history::EventQuery& query) override {
    return call("events", [&] { return store_.events(query); });
  }
  Result<history::Ownership> ownership(const TableRef& table) override {
    return call("ownership", [&] { return store_.ownership(table); });
  }
  Result<std::vector<history::KnownArchive>> archives() override {
    return call("archives", [&] { return store_.archives(); });
  }
  Result<std::vector<history::UploadStatus>> uploads_of(const TableRef& table) override {
    return call("uploads_of", [&] { return store_.uploads_of(table); });
  }
  Result<history::Resolution> resolve(const TableRef& table, const std::optional<UploadId>& keep,
                                      Timestamp now) override {
    return call("resolve", [&] { return store_.resolve(table, keep, now); });
  }
  Result<AppliedNo> last_applied() override {
    return call("last_applied", [&] { return store_.last_applied(); });
  }
  Result<std::optional<history::UploadStatus>> upload(const UploadId& upload) override {
    return call("upload", [&] { return store_.upload(upload); });
  }
  Result<std::set<UploadId>> applied_among(const std::set<UploadId>& uploads) override {
    return call("applied_among", [&] { return store_.applied_among(uploads); });
  }
  Result<std::vector<history::DeadLetterEntry>> dead_letters(std::int64_t limit) override {
    return call("dead_letters", [&] { return store_.dead_letters(limit); });
  }
  Result<std::optional<history::DeadLetterEntry>> dead_letter(const history::DeadLetterId& id) override {
    return call("dead_letter", [&] { return store_.dead_letter(id); });
  }
  Result<history::Summary> summary() override {
    return call("summary", [&] { return store_.summary(); });
  }
  Result<void> health() override {
    return call("health", [&] { return store_.health(); });
  }

 private:
  template <class Call>
  auto call(std::string_view name, const Call& real) -> decltype(real()) {
    if (auto error = before(name)) return *error;
    auto result = real();
    if (auto error = after(name)) return *error;
    return result;
  }

  history::HistoryStore& store_;
};

}  // namespace deltadrop::testing
