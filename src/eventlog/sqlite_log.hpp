#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "eventlog/event_log.hpp"
#include "io/clock.hpp"

/// The embedded log of `deltadrop dev`: one SQLite file with one partition and one reader per group.
namespace deltadrop::eventlog::sqlite {

struct Options {
  std::filesystem::path path;  ///< created if missing
  std::string topic = "cdc-events";
  std::size_t message_bytes_max = 1'000'000;
};

Result<std::unique_ptr<EventLog>> open(Options options, io::Clock& clock);

}  // namespace deltadrop::eventlog::sqlite
