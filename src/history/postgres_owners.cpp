#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "history/conflicts.hpp"
#include "history/postgres_calls.hpp"
#include "history/postgres_rows.hpp"

namespace deltadrop::history::postgres {
namespace {

std::string ids_of(const std::vector<UploadStatus>& uploads) {
  std::vector<std::string> ids;
  ids.reserve(uploads.size());
  for (const auto& upload : uploads) ids.push_back(upload.facts.upload_id.to_string());
  return array_of(ids);
}

Statement on_table(const TableRef& table, std::string sql) {
  return {std::move(sql), {table.company_id, table.table_name}};
}

/// Deletes the rows that undone uploads opened and reopens those that they closed, which end after
/// `stays_until`.
std::vector<Statement> undo_rows(const TableRef& table, const Resolution& plan) {
  std::vector<Statement> statements;
  Statement remove =
      on_table(table,
               "DELETE FROM company_data WHERE company_id = $1 AND table_name = $2 AND upload_id = ANY "
               "($3::uuid[])");
  remove.parameters.emplace_back(ids_of(plan.set_aside));
  statements.push_back(std::move(remove));
  if (!plan.stays_until) return statements;
  Statement reopen = on_table(table,
                              "UPDATE company_data SET valid_to = NULL, is_current = true WHERE company_id = "
                              "$1 AND table_name = $2 AND valid_to > $3");
  reopen.parameters.emplace_back(time_text(*plan.stays_until));
  statements.push_back(std::move(reopen));
  return statements;
}

/// Sets uploads aside before it revives others, so two rivals never have the same position in the chain.
std::vector<Statement> change_states(const TableRef& table, const Resolution& plan,
                                     const std::optional<UploadId>& keep, Timestamp now) {
  std::vector<Statement> statements;
  statements.push_back(
      {"UPDATE uploads SET state = 'conflict', off_chain = true, applied_no = NULL, spanned_no = NULL, "
       "applied_at = NULL, in_lake_at = "
       "NULL, set_aside_at = $2, error = concat_ws('; ', nullif(error, ''), $3::text) WHERE "
       "upload_id = ANY ($1::uuid[])",
       {ids_of(plan.set_aside), time_text(now), set_aside_text(keep)}});
  statements.push_back(
      {"UPDATE uploads SET state = 'recorded', off_chain = false, error = NULL, set_aside_at = NULL WHERE "
       "upload_id = "
       "ANY ($1::uuid[])",
       {ids_of(plan.revived)}});
  statements.push_back(
      {"UPDATE dead_letters SET resolved_at = $3 WHERE resolved_at IS NULL AND upload_id = ANY "
       "($1::uuid[] || $2::uuid[])",
       {ids_of(plan.set_aside), ids_of(plan.revived), time_text(now)}});
  if (plan.undoes) {
    statements.push_back(
        on_table(table,
                 "UPDATE uploads SET in_lake_at = NULL WHERE company_id = $1 AND table_name = "
                 "$2 AND state = 'applied'"));
    statements.push_back(
        on_table(table, "DELETE FROM lake_columns WHERE company_id = $1 AND table_name = $2"));
  }
  if (plan.owner) {
    statements.push_back(on_table(table,
                                  "INSERT INTO table_owners (company_id, table_name, archive_id) VALUES ($1, "
                                  "$2, $3) ON CONFLICT (company_id, table_name) DO UPDATE SET archive_id = "
                                  "excluded.archive_id"));
    statements.back().parameters.emplace_back(plan.owner->to_string());
  } else {
    statements.push_back(
        on_table(table, "DELETE FROM table_owners WHERE company_id = $1 AND table_name = $2"));
  }
  return statements;
}

bool same_uploads(const std::vector<UploadStatus>& a, const std::vector<UploadStatus>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& one, const auto& other) {
    return one.facts.upload_id == other.facts.upload_id && one.state == other.state &&
           one.set_aside_at == other.set_aside_at;
  });
}

}  // namespace

Statement try_lock_to_apply(const TableRef& table) {
  return {"SELECT pg_try_advisory_xact_lock(hashtextextended('deltadrop apply ' || $1, 0))",
          {table.to_string()}};
}

Result<Ownership> read_ownership(Connection& connection, const TableRef& table) {
  DD_TRY(
      const auto rows,
      connection.run(on_table(
          table,
          "SELECT (SELECT archive_id FROM table_owners WHERE company_id = $1 AND table_name = $2), (SELECT "
          "upload_id FROM uploads WHERE company_id = $1 AND table_name = $2 AND state <> 'conflict' ORDER "
          "BY version LIMIT 1)")));
  Row row = rows[0];
  Ownership found;
  DD_TRY(found.owner, optional_id<ArchiveId>(row));
  DD_TRY(found.first_upload, optional_id<UploadId>(row));
  return found;
}

Result<std::vector<KnownArchive>> read_archives(Connection& connection) {
  DD_TRY(const auto rows, connection.run({std::string(kSelectTablesByArchive), {}}));
  int next = 0;
  return archives_of([&]() -> Result<std::optional<Row>> {
    return next < rows.size() ? std::optional(rows[next++]) : std::nullopt;
  });
}

Result<std::vector<UploadStatus>> read_uploads_of(Connection& connection, const TableRef& table) {
  std::vector<UploadStatus> all;
  // Two queries, because each uses its own index.
  for (const auto* part : {"u.state <> 'conflict'", "u.state = 'conflict'"}) {
    DD_TRY(const auto rows, connection.run(on_table(
                                table, select_uploads(fmt::format(
                                           "WHERE u.company_id = $1 AND u.table_name = $2 AND {}", part)))));
    DD_TRY(auto uploads, all_of(rows, kUpload));
    std::move(uploads.begin(), uploads.end(), std::back_inserter(all));
  }
  sort_by_version(all);
  return all;
}

Result<Resolution> resolve(Connection& connection, const TableRef& table, const std::optional<UploadId>& keep,
                           Timestamp now) {
  // The lock is a statement of its own, so later statements see what its previous owner committed.
  DD_TRY(auto transaction,
         Transaction::begin(connection,
                            {{"SELECT pg_advisory_xact_lock(hashtextextended('deltadrop apply ' || $1, 0))",
                              {table.to_string()}}}));
  const Error busy{ErrorCode::conflict, "table-busy",
                   fmt::format("uploads are recorded now, so that {} cannot be changed", table.to_string()),
                   "try again"};
  DD_TRY(const auto uploads, read_uploads_of(connection, table));
  DD_TRY(auto plan, plan_resolution(table, uploads, keep));
  if (plan.undoes) {
    DD_TRY(connection.run_all(undo_rows(table, plan)));
  }
  // No upload may be recorded until the commit, because it would be checked against the old state. The lock
  // is short. Consumers that record wait for it, and one of them may wait for another that applies. The
  // timeout ends this attempt before the database detects a deadlock and aborts one of them.
  DD_TRY(connection.run({"SET LOCAL lock_timeout = '800ms'", {}}));
  const auto locked = connection.run({"LOCK TABLE uploads IN SHARE ROW EXCLUSIVE MODE", {}});
  if (locked.has_error()) return locked.error().type == "lock-timeout" ? busy : locked.error();
  DD_TRY(const auto now_there, read_uploads_of(connection, table));
  if (!same_uploads(uploads, now_there)) return busy;
  DD_TRY(transaction.commit(change_states(table, plan, keep, now)));
  return plan;
}

}  // namespace deltadrop::history::postgres
