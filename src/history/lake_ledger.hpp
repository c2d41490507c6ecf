#pragma once

#include <functional>
#include <vector>

#include "history/history_reader.hpp"

namespace deltadrop::history {

/// The input of the lake's files, and the uploads that they contain. Thread-safe. Errors as HistoryReader's,
/// and `not_found` for an unknown upload.
class LakeLedger : public HistoryReader {
 public:
  /// Returns the tables with an applied upload, by name.
  virtual Result<std::vector<TableRef>> applied_tables() = 0;
  /// Calls `use` for each event of the type in (key_value, seq) order until `use` fails.
  virtual Result<void> scan_events(const UploadId& upload, ChangeType type,
                                   const std::function<Result<void>(const Event&)>& use) = 0;
  /// Marks the upload as in the lake and stores the table's columns in the same transaction.
  virtual Result<void> mark_in_lake(const UploadId& upload, const std::vector<LakeColumn>& columns,
                                    Timestamp now) = 0;
};

}  // namespace deltadrop::history
