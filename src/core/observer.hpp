#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace deltadrop {

/// What takes time in a file's life. `wait` is for the table's lock.
enum class Step : std::uint8_t { receive, wait, compare, accept, publish, record, apply, lake };
inline constexpr std::array<std::string_view, 8> kStepNames = {"receive", "wait",   "compare", "accept",
                                                               "publish", "record", "apply",   "lake"};
constexpr std::string_view to_string(Step step) { return kStepNames[static_cast<std::size_t>(step)]; }

/// An upload that has come to its answer. Holds nothing of what is in the file.
struct UploadSeen {
  /// "published", "accepted", "held", "unchanged", "replayed" (a retry by its key), "refused" (the file),
  /// "failed"
  std::string result;
  std::string error;  ///< the type of a failure
  std::string request_id;
  std::string upload_id;
  std::string company_id;
  std::string table_name;
  std::int64_t version = 0;  ///< 0: none
  std::int64_t bytes = 0;    ///< of the expanded file
  std::int64_t rows = 0;
  std::int64_t inserted = 0;
  std::int64_t updated = 0;
  std::int64_t deleted = 0;
  std::int64_t findings = 0;                               ///< of a refused file
  std::array<std::chrono::nanoseconds, 5> took_by_step{};  ///< receive to publish; 0: not done

  [[nodiscard]] std::chrono::nanoseconds& took(Step step) {
    return took_by_step[static_cast<std::size_t>(step)];
  }
};

/// Is told what the rooms do, to count it or to log it. Called from any thread; must be quick and never fail.
class Observer {
 public:
  virtual ~Observer() = default;
  /// An upload or a release ended.
  virtual void saw_upload(const UploadSeen& upload) = 0;
  virtual void saw_step(Step step, std::chrono::nanoseconds took) = 0;
  /// From an upload's acceptance until it was in the log.
  virtual void saw_published(std::chrono::milliseconds after_acceptance) = 0;
  virtual void saw_recorded(std::int64_t events) = 0;
  /// From an upload's acceptance until readers see it.
  virtual void saw_applied(std::chrono::milliseconds after_acceptance) = 0;
  /// The clock became implausible, and why; "": it is plausible again.
  virtual void saw_clock(std::string_view /*trouble*/) {}
};

/// Measures from its making to its end, on every way out.
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
