#pragma once

#include <thread>

#include "eventlog/event_log.hpp"
#include "history/history_reader.hpp"

namespace deltadrop::app {

/// Asks Kafka and the database every few seconds whether they answer, and logs a line when that changes: what
/// is waited for and the fix, and when it is over.
class Watch {
 public:
  Watch(eventlog::EventLog& log, history::HistoryReader& history);

 private:
  std::jthread thread_;
};

}  // namespace deltadrop::app
