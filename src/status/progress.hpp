#pragma once

#include <optional>

#include "history/history_reader.hpp"
#include "ingest/ingest.hpp"

namespace deltadrop::status {

/// How far a version has come in the history.
struct Progress {
  bool applied = false;
  bool in_lake = false;
  std::optional<history::UploadStatus> status;  ///< of the upload itself; none where it has no events
};

/// The upload whose state in the history is that of this version: itself, or, without events, the one with
/// events before it. Nothing where there is nothing to apply.
std::optional<UploadId> event_upload_id(const ingest::UploadRecord& upload);

/// A version without events is as far as the one with events before it. Errors as history::HistoryReader's.
Result<Progress> progress_of(const ingest::UploadRecord& upload, history::HistoryReader& history);

}  // namespace deltadrop::status
