#include "history/sqlite_history.hpp"

#include <future>
#include <mutex>
#include <span>
#include <utility>

#include "core/exhausted.hpp"
#include "history/decisions.hpp"
#include "history/sqlite_calls.hpp"
#include "history/sqlite_rows.hpp"

namespace deltadrop::history::sqlite {
namespace {

constexpr std::size_t kIdleReadersMax = 4;

/// The connections that read. Each call uses one exclusively, so readers wait neither for each other nor for
/// the writer.
class Readers {
 public:
  explicit Readers(std::filesystem::path path) : path_(std::move(path)) {}

  template <class Use>
  auto with(const Use& use) -> decltype(use(std::declval<Database&>())) {
    DD_TRY(auto reader, take());
    auto result = use(reader);
    give_back(std::move(reader));
    return result;
  }

 private:
  Result<Database> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        Database reader = std::move(idle_.back());
        idle_.pop_back();
        return reader;
      }
    }
    return open_reader(path_);
  }

  void give_back(Database reader) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kIdleReadersMax) idle_.push_back(std::move(reader));
  }

  std::filesystem::path path_;
  std::mutex mutex_;
  std::vector<Database> idle_;
};

class SqliteHistory final : public HistoryStore {
 public:
  SqliteHistory(std::filesystem::path path, Database writer)
      : writer_(std::move(writer)), readers_(std::move(path)) {}

  Result<std::vector<StoredOffset>> offsets(const std::string& topic) override {
    return readers_.with([&](Database& database) { return read_offsets(database, topic); });
  }
  Result<RecordReport> record(const RecordBatch& batch) override {
    const std::lock_guard lock(writer_mutex_);
    return sqlite::record(writer_, batch);
  }

  Result<std::vector<TableRef>> tables_to_apply() override { return readers_.with(read_tables_to_apply); }
  Result<ApplyOutcome> apply_next(const TableRef& table, Timestamp now) override {
    const std::lock_guard lock(writer_mutex_);
    return sqlite::apply_next(writer_, table, now);
  }

  Result<std::vector<UploadStatus>> uploads_for_lake() override {
    return readers_.with(read_uploads_for_lake);
  }
  Result<std::vector<TableRef>> applied_tables() override { return readers_.with(read_applied_tables); }
  Result<std::vector<UploadStatus>> applied_uploads(const TableRef& table, Version last) override {
    return readers_.with([&](Database& database) { return read_applied_uploads(database, table, last); });
  }
  Result<void> scan_events(const UploadId& upload, ChangeType type,
                           const std::function<Result<void>(const Event&)>& use) override;
  Result<std::vector<LakeColumn>> lake_columns(const TableRef& table) override {
    return readers_.with([&](Database& database) { return read_lake_columns(database, table); });
  }
  Result<void> mark_in_lake(const UploadId& upload, const std::vector<LakeColumn>& columns,
                            Timestamp now) override {
    const std::lock_guard lock(writer_mutex_);
    return sqlite::mark_in_lake(writer_, upload, columns, now);
  }

  Result<std::vector<StoredRecord>> records(const RecordQuery& query) override {
    return readers_.with([&](Database& database) { return read_records(database, query); });
  }
  Result<std::vector<AppliedEvent>> events(const EventQuery& query) override {
    return readers_.with([&](Database& database) { return read_events(database, query); });
  }
  Result<AppliedNo> last_applied() override { return readers_.with(read_last_applied); }
  Result<std::optional<UploadStatus>> upload(const UploadId& upload) override {
    return readers_.with([&](Database& database) { return find_upload(database, upload); });
  }
  Result<std::set<UploadId>> applied_among(const std::set<UploadId>& uploads) override {
    return readers_.with([&](Database& database) { return read_applied_among(database, uploads); });
  }
  Result<std::vector<DeadLetterEntry>> dead_letters(std::int64_t limit) override {
    return readers_.with([&](Database& database) { return read_dead_letters(database, limit); });
  }
  Result<std::optional<DeadLetterEntry>> dead_letter(const DeadLetterId& id) override {
    return readers_.with([&](Database& database) { return read_dead_letter(database, id); });
  }
  Result<Summary> summary() override { return readers_.with(read_summary); }
  Result<Ownership> ownership(const TableRef& table) override {
    return readers_.with([&](Database& database) { return read_ownership(database, table); });
  }
  Result<std::vector<KnownArchive>> archives() override { return readers_.with(read_archives); }
  Result<std::vector<UploadStatus>> uploads_of(const TableRef& table) override {
    return readers_.with([&](Database& database) { return read_uploads_of(database, table); });
  }
  Result<Resolution> resolve(const TableRef& table, const std::optional<UploadId>& keep,
                             Timestamp now) override {
    const std::lock_guard lock(writer_mutex_);
    return sqlite::resolve(writer_, table, keep, now);
  }
  Result<void> health() override {
    return readers_.with(
        [](Database& database) { return database.execute("SELECT count(*) FROM applied_counter"); });
  }

 private:
  std::mutex writer_mutex_;
  Database writer_;
  Readers readers_;
};

Result<void> SqliteHistory::scan_events(const UploadId& upload, ChangeType type,
                                        const std::function<Result<void>(const Event&)>& use) {
  DD_TRY(const auto stored, this->upload(upload));
  if (!stored) return no_such_upload(upload);
  DD_TRY(const auto found,
         readers_.with([&](Database& database) { return read_event_rows(database, stored->facts, type); }));
  std::span<const std::int64_t> left(found);
  const auto read = [&]() -> Result<std::vector<Event>> {
    DD_TRY(auto events,
           readers_.with([&](Database& database) { return read_events_at(database, stored->facts, left); }));
    left = left.subspan(events.size());
    return events;
  };
  // Each page is read while the previous one is used. `use` holds no connection, so it may call the history
  // and may be slow.
  auto ahead = std::async(std::launch::deferred, read);
  for (bool done = left.empty(); !done;) {
    DD_TRY(const auto events, ahead.get());
    done = left.empty();
    if (!done) ahead = run_apart(true, read);
    for (const auto& event : events) {
      DD_TRY(use(event));
    }
  }
  return success();
}

}  // namespace

Result<std::unique_ptr<HistoryStore>> open(const Options& options) {
  DD_TRY(auto writer, options.read_only ? open_reader(options.path) : open_writer(options.path));
  return std::unique_ptr<HistoryStore>(std::make_unique<SqliteHistory>(options.path, std::move(writer)));
}

}  // namespace deltadrop::history::sqlite
