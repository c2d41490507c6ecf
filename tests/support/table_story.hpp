#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/event.hpp"
#include "core/json_text.hpp"
#include "support/result_check.hpp"

namespace deltadrop::testing {

/// A row's values by column. An absent column and a null are equal.
using Values = std::map<std::string, std::optional<std::string>>;
/// A version of a table: rows by key.
using Rows = std::map<std::string, Values>;

inline std::string json_of(const Values& values) {
  std::string json = "{";
  for (const auto& [name, value] : values) {
    if (json.size() > 1) json += ',';
    append_json_string(json, name);
    json += ':';
    if (value) {
      append_json_string(json, *value);
    } else {
      json += "null";
    }
  }
  return json + "}";
}

inline Values without_nulls(Values values) {
  std::erase_if(values, [](const auto& each) { return !each.second; });
  return values;
}

/// Repeatable ids: each is a function of `table` and `number`.
inline UploadId upload_id_of(std::uint32_t table, std::uint32_t number) {
  UploadId id;
  id.bytes = {0x01, 0x95, 0xf3, 0xa0, 0x7c, 0x00, 0x70, 0x00, 0x80};
  for (int i = 0; i < 3; ++i) {
    id.bytes[static_cast<std::size_t>(9 + i)] = static_cast<std::uint8_t>(table >> (8 * (2 - i)));
    id.bytes[static_cast<std::size_t>(13 + i)] = static_cast<std::uint8_t>(number >> (8 * (2 - i)));
  }
  return id;
}

/// One table's successive uploads: the events that ingest would publish, found in the slow and obvious way.
class TableStory {
 public:
  explicit TableStory(std::string company, std::uint32_t number = 1)
      : table_{std::move(company), "financials"}, number_(number) {}

  /// Returns the next version's events. The version counts even if it has no events.
  std::vector<Event> next(const Rows& rows, bool rekey = false) {
    std::vector<Event> events;
    for (const auto& [key, old_values] : rows_) {
      if (rekey || !rows.contains(key))
        events.push_back(event_of(ChangeType::remove, key, &old_values, nullptr));
    }
    for (const auto& [key, new_values] : rows) {
      const auto old = rows_.find(key);
      if (rekey || old == rows_.end()) {
        events.push_back(event_of(ChangeType::insert, key, nullptr, &new_values));
      } else if (without_nulls(old->second) != without_nulls(new_values)) {
        events.push_back(event_of(ChangeType::update, key, &old->second, &new_values));
      }
    }
    ++version_;
    UploadFacts facts = facts_of(static_cast<std::int64_t>(events.size()));
    std::int64_t seq = 0;
    for (auto& event : events) {
      event.upload = facts;
      event.seq = Seq(++seq);
      event.line = Line(seq + 1);
      event.event_id = EventId::of(facts.upload_id, event.seq);
    }
    if (!events.empty()) previous_ = facts.upload_id;
    rows_ = rows;
    return events;
  }

  [[nodiscard]] const TableRef& table() const { return table_; }
  [[nodiscard]] const Rows& rows() const { return rows_; }
  [[nodiscard]] Version version() const { return Version(version_); }
  /// The effective_at of a version: one minute after the previous version's.
  [[nodiscard]] static Timestamp effective_at(Version version) {
    return Timestamp{1'700'000'000'000 + version.value * 60'000};
  }

 private:
  UploadFacts facts_of(std::int64_t total) const {
    UploadFacts facts;
    facts.table = table_;
    facts.upload_id = upload_id_of(number_, static_cast<std::uint32_t>(version_));
    facts.previous_upload_id = previous_;
    facts.file_sha256.bytes[0] = static_cast<std::uint8_t>(version_);
    facts.file_id = file_id_of(table_.company_id, facts.file_sha256);
    facts.version = Version(version_);
    facts.timestamp = effective_at(facts.version).plus_ms(7);
    facts.effective_at = effective_at(facts.version);
    facts.total = total;
    return facts;
  }

  static Event event_of(ChangeType type, const std::string& key, const Values* old_values,
                        const Values* new_values) {
    Event event;
    event.type = type;
    event.key_column = "id";
    event.key_value = key;
    if (old_values != nullptr) event.old_values_json = json_of(*old_values);
    if (new_values != nullptr) event.new_values_json = json_of(*new_values);
    if (type == ChangeType::update) {
      Values names = *old_values;
      names.insert(new_values->begin(), new_values->end());
      for (const auto& [name, value] : names) {
        if (value_of(*old_values, name) != value_of(*new_values, name)) event.changed_columns.push_back(name);
      }
    }
    return event;
  }

  static std::optional<std::string> value_of(const Values& values, const std::string& name) {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : found->second;
  }

  TableRef table_;
  std::uint32_t number_;
  std::int64_t version_ = 0;
  std::optional<UploadId> previous_;
  Rows rows_;
};

}  // namespace deltadrop::testing
