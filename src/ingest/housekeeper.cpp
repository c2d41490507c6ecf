#include "ingest/housekeeper.hpp"

#include <spdlog/spdlog.h>

#include <iterator>
#include <utility>

#include "ingest/recover.hpp"
#include "io/file.hpp"

namespace deltadrop::ingest {
namespace {

constexpr std::chrono::seconds kRound{1};

}  // namespace

Housekeeper::Housekeeper(StoredFiles& files, Catalog& catalog, Publisher& publisher, TableLocks& locks,
                         ReadingCache& readings, io::Clock& clock, const Options& options)
    : files_(files),
      layout_(files.layout()),
      catalog_(catalog),
      publisher_(publisher),
      locks_(locks),
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
    run_once();
    lock.lock();
  }
}

template <class T, class Try>
void Housekeeper::retry(std::vector<T>& owed, Try attempt) {
  std::vector<T> mine;
  {
    const std::lock_guard lock(mutex_);
    mine.swap(owed);
  }
  std::erase_if(mine, attempt);
  const std::lock_guard lock(mutex_);
  owed.insert(owed.end(), std::make_move_iterator(mine.begin()), std::make_move_iterator(mine.end()));
}

void Housekeeper::run_once() {
  // All of this writes by path: under another DATA_DIR it would write to, and remove, what is not ours.
  if (!files_.check_data_dir().has_value()) return;
  retry(unsettled_, [this](const UploadRecord& upload) { return settle(upload); });
  retry(manifests_, [this](const UploadRecord& upload) { return write_owed_manifest(upload); });
  retry(currents_, [this](const TableRef& table) { return make_owed_current(table); });
  retry(removals_, [](const fs::path& path) { return io::remove_file(path).has_value(); });
  sync_small_files();
  expire_held();
  forget_answers();
  readings_.drop_unused();
  look_at_damages();
}

/// A file that was put back is found without anybody reading it.
void Housekeeper::look_at_damages() {
  for (const auto& upload : files_.look_again()) {
    spdlog::info("the file of upload {} of {} is right again", upload.upload_id.to_string(),
                 upload.table.to_string());
    if (!upload.version) continue;
    owe_current(upload.table);
    publisher_.try_again(upload.table);
  }
}

void Housekeeper::sync_small_files() {
  // At the end, too: the sync says of another DATA_DIR that it is durable.
  if (!files_.check_data_dir().has_value()) return;
  std::vector<UploadId> mine;
  bool write_anew = false;
  {
    const std::lock_guard lock(mutex_);
    mine.swap(unsynced_);
    write_anew = sync_failed_;
  }
  if (mine.empty()) return;
  bool synced = false;
  if (write_anew) {
    auto restored = restore_files(layout_, catalog_, mine);
    synced = restored.has_value();
    // The catalog goes on keeping the bytes of the others.
    if (synced) mine = std::move(restored).value();
  } else {
    synced = io::sync_file_system(layout_.root).has_value();
  }
  // Bytes that are not forgotten now are written and synced again, which does no harm.
  const bool forgotten = synced && catalog_.forget_bytes(mine).has_value();
  const std::lock_guard lock(mutex_);
  if (!forgotten) unsynced_.insert(unsynced_.end(), mine.begin(), mine.end());
  // The system may have dropped what it could not write: only the bytes in the catalog are sure.
  sync_failed_ = !synced;
}

bool Housekeeper::settle(const UploadRecord& upload) {
  const auto lock = locks_.take(upload.table);
  const auto found = catalog_.settle(upload.upload_id);
  if (!found.has_value()) return false;
  if (!found.value() || !found.value()->version) return remove_unaccepted(upload);
  owe_manifest(*found.value());
  owe_sync(upload.upload_id);
  owe_current(upload.table);
  if (found.value()->state == UploadState::accepted) publisher_.enqueue(*found.value(), nullptr);
  return true;
}

/// Under the table's lock.
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

bool Housekeeper::make_owed_current(const TableRef& table) {
  const auto lock = locks_.take(table);
  const auto last = catalog_.last_version(table);
  if (!last.has_value()) return false;
  if (!last.value()) return true;
  // The file was received long ago. One that is damaged is made current once it is right again.
  const auto checked = files_.check(*last.value());
  if (!checked.has_value()) return checked.error().code == ErrorCode::corrupt;
  return make_current(layout_, *last.value()).has_value();
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
    const auto lock = locks_.take(upload.table);
    const auto found = catalog_.find(upload.upload_id);
    if (!found.has_value() || !found.value() || found.value()->state != UploadState::held) continue;
    if (!catalog_.end_held(upload.upload_id, UploadState::expired).has_value()) continue;
    files_.forget(upload.upload_id);
    const auto path = layout_.held_file(upload.upload_id);
    if (!io::remove_file(path).has_value()) owe_removal(path);
  }
}

}  // namespace deltadrop::ingest
