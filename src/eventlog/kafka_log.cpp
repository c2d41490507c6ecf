#include "eventlog/kafka_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "eventlog/checks.hpp"
#include "eventlog/kafka_admin.hpp"
#include "eventlog/kafka_client.hpp"
#include "eventlog/kafka_producer.hpp"
#include "eventlog/kafka_reader.hpp"

namespace deltadrop::eventlog::kafka {
namespace {

using std::chrono::milliseconds;

/// How long `publish` waits for a broker if the topic is not known yet.
constexpr milliseconds kTopicTimeout{5000};

class KafkaLog final : public EventLog {
 public:
  explicit KafkaLog(Options options) : options_(std::move(options)) {}

  Result<void> open() {
    DD_TRY(check_properties(options_));
    DD_TRY(admin_, Admin::open(options_, interrupt_));
    // Create a producer once, to find invalid settings before anything waits for a broker.
    DD_TRY(Producer::open(options_, options_.message_bytes_max));
    return success();
  }

  [[nodiscard]] Capabilities capabilities() const override {
    return {.survives_reopen = true, .shares_partitions = true, .trims = false};
  }

  Result<std::unique_ptr<Publication>> publish(const UploadId& upload) override {
    if (interrupt_.fired()) return interrupted();
    DD_TRY(auto producer, usable_producer());
    return producer->publish(upload);
  }

  Result<std::unique_ptr<LogReader>> join(const std::string& group) override {
    if (interrupt_.fired()) return interrupted();
    return open_reader(options_, group, *admin_, interrupt_);
  }

  Result<void> health(milliseconds timeout) override {
    const auto producer = current_producer();
    const auto oldest = producer ? producer->oldest_unacknowledged() : std::nullopt;
    if (oldest && *oldest > options_.publish_timeout) {
      const std::string complaint = producer->complaint();
      return kafka_unavailable(options_,
                               fmt::format("events have waited {} ms for acknowledgement", oldest->count()),
                               complaint.empty() ? "no response" : complaint);
    }
    DD_TRY(admin_->ensure_topic(timeout));
    return success();
  }

  /// Does nothing: Kafka drops messages by the topic's retention.
  Result<void> trim(const PartitionRef&, Offset, Timestamp) override { return success(); }

  void interrupt() noexcept override {
    interrupt_.fire();
    if (const auto producer = current_producer()) producer->interrupt();
  }

 private:
  std::shared_ptr<Producer> current_producer() {
    const std::lock_guard lock(mutex_);
    return producer_;
  }

  Result<std::shared_ptr<Producer>> usable_producer() {
    const std::lock_guard making(making_mutex_);
    if (auto producer = current_producer(); producer && producer->usable()) return producer;
    // After the last producer failed, the topic may be a new one or have other settings.
    DD_TRY(const auto facts, admin_->ensure_topic(kTopicTimeout));
    DD_TRY(auto producer, Producer::open(options_, facts.batch_bytes_max));
    std::shared_ptr<Producer> last;  // destroyed outside the lock
    {
      const std::lock_guard lock(mutex_);
      last = std::exchange(producer_, producer);
    }
    if (interrupt_.fired()) producer->interrupt();
    return producer;
  }

  Options options_;
  Interrupt interrupt_;
  std::unique_ptr<Admin> admin_;
  std::mutex making_mutex_;  ///< taken before mutex_
  std::mutex mutex_;
  std::shared_ptr<Producer> producer_;
};

}  // namespace

Result<std::unique_ptr<EventLog>> open(Options options) {
  auto log = std::make_unique<KafkaLog>(std::move(options));
  DD_TRY(log->open());
  return std::unique_ptr<EventLog>(std::move(log));
}

}  // namespace deltadrop::eventlog::kafka
