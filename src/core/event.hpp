#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"
#include "core/strong.hpp"
#include "core/table_ref.hpp"
#include "core/timestamp.hpp"

namespace deltadrop {

enum class ChangeType : std::uint8_t { insert, update, remove };

/// "insert", "update", "delete"
std::string_view to_string(ChangeType type);
std::optional<ChangeType> parse_change_type(std::string_view text);

/// What all events of one upload share.
struct UploadFacts {
  TableRef table;
  UploadId upload_id;
  std::optional<UploadId> previous_upload_id;  ///< the latest earlier upload of the table that has events
  std::string file_id;
  Sha256 file_sha256;
  Version version;
  Timestamp timestamp;                    ///< when the version was accepted
  Timestamp effective_at;                 ///< from when its values hold
  std::optional<std::string> types_json;  ///< overrides by column as a JSON object
  std::int64_t total = 0;                 ///< how many events the upload has
  /// The archive that accepted it; none of an upload that an older Deltadrop accepted.
  std::optional<ArchiveId> archive_id = std::nullopt;

  bool operator==(const UploadFacts&) const = default;
};

/// One row's change. Values are kept as the JSON text that went through the log: an object of every tracked
/// column, each text or null, in the file's column order; empty where the event has none (old of an insert,
/// new of a delete).
struct Event {
  UploadFacts upload;
  EventId event_id;
  ChangeType type = ChangeType::insert;
  std::string key_column;  ///< the older file's for a delete: an upload that rekeys has events of both
  std::string key_value;
  std::string old_values_json;
  std::string new_values_json;
  std::vector<std::string> changed_columns;  ///< of an update; empty otherwise
  Seq seq;
  Line line;  ///< in the new file; in the old file for a delete

  bool operator==(const Event&) const = default;
};

/// The same as an Event's own part, by reference: what the publisher encodes from, without copies.
struct EventView {
  ChangeType type;
  std::string_view key_column;
  std::string_view key_value;
  std::string_view old_values_json;
  std::string_view new_values_json;
  const std::vector<std::string_view>* changed_columns = nullptr;  ///< null unless an update
  Seq seq;
  Line line;
};

/// Writes the events of one upload as JSON objects. docs/event-format.md is their format; field order and
/// escaping are fixed, so equal events are equal bytes. What all events share is written once, when this is
/// made.
class EventWriter {
 public:
  explicit EventWriter(const UploadFacts& upload);
  /// For an upload that is not accepted: version, timestamp and previous_upload_id are null, since acceptance
  /// gives them
  /// (`upload`'s are not looked at); effective_at is null unless given.
  static EventWriter of_draft(const UploadFacts& upload, std::optional<Timestamp> effective_at);

  /// Appends one event, without a newline.
  void append(std::string& out, const EventView& event) const;

 private:
  struct Acceptance;
  EventWriter(const UploadFacts& upload, const Acceptance& acceptance);

  UploadId upload_id_;
  // The shared text between the fields that each event has of its own.
  std::string before_key_;
  std::string before_seq_;
  std::string before_line_;
};

/// Where events of many uploads follow each other. The same bytes as EventWriter's.
void append_event_json(std::string& out, const Event& event);

/// Reads what EventWriter wrote; fields may come in any order and unknown ones are passed over. Fails
/// with invalid_input, type "bad-event", naming the field that is missing or of the wrong kind; also when
/// event_id is not the one that upload_id and seq give, or when seq is not in 1..total.
Result<Event> parse_event_json(std::string_view json);

/// Key of the event's message in the log: company_id/table_name/key_value.
void append_message_key(std::string& out, const TableRef& table, std::string_view key_value);

}  // namespace deltadrop
