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

/// The fields that all events of one upload share.
struct UploadFacts {
  TableRef table;
  UploadId upload_id;
  std::optional<UploadId> previous_upload_id;  ///< the latest earlier upload of the table that has events
  std::string file_id;
  Sha256 file_sha256;
  Version version;
  Timestamp timestamp;                    ///< when the version was accepted
  Timestamp effective_at;                 ///< the time from which the version's values hold
  std::optional<std::string> types_json;  ///< the declared types by column, as a JSON object
  std::int64_t total = 0;                 ///< the number of events of the upload
  /// The archive that accepted the upload. Empty if an older Deltadrop accepted it.
  std::optional<ArchiveId> archive_id = std::nullopt;

  bool operator==(const UploadFacts&) const = default;
};

/// One row's change. Each value field contains the JSON text from the log: an object with a string or null
/// for every tracked column, in the file's column order. old_values_json is empty for an insert,
/// new_values_json for a delete.
struct Event {
  UploadFacts upload;
  EventId event_id;
  ChangeType type = ChangeType::insert;
  /// For a delete, the older file's key: an upload that changes the key has events with both.
  std::string key_column;
  std::string key_value;
  std::string old_values_json;
  std::string new_values_json;
  std::vector<std::string> changed_columns;  ///< empty unless the event is an update
  Seq seq;
  Line line;  ///< the line in the new file; for a delete, in the old file

  bool operator==(const Event&) const = default;
};

/// A view of an Event's own fields. The publisher encodes it without copies.
struct EventView {
  ChangeType type;
  std::string_view key_column;
  std::string_view key_value;
  std::string_view old_values_json;
  std::string_view new_values_json;
  const std::vector<std::string_view>* changed_columns = nullptr;  ///< null unless the event is an update
  Seq seq;
  Line line;
};

/// Writes the events of one upload as JSON objects in the format of docs/event-format.md. Field order and
/// escaping are fixed, so equal events are equal bytes. The constructor encodes the shared fields once.
class EventWriter {
 public:
  explicit EventWriter(const UploadFacts& upload);
  /// Returns a writer for an upload that is not accepted. version, timestamp and previous_upload_id are null
  /// because acceptance assigns them; the writer ignores those of `upload`. An empty `effective_at` is null
  /// too.
  static EventWriter of_draft(const UploadFacts& upload, std::optional<Timestamp> effective_at);

  /// Appends one event, without a newline.
  void append(std::string& out, const EventView& event) const;

 private:
  struct Acceptance;
  EventWriter(const UploadFacts& upload, const Acceptance& acceptance);

  UploadId upload_id_;
  // The JSON text of the shared fields, split where an event's own fields belong.
  std::string before_key_;
  std::string before_seq_;
  std::string before_line_;
};

/// Appends one event. Use it where consecutive events belong to different uploads. The bytes equal
/// EventWriter's.
void append_event_json(std::string& out, const Event& event);

/// Parses an event that EventWriter wrote. Accepts the fields in any order and ignores unknown ones. Fails
/// with invalid_input, type "bad-event", and names the field that is missing or wrong. Also fails if event_id
/// does not follow from upload_id and seq, or if seq is not in 1..total.
Result<Event> parse_event_json(std::string_view json);

/// Appends the key of the event's message in the log: company_id/table_name/key_value.
void append_message_key(std::string& out, const TableRef& table, std::string_view key_value);

}  // namespace deltadrop
