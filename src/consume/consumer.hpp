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

/// The consumer has three independent steps, each on its own thread: record (log to history), apply (events
/// to records) and lake (history to lake). Each wakes when the previous step commits, and every second.
namespace deltadrop::consume {

/// Checks whether the lake can be written (lake::check_folder). Called before the first upload until it
/// succeeds.
using LakeCheck = std::function<Result<void>()>;

struct Options {
  std::string topic = "cdc-events";
  std::string group = "cdc-processor";
  std::size_t batch_events = 5000;
  std::chrono::milliseconds batch_wait{20};
  std::chrono::milliseconds log_retention{3'600'000};  ///< applied events leave a trimming log after this
  std::chrono::milliseconds retry_wait_min{100};       ///< the wait before the first retry; doubled each time
  std::chrono::milliseconds retry_wait_max{5'000};
  std::chrono::milliseconds waiting_report_after{60'000};  ///< an upload that waits longer is reported
  LakeCheck lake_check = {};                               ///< empty: not checked
  Observer* observer = nullptr;                            ///< must outlive the consumer
  bool accept_gap = false;  ///< if messages were lost, continue at the log's low watermark
};

/// Writes an applied upload's files and marks the upload as in the lake (lake::write_upload). Returns false
/// while another process writes the table. One thread calls it. Empty for a process without a lake.
using LakeStep = std::function<Result<bool>(const history::UploadStatus&)>;

struct Health {
  std::optional<Error> log;          ///< why the log cannot be read now
  std::optional<Error> history;      ///< why the history cannot be written now
  std::optional<Error> lake;         ///< why an upload's files cannot be written now
  std::optional<Error> stopped;      ///< why the consumer stopped permanently, such as an offset gap
  std::vector<std::string> waiting;  ///< uploads that wait longer than waiting_report_after, and why
  /// The number of messages in this reader's partitions that are not recorded. Empty while no partitions are
  /// assigned.
  std::optional<std::int64_t> lag;
  history::Summary summary;
};

/// Thread-safe.
class Consumer {
 public:
  Consumer(Options options, LakeStep lake, eventlog::EventLog& log, history::HistoryWriter& writer,
           history::HistoryReader& reader, io::Clock& clock);
  /// Calls stop().
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  void start();
  /// Finishes the current batch, commits it and joins the threads. The owner of the log must interrupt it
  /// before or after.
  void stop();

  Health health();
  /// Returns why the consumer stopped permanently, if it did: an error that waiting does not resolve.
  [[nodiscard]] std::optional<Error> stopped() const;
  /// A number that grows with every commit of a step.
  std::uint64_t progress() const;
  /// Waits until progress() differs from `seen`, the consumer stops, or the deadline; returns progress().
  std::uint64_t wait_for_progress(std::uint64_t seen, std::chrono::steady_clock::time_point deadline);

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace deltadrop::consume
