#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "eventlog/event_log.hpp"
#include "io/clock.hpp"

/// The suite that every event log passes. Each adapter's file lists it in `adapters`. An adapter declares in
/// its capabilities what it cannot do; the tests then check how it rejects the call.
namespace deltadrop::eventlog {

constexpr std::size_t kMessageBytesMax = 200'000;

struct Adapter {
  std::string name;
  /// Opens or reopens the log in that directory.
  std::unique_ptr<EventLog> (*open)(const std::filesystem::path& folder, io::Clock& clock);
};

std::span<const Adapter> adapters();

}  // namespace deltadrop::eventlog
