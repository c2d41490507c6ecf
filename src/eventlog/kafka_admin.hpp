#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "eventlog/event_log.hpp"
#include "eventlog/kafka_client.hpp"

/// Queries the brokers about the topic: whether it exists and is suitable, its identity and its offsets.
namespace deltadrop::eventlog::kafka {

struct TopicDescription {
  LogIdentity identity;
  std::int32_t partitions = 0;
};

struct TopicFacts {
  TopicDescription description;
  std::size_t batch_bytes_max = 0;  ///< the topic's max.message.bytes, which bounds a compressed batch
};

/// Thread-safe. Every call waits for the brokers up to its timeout, then returns `unavailable`. After
/// `Interrupt::fire`, it returns shutting_down.
class Admin {
 public:
  static Result<std::unique_ptr<Admin>> open(const Options& options, Interrupt& interrupt);

  /// Creates the topic if it is missing and checks that its settings are suitable.
  Result<TopicFacts> ensure_topic(std::chrono::milliseconds timeout);

  /// Fails with unavailable, type "no-topic", if the topic does not exist.
  Result<TopicDescription> describe(std::chrono::milliseconds timeout);
  /// `describe` in two steps: begin_describe sends the request, and the event arrives in `queue`. new_queue
  /// makes the queue, which must be destroyed before this object.
  [[nodiscard]] Queue new_queue() const;
  void begin_describe(rd_kafka_queue_s* queue, std::chrono::milliseconds timeout);
  Result<TopicDescription> read_description(rd_kafka_op_s* event);

  /// Returns the states in the order of `partitions`.
  Result<std::vector<PartitionState>> watermarks(const std::vector<PartitionRef>& partitions,
                                                 const LogIdentity& identity,
                                                 std::chrono::milliseconds timeout);

 private:
  Admin(const Options& options, Interrupt& interrupt);

  /// Sends one request with `begin` and waits for its response.
  template <class Begin>
  Result<Event> ask(int operation, const std::string& what, std::chrono::milliseconds timeout,
                    const Begin& begin);
  /// Gives the brokers a moment to inform each other. `Interrupt` ends the wait.
  void wait_for_propagation();
  Result<TopicDescription> make_topic(std::chrono::steady_clock::time_point deadline);
  Result<std::size_t> check_settings(std::chrono::milliseconds timeout);
  /// Retries until the timeout while a partition has no leader, for example just after its topic was created.
  Result<std::vector<Offset>> offsets(const std::vector<PartitionRef>& partitions, std::int64_t which,
                                      std::chrono::milliseconds timeout);
  Result<std::vector<Offset>> ask_offsets(const std::vector<PartitionRef>& partitions, std::int64_t which,
                                          std::chrono::milliseconds timeout);

  const Options& options_;
  Interrupt& interrupt_;
  ClientContext context_;
  Client client_;
};

/// Converts a broker's error code about our topic or group: unavailable, with `what` and the reason in the
/// message.
Error broker_error(const Options& options, const std::string& what, int code, const std::string& reason);

}  // namespace deltadrop::eventlog::kafka
