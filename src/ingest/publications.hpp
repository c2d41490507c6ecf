#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "core/event.hpp"

namespace deltadrop::ingest {

/// What to publish again: everything, a table, or a table from a version on.
struct RepublishRequest {
  std::optional<TableRef> table;
  Version from{1};
};

struct RepublishReport {
  std::int64_t tables = 0;
  std::int64_t uploads = 0;  ///< that are sent again
};

/// Sends versions to the log again, and waits for them. Thread-safe.
class Publications {
 public:
  virtual ~Publications() = default;

  /// Marks published versions unpublished; they are sent again, in version order, under the same event ids.
  /// not_found "no-such-table", "no-such-version".
  virtual Result<RepublishReport> republish(const RepublishRequest& request) = 0;
  /// Waits until the upload is published, or the deadline; true when it is.
  virtual bool wait_published(const UploadId& upload, std::chrono::steady_clock::time_point deadline) = 0;
};

}  // namespace deltadrop::ingest
