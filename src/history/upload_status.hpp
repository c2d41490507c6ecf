#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "core/event.hpp"

namespace deltadrop::history {

/// No version comes after it: with it as the last one, all are meant.
inline constexpr Version kAnyVersion{std::numeric_limits<std::int64_t>::max()};

enum class UploadState : std::uint8_t {
  recorded,  ///< some or all of its events are recorded; not applied
  applied,
  blocked,   ///< an event of it is in dead_letters; its table waits
  conflict,  ///< another upload follows the same predecessor, or its events do not fit the rows; not applied
};
std::string_view to_string(UploadState state);

struct UploadStatus {
  UploadFacts facts;
  UploadState state = UploadState::recorded;
  std::int64_t recorded = 0;  ///< how many of facts.total events are recorded
  std::optional<AppliedNo> applied_no;
  std::optional<Timestamp> applied_at;
  std::optional<Timestamp> in_lake_at;
  std::string error;
  std::optional<Timestamp> set_aside_at = std::nullopt;  ///< of one in conflict: somebody chose another
};

}  // namespace deltadrop::history
