#pragma once

#include <thread>

#include "eventlog/event_log.hpp"
#include "history/history_reader.hpp"

namespace deltadrop::app {

/// Checks every few seconds whether Kafka and the database answer. Logs a line when that changes: the server
/// that the process waits for and the fix, or that it answers again.
class Watch {
 public:
  Watch(eventlog::EventLog& log, history::HistoryReader& history);

 private:
  std::jthread thread_;
};

}  // namespace deltadrop::app
