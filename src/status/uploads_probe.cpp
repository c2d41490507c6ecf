#include "status/uploads_probe.hpp"

#include <cstddef>
#include <cstdlib>
#include <vector>

namespace deltadrop::status {
namespace {

constexpr std::size_t kProbeBytes = 4096;
constexpr std::int64_t kKeptMs = 1'000;

}  // namespace

Result<void> UploadsProbe::look() {
  const std::lock_guard lock(mutex_);
  // abs() expires the result even if the clock is set back.
  const bool fresh = asked_at_ && std::abs(clock_.now().unix_ms - asked_at_->unix_ms) < kKeptMs;
  if (!fresh) {
    const auto answer = probe();
    trouble_ = answer.has_error() ? std::optional(answer.error()) : std::nullopt;
    // The time after the probe: callers that waited for a slow probe share its result instead of probing one
    // after another.
    asked_at_ = clock_.now();
  }
  return trouble_ ? Result<void>(*trouble_) : success();
}

Result<void> UploadsProbe::probe() {
  ingest::UploadFilter newest;
  newest.limit = 1;
  DD_TRY(reader_.uploads(newest));
  DD_TRY(const auto reception, intake_.receive());
  const std::vector<std::byte> block(kProbeBytes);
  return reception->write(block);
}

}  // namespace deltadrop::status
