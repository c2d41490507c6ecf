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

/// Sends accepted uploads to the log, each table's in version order and by one thread at a time, one company
/// after another, for as long as it takes, and marks them published. An attempt that fails is made again from
/// the archive under the same event ids. Thread-safe.
class Publisher {
 public:
  Publisher(StoredFiles& files, Catalog& catalog, eventlog::EventLog& log, io::Clock& clock,
            const Options& options);
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;
  ~Publisher() { stop(); }

  void start();
  /// Joins the threads. One that waits for the log returns when the log is interrupted, or within a second.
  void stop();

  /// The table's next upload, in version order. `reading` saves a second comparison; may be null.
  void enqueue(const UploadRecord& upload, std::shared_ptr<const Reading> reading);

  /// Versions that were published before and are to be sent again: each goes before the later ones that wait.
  void enqueue_again(const std::vector<UploadRecord>& uploads);

  /// What it waits for may have been repaired: this table is tried now, not when its pause is over.
  void try_again(const TableRef& table);

  /// True when the upload is not (or no longer) waiting to be published.
  bool wait(const UploadId& upload, std::chrono::steady_clock::time_point deadline);

  /// `ended`: the upload is not, or no longer, waiting to be published.
  using Awaited = std::function<void(bool ended)>;
  /// Calls `then` once: when the upload is published, at the deadline, or before it when the log does not
  /// answer or this stops. On any thread, maybe before it returns; `then` must not wait.
  void await(const UploadId& upload, std::chrono::steady_clock::time_point deadline, Awaited then);

  /// Why publishing does not get on now.
  std::optional<Error> trouble();

 private:
  struct Waiting {
    UploadId upload;
    Version version;
    std::shared_ptr<const Reading> reading;
    std::optional<io::FileStamp> stamp;  ///< of the new file of `reading`, when it was accepted
    bool small = false;                  ///< its reading is one of the small ones
    bool delivered = false;              ///< in the log, though not yet marked
  };
  struct Queue {
    std::deque<Waiting> uploads;
    bool taken = false;  ///< by a thread, which works on the first
    std::uint64_t served = 0;
    std::chrono::steady_clock::time_point not_before;
    std::chrono::milliseconds backoff{0};
    std::optional<Error> trouble;
  };

  /// Threads that wait for one upload; woken by themselves, since many wait and one is published.
  struct Waiters {
    std::condition_variable changed;
    int count = 0;
  };
  /// Answers that wait for an upload, by their deadline, and a number of their own.
  using AwaitKey = std::pair<std::chrono::steady_clock::time_point, std::uint64_t>;
  struct Await {
    UploadId upload;
    Awaited then;
  };
  using Awaits = std::map<AwaitKey, Await>;
  /// The share that a company has of the threads.
  struct Company {
    std::size_t queues = 0;  ///< of its tables
    std::size_t running = 0;
    std::uint64_t served = 0;
  };

  void work();
  void keep_time();
  /// Wakes the threads that wait for any upload. Under the mutex.
  void wake_all_waiters();
  /// Takes answers out, to be called without the mutex.
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
  /// Remembers that the log does not answer, where that is what the result says.
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
  std::unordered_multiset<UploadId> unpublished_;  ///< twice: queued again while it is marked published
  std::optional<Error> log_down_;
  std::size_t small_readings_kept_ = 0;
  std::size_t readings_kept_ = 0;
  std::uint64_t served_ = 0;
  bool stopping_ = false;
  std::stop_source ending_;  ///< not under the mutex: for comparisons, and for what is being sent
  std::size_t running_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace deltadrop::ingest
