#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/event.hpp"
#include "core/json_text.hpp"

namespace deltadrop::testing {

using Values = std::vector<std::pair<std::string, std::optional<std::string>>>;

inline UploadId sample_upload_id(std::int64_t version) {
  return UploadId::parse(fmt::format("0195f3a0-7c00-7000-8000-{:012x}", version)).value();
}

/// Returns version `version` of so-financials/financials, which follows version - 1.
inline UploadFacts sample_upload(std::int64_t version, const std::string& timestamp) {
  UploadFacts facts;
  facts.table = {"so-financials", "financials"};
  facts.upload_id = sample_upload_id(version);
  if (version > 1) facts.previous_upload_id = sample_upload_id(version - 1);
  facts.file_id = "so-financials_a1b2c3d4";
  facts.file_sha256.bytes.fill(static_cast<std::uint8_t>(version));
  facts.version = Version(version);
  facts.timestamp = Timestamp::parse(timestamp).value();
  facts.effective_at = facts.timestamp.plus_ms(-500);
  return facts;
}

inline std::string values_json(const Values& values) {
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

/// Sets the position of each event in the upload and the upload's total.
inline std::vector<Event> as_upload(UploadFacts facts, std::vector<Event> events) {
  facts.total = static_cast<std::int64_t>(events.size());
  std::int64_t seq = 0;
  for (auto& event : events) {
    event.upload = facts;
    event.seq = Seq(++seq);
    event.line = Line(seq + 1);
    event.event_id = EventId::of(facts.upload_id, event.seq);
  }
  return events;
}

inline Event inserted(std::string key, const Values& values) {
  Event event;
  event.key_column = "id";
  event.key_value = std::move(key);
  event.new_values_json = values_json(values);
  return event;
}

inline Event updated(std::string key, const Values& from, const Values& to,
                     std::vector<std::string> changed) {
  Event event = inserted(std::move(key), to);
  event.type = ChangeType::update;
  event.old_values_json = values_json(from);
  event.changed_columns = std::move(changed);
  return event;
}

inline Event deleted(std::string key, const Values& values) {
  Event event = inserted(std::move(key), values);
  event.type = ChangeType::remove;
  event.old_values_json.swap(event.new_values_json);
  return event;
}

inline constexpr const char* kV1 = "2025-03-10T12:34:56.789Z";
inline constexpr const char* kV2 = "2025-03-10T12:35:00.000Z";

/// Version 1: three rows with two columns, not in key order.
inline std::vector<Event> first_upload() {
  return as_upload(sample_upload(1, kV1), {inserted("b", {{"id", "b"}, {"name", "B, \"x\"\nY"}}),
                                           inserted("a", {{"id", "a"}, {"name", std::nullopt}}),
                                           inserted("c", {{"id", "c"}, {"name", ""}})});
}

/// Version 2: an update, a delete and a new column.
inline std::vector<Event> second_upload() {
  return as_upload(sample_upload(2, kV2),
                   {deleted("c", {{"id", "c"}, {"name", ""}}),
                    updated("a", {{"id", "a"}, {"name", std::nullopt}},
                            {{"id", "a"}, {"name", "A"}, {"Amount", "007.10"}}, {"name", "Amount"})});
}

/// Version 3: boundary values of every type.
inline std::vector<Event> typed_upload() {
  auto facts = sample_upload(3, "2025-03-10T12:36:00.000Z");
  facts.types_json = R"-({"code":"string","rate":"decimal(6)"})-";
  return as_upload(facts, {inserted("t1", {{"id", "t1"},
                                           {"b", "true"},
                                           {"big", "9223372036854775807"},
                                           {"code", "7"},
                                           {"d", "1969-12-31"},
                                           {"day", "0001-01-01"},
                                           {"m", "10"},
                                           {"n", "1"},
                                           {"rate", "5"},
                                           {"t", "2025-03-10T12:34:56.789012Z"},
                                           {"unknown", std::nullopt}}),
                           inserted("t2", {{"id", "t2"},
                                           {"b", "false"},
                                           {"big", "-9223372036854775808"},
                                           {"code", "008"},
                                           {"d", "9999-12-31"},
                                           {"day", "9999-12-31"},
                                           {"m", "-0.50"},
                                           {"n", "-2"},
                                           {"rate", "-0.125"},
                                           {"t", "1969-12-31 23:59:59.5+02:00"},
                                           {"unknown", std::nullopt}}),
                           inserted("t3", {{"id", "t3"},
                                           {"b", std::nullopt},
                                           {"big", std::nullopt},
                                           {"code", std::nullopt},
                                           {"d", "2024-02-29"},
                                           {"m", "99999999999999999999.99"},
                                           {"n", std::nullopt},
                                           {"rate", std::nullopt},
                                           {"t", std::nullopt},
                                           {"unknown", std::nullopt}})});
}

/// Version 4: widens an integer to a decimal, a decimal to more digits and a date to text.
inline std::vector<Event> widened_upload() {
  auto facts = sample_upload(4, "2025-03-10T12:37:00.000Z");
  const Values before = {
      {"id", "t3"}, {"d", "2024-02-29"}, {"m", "99999999999999999999.99"}, {"n", std::nullopt}};
  const Values after = {
      {"id", "t3"}, {"d", "n/a"}, {"m", "12345678901234567890.123456789012345678"}, {"n", "0.001"}};
  return as_upload(facts,
                   {updated("t3", before, after, {"d", "m", "n"}),
                    deleted("t2", {{"id", "t2"}, {"big", "-9223372036854775808"}, {"rate", "-0.125"}})});
}

/// Version 5, in the same second as version 4: unusual keys, column names and values.
inline std::vector<Event> hostile_upload() {
  auto facts = sample_upload(5, "2025-03-10T12:37:00.001Z");
  facts.types_json = R"-({"a.b":"decimal(4)"})-";
  std::vector<Event> events;
  for (const std::string key :
       {"../../x", "a/b", "%2F", ".hidden", "x", "X", "\xF0\x9F\x98\x80", "\"q,\",\"\n\""}) {
    events.push_back(inserted(key, {{"id", key},
                                    {"a.b", "1E5"},
                                    {"b \"quoted\", with ', comma\nand line", "9999999999999999999"},
                                    {"old_id", std::string(100'000, 'v')},
                                    {"\xC3\xA9t\xC3\xA9", "\t\\u0041 \xE2\x82\xAC \x01"},
                                    {"Amount", ""},
                                    {"gone", std::nullopt}}));
  }
  return as_upload(facts, std::move(events));
}

}  // namespace deltadrop::testing
