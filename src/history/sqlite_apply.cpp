#include <fmt/format.h>

#include "history/decisions.hpp"
#include "history/sqlite_calls.hpp"
#include "history/sqlite_rows.hpp"

namespace deltadrop::history::sqlite {
namespace {

namespace db = deltadrop::sqlite;

// The join reads the upload's events and looks up each open row by its key. CROSS JOIN and INDEXED BY prevent
// SQLite from scanning the whole table instead.
constexpr std::string_view kOpenRowsOfChanges =
    "cdc_events e CROSS JOIN company_data d INDEXED BY company_data_open "
    "ON d.company_id = e.company_id AND d.table_name = e.table_name AND d.record_key = e.key_value "
    "AND d.is_current = 1 "
    "WHERE e.upload_id = ?1 AND e.event_type IN ('update', 'delete')";

class Application {
 public:
  Application(db::Database& database, UploadStatus upload, Timestamp now)
      : database_(database),
        upload_(std::move(upload)),
        now_(now),
        id_(upload_.facts.upload_id.to_string()),
        effective_at_(upload_.facts.effective_at.to_string()) {}

  /// Closes rows before it opens others: after a rekey both may have the same key text. If an event does not
  /// match the rows, all row changes are rolled back.
  Result<ApplyOutcome> run(const std::optional<UploadStatus>& previous) {
    if (previous) {
      if (const auto why = out_of_order(upload_, *previous); !why.empty()) return conflict(why);
    }
    DD_TRY(find_spans());
    const auto updates = spans_.events(ChangeType::update);
    const auto opening = spans_.events(ChangeType::insert) + updates;
    const auto closing = updates + spans_.events(ChangeType::remove);
    DD_TRY(database_.execute("SAVEPOINT apply"));
    DD_TRY(const auto closed, close());
    if (closed != closing) {
      DD_TRY(database_.execute("ROLLBACK TO apply"));
      DD_TRY(const auto why, first_not_closing());
      return conflict(why);
    }
    auto opened = open();
    if (!opened && opened.error().type == "constraint") {
      DD_TRY(database_.execute("ROLLBACK TO apply"));
      DD_TRY(const auto why, first_not_opening());
      return conflict(why);
    }
    if (!opened) return Error(opened.error());
    if (opened.value() != opening) return wrong_count(upload_.facts, opened.value(), opening);
    DD_TRY(take_number());
    DD_TRY(keep_spans());
    return Applied{upload_, opened.value(), closed};
  }

 private:
  /// Reads the events in stored order; GROUP BY would sort them.
  Result<void> find_spans() {
    DD_TRY(auto select,
           database_.prepare("SELECT event_type, seq FROM cdc_events WHERE upload_id = ? ORDER BY seq"));
    select.bind(1, id_);
    return for_each_row(select, [&](Row row) -> Result<void> {
      const auto type = parse_change_type(row.text());
      if (!type) return damaged("an event of upload " + id_);
      const Seq seq(row.number());
      spans_.add({*type, seq, seq, 1});
      return success();
    });
  }

  /// Stores the spans. An upload that was set aside and is applied again keeps its earlier spans.
  Result<void> keep_spans() {
    DD_TRY(auto keep, database_.prepare(
                          "INSERT INTO event_spans (upload_id, event_type, first_seq, last_seq, company_id, "
                          "table_name, applied_no) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE "
                          "SET applied_no = excluded.applied_no"));
    for (const auto& span : spans_.all()) {
      keep.bind(1, id_).bind(2, to_string(span.type)).bind(3, span.first.value).bind(4, span.last.value);
      keep.bind(5, upload_.facts.table.company_id).bind(6, upload_.facts.table.table_name);
      DD_TRY(keep.bind(7, upload_.applied_no->value).run());
    }
    return success();
  }

  Result<std::int64_t> close() {
    DD_TRY(auto update, database_.prepare(fmt::format(
                            "UPDATE company_data SET valid_to = ?2, is_current = 0 WHERE rowid IN "
                            "(SELECT d.rowid FROM {} AND same_values(d.data, e.old_values))",
                            kOpenRowsOfChanges)));
    DD_TRY(update.bind(1, id_).bind(2, effective_at_).run());
    return database_.changes();
  }

  Result<std::int64_t> open() {
    DD_TRY(auto insert, database_.prepare(
                            "INSERT INTO company_data (company_id, table_name, record_key, data, valid_from, "
                            "valid_to, is_current, upload_id) "
                            "SELECT company_id, table_name, key_value, new_values, ?2, NULL, 1, upload_id "
                            "FROM cdc_events WHERE upload_id = ?1 AND event_type IN ('insert', 'update') "
                            "ORDER BY seq"));
    DD_TRY(insert.bind(1, id_).bind(2, effective_at_).run());
    return database_.changes();
  }

  Result<void> take_number() {
    {
      DD_TRY(auto update,
             database_.prepare("UPDATE uploads SET state = 'applied', applied_at = ?2, error = NULL, "
                               "applied_no = (SELECT last_no + 1 FROM applied_counter) "
                               "WHERE upload_id = ?1"));
      const std::string now = now_.to_string();
      DD_TRY(update.bind(1, id_).bind(2, now).run());
    }
    DD_TRY(auto count, database_.prepare("UPDATE applied_counter SET last_no = last_no + 1"));
    DD_TRY(count.run());
    DD_TRY(const auto stored, find_upload(database_, upload_.facts.upload_id));
    upload_ = *stored;
    return success();
  }

  /// Explains why fewer rows were closed than there are updates and deletes: finds the first event that does
  /// not match its row.
  Result<std::string> first_not_closing() {
    DD_TRY(auto select,
           database_.prepare(
               "SELECT e.event_type, e.key_value, e.seq, d.data FROM cdc_events e "
               "LEFT JOIN company_data d ON d.company_id = e.company_id "
               "AND d.table_name = e.table_name AND d.record_key = e.key_value AND d.is_current = 1 "
               "WHERE e.upload_id = ?1 AND e.event_type IN ('update', 'delete') "
               "AND (d.data IS NULL OR NOT same_values(d.data, e.old_values)) ORDER BY e.seq LIMIT 1"));
    select.bind(1, id_);
    DD_TRY(const bool found, select.step());
    if (!found) return does_not_close(std::nullopt, false);
    Row row(select);
    const Misfit misfit = misfit_of(row);
    return does_not_close(misfit, row.optional_text().has_value());
  }

  /// Explains after the rollback why a row could not be opened: another row of its key is still open or has
  /// the same start.
  Result<std::string> first_not_opening() {
    DD_TRY(auto select,
           database_.prepare(
               "SELECT e.event_type, e.key_value, e.seq FROM cdc_events e "
               "WHERE e.upload_id = ?1 AND e.event_type = 'insert' "
               "AND EXISTS (SELECT 1 FROM company_data d WHERE d.company_id = e.company_id "
               "AND d.table_name = e.table_name AND d.record_key = e.key_value AND d.is_current = 1) "
               "AND NOT EXISTS (SELECT 1 FROM cdc_events x INDEXED BY cdc_events_by_key "
               "WHERE x.key_value = e.key_value AND x.table_name = e.table_name "
               "AND x.company_id = e.company_id AND x.upload_id = e.upload_id "
               "AND x.event_type = 'delete') ORDER BY e.seq LIMIT 1"));
    select.bind(1, id_);
    DD_TRY(const bool found, select.step());
    return does_not_open(found ? std::optional(misfit_of(Row(select))) : std::nullopt);
  }

  Result<ApplyOutcome> conflict(const std::string& why) {
    upload_.state = UploadState::conflict;
    upload_.error = conflict_text(upload_.facts, why);
    DD_TRY(auto update,
           database_.prepare("UPDATE uploads SET state = 'conflict', error = ? WHERE upload_id = ?"));
    DD_TRY(update.bind(1, upload_.error).bind(2, id_).run());
    return Conflicted{upload_};
  }

  db::Database& database_;
  UploadStatus upload_;
  Timestamp now_;
  std::string id_;
  std::string effective_at_;
  EventSpans spans_;
};

/// Returns the table's first upload that satisfies `rest`. SQLite uses the partial indexes of uploads without
/// conflict only if the statement contains "state <> 'conflict'".
Result<std::optional<UploadStatus>> first_upload(db::Database& database, const TableRef& table,
                                                 std::string_view rest,
                                                 const std::optional<std::string>& parameter) {
  DD_TRY(auto select, database.prepare(select_uploads(fmt::format(
                          "WHERE u.company_id = ?1 AND u.table_name = ?2 AND {} LIMIT 1", rest))));
  select.bind(1, table.company_id).bind(2, table.table_name);
  if (parameter) select.bind(3, *parameter);
  return first_of(select, kUpload);
}

}  // namespace

Result<ApplyOutcome> apply_next(db::Database& database, const TableRef& table, Timestamp now) {
  DD_TRY(auto transaction, db::Transaction::begin(database));
  DD_TRY(const auto previous,
         first_upload(database, table,
                      "u.state = 'applied' AND u.state <> 'conflict' ORDER BY u.version DESC", std::nullopt));
  const std::string previous_id = previous ? previous->facts.upload_id.to_string() : "";
  DD_TRY(auto next, first_upload(database, table,
                                 "coalesce(u.previous_upload_id, '') = ?3 AND u.state <> 'conflict' "
                                 "AND u.state <> 'applied'",
                                 previous_id));
  if (!next) {
    DD_TRY(auto waits,
           first_upload(database, table,
                        "u.state IN ('recorded', 'blocked') AND u.state <> 'conflict' ORDER BY u.version",
                        std::nullopt));
    return ApplyOutcome(waiting(std::move(waits)));
  }
  if (auto reason = obstacle(*next); !reason.empty()) {
    return ApplyOutcome(NothingToApply{std::move(next), std::move(reason)});
  }
  DD_TRY(auto outcome, Application(database, std::move(*next), now).run(previous));
  DD_TRY(transaction.commit());
  return outcome;
}

Result<void> mark_in_lake(db::Database& database, const UploadId& upload,
                          const std::vector<LakeColumn>& columns, Timestamp now) {
  DD_TRY(auto transaction, db::Transaction::begin(database));
  DD_TRY(const auto stored, find_upload(database, upload));
  const std::string id = upload.to_string();
  DD_TRY(check_applied(upload, stored));
  {
    DD_TRY(auto update,
           database.prepare("UPDATE uploads SET in_lake_at = coalesce(in_lake_at, ?) WHERE upload_id = ?"));
    const std::string at = now.to_string();
    DD_TRY(update.bind(1, at).bind(2, id).run());
  }
  DD_TRY(auto keep,
         database.prepare("INSERT INTO lake_columns (company_id, table_name, column_name, column_type) "
                          "VALUES (?, ?, ?, ?) ON CONFLICT (company_id, table_name, column_name) "
                          "DO UPDATE SET column_type = excluded.column_type"));
  for (const auto& column : columns) {
    keep.bind(1, stored->facts.table.company_id).bind(2, stored->facts.table.table_name);
    DD_TRY(keep.bind(3, column.name).bind(4, to_string(column.type)).run());
  }
  return transaction.commit();
}

}  // namespace deltadrop::history::sqlite
