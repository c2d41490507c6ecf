#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "core/event.hpp"

namespace deltadrop::history {

/// The greatest version. As the last version of a range it means no limit.
inline constexpr Version kAnyVersion{std::numeric_limits<std::int64_t>::max()};

enum class UploadState : std::uint8_t {
  recorded,  ///< some or all of its events are recorded; not applied
  applied,
  blocked,   ///< one of its events is in dead_letters; its table waits
  conflict,  ///< another upload follows the same predecessor, or its events do not fit the rows; not applied
};
std::string_view to_string(UploadState state);

struct UploadStatus {
  UploadFacts facts;
  UploadState state = UploadState::recorded;
  std::int64_t recorded = 0;  ///< the number of recorded events; the upload has facts.total
  std::optional<AppliedNo> applied_no;
  std::optional<Timestamp> applied_at;
  std::optional<Timestamp> in_lake_at;
  std::string error;
  std::optional<Timestamp> set_aside_at = std::nullopt;  ///< an operator chose another upload
};

}  // namespace deltadrop::history
