#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "eventlog/event_log.hpp"
#include "eventlog/kafka_client.hpp"

/// Questions to the brokers about the topic: is it there and fit for us, which one is it, what does it hold.
namespace deltadrop::eventlog::kafka {

struct TopicDescription {
  LogIdentity identity;
  std::int32_t partitions = 0;
};

struct TopicFacts {
  TopicDescription description;
  std::size_t batch_bytes_max = 0;  ///< the topic's max.message.bytes, which bounds a compressed batch
};

/// Thread-safe. Every call waits for brokers until its timeout, then is `unavailable`; shutting_down after
/// `Interrupt::fire`.
class Admin {
 public:
  static Result<std::unique_ptr<Admin>> open(const Options& options, Interrupt& interrupt);

  /// Looks at the topic, makes it when it is not there, and checks that it suits.
  Result<TopicFacts> ensure_topic(std::chrono::milliseconds timeout);

  /// unavailable "no-topic" when there is none.
  Result<TopicDescription> describe(std::chrono::milliseconds timeout);
  /// The same in two steps: the event comes to `queue`, which `new_queue` made and which ends before this.
  [[nodiscard]] Queue new_queue() const;
  void begin_describe(rd_kafka_queue_s* queue, std::chrono::milliseconds timeout);
  Result<TopicDescription> read_description(rd_kafka_op_s* event);

  /// In the order of `partitions`.
  Result<std::vector<PartitionState>> watermarks(const std::vector<PartitionRef>& partitions,
                                                 const LogIdentity& identity,
                                                 std::chrono::milliseconds timeout);

 private:
  Admin(const Options& options, Interrupt& interrupt);

  /// One request with one answer; `begin` sends it.
  template <class Begin>
  Result<Event> ask(int operation, const std::string& what, std::chrono::milliseconds timeout,
                    const Begin& begin);
  /// A moment for the brokers to tell each other; `Interrupt` ends it.
  void wait_for_propagation();
  Result<TopicDescription> make_topic(std::chrono::steady_clock::time_point deadline);
  Result<std::size_t> check_settings(std::chrono::milliseconds timeout);
  /// Asks again until the timeout while a partition is between two leaders, as right after its topic was
  /// made.
  Result<std::vector<Offset>> offsets(const std::vector<PartitionRef>& partitions, std::int64_t which,
                                      std::chrono::milliseconds timeout);
  Result<std::vector<Offset>> ask_offsets(const std::vector<PartitionRef>& partitions, std::int64_t which,
                                          std::chrono::milliseconds timeout);

  const Options& options_;
  Interrupt& interrupt_;
  ClientContext context_;
  Client client_;
};

/// What an error code of a broker about our topic or group means: unavailable, with the reason in `what`'s
/// words.
Error broker_error(const Options& options, const std::string& what, int code, const std::string& reason);

}  // namespace deltadrop::eventlog::kafka
