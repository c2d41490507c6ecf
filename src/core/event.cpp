#include "core/event.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <utility>

#include "core/json_text.hpp"

namespace deltadrop {
namespace {

namespace json = simdjson::ondemand;

/// Appends the name of a field that is not the object's first.
void append_name(std::string& out, std::string_view name) {
  out += ",\"";
  out += name;
  out += "\":";
}

void append_text(std::string& out, std::string_view name, std::string_view value) {
  append_name(out, name);
  append_json_string(out, value);
}

void append_digits(std::string& out, std::int64_t value) {
  const fmt::format_int digits(value);
  out.append(digits.data(), digits.size());
}

void append_number(std::string& out, std::string_view name, std::int64_t value) {
  append_name(out, name);
  append_digits(out, value);
}

void append_raw(std::string& out, std::string_view name, std::string_view raw) {
  append_name(out, name);
  out += raw.empty() ? "null" : raw;
}

template <class Strings>
void append_strings(std::string& out, std::string_view name, const Strings& strings) {
  append_name(out, name);
  out += '[';
  for (const auto& text : strings) {
    if (out.back() != '[') out += ',';
    append_json_string(out, text);
  }
  out += ']';
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kJsonSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kJsonSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kJsonSpace) - first + 1);
}

bool only_texts_and_nulls(json::object& object) {
  for (auto field : object) {
    json::value value;
    if (field.value().get(value) != simdjson::SUCCESS) return false;
    bool null = false;
    if (value.is_null().get(null) == simdjson::SUCCESS && null) continue;
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) return false;
  }
  return true;
}

/// Reads the fields of one event object by name. error() describes the first field that is missing or wrong.
class FieldReader {
 public:
  explicit FieldReader(json::object& object) : object_(object) {}

  std::string text(std::string_view name) {
    std::string_view value;
    if (object_[name].get_string().get(value) != simdjson::SUCCESS) fail(name, "a string");
    return std::string(value);
  }

  std::int64_t positive(std::string_view name) {
    std::int64_t value = 0;
    if (object_[name].get_int64().get(value) != simdjson::SUCCESS || value < 1)
      fail(name, "a whole number from 1");
    return value;
  }

  /// Returns the object's JSON text, or "" for null.
  std::string object_or_null(std::string_view name) {
    json::value value;
    if (object_[name].get(value) != simdjson::SUCCESS) return fail(name, "an object or null");
    json::json_type type{};
    if (value.type().get(type) != simdjson::SUCCESS) return fail(name, "an object or null");
    if (type == json::json_type::null) return {};
    json::object inner;
    std::string_view raw;
    if (type != json::json_type::object || value.get_object().get(inner) != simdjson::SUCCESS ||
        !only_texts_and_nulls(inner) || inner.reset().error() != simdjson::SUCCESS ||
        inner.raw_json().get(raw) != simdjson::SUCCESS) {
      return fail(name, "an object of strings and nulls, or null");
    }
    return std::string(trimmed(raw));
  }

  std::optional<std::string> text_or_null(std::string_view name) {
    json::value value;
    if (object_[name].get(value) != simdjson::SUCCESS) return fail(name, "a string or null");
    json::json_type type{};
    if (value.type().get(type) == simdjson::SUCCESS && type == json::json_type::null) return std::nullopt;
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) return fail(name, "a string or null");
    return std::string(text);
  }

  /// Like text_or_null, but the field may be missing.
  std::optional<std::string> text_if_there(std::string_view name) {
    json::value value;
    if (object_[name].get(value) == simdjson::NO_SUCH_FIELD) return std::nullopt;
    return text_or_null(name);
  }

  std::vector<std::string> strings(std::string_view name) {
    std::vector<std::string> out;
    json::array array;
    if (object_[name].get_array().get(array) != simdjson::SUCCESS) {
      fail(name, "an array of strings");
      return out;
    }
    for (auto element : array) {
      std::string_view text;
      if (element.get_string().get(text) != simdjson::SUCCESS) {
        fail(name, "an array of strings");
        return out;
      }
      out.emplace_back(text);
    }
    return out;
  }

  template <class T>
  T keep(std::string_view name, Result<T> parsed) {
    if (parsed.has_value()) return parsed.value();
    fail(name, parsed.error().message);
    return T{};
  }

  std::string fail(std::string_view name, std::string_view expected) {
    if (error_.empty()) error_ = fmt::format("field \"{}\" is missing or not {}", name, expected);
    return {};
  }

  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  json::object& object_;
  std::string error_;
};

Error bad_event(std::string message) {
  return Error{ErrorCode::invalid_input, "bad-event", std::move(message),
               "only Deltadrop's own messages belong on this log; see docs/event-format.md"};
}

UploadFacts read_facts(FieldReader& fields) {
  UploadFacts facts;
  const auto company = fields.text("company_id");
  const auto table = fields.text("table_name");
  facts.table = fields.keep("company_id", TableRef::make(company, table));
  facts.timestamp = fields.keep("timestamp", Timestamp::parse(fields.text("timestamp")));
  facts.effective_at = fields.keep("effective_at", Timestamp::parse(fields.text("effective_at")));
  facts.upload_id = fields.keep("upload_id", UploadId::parse(fields.text("upload_id")));
  facts.file_id = fields.text("file_id");
  facts.file_sha256 = fields.keep("file_sha256", Sha256::parse(fields.text("file_sha256")));
  facts.version = Version(fields.positive("version"));
  const auto types = fields.object_or_null("types");
  if (!types.empty()) facts.types_json = types;
  if (const auto previous = fields.text_or_null("previous_upload_id")) {
    facts.previous_upload_id = fields.keep("previous_upload_id", UploadId::parse(*previous));
  }
  if (const auto archive = fields.text_if_there("archive_id")) {
    facts.archive_id = fields.keep("archive_id", ArchiveId::parse(*archive));
  }
  facts.total = fields.positive("total");
  return facts;
}

/// Describes the first contradiction between the fields of a well-formed event.
std::optional<std::string> contradiction(const Event& event) {
  if (event.seq.value > event.upload.total) {
    return fmt::format("seq {} is beyond total {}", event.seq.value, event.upload.total);
  }
  if (event.event_id != EventId::of(event.upload.upload_id, event.seq)) {
    return fmt::format("event_id {} does not match upload {} seq {}", event.event_id.to_string(),
                       event.upload.upload_id.to_string(), event.seq.value);
  }
  if (event.old_values_json.empty() != (event.type == ChangeType::insert)) {
    return std::string("old_values must be null for an insert and only for an insert");
  }
  if (event.new_values_json.empty() != (event.type == ChangeType::remove)) {
    return std::string("new_values must be null for a delete and only for a delete");
  }
  return std::nullopt;
}

template <class Printable>
void append_text_or_null(std::string& out, std::string_view name, const std::optional<Printable>& value) {
  if (value) {
    append_text(out, name, value->to_string());
  } else {
    append_raw(out, name, "");
  }
}

}  // namespace

std::string_view to_string(ChangeType type) {
  switch (type) {
    case ChangeType::insert:
      return "insert";
    case ChangeType::update:
      return "update";
    case ChangeType::remove:
      return "delete";
  }
  return "insert";
}

std::optional<ChangeType> parse_change_type(std::string_view text) {
  for (const auto type : {ChangeType::insert, ChangeType::update, ChangeType::remove}) {
    if (text == to_string(type)) return type;
  }
  return std::nullopt;
}

/// The fields that acceptance assigns. In a draft they are null.
struct EventWriter::Acceptance {
  std::optional<Timestamp> timestamp;
  std::optional<Timestamp> effective_at;
  std::optional<Version> version;
  std::optional<UploadId> previous_upload_id;
};

EventWriter::EventWriter(const UploadFacts& upload)
    : EventWriter(upload,
                  {upload.timestamp, upload.effective_at, upload.version, upload.previous_upload_id}) {}

EventWriter EventWriter::of_draft(const UploadFacts& upload, std::optional<Timestamp> effective_at) {
  return {upload, {{}, effective_at, {}, {}}};
}

EventWriter::EventWriter(const UploadFacts& upload, const Acceptance& acceptance)
    : upload_id_(upload.upload_id) {
  append_text(before_key_, "company_id", upload.table.company_id);
  append_text(before_key_, "table_name", upload.table.table_name);
  append_text_or_null(before_key_, "timestamp", acceptance.timestamp);
  append_text_or_null(before_key_, "effective_at", acceptance.effective_at);
  append_name(before_key_, "key_column");
  append_text(before_seq_, "upload_id", upload.upload_id.to_string());
  append_text(before_seq_, "file_id", upload.file_id);
  append_text(before_seq_, "file_sha256", upload.file_sha256.to_hex());
  if (acceptance.version) {
    append_number(before_seq_, "version", acceptance.version->value);
  } else {
    append_raw(before_seq_, "version", "");
  }
  append_raw(before_seq_, "types", upload.types_json.value_or(""));
  append_text_or_null(before_seq_, "previous_upload_id", acceptance.previous_upload_id);
  // Omit an unknown archive_id: the events of older uploads must stay the same bytes.
  if (upload.archive_id) append_text(before_seq_, "archive_id", upload.archive_id->to_string());
  append_name(before_seq_, "seq");
  append_number(before_line_, "total", upload.total);
  append_name(before_line_, "line");
}

void EventWriter::append(std::string& out, const EventView& event) const {
  out += R"({"event_id":")";
  const auto event_id = EventId::of(upload_id_, event.seq).to_chars();
  out.append(event_id.data(), event_id.size());
  out += R"(","event_type":")";
  out += to_string(event.type);
  out += '"';
  out += before_key_;
  append_json_string(out, event.key_column);
  append_text(out, "key_value", event.key_value);
  append_raw(out, "old_values", event.old_values_json);
  append_raw(out, "new_values", event.new_values_json);
  append_strings(out, "changed_columns",
                 event.changed_columns != nullptr ? *event.changed_columns : std::vector<std::string_view>{});
  out += before_seq_;
  append_digits(out, event.seq.value);
  out += before_line_;
  append_digits(out, event.line.value);
  out += '}';
}

void append_event_json(std::string& out, const Event& event) {
  const std::vector<std::string_view> changed(event.changed_columns.begin(), event.changed_columns.end());
  EventWriter(event.upload)
      .append(out, EventView{event.type, event.key_column, event.key_value, event.old_values_json,
                             event.new_values_json, &changed, event.seq, event.line});
}

Result<Event> parse_event_json(std::string_view text) {
  thread_local json::parser parser;
  const simdjson::padded_string padded(text);
  json::document document;
  json::object object;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS ||
      document.get_object().get(object) != simdjson::SUCCESS) {
    return bad_event("the message is not a JSON object");
  }
  std::string_view whole;
  if (object.raw_json().get(whole) != simdjson::SUCCESS || trimmed(whole) != trimmed(text) ||
      object.reset().error() != simdjson::SUCCESS) {
    return bad_event("the message is not one complete JSON object");
  }
  FieldReader fields(object);
  Event event;
  event.upload = read_facts(fields);
  event.event_id = fields.keep("event_id", EventId::parse(fields.text("event_id")));
  const auto type = parse_change_type(fields.text("event_type"));
  if (!type) fields.fail("event_type", "insert, update or delete");
  event.type = type.value_or(ChangeType::insert);
  event.key_column = fields.text("key_column");
  event.key_value = fields.text("key_value");
  event.old_values_json = fields.object_or_null("old_values");
  event.new_values_json = fields.object_or_null("new_values");
  event.changed_columns = fields.strings("changed_columns");
  event.seq = Seq(fields.positive("seq"));
  event.line = Line(fields.positive("line"));
  if (!fields.error().empty()) return bad_event(fields.error());
  if (auto problem = contradiction(event)) return bad_event(*problem);
  return event;
}

void append_message_key(std::string& out, const TableRef& table, std::string_view key_value) {
  for (const std::string_view part : {std::string_view(table.company_id), std::string_view("/"),
                                      std::string_view(table.table_name), std::string_view("/"), key_value}) {
    out += part;
  }
}

}  // namespace deltadrop
