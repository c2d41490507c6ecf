#include "status/progress.hpp"

#include <utility>

namespace deltadrop::status {

std::optional<UploadId> event_upload_id(const ingest::UploadRecord& upload) {
  return upload.outcome.counts.changes() > 0 ? std::optional(upload.upload_id) : upload.previous_upload_id;
}

Result<Progress> progress_of(const ingest::UploadRecord& upload, history::HistoryReader& history) {
  if (!upload.version) return Progress{};
  const bool has_events = upload.outcome.counts.changes() > 0;
  const auto id = event_upload_id(upload);
  if (!id) return Progress{true, true, std::nullopt};
  DD_TRY(auto status, history.upload(*id));
  Progress progress;
  if (!status) return progress;
  progress.applied = status->state == history::UploadState::applied;
  progress.in_lake = status->in_lake_at.has_value();
  if (has_events) progress.status = std::move(status);
  return progress;
}

}  // namespace deltadrop::status
