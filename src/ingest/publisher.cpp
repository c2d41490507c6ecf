#include "ingest/publisher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "core/exhausted.hpp"

namespace deltadrop::ingest {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kBackoffMin{50};
constexpr milliseconds kBackoffMax{2000};
/// Where it is not the log that fails (a damaged file, a full disk): an attempt may read two files whole.
constexpr milliseconds kOwnTroubleBackoffMax{60'000};
constexpr milliseconds kProbeTimeout{2000};
constexpr milliseconds kDeliverySlice{500};
/// Comparisons that wait in memory for their turn; more are made again from the archive. Those of small files
/// cost less to keep than to make.
constexpr std::int64_t kSmallBytesMax = std::int64_t{64} << 10;
constexpr std::size_t kSmallReadingsMax = 256;
constexpr std::size_t kReadingsMax = 4;

Error stopped() {
  return {ErrorCode::shutting_down, "shutting-down", "publishing was stopped",
          "it goes on at the next start"};
}

}  // namespace

Publisher::Publisher(StoredFiles& files, Catalog& catalog, eventlog::EventLog& log, io::Clock& clock,
                     const Options& options)
    : files_(files),
      layout_(files.layout()),
      catalog_(catalog),
      log_(log),
      clock_(clock),
      options_(options) {}

void Publisher::start() {
  const std::size_t count = std::max<std::size_t>(options_.publishers, 1);
  for (std::size_t i = 0; i < count; ++i) threads_.emplace_back([this] { work(); });
}

void Publisher::stop() {
  ending_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_all_waiters();
  }
  work_changed_.notify_all();
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  threads_.clear();
}

void Publisher::enqueue(const UploadRecord& upload, std::shared_ptr<const Reading> reading) {
  // Acceptance has changed the new file's stamp since it was opened: it got its mode, time and name.
  std::optional<io::FileStamp> stamp;
  if (reading != nullptr) {
    const auto now = reading->after.stamp_now();
    if (now.has_value()) stamp = now.value();
  }
  {
    const std::lock_guard lock(mutex_);
    const bool small = upload.bytes <= kSmallBytesMax;
    std::size_t& kept = small ? small_readings_kept_ : readings_kept_;
    if (log_down_ || kept >= (small ? kSmallReadingsMax : kReadingsMax)) reading.reset();
    if (reading != nullptr) ++kept;
    queue_of(upload.table)
        .uploads.push_back(
            {upload.upload_id, upload.version.value_or(Version(0)), std::move(reading), stamp, small, false});
    unpublished_.insert(upload.upload_id);
  }
  work_changed_.notify_one();
}

void Publisher::enqueue_again(const std::vector<UploadRecord>& uploads) {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& upload : uploads) {
      Queue& queue = queue_of(upload.table);
      const Version version = upload.version.value_or(Version(0));
      // The first is in a thread's hands while the queue is taken.
      const auto later = std::find_if(queue.uploads.begin() + (queue.taken ? 1 : 0), queue.uploads.end(),
                                      [&](const Waiting& waiting) { return waiting.version > version; });
      queue.uploads.insert(later, {upload.upload_id, version, nullptr, std::nullopt, false, false});
      unpublished_.insert(upload.upload_id);
    }
  }
  work_changed_.notify_all();
}

void Publisher::try_again(const TableRef& table) {
  {
    const std::lock_guard lock(mutex_);
    const auto queue = queues_.find(table);
    if (queue == queues_.end()) return;
    queue->second.backoff = milliseconds(0);
    queue->second.not_before = Steady::now();
  }
  work_changed_.notify_one();
}

bool Publisher::wait(const UploadId& upload, Steady::time_point deadline, Patience patience) {
  std::unique_lock lock(mutex_);
  const auto ended = [&] {
    return stopping_ || !unpublished_.contains(upload) ||
           (patience == Patience::while_log_answers && log_down_.has_value());
  };
  if (!ended()) {
    Waiters& mine = waiters_[upload];
    ++mine.count;
    mine.changed.wait_until(lock, deadline, ended);
    if (--mine.count == 0) waiters_.erase(upload);
  }
  return !unpublished_.contains(upload);
}

void Publisher::wake_all_waiters() {
  for (auto& [upload, waiters] : waiters_) waiters.changed.notify_all();
}

std::optional<Error> Publisher::trouble() {
  const std::lock_guard lock(mutex_);
  if (log_down_) return log_down_;
  for (const auto& [table, queue] : queues_) {
    if (queue.trouble) return queue.trouble;
  }
  return std::nullopt;
}

/// A table has a queue while something waits in it, and stands behind those that have waited longer.
Publisher::Queue& Publisher::queue_of(const TableRef& table) {
  const auto [known, is_new] = queues_.try_emplace(table);
  if (is_new) known->second.served = ++served_;
  return known->second;
}

/// The table that has waited longest among those that may be served now, else null and when to look again.
Publisher::Queues::iterator Publisher::next_ready(Steady::time_point& wake_at) {
  const auto now = Steady::now();
  wake_at = Steady::time_point::max();
  auto next = queues_.end();
  for (auto it = queues_.begin(); it != queues_.end(); ++it) {
    const Queue& queue = it->second;
    if (queue.taken || queue.uploads.empty()) continue;
    if (queue.not_before > now) {
      wake_at = std::min(wake_at, queue.not_before);
    } else if (next == queues_.end() || queue.served < next->second.served) {
      next = it;
    }
  }
  return next;
}

void Publisher::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    Steady::time_point wake_at;
    const auto next = next_ready(wake_at);
    if (next == queues_.end()) {
      if (wake_at == Steady::time_point::max()) {
        work_changed_.wait(lock);
      } else {
        work_changed_.wait_until(lock, wake_at);
      }
      continue;
    }
    Queue* queue = &next->second;
    queue->taken = true;
    queue->served = ++served_;
    Waiting waiting = std::move(queue->uploads.front());
    if (waiting.reading != nullptr) --(waiting.small ? small_readings_kept_ : readings_kept_);
    lock.unlock();
    // Whatever it lacks now, memory say, this upload waits for: the thread goes on.
    auto published = caught([&] { return publish(waiting); });
    // Unmapping large files takes its time.
    waiting.reading.reset();
    lock.lock();
    queue->taken = false;
    if (published.has_value()) {
      queue->uploads.pop_front();
      queue->backoff = milliseconds(0);
      queue->trouble.reset();
      unpublished_.erase(unpublished_.find(waiting.upload));
      if (const auto waiters = waiters_.find(waiting.upload); waiters != waiters_.end()) {
        waiters->second.changed.notify_all();
      }
      if (queue->uploads.empty()) queues_.erase(next);
    } else {
      queue->uploads.front() = std::move(waiting);
      queue->trouble = published.error();
      queue->backoff =
          std::clamp(queue->backoff * 2, kBackoffMin, log_down_ ? kBackoffMax : kOwnTroubleBackoffMax);
      queue->not_before = Steady::now() + queue->backoff;
      // Somebody who sleeps has to know when to look at it; this thread may find other work.
      work_changed_.notify_one();
    }
  }
}

Result<void> Publisher::publish(Waiting& waiting) {
  DD_TRY(const auto upload, catalog_.find(waiting.upload));
  if (!upload || upload->state != UploadState::accepted) return success();
  if (!waiting.delivered && upload->counts.changes() > 0) {
    // A log that is down is asked before the files are read again.
    if (log_is_down()) {
      DD_TRY(heard_from_log(log_.health(kProbeTimeout)));
    }
    if (waiting.reading != nullptr && !is_untouched(waiting)) waiting.reading.reset();
    if (waiting.reading == nullptr) {
      DD_TRY(auto reading, read_stored(files_, catalog_, *upload, Stop().on(ending_.get_token(), stopped())));
      waiting.stamp = reading.after.stamp_when_opened();
      waiting.reading = std::make_shared<const Reading>(std::move(reading));
    }
    DD_TRY(send(*upload, *waiting.reading));
    waiting.delivered = true;
  }
  DD_TRY(pass_step("publish.delivered", layout_.archived_file(*upload)));
  const auto now = clock_.now();
  DD_TRY(catalog_.mark_published(waiting.upload, now));
  if (options_.observer != nullptr && upload->timestamp) {
    options_.observer->saw_published(milliseconds(now.unix_ms - upload->timestamp->unix_ms));
  }
  return pass_step("publish.marked", layout_.catalog());
}

/// It may have waited for hours, while the log was down: its files are mapped, and what is written to them
/// meanwhile would go into its events.
bool Publisher::is_untouched(const Waiting& waiting) {
  const Reading& reading = *waiting.reading;
  const auto after = reading.after.stamp_now();
  if (!after.has_value() || waiting.stamp != after.value()) return false;
  return !reading.before || reading.before->is_untouched();
}

Result<void> Publisher::send(const UploadRecord& upload, const Reading& reading) {
  DD_TRY(pass_step("publish.begin", layout_.archived_file(upload)));
  auto publication = log_.publish(upload.upload_id);
  if (!publication.has_value()) return heard_from_log(publication.error());
  DD_TRY(for_each_message(reading, upload, [&](const eventlog::Message& message) -> Result<void> {
    if (ending_.stop_requested()) return stopped();
    return heard_from_log(publication.value()->append(message));
  }));
  DD_TRY(pass_step("publish.appended", layout_.archived_file(upload)));
  return await_delivery(*publication.value());
}

Result<void> Publisher::await_delivery(eventlog::Publication& publication) {
  const auto timeout_at = Steady::now() + options_.publish_timeout;
  while (true) {
    const auto now = Steady::now();
    // Up to the time-out in one go; then in slices, to notice stop() even where the log is not interrupted.
    const auto deadline =
        now < timeout_at ? std::min(timeout_at, now + kDeliverySlice) : now + kDeliverySlice;
    auto delivered = publication.await_delivery(deadline);
    if (delivered.has_value()) {
      const std::lock_guard lock(mutex_);
      log_down_.reset();
      return success();
    }
    const bool late = delivered.error().code == ErrorCode::timed_out;
    if (!late) return heard_from_log(delivered);
    if (is_stopping()) {
      return stopped();
    }
    if (Steady::now() >= timeout_at) {
      [[maybe_unused]] const auto noted = heard_from_log(delivered);
    }
  }
}

Result<void> Publisher::heard_from_log(Result<void> result) {
  if (result.has_value()) return result;
  const ErrorCode code = result.error().code;
  if (code == ErrorCode::unavailable || code == ErrorCode::in_doubt || code == ErrorCode::timed_out) {
    const std::lock_guard lock(mutex_);
    log_down_ = result.error();
    wake_all_waiters();
  }
  return result;
}

bool Publisher::log_is_down() {
  const std::lock_guard lock(mutex_);
  return log_down_.has_value();
}

bool Publisher::is_stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

}  // namespace deltadrop::ingest
