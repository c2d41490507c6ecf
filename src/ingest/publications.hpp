#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "core/event.hpp"

namespace deltadrop::ingest {

/// The versions to publish again: all, those of a table, or those of a table from a version on.
struct RepublishRequest {
  std::optional<TableRef> table;
  Version from{1};
};

struct RepublishReport {
  std::int64_t tables = 0;
  std::int64_t uploads = 0;  ///< to be sent again
};

/// Sends versions to the log again, and waits for their publication. Thread-safe.
class Publications {
 public:
  virtual ~Publications() = default;

  /// Marks published versions unpublished. They are sent again in version order with the same event ids.
  /// Fails with not_found, type "no-such-table" or "no-such-version".
  virtual Result<RepublishReport> republish(const RepublishRequest& request) = 0;
  /// Waits until the upload is published or the deadline passes. Returns true if it is published.
  virtual bool wait_published(const UploadId& upload, std::chrono::steady_clock::time_point deadline) = 0;
};

}  // namespace deltadrop::ingest
