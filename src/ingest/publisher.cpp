#include "ingest/publisher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "core/exhausted.hpp"
#include "ingest/table_turns.hpp"

namespace deltadrop::ingest {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kBackoffMin{50};
constexpr milliseconds kBackoffMax{2000};
/// The maximum backoff if the failure is not the log's, such as a damaged file or a full disk: each attempt
/// may read two whole files.
constexpr milliseconds kOwnTroubleBackoffMax{60'000};
constexpr milliseconds kProbeTimeout{2000};
constexpr milliseconds kDeliverySlice{500};
/// The limits on comparisons that are kept in memory until their turn; others are read from the archive
/// again. Comparisons of small files cost less to keep than to make.
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
  threads_.emplace_back([this] { keep_time(); });
}

void Publisher::stop() {
  ending_.request_stop();
  std::vector<Awaited> ended;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_all_waiters();
    ended = take_all_awaits();
  }
  for (const auto& then : ended) then(false);
  work_changed_.notify_all();
  time_changed_.notify_all();
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  threads_.clear();
}

void Publisher::enqueue(const UploadRecord& upload, std::shared_ptr<const Reading> reading) {
  // Acceptance has changed the new file's stamp since it was opened: it set its mode, time and name.
  std::optional<io::FileStamp> stamp;
  if (reading != nullptr) {
    const auto now = reading->after.stamp_now();
    if (now.has_value()) stamp = now.value();
  }
  {
    const std::lock_guard lock(mutex_);
    const bool small = upload.file.bytes <= kSmallBytesMax;
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
      // If the queue is taken, a thread is working on its first upload.
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

bool Publisher::wait(const UploadId& upload, Steady::time_point deadline) {
  std::unique_lock lock(mutex_);
  const auto ended = [&] { return stopping_ || !unpublished_.contains(upload); };
  if (!ended()) {
    Waiters& mine = waiters_[upload];
    ++mine.count;
    mine.changed.wait_until(lock, deadline, ended);
    if (--mine.count == 0) waiters_.erase(upload);
  }
  return !unpublished_.contains(upload);
}

void Publisher::await(const UploadId& upload, Steady::time_point deadline, Awaited then) {
  bool published = false;
  {
    const std::lock_guard lock(mutex_);
    published = !unpublished_.contains(upload);
    if (!published && !stopping_ && !log_down_) {
      const auto [at, is_new] =
          awaits_.emplace(AwaitKey{deadline, ++awaits_made_}, Await{upload, std::move(then)});
      awaits_of_.emplace(upload, at->first);
      if (at == awaits_.begin()) time_changed_.notify_one();
      return;
    }
  }
  then(published);
}

/// Ends the callbacks whose deadline has passed.
void Publisher::keep_time() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto late = take_awaits_until(Steady::now());
    if (!late.empty()) {
      lock.unlock();
      for (const auto& then : late) then(false);
      lock.lock();
    } else if (awaits_.empty()) {
      time_changed_.wait(lock);
    } else {
      time_changed_.wait_until(lock, awaits_.begin()->first.first);
    }
  }
}

Publisher::Awaited Publisher::take_await(Awaits::iterator at) {
  const auto [first, last] = awaits_of_.equal_range(at->second.upload);
  const auto same = std::find_if(first, last, [&](const auto& each) { return each.second == at->first; });
  awaits_of_.erase(same);
  auto then = std::move(at->second.then);
  awaits_.erase(at);
  return then;
}

std::vector<Publisher::Awaited> Publisher::take_awaits_of(const UploadId& upload) {
  std::vector<Awaited> taken;
  for (auto at = awaits_of_.find(upload); at != awaits_of_.end(); at = awaits_of_.find(upload)) {
    taken.push_back(take_await(awaits_.find(at->second)));
  }
  return taken;
}

std::vector<Publisher::Awaited> Publisher::take_awaits_until(Steady::time_point time) {
  std::vector<Awaited> taken;
  while (!awaits_.empty() && awaits_.begin()->first.first <= time) {
    taken.push_back(take_await(awaits_.begin()));
  }
  return taken;
}

std::vector<Publisher::Awaited> Publisher::take_all_awaits() {
  return take_awaits_until(Steady::time_point::max());
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

/// Returns the table's queue. A table has one while uploads wait in it. A new queue comes after those that
/// have waited longer.
Publisher::Queue& Publisher::queue_of(const TableRef& table) {
  const auto [known, is_new] = queues_.try_emplace(table);
  if (is_new) {
    known->second.served = ++served_;
    ++companies_[table.company_id].queues;
  }
  return known->second;
}

void Publisher::remove_queue(Queues::iterator queue) {
  const auto company = companies_.find(queue->first.company_id);
  if (--company->second.queues == 0) companies_.erase(company);
  queues_.erase(queue);
}

/// Returns the next table to serve, or none and the time to check again. Chooses the company that was served
/// the longest time ago, and its table that has waited longest. A company uses no more threads than its
/// share.
Publisher::Queues::iterator Publisher::next_ready(Steady::time_point& wake_at) {
  const auto now = Steady::now();
  wake_at = Steady::time_point::max();
  const std::size_t free = std::max<std::size_t>(options_.publishers, 1) - running_;
  auto next = queues_.end();
  std::pair<std::uint64_t, std::uint64_t> next_served;
  for (auto it = queues_.begin(); it != queues_.end(); ++it) {
    const Queue& queue = it->second;
    if (queue.taken || queue.uploads.empty()) continue;
    const Company& company = companies_.find(it->first.company_id)->second;
    const std::pair served{company.served, queue.served};
    if (queue.not_before > now) {
      wake_at = std::min(wake_at, queue.not_before);
    } else if (may_take_one_more(company.running, free) && (next == queues_.end() || served < next_served)) {
      next = it;
      next_served = served;
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
    serve(next, lock);
  }
}

/// Publishes the first upload of a queue. The queue is marked taken and stays in place meanwhile.
void Publisher::serve(Queues::iterator next, std::unique_lock<std::mutex>& lock) {
  Queue& queue = next->second;
  Company& company = companies_.find(next->first.company_id)->second;
  queue.taken = true;
  queue.served = company.served = ++served_;
  ++company.running;
  ++running_;
  Waiting waiting = std::move(queue.uploads.front());
  if (waiting.reading != nullptr) --(waiting.small ? small_readings_kept_ : readings_kept_);
  lock.unlock();
  // An exception, for example out of memory, only delays this upload; the thread continues.
  auto published = caught([&] { return publish(waiting); });
  // Unmapping large files takes time, so do it without the lock.
  waiting.reading.reset();
  lock.lock();
  queue.taken = false;
  --company.running;
  --running_;
  std::vector<Awaited> ended;
  if (published.has_value()) {
    ended = note_published(waiting.upload);
    queue.uploads.pop_front();
    queue.backoff = milliseconds(0);
    queue.trouble.reset();
    if (queue.uploads.empty()) remove_queue(next);
  } else {
    queue.uploads.front() = std::move(waiting);
    queue.trouble = published.error();
    queue.backoff =
        std::clamp(queue.backoff * 2, kBackoffMin, log_down_ ? kBackoffMax : kOwnTroubleBackoffMax);
    queue.not_before = Steady::now() + queue.backoff;
  }
  // Wake a thread: it may have to note a new retry time, or another company's share may have grown. This
  // thread may take other work.
  work_changed_.notify_one();
  if (ended.empty()) return;
  lock.unlock();
  for (const auto& then : ended) then(true);
  lock.lock();
}

std::vector<Publisher::Awaited> Publisher::note_published(const UploadId& upload) {
  unpublished_.erase(unpublished_.find(upload));
  if (const auto waiters = waiters_.find(upload); waiters != waiters_.end()) {
    waiters->second.changed.notify_all();
  }
  if (unpublished_.contains(upload)) return {};
  return take_awaits_of(upload);
}

Result<void> Publisher::publish(Waiting& waiting) {
  DD_TRY(const auto upload, catalog_.find(waiting.upload));
  if (!upload || upload->state != UploadState::accepted) return success();
  if (!waiting.delivered && upload->outcome.counts.changes() > 0) {
    // If the log is down, check it before reading the files again.
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
  if (options_.observer != nullptr && upload->times.timestamp) {
    options_.observer->saw_published(milliseconds(now.unix_ms - upload->times.timestamp->unix_ms));
  }
  return pass_step("publish.marked", layout_.catalog());
}

/// Returns true if the reading's files are unchanged. The upload may have waited for hours while the log was
/// down, with its files mapped, and a write to a file would get into its events.
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
    // Wait for the whole timeout first, then in slices, so that stop() is noticed even if the log is not
    // interrupted.
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
  if (code != ErrorCode::unavailable && code != ErrorCode::in_doubt && code != ErrorCode::timed_out)
    return result;
  std::vector<Awaited> ended;
  {
    const std::lock_guard lock(mutex_);
    log_down_ = result.error();
    ended = take_all_awaits();
  }
  for (const auto& then : ended) then(false);
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
