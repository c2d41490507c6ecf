#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "eventlog/event_log.hpp"
#include "io/clock.hpp"

/// The suite that every event log passes. An adapter lists itself in the `adapters` of its own file. It
/// declares in its capabilities what it cannot do, and the tests then check how it refuses.
namespace deltadrop::eventlog {

constexpr std::size_t kMessageBytesMax = 200'000;

struct Adapter {
  std::string name;
  /// Opens, or opens again, the log that lives in that folder.
  std::unique_ptr<EventLog> (*open)(const std::filesystem::path& folder, io::Clock& clock);
};

std::span<const Adapter> adapters();

}  // namespace deltadrop::eventlog
