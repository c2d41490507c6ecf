#include "history/sqlite_rows.hpp"

#include <fmt/format.h>

#include <array>

#include "core/values_json.hpp"

namespace deltadrop::history::sqlite {
namespace {

namespace db = deltadrop::sqlite;

Result<UploadState> parse_state(std::string_view text) {
  for (const auto state :
       {UploadState::recorded, UploadState::applied, UploadState::blocked, UploadState::conflict}) {
    if (text == to_string(state)) return state;
  }
  return Error{ErrorCode::corrupt, "bad-row", fmt::format("an upload has the state {}", text), ""};
}

Result<std::optional<Timestamp>> read_time(const db::Statement& row, int column) {
  if (row.is_null(column)) return std::optional<Timestamp>();
  DD_TRY(auto time, as_stored(Timestamp::parse(row.text(column))));
  return std::optional<Timestamp>(time);
}

}  // namespace

std::string select_uploads(std::string_view rest) {
  return fmt::format(
      "SELECT u.upload_id, u.company_id, u.table_name, u.version, u.previous_upload_id, u.file_sha256, "
      "u.types, "
      "u.total, u.state, u.timestamp, u.effective_at, u.applied_no, u.applied_at, u.in_lake_at, "
      "coalesce(u.error, ''), "
      "(SELECT coalesce(sum(p.seen), 0) FROM upload_parts p WHERE p.upload_id = u.upload_id), "
      "coalesce((SELECT e.key_column FROM cdc_events e WHERE e.upload_id = u.upload_id ORDER BY e.seq LIMIT "
      "1), '') "
      "FROM uploads u {}",
      rest);
}

Result<UploadStatus> read_upload(const db::Statement& row) {
  UploadStatus upload;
  UploadFacts& facts = upload.facts;
  DD_TRY(facts.upload_id, as_stored(UploadId::parse(row.text(0))));
  DD_TRY(facts.table, as_stored(TableRef::make(row.text(1), row.text(2))));
  facts.version = Version(row.number(3));
  if (!row.is_null(4)) {
    DD_TRY(auto previous, as_stored(UploadId::parse(row.text(4))));
    facts.previous_upload_id = previous;
  }
  DD_TRY(facts.file_sha256, as_stored(Sha256::parse(row.text(5))));
  facts.file_id = file_id_of(facts.table.company_id, facts.file_sha256);
  facts.types_json = row.optional_text(6);
  facts.total = row.number(7);
  DD_TRY(upload.state, parse_state(row.text(8)));
  DD_TRY(facts.timestamp, as_stored(Timestamp::parse(row.text(9))));
  DD_TRY(facts.effective_at, as_stored(Timestamp::parse(row.text(10))));
  if (!row.is_null(11)) upload.applied_no = AppliedNo(row.number(11));
  DD_TRY(upload.applied_at, read_time(row, 12));
  DD_TRY(upload.in_lake_at, read_time(row, 13));
  upload.error = row.text(14);
  upload.recorded = row.number(15);
  facts.key_column = row.text(16);
  return upload;
}

Result<std::vector<UploadStatus>> read_uploads(db::Statement& statement) {
  std::vector<UploadStatus> uploads;
  while (true) {
    DD_TRY(const bool row, statement.step());
    if (!row) return uploads;
    DD_TRY(auto upload, read_upload(statement));
    uploads.push_back(std::move(upload));
  }
}

Result<Event> read_event(const db::Statement& row, const UploadFacts& upload) {
  Event event;
  event.upload = upload;
  event.seq = Seq(row.number(0));
  DD_TRY(event.event_id, as_stored(EventId::parse(row.text(1))));
  const auto type = parse_change_type(row.text(2));
  auto changed = parse_texts_json(row.text(7));
  if (!type || !changed) {
    return Error{
        ErrorCode::corrupt, "bad-row",
        fmt::format("event {} of upload {} is damaged", event.seq.value, upload.upload_id.to_string()), ""};
  }
  event.type = *type;
  event.upload.key_column = row.text(3);
  event.key_value = row.text(4);
  event.old_values_json = row.text(5);
  event.new_values_json = row.text(6);
  event.changed_columns = std::move(*changed);
  event.upload.file_id = row.text(8);
  event.line = Line(row.number(9));
  return event;
}

Result<std::optional<UploadStatus>> find_upload(db::Database& database, const UploadId& upload) {
  DD_TRY(auto select, database.prepare(select_uploads("WHERE u.upload_id = ?")));
  const std::string id = upload.to_string();
  select.bind(1, id);
  DD_TRY(const bool found, select.step());
  if (!found) return std::optional<UploadStatus>();
  DD_TRY(auto status, read_upload(select));
  return std::optional<UploadStatus>(std::move(status));
}

}  // namespace deltadrop::history::sqlite
