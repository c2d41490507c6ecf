#include "support/fake_history.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace deltadrop::testing {

history::UploadStatus FakeHistory::add(std::vector<Event> events) {
  history::UploadStatus status;
  status.facts = events.front().upload;
  status.state = history::UploadState::applied;
  status.recorded = status.facts.total;
  status.applied_no = AppliedNo(static_cast<std::int64_t>(uploads_.size()) + 1);
  status.applied_at = status.facts.timestamp;
  uploads_.push_back(status);
  events_[status.facts.upload_id] = std::move(events);
  return status;
}

Result<void> FakeHistory::scan_events(const UploadId& upload, ChangeType type,
                                      const std::function<Result<void>(const Event&)>& use) {
  std::vector<const Event*> found;
  for (const auto& event : events_[upload]) {
    if (event.type == type) found.push_back(&event);
  }
  std::sort(found.begin(), found.end(), [](const Event* a, const Event* b) {
    return std::tie(a->key_value, a->seq) < std::tie(b->key_value, b->seq);
  });
  for (const auto* event : found) {
    DD_TRY(use(*event));
  }
  return success();
}

Result<std::vector<history::UploadStatus>> FakeHistory::applied_uploads(const TableRef& table, Version last) {
  std::vector<history::UploadStatus> found;
  for (const auto& status : uploads_) {
    if (status.facts.table == table && status.facts.version <= last) found.push_back(status);
  }
  return found;
}

Result<std::vector<history::LakeColumn>> FakeHistory::lake_columns(const TableRef& table) {
  for (const auto& status : uploads_) {
    if (status.facts.table == table) return columns_;
  }
  return std::vector<history::LakeColumn>{};
}

Result<void> FakeHistory::mark_in_lake(const UploadId& upload,
                                       const std::vector<history::LakeColumn>& columns, Timestamp now) {
  for (auto& status : uploads_) {
    if (status.facts.upload_id == upload) status.in_lake_at = now;
  }
  in_lake_.push_back(upload);
  columns_ = columns;
  return success();
}

Result<std::vector<history::AppliedEvent>> FakeHistory::events(const history::EventQuery& query) {
  std::vector<history::AppliedEvent> found;
  for (const auto& status : uploads_) {
    if (query.upload_id && status.facts.upload_id != *query.upload_id) continue;
    for (const auto& event : events_[status.facts.upload_id]) {
      if (query.type && event.type != *query.type) continue;
      if (static_cast<std::int64_t>(found.size()) < query.limit) found.push_back({*status.applied_no, event});
    }
  }
  return found;
}

Result<std::optional<history::UploadStatus>> FakeHistory::upload(const UploadId& upload) {
  for (const auto& status : uploads_) {
    if (status.facts.upload_id == upload) return std::optional(status);
  }
  return std::optional<history::UploadStatus>();
}

}  // namespace deltadrop::testing
