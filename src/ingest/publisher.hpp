#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "ingest/archive.hpp"
#include "ingest/catalog.hpp"
#include "ingest/reading.hpp"

namespace deltadrop::ingest {

/// Sends accepted uploads to the log and marks them published. One thread at a time sends a table's uploads,
/// in version order; companies take turns. A failed attempt is retried without limit, from the archive and
/// with the same event ids. Thread-safe.
class Publisher {
 public:
  Publisher(StoredFiles& files, Catalog& catalog, eventlog::EventLog& log, io::Clock& clock,
            const Options& options);
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;
  ~Publisher() { stop(); }

  void start();
  /// Joins the threads. A thread that waits for the log returns when the log is interrupted, or within a
  /// second.
  void stop();

  /// Adds the table's next upload, in version order. `reading` avoids a second comparison; it may be null.
  void enqueue(const UploadRecord& upload, std::shared_ptr<const Reading> reading);

  /// Adds versions that were published before and are to be sent again. Each goes before the later versions
  /// in the queue.
  void enqueue_again(const std::vector<UploadRecord>& uploads);

  /// Retries this table now instead of after its backoff, because the cause of the failure may be repaired.
  void try_again(const TableRef& table);

  /// Waits until the upload is not queued or the deadline passes. Returns true if it is not queued.
  bool wait(const UploadId& upload, std::chrono::steady_clock::time_point deadline);

  /// `ended` is true if the upload is not queued to be published, or no longer.
  using Awaited = std::function<void(bool ended)>;
  /// Calls `then` once: when the upload is published, at the deadline, or earlier if the log does not respond
  /// or the publisher stops. The call may come on any thread, maybe before this returns. `then` must not
  /// wait.
  void await(const UploadId& upload, std::chrono::steady_clock::time_point deadline, Awaited then);

  /// Returns why publishing fails at present; nothing if it does not.
  std::optional<Error> trouble();

 private:
  struct Waiting {
    UploadId upload;
    Version version;
    std::shared_ptr<const Reading> reading;
    std::optional<io::FileStamp> stamp;  ///< of the new file of `reading` when it was accepted
    bool small = false;                  ///< its reading counts as small
    bool delivered = false;              ///< in the log but not yet marked published
  };
  struct Queue {
    std::deque<Waiting> uploads;
    bool taken = false;  ///< a thread is working on the first upload
    std::uint64_t served = 0;
    std::chrono::steady_clock::time_point not_before;
    std::chrono::milliseconds backoff{0};
    std::optional<Error> trouble;
  };

  /// The threads that wait for one upload. Each upload has its own condition variable, because many threads
  /// wait and one upload is published at a time.
  struct Waiters {
    std::condition_variable changed;
    int count = 0;
  };
  /// The key of a waiting callback: its deadline and a unique number.
  using AwaitKey = std::pair<std::chrono::steady_clock::time_point, std::uint64_t>;
  struct Await {
    UploadId upload;
    Awaited then;
  };
  using Awaits = std::map<AwaitKey, Await>;
  /// A company's share of the threads.
  struct Company {
    std::size_t queues = 0;  ///< queues of its tables
    std::size_t running = 0;
    std::uint64_t served = 0;
  };

  void work();
  void keep_time();
  /// Wakes the waiting threads of all uploads. Call it with the mutex locked.
  void wake_all_waiters();
  /// Removes and returns waiting callbacks. Call them without the mutex.
  std::vector<Awaited> take_awaits_of(const UploadId& upload);
  std::vector<Awaited> take_awaits_until(std::chrono::steady_clock::time_point time);
  std::vector<Awaited> take_all_awaits();
  Awaited take_await(Awaits::iterator at);
  using Queues = std::map<TableRef, Queue>;
  Queue& queue_of(const TableRef& table);
  void remove_queue(Queues::iterator queue);
  void serve(Queues::iterator next, std::unique_lock<std::mutex>& lock);
  std::vector<Awaited> note_published(const UploadId& upload);
  Queues::iterator next_ready(std::chrono::steady_clock::time_point& wake_at);
  Result<void> publish(Waiting& waiting);
  static bool is_untouched(const Waiting& waiting);
  Result<void> send(const UploadRecord& upload, const Reading& reading);
  Result<void> await_delivery(eventlog::Publication& publication);
  /// Passes the result on, and remembers whether it says that the log does not respond.
  Result<void> heard_from_log(Result<void> result);
  bool log_is_down();
  bool is_stopping();

  StoredFiles& files_;
  const Layout& layout_;
  Catalog& catalog_;
  eventlog::EventLog& log_;
  io::Clock& clock_;
  const Options options_;

  std::mutex mutex_;
  std::condition_variable work_changed_;
  std::unordered_map<UploadId, Waiters> waiters_;
  Awaits awaits_;
  std::unordered_multimap<UploadId, AwaitKey> awaits_of_;
  std::uint64_t awaits_made_ = 0;
  std::condition_variable time_changed_;
  Queues queues_;
  std::map<std::string, Company> companies_;       ///< those with a queue
  std::unordered_multiset<UploadId> unpublished_;  ///< twice: queued again during marking
  std::optional<Error> log_down_;
  std::size_t small_readings_kept_ = 0;
  std::size_t readings_kept_ = 0;
  std::uint64_t served_ = 0;
  bool stopping_ = false;
  std::stop_source ending_;  ///< not guarded by the mutex; cancels comparisons and sending
  std::size_t running_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace deltadrop::ingest
