#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "history/history_store.hpp"
#include "support/result_check.hpp"

namespace deltadrop::testing {

/// Simulates a log and its only consumer: gives each event the next offset of its partition.
class HistoryFeed {
 public:
  explicit HistoryFeed(history::HistoryStore& store) : store_(store) {}

  history::PartitionRef partition(std::int32_t number) const {
    return {"topic", eventlog::Partition(number)};
  }

  /// A batch that continues after the last successful one.
  history::RecordBatch batch(const std::vector<std::pair<std::int32_t, Event>>& events) {
    history::RecordBatch batch;
    batch.recorded_at = recorded_at;
    std::map<std::int32_t, history::Offset> next;
    for (const auto& [number, event] : events) {
      auto& offset = next.try_emplace(number, stored_offset(number)).first->second;
      batch.events.push_back({partition(number), offset, event});
      offset = offset.next();
    }
    for (const auto& [number, to] : next) advance(batch, number, to);
    return batch;
  }

  void advance(history::RecordBatch& batch, std::int32_t number, history::Offset to) const {
    history::OffsetAdvance advance{partition(number), identity, std::nullopt, to};
    if (const auto stored = stored_.find(number); stored != stored_.end()) advance.from = stored->second;
    batch.advances.push_back(advance);
  }

  Result<history::RecordReport> record(const history::RecordBatch& batch) {
    auto report = store_.record(batch);
    if (report) {
      for (const auto& advance : batch.advances) stored_[advance.partition.partition.value] = advance.to;
    }
    return report;
  }

  history::RecordReport record_all(const std::vector<Event>& events, std::int32_t number = 0) {
    std::vector<std::pair<std::int32_t, Event>> placed;
    for (const auto& event : events) placed.emplace_back(number, event);
    return must(record(batch(placed)));
  }

  /// A batch with one dead letter.
  history::RecordBatch dead_letter(const std::string& payload, const std::optional<UploadFacts>& upload,
                                   std::int32_t number = 0) {
    history::RecordBatch batch;
    batch.recorded_at = recorded_at;
    const history::Offset at = stored_offset(number);
    batch.dead_letters.push_back({partition(number), identity, at, payload, "a reason", upload});
    advance(batch, number, at.next());
    return batch;
  }

  history::Offset stored_offset(std::int32_t number) const {
    const auto stored = stored_.find(number);
    return stored == stored_.end() ? history::Offset(0) : stored->second;
  }

  /// Continues like another consumer that finds the store at `next`.
  void go_on_at(std::int32_t number, history::Offset next) { stored_[number] = next; }

  eventlog::LogIdentity identity{"cluster", "topic-id"};
  Timestamp recorded_at{1'800'000'000'000};

 private:
  history::HistoryStore& store_;
  std::map<std::int32_t, history::Offset> stored_;
};

}  // namespace deltadrop::testing
