#include <fmt/format.h>

#include <array>

#include "history/decisions.hpp"
#include "history/postgres_calls.hpp"
#include "history/postgres_rows.hpp"

namespace deltadrop::history::postgres {
namespace {

/// The open row of an event's key, as a LATERAL query. Its LIMIT makes PostgreSQL look up each row with the
/// index. For a plain join, PostgreSQL picks a bad plan until it has analysed the tables, and an upload is
/// applied right after it is recorded: 100,000 updates then took five minutes.
constexpr std::string_view kOpenRowOfEvent =
    "SELECT o.ctid AS place, o.data FROM company_data o WHERE o.company_id = e.company_id "
    "AND o.table_name = e.table_name AND o.record_key = e.key_value AND o.is_current LIMIT 1";

/// Makes the statements that open rows read an upload's events by the primary key, since the events are
/// nearly stored in that order. A sort would write and read all of them again. In effect until the
/// transaction ends.
const std::array kInOrderByIndex = {Statement{"SET LOCAL enable_sort = off", {}},
                                    Statement{"SET LOCAL enable_bitmapscan = off", {}}};

class Application {
 public:
  Application(Connection& connection, UploadStatus upload, Timestamp now)
      : connection_(connection),
        upload_(std::move(upload)),
        now_(now),
        id_(upload_.facts.upload_id.to_string()),
        effective_at_(time_text(upload_.facts.effective_at)) {}

  /// Closes rows before it opens others: after a rekey both may have the same key text. If an event does not
  /// match the rows, all row changes are rolled back.
  Result<ApplyOutcome> run(Transaction& transaction, const std::optional<UploadStatus>& previous) {
    if (previous) {
      if (const auto why = out_of_order(upload_, *previous); !why.empty()) return conflict(transaction, why);
    }
    if (!previous) {
      DD_TRY(const bool opens_all, open_as_first());
      if (opens_all) return applied(transaction, upload_.facts.total, 0);
    }
    DD_TRY(const auto results, connection_.run_all({find_spans(),
                                                    {"SAVEPOINT apply", {}},
                                                    close(),
                                                    {"SAVEPOINT closed", {}},
                                                    kInOrderByIndex[0],
                                                    kInOrderByIndex[1]}));
    DD_TRY(read_spans(results[0]));
    const auto updates = spans_.events(ChangeType::update);
    const auto opening = spans_.events(ChangeType::insert) + updates;
    const auto closing = updates + spans_.events(ChangeType::remove);
    const std::int64_t closed = results[2].changed();
    if (closed != closing) {
      DD_TRY(const auto why, first_not_closing());
      return conflict(transaction, why);
    }
    const auto opened = connection_.run(open("IN ('insert', 'update')"));
    if (!opened && opened.error().type == "unique-violation") {
      DD_TRY(const auto why, first_not_opening());
      return conflict(transaction, why);
    }
    if (!opened) return Error(opened.error());
    if (opened.value().changed() != opening) {
      return wrong_count(upload_.facts, opened.value().changed(), opening);
    }
    return applied(transaction, opened.value().changed(), closed);
  }

 private:
  /// Applies a table's first upload, which usually has only inserts. This skips counting and closing, which
  /// would read its events two more times. Returns false and changes nothing if the upload has other events.
  Result<bool> open_as_first() {
    DD_TRY(connection_.run_all({{"SAVEPOINT first", {}}, kInOrderByIndex[0], kInOrderByIndex[1]}));
    const auto opened = connection_.run(open("= 'insert'"));
    if (opened.has_value() && opened.value().changed() == upload_.facts.total) {
      spans_.add({ChangeType::insert, Seq(1), Seq(upload_.facts.total), upload_.facts.total});
      return true;
    }
    if (!opened.has_value() && opened.error().type != "unique-violation") return opened.error();
    DD_TRY(connection_.run({"ROLLBACK TO SAVEPOINT first", {}}));
    return false;
  }

  Result<ApplyOutcome> applied(Transaction& transaction, std::int64_t opened, std::int64_t closed) {
    DD_TRY(const auto last, transaction.commit({take_number()}));
    upload_.state = UploadState::applied;
    upload_.applied_no = AppliedNo(last[0][0].number());
    upload_.applied_at = now_;
    upload_.error.clear();
    return ApplyOutcome(Applied{upload_, opened, closed});
  }

  Statement find_spans() const {
    return {
        fmt::format("SELECT event_type, min(seq), max(seq), count(*) FROM cdc_events WHERE upload_id = $1 "
                    "GROUP BY event_type, (seq - 1) / {} ORDER BY 2",
                    kSpanSeqs),
        {id_}};
  }
  Result<void> read_spans(const Rows& rows) {
    for (int i = 0; i < rows.size(); ++i) {
      Row row = rows[i];
      const auto type = parse_change_type(row.text());
      if (!type) return damaged("an event of upload " + id_);
      spans_.add({*type, Seq(row.number()), Seq(row.number()), row.number()});
    }
    return success();
  }

  Statement close() const {
    return {fmt::format("UPDATE company_data SET valid_to = $2, is_current = false WHERE ctid = ANY (ARRAY("
                        "SELECT d.place FROM cdc_events e CROSS JOIN LATERAL ({}) d WHERE e.upload_id = $1 "
                        "AND e.event_type IN ('update', 'delete') "
                        "AND jsonb_strip_nulls(d.data) = jsonb_strip_nulls(e.old_values)))",
                        kOpenRowOfEvent),
            {id_, effective_at_}};
  }

  Statement open(std::string_view types) const {
    return {fmt::format(
                "INSERT INTO company_data (company_id, table_name, record_key, data, valid_from, valid_to, "
                "is_current, upload_id) SELECT company_id, table_name, key_value, new_values, $2, NULL, "
                "true, upload_id FROM cdc_events WHERE upload_id = $1 AND event_type {} ORDER BY seq",
                types),
            {id_, effective_at_}};
  }

  /// Takes the next applied_no. It is the last statement before COMMIT, since it locks the counter's row. An
  /// upload that was set aside and is applied again keeps its earlier spans.
  Statement take_number() const {
    std::vector<std::string> types;
    std::vector<std::string> firsts;
    std::vector<std::string> lasts;
    for (const auto& span : spans_.all()) {
      types.emplace_back(to_string(span.type));
      firsts.push_back(std::to_string(span.first.value));
      lasts.push_back(std::to_string(span.last.value));
    }
    return {
        "WITH counter AS (UPDATE applied_counter SET last_no = last_no + 1 RETURNING last_no), "
        "spans AS (INSERT INTO event_spans (upload_id, event_type, first_seq, last_seq, company_id, "
        "table_name, applied_no) SELECT $1::uuid, s.event_type, s.first_seq, s.last_seq, $3, $4, c.last_no "
        "FROM counter c, unnest($5::text[], $6::bigint[], $7::bigint[]) AS s (event_type, first_seq, "
        "last_seq) "
        "ON CONFLICT (upload_id, event_type, last_seq) DO UPDATE SET applied_no = excluded.applied_no) "
        "UPDATE uploads SET state = 'applied', applied_at = $2, error = NULL, applied_no = last_no, "
        "spanned_no = last_no FROM counter WHERE upload_id = $1::uuid RETURNING applied_no",
        {id_, time_text(now_), upload_.facts.table.company_id, upload_.facts.table.table_name,
         array_of(types), array_of(firsts), array_of(lasts)}};
  }

  /// Explains why fewer rows were closed than there are updates and deletes: finds the first event that does
  /// not match its row.
  Result<std::string> first_not_closing() {
    DD_TRY(const auto results,
           connection_.run_all(
               {{"ROLLBACK TO SAVEPOINT apply", {}},
                {fmt::format("SELECT e.event_type, e.key_value, e.seq, d.data IS NOT NULL FROM cdc_events e "
                             "LEFT JOIN LATERAL ({}) d ON true WHERE e.upload_id = $1 "
                             "AND e.event_type IN ('update', 'delete') AND (d.data IS NULL "
                             "OR jsonb_strip_nulls(d.data) <> jsonb_strip_nulls(e.old_values)) "
                             "ORDER BY e.seq LIMIT 1",
                             kOpenRowOfEvent),
                 {id_}}}));
    if (results[1].empty()) return does_not_close(std::nullopt, false);
    Row row = results[1][0];
    const Misfit misfit = misfit_of(row);
    return does_not_close(misfit, row.boolean());
  }

  /// Explains why a row could not be opened: finds the first event whose key still has an open row.
  Result<std::string> first_not_opening() {
    DD_TRY(const auto results,
           connection_.run_all(
               {{"ROLLBACK TO SAVEPOINT closed", {}},
                {fmt::format("SELECT e.event_type, e.key_value, e.seq FROM cdc_events e CROSS JOIN LATERAL "
                             "({}) d WHERE e.upload_id = $1 AND e.event_type IN ('insert', 'update') "
                             "ORDER BY e.seq LIMIT 1",
                             kOpenRowOfEvent),
                 {id_}},
                {"ROLLBACK TO SAVEPOINT apply", {}}}));
    const Rows& found = results[1];
    return does_not_open(found.empty() ? std::nullopt : std::optional(misfit_of(found[0])));
  }

  Result<ApplyOutcome> conflict(Transaction& transaction, const std::string& why) {
    upload_.state = UploadState::conflict;
    upload_.error = conflict_text(upload_.facts, why);
    DD_TRY(transaction.commit({{"UPDATE uploads SET state = 'conflict', error = $2 WHERE upload_id = $1",
                                {id_, storable_text(upload_.error)}}}));
    return ApplyOutcome(Conflicted{upload_});
  }

  Connection& connection_;
  UploadStatus upload_;
  Timestamp now_;
  std::string id_;
  std::string effective_at_;
  EventSpans spans_;
};

Statement first_upload(const TableRef& table, std::string_view rest) {
  return {select_uploads(fmt::format("WHERE u.company_id = $1 AND u.table_name = $2 AND {} LIMIT 1", rest)),
          {table.company_id, table.table_name}};
}

Result<std::optional<UploadStatus>> find_first(Connection& connection, const Statement& statement) {
  DD_TRY(const auto rows, connection.run(statement));
  return first_of(rows, kUpload);
}

Statement first_not_applied(const TableRef& table) {
  return first_upload(table, "u.state IN ('recorded', 'blocked') ORDER BY u.version");
}

Statement upload_after(const TableRef& table, const std::optional<UploadStatus>& previous) {
  // This locks the upload's row. A consumer that finds a contradiction waits and then sees that the upload is
  // applied.
  Statement select = first_upload(
      table, "u.previous_upload_id IS NOT DISTINCT FROM $3::uuid AND u.state IN ('recorded', 'blocked')");
  select.sql += " FOR UPDATE OF u";
  select.parameters.push_back(previous ? std::optional(previous->facts.upload_id.to_string()) : std::nullopt);
  return select;
}

}  // namespace

Result<ApplyOutcome> apply_next(Connection& connection, const TableRef& table, Timestamp now) {
  // The lock is a statement of its own, so later statements see what its previous owner committed.
  DD_TRY(
      auto transaction,
      Transaction::begin(connection, {try_lock_to_apply(table),
                                      first_upload(table, "u.state = 'applied' ORDER BY u.version DESC")}));
  if (!transaction.first()[0][0].boolean()) {
    DD_TRY(auto next, find_first(connection, first_not_applied(table)));
    return ApplyOutcome(NothingToApply{std::move(next), "another process applies this table now"});
  }
  DD_TRY(const auto previous, first_of(transaction.first()[1], kUpload));
  DD_TRY(auto next, find_first(connection, upload_after(table, previous)));
  if (!next) {
    DD_TRY(auto waits, find_first(connection, first_not_applied(table)));
    return ApplyOutcome(waiting(std::move(waits)));
  }
  if (auto reason = obstacle(*next); !reason.empty()) {
    return ApplyOutcome(NothingToApply{std::move(next), std::move(reason)});
  }
  return Application(connection, std::move(*next), now).run(transaction, previous);
}

Result<void> mark_in_lake(Connection& connection, const UploadId& upload,
                          const std::vector<LakeColumn>& columns, Timestamp now) {
  DD_TRY(const auto stored, find_upload(connection, upload));
  DD_TRY(check_applied(upload, stored));
  DD_TRY(auto transaction, Transaction::begin(connection));
  std::vector<Statement> last;
  last.push_back({"UPDATE uploads SET in_lake_at = coalesce(in_lake_at, $2) WHERE upload_id = $1",
                  {upload.to_string(), time_text(now)}});
  for (const auto& column : columns) {
    last.push_back(
        {"INSERT INTO lake_columns (company_id, table_name, column_name, column_type) VALUES ($1, $2, $3, "
         "$4) ON CONFLICT (company_id, table_name, column_name) DO UPDATE SET column_type = "
         "excluded.column_type",
         {stored->facts.table.company_id, stored->facts.table.table_name, column.name,
          std::string(to_string(column.type))}});
  }
  DD_TRY(transaction.commit(std::move(last)));
  return success();
}

}  // namespace deltadrop::history::postgres
