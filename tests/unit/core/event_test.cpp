#include "core/event.hpp"

#include <gtest/gtest.h>

namespace deltadrop {
namespace {

Event sample_update() {
  Event event;
  event.upload.table = {"so-financials", "financials"};
  event.upload.upload_id = UploadId::parse("0195f3a0-7c00-7000-8000-000000000001").value();
  event.upload.previous_upload_id = UploadId::parse("0195f3a0-7c00-7000-8000-000000000000").value();
  event.upload.file_id = "so-financials_a1b2c3d4";
  event.upload.version = Version(2);
  event.upload.timestamp = Timestamp::parse("2025-03-10T12:34:56.789Z").value();
  event.upload.effective_at = event.upload.timestamp;
  event.key_column = "id";
  event.upload.types_json = R"({"revenue":"decimal4"})";
  event.upload.total = 3;
  event.type = ChangeType::update;
  event.key_value = "FIN-\"7\"\n\x01 é";
  event.old_values_json = R"({"id":"FIN","revenue":"1.10"})";
  event.new_values_json = R"({"id":"FIN","revenue":null})";
  event.changed_columns = {"revenue"};
  event.seq = Seq(2);
  event.line = Line(14);
  event.event_id = EventId::of(event.upload.upload_id, event.seq);
  return event;
}

std::string json_of(const Event& event) {
  std::string json;
  append_event_json(json, event);
  return json;
}

TEST(EventJson, RoundTripsEveryField) {
  const Event event = sample_update();
  const auto parsed = parse_event_json(json_of(event));
  ASSERT_TRUE(parsed.has_value()) << parsed.error().text();
  EXPECT_EQ(parsed.value(), event);
}

TEST(EventJson, IncludesTheArchiveIfKnown) {
  Event event = sample_update();
  EXPECT_EQ(json_of(event).find("archive_id"), std::string::npos) << "older events keep their bytes";
  event.upload.archive_id = ArchiveId::parse("0194f3a0-7c00-7000-8000-000000000009").value();
  const auto parsed = parse_event_json(json_of(event));
  ASSERT_TRUE(parsed.has_value()) << parsed.error().text();
  EXPECT_EQ(parsed.value(), event);
  auto damaged = json_of(event);
  damaged.replace(damaged.find("0194f3a0"), 8, "nonsense");
  EXPECT_FALSE(parse_event_json(damaged).has_value());
}

TEST(EventJson, EqualEventsAreEqualBytes) { EXPECT_EQ(json_of(sample_update()), json_of(sample_update())); }

TEST(EventJson, EventIdIsUuidV5OfUploadAndSeq) {
  // Computed with Python: uuid.uuid5(uuid.UUID("0195f3a0-7c00-7000-8000-000000000001"), "2")
  EXPECT_EQ(sample_update().event_id.to_string(), "05a6ca48-dbd8-5186-a8cc-8b6b1b33d3ee");
}

TEST(EventJson, DraftHasNullsWhereAcceptanceGivesValues) {
  const Event event = sample_update();
  const std::vector<std::string_view> changed = {"revenue"};
  std::string json;
  EventWriter::of_draft(event.upload, std::nullopt)
      .append(json, EventView{event.type, event.key_column, event.key_value, event.old_values_json,
                              event.new_values_json, &changed, event.seq, event.line});
  for (const std::string name : {"timestamp", "effective_at", "version", "previous_upload_id"}) {
    EXPECT_NE(json.find("\"" + name + "\":null,"), std::string::npos) << name << " in " << json;
  }
  // The event keeps this id when the upload is released, so a person can match the two.
  EXPECT_NE(json.find("\"event_id\":\"" + event.event_id.to_string() + "\","), std::string::npos) << json;
  EXPECT_NE(json.find("\"total\":3"), std::string::npos) << json;
}

struct BadEvent {
  std::string name;
  std::string find;
  std::string replace;
  std::string complaint;
};

class EventJsonRefuses : public testing::TestWithParam<BadEvent> {};

TEST_P(EventJsonRefuses, NamesTheField) {
  std::string json = json_of(sample_update());
  const auto at = json.find(GetParam().find);
  ASSERT_NE(at, std::string::npos);
  json.replace(at, GetParam().find.size(), GetParam().replace);
  const auto parsed = parse_event_json(json);
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().type, "bad-event");
  EXPECT_NE(parsed.error().message.find(GetParam().complaint), std::string::npos) << parsed.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, EventJsonRefuses,
    testing::Values(BadEvent{"missing_field", "\"key_value\"", "\"other\"", "key_value"},
                    BadEvent{"number_for_text", R"("key_column":"id")", R"("key_column":7)", "key_column"},
                    BadEvent{"unknown_type", R"("update")", R"("upsert")", "event_type"},
                    BadEvent{"nested_value", R"("revenue":"1.10")", R"("revenue":{})", "old_values"},
                    BadEvent{"number_value", R"("revenue":"1.10")", R"("revenue":1.1)", "old_values"},
                    BadEvent{"seq_beyond_total", R"("total":3)", R"("total":1)", "beyond"},
                    BadEvent{"foreign_event_id", R"("seq":2)", R"("seq":1)", "event_id"},
                    BadEvent{"zero_line", R"("line":14)", R"("line":0)", "line"},
                    BadEvent{"old_of_insert", R"("event_type":"update")", R"("event_type":"insert")",
                             "old_values"},
                    BadEvent{"text_behind", R"("line":14})", R"("line":14}})", "complete"},
                    BadEvent{"bad_name", R"("so-financials")", R"("../x")", "company_id"}),
    [](const auto& each) { return each.param.name; });

TEST(EventJson, RejectsTextThatIsNotAnObject) {
  for (const std::string json : {"", "null", "[]", "12", "{", "{\"a\":", "\xFF"}) {
    EXPECT_FALSE(parse_event_json(json).has_value()) << json;
  }
}

}  // namespace
}  // namespace deltadrop
