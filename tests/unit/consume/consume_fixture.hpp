#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>

#include "consume/consumer.hpp"
#include "eventlog/memory_log.hpp"
#include "history/sqlite_history.hpp"
#include "support/result_check.hpp"
#include "support/table_story.hpp"
#include "support/temporary_folder.hpp"
#include "support/watched_history.hpp"

namespace deltadrop::consume {

using namespace std::chrono_literals;
using testing::must;
using testing::Rows;
using testing::TableStory;

/// An in-memory log with three partitions, an embedded history, and consumers with short retry waits.
struct Pipeline {
  Pipeline() { open_log(); }

  void open_log() { log = eventlog::memory::open({.topic = "topic", .partitions = 3}, clock); }

  static Options options() {
    Options options;
    options.topic = "topic";
    options.batch_events = 4;
    options.batch_wait = 1ms;
    options.retry_wait_min = 1ms;
    options.retry_wait_max = 4ms;
    options.waiting_report_after = 0ms;
    return options;
  }

  std::unique_ptr<Consumer> consumer(const Options& options = Pipeline::options()) {
    LakeStep lake = [this](const history::UploadStatus& upload) -> Result<bool> {
      DD_TRY(history.mark_in_lake(upload.facts.upload_id, {}, clock.now()));
      return true;
    };
    return std::make_unique<Consumer>(options, lake, *log, history, history, clock);
  }

  void publish(const std::vector<Event>& events) {
    auto publication = must(log->publish(events.front().upload.upload_id));
    for (const auto& event : events) {
      std::string json;
      append_event_json(json, event);
      std::string key;
      append_message_key(key, event.upload.table, event.key_value);
      must(publication->append({key, json, event.type, event.upload.upload_id}));
    }
    must(publication->await_delivery(std::chrono::steady_clock::now() + 10s));
  }

  void publish_text(const std::string& value) {
    auto publication = must(log->publish(UploadId{}));
    must(publication->append({"key", value, ChangeType::insert, UploadId{}}));
    must(publication->await_delivery(std::chrono::steady_clock::now() + 10s));
  }

  /// Waits until `done`, checking whenever the consumer makes progress. Returns false after ten seconds.
  template <class Done>
  static bool wait(Consumer& consumer, const Done& done) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (std::chrono::steady_clock::now() < deadline) {
      const auto seen = consumer.progress();
      if (done()) return true;
      // Some conditions, such as a noted error, arise without progress, so check again soon.
      consumer.wait_for_progress(seen, std::min(deadline, std::chrono::steady_clock::now() + 20ms));
    }
    return done();
  }

  bool in_lake(const UploadId& id) {
    const auto upload = must(store->upload(id));
    return upload && upload->in_lake_at;
  }
  bool wait_in_lake(Consumer& consumer, const std::vector<Event>& events) {
    return wait(consumer, [&] { return in_lake(events.front().upload.upload_id); });
  }

  std::vector<std::pair<std::string, std::string>> data_at(const TableRef& table, Version version) {
    std::vector<std::pair<std::string, std::string>> data;
    for (const auto& record :
         must(store->records({table, TableStory::effective_at(version), std::nullopt, 1000}))) {
      data.emplace_back(record.key, record.data_json);
    }
    return data;
  }
  static std::vector<std::pair<std::string, std::string>> data_of(const Rows& rows) {
    std::vector<std::pair<std::string, std::string>> data;
    for (const auto& [key, values] : rows) data.emplace_back(key, testing::json_of(values));
    return data;
  }

  testing::TemporaryFolder folder;
  io::ManualClock clock{Timestamp{1'800'000'000'000}};
  std::unique_ptr<eventlog::EventLog> log;
  std::unique_ptr<history::HistoryStore> store = must(history::sqlite::open({folder.path() / "history.db"}));
  testing::WatchedHistory history{*store};
};

/// Returns rows k0..k<count-1>, each with the value `value`.
inline Rows rows_of(int count, const std::string& value) {
  Rows rows;
  for (int i = 0; i < count; ++i) rows["k" + std::to_string(i)] = {{"v", value}};
  return rows;
}

}  // namespace deltadrop::consume
