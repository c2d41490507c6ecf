#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace deltadrop {

/// The timed steps of an upload. `wait` is the wait for the table's lock.
enum class Step : std::uint8_t { receive, wait, compare, accept, publish, record, apply, lake };
inline constexpr std::array<std::string_view, 8> kStepNames = {"receive", "wait",   "compare", "accept",
                                                               "publish", "record", "apply",   "lake"};
constexpr std::string_view to_string(Step step) { return kStepNames[static_cast<std::size_t>(step)]; }

/// The outcome of an upload request. It contains no data of the file.
struct UploadSeen {
  /// "published", "accepted", "held", "unchanged", "replayed" (a retry with the same Idempotency-Key),
  /// "refused" (the file is invalid) or "failed"
  std::string result;
  std::string error;  ///< the error's `type` if the request failed
  std::string request_id;
  std::string upload_id;
  std::string company_id;
  std::string table_name;
  std::int64_t version = 0;  ///< 0 if not assigned
  std::int64_t bytes = 0;    ///< of the expanded file
  std::int64_t rows = 0;
  std::int64_t inserted = 0;
  std::int64_t updated = 0;
  std::int64_t deleted = 0;
  std::int64_t findings = 0;                               ///< of an invalid file
  std::array<std::chrono::nanoseconds, 5> took_by_step{};  ///< receive to publish; 0 if the step did not run

  [[nodiscard]] std::chrono::nanoseconds& took(Step step) {
    return took_by_step[static_cast<std::size_t>(step)];
  }
};

/// Receives events from the modules, to count or to log them. Any thread may call it; the methods must be
/// quick and must not fail.
class Observer {
 public:
  virtual ~Observer() = default;
  /// An upload or a release ended.
  virtual void saw_upload(const UploadSeen& upload) = 0;
  virtual void saw_step(Step step, std::chrono::nanoseconds took) = 0;
  /// The time from an upload's acceptance until the log contained it.
  virtual void saw_published(std::chrono::milliseconds after_acceptance) = 0;
  virtual void saw_recorded(std::int64_t events) = 0;
  /// The time from an upload's acceptance until readers see it.
  virtual void saw_applied(std::chrono::milliseconds after_acceptance) = 0;
  /// The clock became implausible for the given reason, or, if "", plausible again.
  virtual void saw_clock(std::string_view /*trouble*/) {}
};

/// Measures the time from its construction to stop() or to its destruction.
class StepTimer {
 public:
  StepTimer(Observer* observer, Step step, std::chrono::nanoseconds* also = nullptr)
      : observer_(observer), step_(step), also_(also) {}
  StepTimer(const StepTimer&) = delete;
  StepTimer& operator=(const StepTimer&) = delete;
  ~StepTimer() { stop(); }
  void stop() {
    if (stopped_) return;
    stopped_ = true;
    const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - begun_;
    if (also_ != nullptr) *also_ = took;
    if (observer_ != nullptr) observer_->saw_step(step_, took);
  }

 private:
  Observer* observer_;
  Step step_;
  std::chrono::nanoseconds* also_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  bool stopped_ = false;
};

}  // namespace deltadrop
