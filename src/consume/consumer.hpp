#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/observer.hpp"
#include "eventlog/event_log.hpp"
#include "history/history_reader.hpp"
#include "history/history_writer.hpp"
#include "io/clock.hpp"

/// From the log to the history (record), from the events to the records (apply), from the history to the
/// lake: three independent steps, each on a thread of its own, each woken by the one before and every second.
namespace deltadrop::consume {

/// Whether files could be written now: lake::check_folder. Asked before the first upload, until it is so.
using LakeCheck = std::function<Result<void>()>;

struct Options {
  std::string topic = "cdc-events";
  std::string group = "cdc-processor";
  std::size_t batch_events = 5000;
  std::chrono::milliseconds batch_wait{20};
  std::chrono::milliseconds log_retention{3'600'000};  ///< applied events leave a trimming log after this
  std::chrono::milliseconds retry_wait_min{100};  ///< before what failed is tried again; doubled each time
  std::chrono::milliseconds retry_wait_max{5'000};
  std::chrono::milliseconds waiting_report_after{60'000};  ///< an upload that waits longer is reported
  LakeCheck lake_check = {};                               ///< empty: not asked
  Observer* observer = nullptr;                            ///< outlives the consumer
  bool accept_gap = false;  ///< go on at the log's low watermark where what follows was lost
};

/// Writes an applied upload's files and marks it as in the lake: lake::write_upload with its options. False
/// while another process writes the table. Called from one thread; not at all when empty, for a process that
/// has no lake.
using LakeStep = std::function<Result<bool>(const history::UploadStatus&)>;

struct Health {
  std::optional<Error> log;      ///< why the log cannot be read now
  std::optional<Error> history;  ///< why the history cannot be written now
  std::optional<Error> lake;     ///< why an upload's files cannot be written now
  std::optional<Error> stopped;  ///< why the consumer stopped for good (an offset outside the watermarks...)
  std::vector<std::string>
      waiting;  ///< uploads that have waited for longer than waiting_report_after, and for what
  /// Messages in this reader's partitions that are not recorded; none while it has not been told which these
  /// are.
  std::optional<std::int64_t> lag;
  history::Summary summary;
};

/// Thread-safe.
class Consumer {
 public:
  Consumer(Options options, LakeStep lake, eventlog::EventLog& log, history::HistoryWriter& writer,
           history::HistoryReader& reader, io::Clock& clock);
  /// Stops as by `stop`.
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  void start();
  /// Finishes the batch at hand, commits, joins the threads. The log must be interrupted by its owner first
  /// or after.
  void stop();

  Health health();
  /// Why it stopped for good, if it did: something that waiting does not mend.
  [[nodiscard]] std::optional<Error> stopped() const;
  /// A number that grows with every record, apply and lake commit.
  std::uint64_t progress() const;
  /// Waits until progress() differs from `seen`, the consumer stops, or the deadline; returns progress().
  std::uint64_t wait_for_progress(std::uint64_t seen, std::chrono::steady_clock::time_point deadline);

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace deltadrop::consume
