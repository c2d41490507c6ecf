#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "history/lake_ledger.hpp"

namespace deltadrop::testing {

/// A history in memory that answers what the lake needs; its other methods fail. Every upload that is added
/// counts as applied.
class FakeHistory : public history::LakeLedger {
 public:
  /// Adds the events of one upload, with all their fields. Returns the upload's status.
  history::UploadStatus add(std::vector<Event> events);

  /// The marked uploads, in order.
  [[nodiscard]] const std::vector<UploadId>& in_lake() const { return in_lake_; }
  [[nodiscard]] const std::vector<history::LakeColumn>& columns() const { return columns_; }
  /// The stored events, for tests that corrupt them.
  std::vector<Event>& events_of(const UploadId& upload) { return events_[upload]; }

  Result<void> scan_events(const UploadId& upload, ChangeType type,
                           const std::function<Result<void>(const Event&)>& use) override;
  Result<std::vector<TableRef>> applied_tables() override { return unused(); }
  Result<std::vector<history::UploadStatus>> applied_uploads(const TableRef& table, Version last) override;
  Result<std::vector<history::LakeColumn>> lake_columns(const TableRef& table) override;
  Result<void> mark_in_lake(const UploadId& upload, const std::vector<history::LakeColumn>& columns,
                            Timestamp now) override;
  Result<std::vector<history::AppliedEvent>> events(const history::EventQuery& query) override;
  Result<std::optional<history::UploadStatus>> upload(const UploadId& upload) override;

  Result<std::vector<history::UploadStatus>> uploads_for_lake() override { return unused(); }
  Result<std::set<UploadId>> applied_among(const std::set<UploadId>&) override { return unused(); }
  Result<std::vector<history::StoredRecord>> records(const history::RecordQuery&) override {
    return unused();
  }
  Result<AppliedNo> last_applied() override { return unused(); }
  Result<history::Summary> summary() override { return unused(); }
  Result<void> health() override { return unused(); }

 private:
  static Error unused() {
    return {ErrorCode::internal, "fake-history", "the lake does not ask for this", ""};
  }

  std::vector<history::UploadStatus> uploads_;
  std::map<UploadId, std::vector<Event>> events_;
  std::vector<UploadId> in_lake_;
  std::vector<history::LakeColumn> columns_;
};

}  // namespace deltadrop::testing
