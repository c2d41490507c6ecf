#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "history/history_store.hpp"
#include "sqlite/database.hpp"

/// Rows of the tables as the port's values, and back.
namespace deltadrop::history::sqlite {

/// An error of reading what we wrote ourselves: `corrupt`, whatever it was.
template <class T>
Result<T> as_stored(Result<T> parsed) {
  if (parsed) return parsed;
  return Error{ErrorCode::corrupt, "bad-row", "a stored value is damaged: " + parsed.error().message,
               "rebuild history.db from the archive: move it away and run `deltadrop republish`"};
}

/// "SELECT <columns of an UploadStatus> FROM uploads u <rest>"
std::string select_uploads(std::string_view rest);
/// Of the current row of a statement made with select_uploads.
Result<UploadStatus> read_upload(const deltadrop::sqlite::Statement& row);
/// All rows.
Result<std::vector<UploadStatus>> read_uploads(deltadrop::sqlite::Statement& statement);

/// Columns of cdc_events e that read_event wants, in its order.
inline constexpr std::string_view kEventColumns =
    "e.seq, e.event_id, e.event_type, e.key_column, e.key_value, e.old_values, e.new_values, "
    "e.changed_columns, "
    "e.file_id, e.line";
Result<Event> read_event(const deltadrop::sqlite::Statement& row, const UploadFacts& upload);

Result<std::optional<UploadStatus>> find_upload(deltadrop::sqlite::Database& database,
                                                const UploadId& upload);

}  // namespace deltadrop::history::sqlite
