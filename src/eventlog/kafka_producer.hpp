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

/// The idempotent producer, shared by all current publications.
namespace deltadrop::eventlog::kafka {

/// The progress of one publication. Protected by the producer's mutex.
struct Progress {
  std::size_t outstanding = 0;  ///< messages without a delivery report
  std::optional<Error> failure;
};

/// The messages that one publication appended within a short time. Each message has a pointer to its span,
/// which connects its delivery report to it. Protected by the producer's mutex.
struct Span {
  std::shared_ptr<Progress> progress;
  std::chrono::steady_clock::time_point since;
  std::size_t outstanding = 0;
  bool open = true;  ///< the publication still adds messages
};

/// Thread-safe. Every publication keeps it alive.
class Producer : public std::enable_shared_from_this<Producer> {
 public:
  /// `batch_bytes_max` is the largest batch that the topic accepts.
  static Result<std::shared_ptr<Producer>> open(const Options& options, std::size_t batch_bytes_max);
  explicit Producer(const Options& options);
  /// Drops messages that are not acknowledged.
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  std::unique_ptr<Publication> publish(const UploadId& upload);

  /// Returns false if a message was rejected or the producer failed. New publications then need another
  /// producer.
  [[nodiscard]] bool usable() const;
  /// Returns how long the oldest unacknowledged message has waited, or nothing if all are acknowledged.
  [[nodiscard]] std::optional<std::chrono::milliseconds> oldest_unacknowledged() const;
  /// Returns why the brokers cannot be reached, or "".
  [[nodiscard]] std::string complaint() const { return context_.complaint(); }
  void interrupt() noexcept;
  /// The librdkafka handle, for tests that inject failures.
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
  /// Erases a span that is closed and has no outstanding messages.
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
