#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "history/history_store.hpp"
#include "support/history_feed.hpp"
#include "support/result_check.hpp"
#include "support/table_story.hpp"
#include "support/temporary_folder.hpp"

/// The contract of every history. An adapter adds itself to `adapters` in its own file.
namespace deltadrop::history {

struct Adapter {
  std::string name;
  /// Opens or reopens the history in the folder.
  std::unique_ptr<HistoryStore> (*open)(const std::filesystem::path& folder);
  /// Runs SQL on a separate connection that bypasses the port. Returns the database's error message, or "".
  std::string (*execute)(const std::filesystem::path& folder, const std::string& sql);
};

std::span<const Adapter> adapters();

using testing::error_of;
using testing::must;
using testing::Rows;
using testing::TableStory;
using testing::Values;

/// Returns the time from which a version of a TableStory is valid.
inline Timestamp at(std::int64_t version) { return TableStory::effective_at(Version(version)); }

class HistoryContract : public ::testing::TestWithParam<Adapter> {
 protected:
  void reopen() {
    store_.reset();
    store_ = GetParam().open(folder_.path());
  }

  ApplyOutcome apply(const TableRef& table) { return must(store_->apply_next(table, now_)); }
  bool applies(const TableRef& table) { return std::holds_alternative<Applied>(apply(table)); }
  std::string waiting_for(const TableRef& table) {
    const auto outcome = apply(table);
    const auto* nothing = std::get_if<NothingToApply>(&outcome);
    return nothing == nullptr ? "nothing, it was not waiting" : nothing->waiting_for;
  }
  /// Applies the next upload. Returns the reason of the conflict, or "" if there is none.
  std::string conflict_of(const TableRef& table) {
    const auto outcome = apply(table);
    const auto* conflicted = std::get_if<Conflicted>(&outcome);
    return conflicted == nullptr ? "" : conflicted->upload.error;
  }

  void record_and_apply(const std::vector<Event>& events) {
    feed_.record_all(events);
    ASSERT_TRUE(applies(events.front().upload.table)) << waiting_for(events.front().upload.table);
  }

  UploadStatus upload(const UploadId& id) {
    auto found = must(store_->upload(id));
    EXPECT_TRUE(found.has_value()) << id.to_string();
    return found.value_or(UploadStatus{});
  }

  std::vector<StoredRecord> records(const TableRef& table, Timestamp as_of, std::int64_t limit = 1000) {
    return must(store_->records({table, as_of, std::nullopt, limit}));
  }
  /// Returns the key and data of each record at a time.
  std::vector<std::pair<std::string, std::string>> data_at(const TableRef& table, Timestamp as_of) {
    std::vector<std::pair<std::string, std::string>> found;
    for (const auto& record : records(table, as_of)) found.emplace_back(record.key, record.data_json);
    return found;
  }
  static std::vector<std::pair<std::string, std::string>> data_of(const Rows& rows) {
    std::vector<std::pair<std::string, std::string>> data;
    for (const auto& [key, values] : rows) data.emplace_back(key, testing::json_of(values));
    return data;
  }

  testing::TemporaryFolder folder_;
  std::unique_ptr<HistoryStore> store_ = GetParam().open(folder_.path());
  testing::HistoryFeed feed_{*store_};
  Timestamp now_{1'900'000'000'000};
  TableStory story_{"acme"};
};

}  // namespace deltadrop::history
