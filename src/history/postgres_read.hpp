#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "history/history_store.hpp"
#include "history/postgres_connection.hpp"

/// The reading half of HistoryStore, each on a connection that the caller has to itself.
namespace deltadrop::history::postgres {

Result<std::vector<StoredOffset>> read_offsets(Connection& connection, const std::string& topic);
Result<std::vector<TableRef>> read_tables_to_apply(Connection& connection);
Result<std::vector<UploadStatus>> read_uploads_for_lake(Connection& connection);
Result<std::vector<TableRef>> read_applied_tables(Connection& connection);
Result<std::vector<UploadStatus>> read_applied_uploads(Connection& connection, const TableRef& table,
                                                       Version last);
Result<std::set<UploadId>> read_applied_among(Connection& connection, const std::set<UploadId>& uploads);
Result<std::vector<LakeColumn>> read_lake_columns(Connection& connection, const TableRef& table);
Result<std::vector<StoredRecord>> read_records(Connection& connection, const RecordQuery& query);
Result<std::vector<AppliedEvent>> read_events(Connection& connection, const EventQuery& query);
Result<AppliedNo> read_last_applied(Connection& connection);
Result<std::vector<DeadLetterEntry>> read_dead_letters(Connection& connection, std::int64_t limit);
Result<std::optional<DeadLetterEntry>> read_dead_letter(Connection& connection, const DeadLetterId& id);
Result<Summary> read_summary(Connection& connection);

/// Some events of an upload, of one type, that follow each other in the order of their keys.
struct EventPage {
  std::int64_t events = 0;
  Seq first;
  Seq last;
  std::vector<std::int64_t> seqs;  ///< empty where they grow: then all of the type from `first` to `last`
};
/// All of an upload's events of one type, in (key_value, seq) order, in pages of some megabytes. They never
/// change.
Result<std::vector<EventPage>> read_event_pages(Connection& connection, const UploadFacts& upload,
                                                ChangeType type);
/// Rows for read_event, in the order of the page.
Result<Rows> read_event_page(Connection& connection, const UploadFacts& upload, ChangeType type,
                             const EventPage& page);

}  // namespace deltadrop::history::postgres
