#include "ingest/housekeeper.hpp"

#include <spdlog/spdlog.h>

#include <iterator>
#include <utility>

#include "core/exhausted.hpp"
#include "ingest/recover.hpp"
#include "io/file.hpp"

namespace deltadrop::ingest {
namespace {

constexpr std::chrono::seconds kRound{1};
/// A crash of the machine loses at most this much measured time.
constexpr std::chrono::milliseconds kClockMarkEvery{300'000};

}  // namespace

Housekeeper::Housekeeper(StoredFiles& files, Catalog& catalog, Publisher& publisher, TableTurns& turns,
                         ReadingCache& readings, io::ClockWatch& clock, const Options& options)
    : files_(files),
      layout_(files.layout()),
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

void Housekeeper::owe_sync(const UploadRecord& upload) {
  const std::lock_guard lock(mutex_);
  unsynced_.push_back({upload.upload_id, upload.table, *upload.times.timestamp});
}

void Housekeeper::work() {
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, kRound, [&] { return stopping_; })) {
    lock.unlock();
    try {
      begin_round();
    } catch (const std::exception& thrown) {
      // Out of memory: retry in a second.
      if (!exhausted(thrown)) throw;
    }
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
  std::erase_if(mine, [&](const T& each) {
    bool done = false;
    // An attempt that throws counts as failed.
    [[maybe_unused]] const auto tried = caught([&]() -> Result<void> {
      done = attempt(each);
      return success();
    });
    return done;
  });
  put_back(owed, std::move(mine));
}

/// noexcept: it is better to end the process than to lose a task, because the next start finds the task
/// again.
template <class T>
void Housekeeper::put_back(std::vector<T>& owed, std::vector<T> mine) noexcept {
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
  // If the engine is stopping, the next start finds the work again.
  if (!turns_.add_own(table, [attempt = std::move(attempt), end] {
        // If the attempt throws, the next round or the next start retries it.
        [[maybe_unused]] const auto tried = caught([&]() -> Result<void> {
          attempt();
          return success();
        });
        end();
      })) {
    end();
  }
}

void Housekeeper::begin_round() {
  // All tasks write by path. In another DATA_DIR they would overwrite or remove files that are not ours.
  if (!files_.check_data_dir().has_value()) return;
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
  look_at_clock();
  expire_held();
  forget_answers();
  readings_.drop_unused();
  look_at_damages();
}

/// Finds repaired files even if nobody reads them.
void Housekeeper::look_at_damages() {
  for (const auto& upload : files_.look_again()) {
    spdlog::info("the file of upload {} of {} is right again", upload.upload_id.to_string(),
                 upload.table.to_string());
    if (!upload.version) continue;
    owe_current(upload.table);
    publisher_.try_again(upload.table);
  }
}

void Housekeeper::run_once() {
  begin_round();
  std::unique_lock lock(mutex_);
  turns_ended_.wait(lock, [this] { return turns_begun_ == 0; });
}

void Housekeeper::sync_small_files() {
  // This function also runs when the engine stops. In another DATA_DIR the sync would not cover our files.
  if (!files_.check_data_dir().has_value()) return;
  std::vector<Unsynced> mine;
  bool write_anew = false;
  {
    const std::lock_guard lock(mutex_);
    mine.swap(unsynced_);
    write_anew = sync_failed_;
  }
  if (mine.empty()) return;
  std::vector<UploadId> uploads;
  uploads.reserve(mine.size());
  for (const auto& each : mine) uploads.push_back(each.upload);
  bool synced = false;
  if (write_anew) {
    auto restored = restore_files(layout_, catalog_, uploads);
    synced = restored.has_value();
    // The catalog continues to keep the bytes of the others.
    if (synced) uploads = std::move(restored).value();
  } else {
    synced = io::sync_file_system(layout_.root).has_value();
  }
  for (const auto& each : mine) {
    if (!synced) break;
    if (write_anew) {
      // The system may have dropped the current file's data too.
      owe_current(each.table);
    } else {
      mark_current(layout_, each.table, each.timestamp);
    }
  }
  // If the bytes are not forgotten now, they are written and synced again, which is harmless.
  const bool forgotten = synced && pass_step("small_files.synced", layout_.archive()).has_value() &&
                         catalog_.forget_bytes(uploads).has_value();
  const std::lock_guard lock(mutex_);
  if (!forgotten) unsynced_.insert(unsynced_.end(), mine.begin(), mine.end());
  // After a failed sync the system may have dropped the data. Only the bytes in the catalog are reliable.
  sync_failed_ = !synced;
}

/// Runs in the table's turn.
bool Housekeeper::settle(const UploadRecord& upload) {
  const auto found = catalog_.settle(upload.upload_id);
  if (!found.has_value()) return false;
  if (!found.value() || !found.value()->version) return remove_unaccepted(upload);
  owe_manifest(*found.value());
  owe_sync(*found.value());
  owe_current(upload.table);
  if (found.value()->state == UploadState::accepted) publisher_.enqueue(*found.value(), nullptr);
  return true;
}

/// Runs in the table's turn.
bool Housekeeper::remove_unaccepted(const UploadRecord& upload) {
  const auto accepted = catalog_.version(upload.table, *upload.version);
  if (!accepted.has_value()) return false;
  // A retry of the same file may have got the same name; then the name belongs to that version.
  if (accepted.value() && accepted.value()->file.archive_name == upload.file.archive_name) return true;
  return remove_placed(layout_, upload).has_value();
}

bool Housekeeper::write_owed_manifest(const UploadRecord& upload) {
  return write_manifest(layout_, upload).has_value();
}

/// Runs in the table's turn.
bool Housekeeper::make_owed_current(const TableRef& table) {
  const auto last = catalog_.last_version(table);
  if (!last.has_value()) return false;
  if (!last.value()) return true;
  // Check the file, since it was received long ago. A damaged file becomes current once it is right again.
  const auto checked = files_.check(*last.value());
  if (!checked.has_value()) return checked.error().code == ErrorCode::corrupt;
  if (!make_current(layout_, *last.value()).has_value()) return false;
  owe_sync(*last.value());
  return true;
}

void Housekeeper::look_at_clock() {
  const auto report = clock_.look();
  const std::string trouble = report.trouble ? report.trouble->text() : std::string();
  if (trouble.empty() != clock_trouble_.empty() && options_.observer != nullptr) {
    options_.observer->saw_clock(trouble);
  }
  clock_trouble_ = trouble;
  const Timestamp now = clock_.measured_now();
  if (clock_marked_at_ && now < clock_marked_at_->plus_ms(kClockMarkEvery.count())) return;
  // If this fails, a later round stores the mark.
  if (catalog_.keep_clock_mark(clock_.mark()).has_value()) clock_marked_at_ = now;
}

void Housekeeper::forget_answers() {
  const Timestamp before = clock_.measured_now().plus_ms(-options_.idempotency_ttl.count());
  const auto any = catalog_.has_answers_before(before);
  // A failure is retried in a second. Meanwhile expired answers are not used.
  if (!any.has_value() || !any.value()) return;
  [[maybe_unused]] const auto forgotten = catalog_.forget_answers_before(before);
}

void Housekeeper::expire_held() {
  const Timestamp now = clock_.measured_now();
  const auto since_before = catalog_.held_aged_before(now.plus_ms(-options_.held_ttl.count()),
                                                      now.plus_ms(-options_.dry_run_ttl.count()));
  // If the catalog cannot be read, retry in a second.
  if (!since_before.has_value()) return;
  for (const auto& upload : since_before.value()) {
    {
      const std::lock_guard lock(mutex_);
      if (!expiring_.insert(upload.upload_id).second) continue;
    }
    in_turn(upload.table, [this, id = upload.upload_id] { expire(id); });
  }
}

/// Runs in the table's turn.
void Housekeeper::expire(const UploadId& upload) {
  {
    const std::lock_guard lock(mutex_);
    expiring_.erase(upload);
  }
  const auto found = catalog_.find(upload);
  if (!found.has_value() || !found.value() || found.value()->state != UploadState::held) return;
  if (!catalog_.end_held(upload, UploadState::expired).has_value()) return;
  files_.forget(upload);
  for (const auto& path : {layout_.held_file(upload), layout_.held_original(upload)}) {
    if (!io::remove_file(path).has_value()) owe_removal(path);
  }
}

}  // namespace deltadrop::ingest
