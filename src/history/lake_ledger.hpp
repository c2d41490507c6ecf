#pragma once

#include <functional>
#include <vector>

#include "history/history_reader.hpp"

namespace deltadrop::history {

/// What the lake's files are written from, and which uploads they have. Thread-safe. Errors as
/// HistoryReader's; `not_found` for an upload that the history does not have.
class LakeLedger : public HistoryReader {
 public:
  /// Tables with an applied upload, by name.
  virtual Result<std::vector<TableRef>> applied_tables() = 0;
  /// Calls `use` for each event of that type in (key_value, seq) order until it fails.
  virtual Result<void> scan_events(const UploadId& upload, ChangeType type,
                                   const std::function<Result<void>(const Event&)>& use) = 0;
  /// Marks the upload as in the lake and keeps the table's columns, at once.
  virtual Result<void> mark_in_lake(const UploadId& upload, const std::vector<LakeColumn>& columns,
                                    Timestamp now) = 0;
};

}  // namespace deltadrop::history
