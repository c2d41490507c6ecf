#pragma once

#include <memory>
#include <string>

#include "eventlog/event_log.hpp"
#include "io/clock.hpp"

/// A log in memory, with partitions and consumer groups. Its content is lost with the process. For tests.
namespace deltadrop::eventlog::memory {

struct Options {
  std::string topic = "cdc-events";
  std::int32_t partitions = 1;
  std::size_t message_bytes_max = 1'000'000;
};

std::unique_ptr<EventLog> open(Options options, io::Clock& clock);

}  // namespace deltadrop::eventlog::memory
