#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "eventlog/event_log.hpp"
#include "eventlog/kafka_client.hpp"
#include "eventlog/signature.hpp"

/// The idempotent producer, shared by all publications under way.
namespace deltadrop::eventlog::kafka {

/// How far one publication is. Under the producer's mutex.
struct Progress {
  std::size_t outstanding = 0;  ///< messages without a delivery report
  std::optional<Error> failure;
};

/// The messages of one publication that were handed over within a short time; a message carries a pointer to
/// it, so that its delivery report finds its way. Under the producer's mutex.
struct Span {
  std::shared_ptr<Progress> progress;
  std::chrono::steady_clock::time_point since;
  std::size_t outstanding = 0;
  bool open = true;  ///< its publication still adds to it
};

/// Thread-safe; every publication keeps it alive.
class Producer : public std::enable_shared_from_this<Producer> {
 public:
  /// `batch_bytes_max`: the largest batch that the topic takes.
  static Result<std::shared_ptr<Producer>> open(const Options& options, std::size_t batch_bytes_max);
  explicit Producer(const Options& options);
  /// Drops what is not sent.
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  std::unique_ptr<Publication> publish(const UploadId& upload);

  /// False when a message was refused or the producer is broken: new publications need another producer.
  [[nodiscard]] bool usable() const;
  /// How long the oldest message waits for its delivery report.
  [[nodiscard]] std::optional<std::chrono::milliseconds> oldest_unacknowledged() const;
  /// Why brokers cannot be reached, or "".
  [[nodiscard]] std::string complaint() const { return context_.complaint(); }
  void interrupt() noexcept;
  /// The handle, for tests that break it.
  [[nodiscard]] rd_kafka_s* client() const { return client_.get(); }

  // For publications only.
  Result<void> append(const std::shared_ptr<Progress>& progress, Span*& span, const Message& message);
  Result<void> await_delivery(const Progress& progress, std::chrono::steady_clock::time_point deadline);
  void close(Span* span);

 private:
  void serve();
  void take_reports(rd_kafka_op_s* event);
  void take_error(rd_kafka_op_s* event);
  Result<void> wait_for_room(std::unique_lock<std::mutex>& lock, const Progress& progress, std::size_t bytes);
  Span& span_for(const std::shared_ptr<Progress>& progress, Span*& span);
  /// Erases a span that nothing refers to any more.
  void forget_if_done(Span* span);

  const Options options_;
  const Signatures signatures_;
  ClientContext context_;
  Client client_;
  Queue queue_;
  std::thread thread_;
  std::atomic<bool> closing_ = false;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Span> spans_;  ///< oldest first
  std::size_t unacknowledged_bytes_ = 0;
  std::optional<Error> fatal_;
  bool refused_ = false;
  bool interrupted_ = false;
};

}  // namespace deltadrop::eventlog::kafka
