#pragma once

#include <condition_variable>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "eventlog/event_log.hpp"

namespace deltadrop::testing {

struct RecordedMessage {
  UploadId upload;
  std::string key;
  std::string value;
};

/// A write-only log that stores messages in order and fails on request. If it has a file, it also appends
/// every message to it as one line, so that the messages outlive the process. Thread-safe.
class RecordingLog final : public eventlog::EventLog {
 public:
  RecordingLog() = default;
  explicit RecordingLog(const std::string& file) : file_(file, std::ios::app | std::ios::binary) {}

  /// While down, publishing fails and health() reports it.
  void set_down(bool down) {
    const std::lock_guard lock(mutex_);
    down_ = down;
  }
  /// While withheld, await_delivery times out.
  void withhold_acknowledgements(bool withhold) {
    {
      const std::lock_guard lock(mutex_);
      withheld_ = withhold;
    }
    changed_.notify_all();
  }
  /// The nth append from now on (1-based) is recorded, but returns in_doubt.
  void fail_append(int nth) {
    const std::lock_guard lock(mutex_);
    appends_until_failure_ = nth;
  }

  /// The next calls to publish throw std::bad_alloc.
  void exhaust_memory(int publications) {
    const std::lock_guard lock(mutex_);
    exhausted_ = publications;
  }

  std::vector<RecordedMessage> messages() {
    const std::lock_guard lock(mutex_);
    return messages_;
  }
  int publications() {
    const std::lock_guard lock(mutex_);
    return publications_;
  }
  /// Waits until this many publications have begun.
  bool wait_for_publications(int count, std::chrono::seconds timeout = std::chrono::seconds(10)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [&] { return publications_ >= count; });
  }

  eventlog::Capabilities capabilities() const override { return {}; }

  Result<std::unique_ptr<eventlog::Publication>> publish(const UploadId&) override {
    const std::lock_guard lock(mutex_);
    ++publications_;
    changed_.notify_all();
    if (exhausted_ > 0) {
      --exhausted_;
      throw std::bad_alloc();
    }
    if (down_) return down_error();
    return std::unique_ptr<eventlog::Publication>(std::make_unique<Recording>(*this));
  }
  Result<std::unique_ptr<eventlog::LogReader>> join(const std::string&) override {
    return Error{ErrorCode::conflict, "reader-exists", "this log is not read", ""};
  }
  Result<void> health(std::chrono::milliseconds) override {
    const std::lock_guard lock(mutex_);
    if (down_) return down_error();
    return success();
  }
  Result<void> trim(const eventlog::PartitionRef&, eventlog::Offset, Timestamp) override { return success(); }
  void interrupt() noexcept override {
    {
      const std::lock_guard lock(mutex_);
      interrupted_ = true;
    }
    changed_.notify_all();
  }

 private:
  class Recording final : public eventlog::Publication {
   public:
    explicit Recording(RecordingLog& log) : log_(log) {}
    Result<void> append(const eventlog::Message& message) override { return log_.take(message); }
    Result<void> await_delivery(std::chrono::steady_clock::time_point deadline) override {
      return log_.await(deadline);
    }

   private:
    RecordingLog& log_;
  };

  static Error down_error() { return {ErrorCode::unavailable, "log-down", "the log is down", "start it"}; }

  Result<void> take(const eventlog::Message& message) {
    const std::lock_guard lock(mutex_);
    if (down_) return down_error();
    messages_.push_back({message.upload_id, std::string(message.key), std::string(message.value)});
    if (file_.is_open()) file_ << message.value << '\n' << std::flush;
    if (appends_until_failure_ > 0 && --appends_until_failure_ == 0) {
      return Error{ErrorCode::in_doubt, "lost", "the answer to an append was lost", ""};
    }
    return success();
  }

  Result<void> await(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, deadline, [&] { return interrupted_ || !withheld_; });
    if (interrupted_) return Error{ErrorCode::shutting_down, "shutting-down", "the log was interrupted", ""};
    if (withheld_)
      return Error{ErrorCode::timed_out, "not-acknowledged", "nothing was acknowledged in time", ""};
    return success();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<RecordedMessage> messages_;
  std::ofstream file_;
  int publications_ = 0;
  int appends_until_failure_ = 0;
  bool down_ = false;
  int exhausted_ = 0;
  bool withheld_ = false;
  bool interrupted_ = false;
};

}  // namespace deltadrop::testing
