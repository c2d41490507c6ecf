#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "core/result.hpp"
#include "eventlog/kafka_log.hpp"

// librdkafka's handles, by name only: its header stays in the .cpp files.
struct rd_kafka_s;
struct rd_kafka_conf_s;
struct rd_kafka_queue_s;
struct rd_kafka_op_s;

/// A configured librdkafka handle, and what it says of its troubles.
namespace deltadrop::eventlog::kafka {

struct ClientDeleter {
  void operator()(rd_kafka_s* client) const noexcept;
};
struct QueueDeleter {
  void operator()(rd_kafka_queue_s* queue) const noexcept;
};
struct EventDeleter {
  void operator()(rd_kafka_op_s* event) const noexcept;
};
using Client = std::unique_ptr<rd_kafka_s, ClientDeleter>;
using Queue = std::unique_ptr<rd_kafka_queue_s, QueueDeleter>;
using Event = std::unique_ptr<rd_kafka_op_s, EventDeleter>;

/// What a client's callbacks reach; outlives the client. Thread-safe.
class ClientContext {
 public:
  ClientContext(const Options& options, void* owner) : log_(options.on_log), owner_(owner) {}

  void log(const std::string& line) const {
    if (log_) log_(line);
  }
  /// `all_down`: no broker can be reached.
  void complain(const std::string& reason, bool all_down);
  /// A broker has answered.
  void answered();
  /// The last complaint since a broker answered, or "".
  [[nodiscard]] std::string complaint() const;
  [[nodiscard]] bool all_down() const;
  [[nodiscard]] void* owner() const { return owner_; }

 private:
  std::function<void(const std::string&)> log_;
  void* owner_;
  mutable std::mutex mutex_;
  std::string complaint_;
  bool all_down_ = false;
};

enum class Role { admin, producer, consumer };

/// `properties` come on top of those that every client of ours has, below the user's own. `adjust` may set
/// callbacks and events. Errors: invalid_input "kafka-property".
Result<Client> make_client(Role role, const Options& options,
                           const std::map<std::string, std::string>& properties, ClientContext& context,
                           const std::function<void(rd_kafka_conf_s*)>& adjust = {});

/// invalid_input "kafka-property" for a property that is ours to set.
Result<void> check_properties(const Options& options);

/// unavailable "kafka-unavailable": what was tried, and what came of it.
Error kafka_unavailable(const Options& options, const std::string& what, const std::string& reason);

/// Queues whose waiting calls are woken when the log is interrupted. Thread-safe.
class Interrupt {
 public:
  void fire() noexcept;
  [[nodiscard]] bool fired() const;

  /// While it lives, `fire` wakes who polls the queue.
  class Watch {
   public:
    Watch(Interrupt& interrupt, rd_kafka_queue_s* queue);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    Interrupt& interrupt_;
    rd_kafka_queue_s* queue_;
  };

 private:
  mutable std::mutex mutex_;
  std::multiset<rd_kafka_queue_s*> queues_;
  bool fired_ = false;
};

}  // namespace deltadrop::eventlog::kafka
