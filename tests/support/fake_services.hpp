#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "history/history_reader.hpp"
#include "history/history_writer.hpp"
#include "ingest/ingest.hpp"

/// Fakes of the services that the HTTP endpoints use. They contain the data that a test sets and record the
/// calls.
namespace deltadrop::test {

class FakeArchivedFile final : public ingest::ArchivedFile {
 public:
  explicit FakeArchivedFile(std::string content) : content_(std::move(content)) {}
  [[nodiscard]] std::uint64_t bytes() const override { return content_.size(); }
  Result<std::string> read(std::uint64_t offset, std::uint64_t bytes_max) override {
    return content_.substr(offset, bytes_max);
  }

 private:
  std::string content_;
};

class FakeIngest final : public ingest::Ingest,
                         public ingest::Intake,
                         public ingest::ArchiveReader,
                         public ingest::Publications {
 public:
  struct Received {
    std::mutex mutex;
    std::string bytes;  ///< of the last received upload
    std::atomic<int> open = 0;
    std::atomic<int> opened = 0;
    std::optional<Error> refuse_write;
  };

  class FakeReception final : public ingest::Reception {
   public:
    explicit FakeReception(FakeIngest& ingest) : ingest_(ingest), received_(ingest.received) {
      ++received_->open;
      ++received_->opened;
      const std::lock_guard lock(received_->mutex);
      received_->bytes.clear();
    }
    ~FakeReception() override { --received_->open; }
    Result<void> write(std::span<const std::byte> bytes) override {
      const std::lock_guard lock(received_->mutex);
      if (received_->refuse_write) return *received_->refuse_write;
      received_->bytes.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      return success();
    }
    void submit(const ingest::UploadRequest& request, ingest::Done<ingest::SubmitOutcome> done) override {
      ingest_.asked = request;
      done(ingest_.outcome());
    }

   private:
    FakeIngest& ingest_;
    std::shared_ptr<Received> received_;
  };

  ingest::Intake& intake() override { return *this; }
  ingest::ArchiveReader& reader() override { return *this; }
  ingest::Publications& publications() override { return *this; }

  Result<std::unique_ptr<ingest::Reception>> receive() override {
    if (down) return *down;
    if (on_receive) on_receive();
    return std::unique_ptr<ingest::Reception>(std::make_unique<FakeReception>(*this));
  }
  void release(const UploadId& id, const ingest::Caller& caller,
               ingest::Done<ingest::UploadReport> done) override {
    released = id;
    asked.caller = caller;
    done(release_outcome());
  }
  void revert(const ingest::RevertRequest& request, ingest::Done<ingest::SubmitOutcome> done) override {
    reverted = request;
    done(outcome());
  }
  void discard(const UploadId& id, ingest::Done<void> done) override {
    discarded = id;
    done(success());
  }
  Result<std::optional<ingest::UploadRecord>> upload(const UploadId& id) override {
    const std::lock_guard lock(mutex);
    ++questions_for_uploads;
    for (const auto& record : records) {
      if (record.upload_id == id) return std::optional(record);
    }
    return std::optional<ingest::UploadRecord>();
  }
  Result<std::vector<ingest::UploadRecord>> uploads(const ingest::UploadFilter& filter) override {
    if (down) return *down;
    std::vector<ingest::UploadRecord> found;
    for (const auto& record : records) {
      if (filter.table && record.table != *filter.table) continue;
      if (filter.state && record.state != *filter.state) continue;
      if (filter.before && record.upload_id >= *filter.before) continue;
      found.push_back(record);
    }
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return a.upload_id > b.upload_id; });
    if (found.size() > static_cast<std::size_t>(filter.limit))
      found.resize(static_cast<std::size_t>(filter.limit));
    return found;
  }
  Result<std::vector<ingest::TableRecord>> tables(const ingest::TableFilter& filter) override {
    if (!filter.limit) ++questions_for_all_tables;
    std::map<TableRef, ingest::TableRecord> by_table;
    for (const auto& record : records) {
      if (!record.version) continue;
      auto& table = by_table[record.table];
      table.table = record.table;
      table.key_column = record.reading.key_column;
      ++table.versions;
      table.last = record;
      if (record.outcome.counts.changes() > 0) table.changed_at = record.times.timestamp;
    }
    std::vector<ingest::TableRecord> found;
    for (auto& [ref, table] : by_table) {
      if (filter.after && ref <= *filter.after) continue;
      if (filter.limit && static_cast<std::int64_t>(found.size()) == *filter.limit) break;
      found.push_back(std::move(table));
    }
    return found;
  }
  Result<std::optional<ingest::TableRecord>> table(const TableRef& wanted) override {
    DD_TRY(auto all, tables({std::nullopt, std::ssize(records)}));
    for (auto& each : all) {
      if (each.table == wanted) return std::optional(std::move(each));
    }
    return std::optional<ingest::TableRecord>();
  }
  /// The `records` from this index on.
  ingest::Acceptances accepted_since(std::uint64_t number) override {
    std::set<TableRef> tables;
    for (std::size_t i = number; i < records.size(); ++i) {
      if (records[i].version) tables.insert(records[i].table);
    }
    return {{tables.begin(), tables.end()}, records.size()};
  }
  [[nodiscard]] std::optional<Timestamp> expires_at(const ingest::UploadRecord& upload) override {
    return upload.state == ingest::UploadState::held ? expiry : std::nullopt;
  }
  Result<std::vector<ingest::UploadRecord>> versions(const TableRef& table, Version first,
                                                     std::int64_t limit) override {
    std::vector<ingest::UploadRecord> found;
    bool known = false;
    for (const auto& record : records) {
      if (record.table != table || !record.version) continue;
      known = true;
      if (*record.version >= first && static_cast<std::int64_t>(found.size()) < limit)
        found.push_back(record);
    }
    if (!known)
      return Error{ErrorCode::not_found, "no-such-table", "there is no table " + table.to_string(), "look"};
    return found;
  }
  Result<void> changes(const UploadId&, Seq first, const std::function<bool(Seq, std::string_view)>& use,
                       const Stop&) override {
    for (auto seq = first; static_cast<std::size_t>(seq.value) <= change_json.size(); seq = seq.next()) {
      if (!use(seq, change_json[static_cast<std::size_t>(seq.value - 1)])) break;
    }
    return success();
  }
  Result<ingest::VersionDiff> diff_versions(const TableRef&, Version from, Version to, Seq first,
                                            const std::function<bool(const EventView&)>& use,
                                            const Stop&) override {
    compared = {from, to};
    for (auto seq = first; static_cast<std::size_t>(seq.value) <= compared_changes.size(); seq = seq.next()) {
      if (!use(compared_changes[static_cast<std::size_t>(seq.value - 1)])) break;
    }
    return version_diff;
  }
  Result<std::unique_ptr<ingest::ArchivedFile>> archived_file(const TableRef&, Version) override {
    return std::unique_ptr<ingest::ArchivedFile>(std::make_unique<FakeArchivedFile>(archived));
  }
  Result<std::unique_ptr<ingest::ArchivedFile>> archived_original(const TableRef&, Version) override {
    return std::unique_ptr<ingest::ArchivedFile>(std::make_unique<FakeArchivedFile>(archived_workbook));
  }
  Result<ingest::RepublishReport> republish(const ingest::RepublishRequest& request) override {
    republished = request;
    return ingest::RepublishReport{1, 3};
  }
  bool wait_published(const UploadId& id, std::chrono::steady_clock::time_point deadline) override {
    std::unique_lock lock(mutex);
    if (fault) throw std::runtime_error(*fault);
    ++waiting;
    changed.notify_all();
    const bool published = changed.wait_until(lock, deadline, [&] {
      return std::any_of(records.begin(), records.end(), [&](const auto& record) {
        return record.upload_id == id && record.state == ingest::UploadState::published;
      });
    });
    --waiting;
    return published;
  }
  ingest::Health health() override { return state_of_health; }
  Result<io::ClockReport> accept_clock() override {
    state_of_health.clock = {};
    return state_of_health.clock;
  }
  Timestamp expected_now() override { return state_of_health.clock.expected; }
  [[nodiscard]] ArchiveId archive_id() const override { return {}; }
  void stop() override {}

  /// For tests: marks the upload as published and wakes the waiting requests.
  void publish(const UploadId& id) {
    const std::lock_guard lock(mutex);
    for (auto& record : records) {
      if (record.upload_id == id) record.state = ingest::UploadState::published;
    }
    changed.notify_all();
  }
  /// For tests: returns when this many requests wait for a publication.
  bool wait_for_waiters(int count = 1) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), [&] { return waiting >= count; });
  }

  std::mutex mutex;
  std::condition_variable changed;
  int waiting = 0;                            ///< requests that wait for a publication now
  std::optional<std::string> fault;           ///< thrown by wait_published
  std::vector<ingest::UploadRecord> records;  ///< by version
  std::atomic<int> questions_for_all_tables = 0;
  std::atomic<int> questions_for_uploads = 0;
  std::vector<std::string> change_json;
  std::string archived;  ///< the bytes of every version's file
  std::string archived_workbook = "PK\x03\x04 not read by anything";
  std::optional<Error> down;
  ingest::Health state_of_health;
  std::shared_ptr<Received> received = std::make_shared<Received>();
  std::function<void()> on_receive;
  std::function<Result<ingest::SubmitOutcome>()> outcome;
  std::function<Result<ingest::UploadReport>()> release_outcome;
  ingest::UploadRequest asked;
  std::optional<ingest::RepublishRequest> republished;
  std::optional<UploadId> released;
  ingest::RevertRequest reverted;
  std::optional<Timestamp> expiry;
  std::pair<Version, Version> compared;
  std::vector<EventView> compared_changes;
  ingest::VersionDiff version_diff;
  std::optional<UploadId> discarded;
};

/// Reads only; writing is not what HTTP does.
class FakeHistory : public history::HistoryReader, public history::HistoryWriter {
 public:
  Result<std::vector<history::StoredOffset>> offsets(const std::string&) override { return unexpected(); }
  Result<history::RecordReport> record(const history::RecordBatch&) override { return unexpected(); }
  Result<std::vector<TableRef>> tables_to_apply() override { return unexpected(); }
  Result<history::ApplyOutcome> apply_next(const TableRef&, Timestamp) override { return unexpected(); }
  Result<std::vector<history::UploadStatus>> uploads_for_lake() override { return unexpected(); }
  Result<std::vector<history::UploadStatus>> applied_uploads(const TableRef&, Version) override {
    return unexpected();
  }
  Result<std::vector<history::LakeColumn>> lake_columns(const TableRef&) override {
    if (down) return *down;
    return columns;
  }

  Result<std::vector<history::StoredRecord>> records(const history::RecordQuery& query) override {
    if (down) return *down;
    if (down_after_records && (*down_after_records)-- <= 0) {
      return Error{ErrorCode::unavailable, "no-database", "the history is gone", "wait"};
    }
    std::vector<history::StoredRecord> found;
    for (const auto& record : stored) {
      const bool valid =
          record.valid_from <= query.as_of && (!record.valid_to || query.as_of < *record.valid_to);
      if (!valid || (query.after_key && record.key <= *query.after_key)) continue;
      if (static_cast<std::int64_t>(found.size()) < query.limit) found.push_back(record);
    }
    return found;
  }
  Result<AppliedNo> last_applied() override {
    const std::lock_guard lock(mutex);
    if (down) return *down;
    return applied_events.empty() ? last_no : applied_events.back().applied_no;
  }
  Result<std::vector<history::AppliedEvent>> events(const history::EventQuery& query) override {
    const std::lock_guard lock(mutex);
    if (down) return *down;
    asked = query;
    ++event_questions;
    std::vector<history::AppliedEvent> found;
    for (const auto& applied : applied_events) {
      const history::EventCursor at{applied.applied_no, applied.event.seq};
      if (query.after && at <= *query.after) continue;
      if (query.type && applied.event.type != *query.type) continue;
      if (query.key_value && applied.event.key_value != *query.key_value) continue;
      if (static_cast<std::int64_t>(found.size()) < query.limit) found.push_back(applied);
    }
    return found;
  }
  Result<std::optional<history::UploadStatus>> upload(const UploadId& id) override {
    if (down) return *down;
    ++questions;
    const auto found = statuses.find(id);
    return found == statuses.end() ? std::optional<history::UploadStatus>() : std::optional(found->second);
  }
  Result<std::set<UploadId>> applied_among(const std::set<UploadId>& uploads) override {
    if (down) return *down;
    ++questions;
    uploads_asked += static_cast<int>(uploads.size());
    std::set<UploadId> applied;
    for (const auto& id : uploads) {
      const auto found = statuses.find(id);
      if (found != statuses.end() && found->second.state == history::UploadState::applied) applied.insert(id);
    }
    return applied;
  }
  Result<std::vector<history::DeadLetterEntry>> dead_letters(std::int64_t) override { return letters; }
  Result<std::optional<history::DeadLetterEntry>> dead_letter(const history::DeadLetterId& id) override {
    const auto found =
        std::find_if(letters.begin(), letters.end(), [&](const auto& each) { return each.id() == id; });
    return found == letters.end() ? std::nullopt : std::optional(*found);
  }
  Result<history::Summary> summary() override { return state; }
  Result<void> health() override { return down ? Result<void>(*down) : success(); }

  std::mutex mutex;  ///< guards the data that requests read while a test changes it
  std::atomic<int> event_questions = 0;
  std::optional<Error> down;
  std::optional<int> down_after_records;      ///< the number of reads of records that succeed
  std::vector<history::StoredRecord> stored;  ///< by key
  std::vector<history::AppliedEvent> applied_events;
  std::vector<history::LakeColumn> columns;  ///< of every table
  std::map<UploadId, history::UploadStatus> statuses;
  std::atomic<int> questions = 0;  ///< the number of reads of uploads
  std::atomic<int> uploads_asked = 0;
  AppliedNo last_no{0};  ///< used if there are no applied_events
  std::vector<history::DeadLetterEntry> letters;
  history::Summary state;
  history::EventQuery asked;

 private:
  static Error unexpected() { return Error{ErrorCode::internal, "unexpected", "HTTP only reads", ""}; }
};

class FakeLog final : public eventlog::EventLog {
 public:
  [[nodiscard]] eventlog::Capabilities capabilities() const override { return {}; }
  Result<std::unique_ptr<eventlog::Publication>> publish(const UploadId&) override { return unexpected(); }
  Result<std::unique_ptr<eventlog::LogReader>> join(const std::string&) override { return unexpected(); }
  Result<void> health(std::chrono::milliseconds) override { return down ? Result<void>(*down) : success(); }
  Result<void> trim(const eventlog::PartitionRef&, eventlog::Offset, Timestamp) override {
    return unexpected();
  }
  void interrupt() noexcept override {}

  std::optional<Error> down;

 private:
  static Error unexpected() { return Error{ErrorCode::internal, "unexpected", "HTTP does not write", ""}; }
};

}  // namespace deltadrop::test
