#pragma once

#include <optional>

#include "history/history_reader.hpp"
#include "ingest/ingest.hpp"

namespace deltadrop::status {

/// The progress of a version in the history.
struct Progress {
  bool applied = false;
  bool in_lake = false;
  std::optional<history::UploadStatus> status;  ///< status of the upload itself; empty if it has no events
};

/// Returns the upload whose state in the history is the state of this version: the version itself, or the
/// last one before it with events if it has none. Returns nothing if there is nothing to apply.
std::optional<UploadId> event_upload_id(const ingest::UploadRecord& upload);

/// Returns the progress of a version. A version without events has the progress of the last one before it
/// with events. Fails as history::HistoryReader does.
Result<Progress> progress_of(const ingest::UploadRecord& upload, history::HistoryReader& history);

}  // namespace deltadrop::status
