#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "eventlog/event_log.hpp"
#include "history/history_store.hpp"
#include "io/clock.hpp"
#include "lake/lake.hpp"

/// From the log to the history (record), from the events to the records (apply), from the history to the
/// lake: three independent steps, each on a thread of its own, each woken by the one before and every second.
namespace deltadrop::consume {

struct Options {
  std::string topic = "cdc-events";
  std::string group = "cdc-processor";
  std::size_t batch_events = 5000;
  std::chrono::milliseconds batch_wait{20};
  std::chrono::milliseconds log_retention{3'600'000};  ///< applied events leave a trimming log after this
};

struct Health {
  std::optional<Error> log;      ///< why the log cannot be read now
  std::optional<Error> history;  ///< why the history cannot be written now
  std::optional<Error> lake;
  std::optional<Error> stopped;  ///< why the consumer stopped for good (an offset outside the watermarks...)
  std::int64_t lag = 0;          ///< messages in the log that are not recorded
  history::Summary summary;
};

/// Thread-safe.
class Consumer {
 public:
  Consumer(Options options, lake::Options lake, eventlog::EventLog& log, history::HistoryStore& history,
           io::Clock& clock);
  /// Stops as by `stop`.
  ~Consumer();

  void start();
  /// Finishes the batch at hand, commits, joins the threads. The log must be interrupted by its owner first
  /// or after.
  void stop();

  Health health();
  /// A number that grows with every record, apply and lake commit.
  std::uint64_t progress() const;
  /// Waits until progress() differs from `seen`, the consumer stops, or the deadline; returns progress().
  std::uint64_t wait_for_progress(std::uint64_t seen, std::chrono::steady_clock::time_point deadline);

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace deltadrop::consume
