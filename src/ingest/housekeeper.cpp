#include "ingest/housekeeper.hpp"

#include <iterator>
#include <utility>

#include "ingest/recover.hpp"
#include "io/file.hpp"

namespace deltadrop::ingest {
namespace {

constexpr std::chrono::seconds kRound{1};

}  // namespace

Housekeeper::Housekeeper(const Layout& layout, Catalog& catalog, Publisher& publisher, TableTurns& turns,
                         ReadingCache& readings, io::Clock& clock, const Options& options)
    : layout_(layout),
      catalog_(catalog),
      publisher_(publisher),
      turns_(turns),
      readings_(readings),
      clock_(clock),
      options_(options) {}

void Housekeeper::start() {
  thread_ = std::thread([this] { work(); });
}

void Housekeeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Housekeeper::owe_manifest(const UploadRecord& upload) {
  const std::lock_guard lock(mutex_);
  manifests_.push_back(upload);
}

void Housekeeper::owe_current(const TableRef& table) {
  const std::lock_guard lock(mutex_);
  currents_.push_back(table);
}

void Housekeeper::owe_removal(const fs::path& path) {
  const std::lock_guard lock(mutex_);
  removals_.push_back(path);
}

void Housekeeper::owe_settlement(const UploadRecord& upload) {
  const std::lock_guard lock(mutex_);
  unsettled_.push_back(upload);
}

void Housekeeper::owe_sync(const UploadId& upload) {
  const std::lock_guard lock(mutex_);
  unsynced_.push_back(upload);
}

void Housekeeper::work() {
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, kRound, [&] { return stopping_; })) {
    lock.unlock();
    begin_round();
    lock.lock();
  }
}

template <class T>
std::vector<T> Housekeeper::taken(std::vector<T>& owed) {
  std::vector<T> mine;
  const std::lock_guard lock(mutex_);
  mine.swap(owed);
  return mine;
}

template <class T, class Try>
void Housekeeper::retry(std::vector<T>& owed, Try attempt) {
  auto mine = taken(owed);
  std::erase_if(mine, attempt);
  const std::lock_guard lock(mutex_);
  owed.insert(owed.end(), std::make_move_iterator(mine.begin()), std::make_move_iterator(mine.end()));
}

void Housekeeper::in_turn(const TableRef& table, std::function<void()> attempt) {
  {
    const std::lock_guard lock(mutex_);
    ++turns_begun_;
  }
  const auto end = [this] {
    const std::lock_guard lock(mutex_);
    --turns_begun_;
    turns_ended_.notify_all();
  };
  // What is not done when the engine stops is found again by the next start.
  if (!turns_.add_own(table, [attempt = std::move(attempt), end] {
        attempt();
        end();
      })) {
    end();
  }
}

void Housekeeper::begin_round() {
  for (auto& upload : taken(unsettled_)) {
    in_turn(upload.table, [this, upload] {
      if (!settle(upload)) owe_settlement(upload);
    });
  }
  retry(manifests_, [this](const UploadRecord& upload) { return write_owed_manifest(upload); });
  for (auto& table : taken(currents_)) {
    in_turn(table, [this, table] {
      if (!make_owed_current(table)) owe_current(table);
    });
  }
  retry(removals_, [](const fs::path& path) { return io::remove_file(path).has_value(); });
  sync_small_files();
  expire_held();
  forget_answers();
  readings_.drop_unused();
}

void Housekeeper::run_once() {
  begin_round();
  std::unique_lock lock(mutex_);
  turns_ended_.wait(lock, [this] { return turns_begun_ == 0; });
}

void Housekeeper::sync_small_files() {
  std::vector<UploadId> mine;
  bool write_anew = false;
  {
    const std::lock_guard lock(mutex_);
    mine.swap(unsynced_);
    write_anew = sync_failed_;
  }
  if (mine.empty()) return;
  const bool synced = write_anew ? restore_files(layout_, catalog_, mine).has_value()
                                 : io::sync_file_system(layout_.root).has_value();
  // Bytes that are not forgotten now are written and synced again, which does no harm.
  const bool forgotten = synced && catalog_.forget_bytes(mine).has_value();
  const std::lock_guard lock(mutex_);
  if (!forgotten) unsynced_.insert(unsynced_.end(), mine.begin(), mine.end());
  // The system may have dropped what it could not write: only the bytes in the catalog are sure.
  sync_failed_ = !synced;
}

/// In the table's turn.
bool Housekeeper::settle(const UploadRecord& upload) {
  const auto found = catalog_.settle(upload.upload_id);
  if (!found.has_value()) return false;
  if (!found.value() || !found.value()->version) return remove_unaccepted(upload);
  owe_manifest(*found.value());
  owe_sync(upload.upload_id);
  owe_current(upload.table);
  if (found.value()->state == UploadState::accepted) publisher_.enqueue(*found.value(), nullptr);
  return true;
}

/// In the table's turn.
bool Housekeeper::remove_unaccepted(const UploadRecord& upload) {
  const auto accepted = catalog_.version(upload.table, *upload.version);
  if (!accepted.has_value()) return false;
  // The same file, sent again, may have got the same name: then it is that version's.
  if (accepted.value() && accepted.value()->archive_name == upload.archive_name) return true;
  return io::remove_file(layout_.archived_file(upload)).has_value();
}

bool Housekeeper::write_owed_manifest(const UploadRecord& upload) {
  return write_manifest(layout_, upload).has_value();
}

/// In the table's turn.
bool Housekeeper::make_owed_current(const TableRef& table) {
  const auto last = catalog_.last_version(table);
  if (!last.has_value()) return false;
  return !last.value() || make_current(layout_, *last.value()).has_value();
}

void Housekeeper::forget_answers() {
  const Timestamp before = clock_.now().plus_ms(-options_.idempotency_ttl.count());
  const auto any = catalog_.has_answers_before(before);
  // What cannot be done now is done in a second; an answer that has expired is not given meanwhile.
  if (!any.has_value() || !any.value()) return;
  [[maybe_unused]] const auto forgotten = catalog_.forget_answers_before(before);
}

void Housekeeper::expire_held() {
  const Timestamp now = clock_.now();
  const auto since_before = catalog_.held_since_before(now.plus_ms(-options_.held_ttl.count()),
                                                       now.plus_ms(-options_.dry_run_ttl.count()));
  // A catalog that cannot be read now can be read in a second.
  if (!since_before.has_value()) return;
  for (const auto& upload : since_before.value()) {
    {
      const std::lock_guard lock(mutex_);
      if (!expiring_.insert(upload.upload_id).second) continue;
    }
    in_turn(upload.table, [this, id = upload.upload_id] { expire(id); });
  }
}

/// In the table's turn.
void Housekeeper::expire(const UploadId& upload) {
  {
    const std::lock_guard lock(mutex_);
    expiring_.erase(upload);
  }
  const auto found = catalog_.find(upload);
  if (!found.has_value() || !found.value() || found.value()->state != UploadState::held) return;
  if (!catalog_.end_held(upload, UploadState::expired).has_value()) return;
  const auto path = layout_.held_file(upload);
  if (!io::remove_file(path).has_value()) owe_removal(path);
}

}  // namespace deltadrop::ingest
