#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "core/result.hpp"
#include "eventlog/kafka_log.hpp"

// Forward declarations: only the .cpp files include librdkafka's header.
struct rd_kafka_s;
struct rd_kafka_conf_s;
struct rd_kafka_queue_s;
struct rd_kafka_op_s;

/// A configured librdkafka client and the errors that it reports.
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

/// The state that a client's callbacks use. It outlives the client. Thread-safe.
class ClientContext {
 public:
  ClientContext(const Options& options, void* owner) : log_(options.on_log), owner_(owner) {}

  void log(const std::string& line) const {
    if (log_) log_(line);
  }
  /// Records an error of the client. `all_down` means that no broker can be reached.
  void complain(const std::string& reason, bool all_down);
  /// Records that a broker responded.
  void answered();
  /// Returns the last error since a broker responded, or "".
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

/// `properties` extend and override the defaults of all clients; the user's properties override both.
/// `adjust` may set callbacks and events. Fails with invalid_input, type "kafka-property".
Result<Client> make_client(Role role, const Options& options,
                           const std::map<std::string, std::string>& properties, ClientContext& context,
                           const std::function<void(rd_kafka_conf_s*)>& adjust = {});

/// Fails with invalid_input, type "kafka-property", if the user sets a reserved property.
Result<void> check_properties(const Options& options);

/// Unavailable, type "kafka-unavailable". `what` is the failed operation.
Error kafka_unavailable(const Options& options, const std::string& what, const std::string& reason);

/// Wakes the calls that wait on its queues when the log is interrupted. Thread-safe.
class Interrupt {
 public:
  void fire() noexcept;
  [[nodiscard]] bool fired() const;

  /// While it exists, `fire` wakes any thread that polls the queue.
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
