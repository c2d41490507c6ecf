#include "history/conflicts.hpp"
#include "history/sqlite_calls.hpp"
#include "history/sqlite_rows.hpp"

namespace deltadrop::history::sqlite {
namespace {

namespace db = deltadrop::sqlite;

/// Writes a Resolution to the tables, in the caller's transaction.
class Resolving {
 public:
  Resolving(db::Database& database, const TableRef& table, const Resolution& plan,
            const std::optional<UploadId>& keep, Timestamp now)
      : database_(database), table_(table), plan_(plan), keep_(keep), now_(now.to_string()) {}

  /// Sets uploads aside before it revives others, so two rivals never have the same position in the chain.
  Result<void> run() {
    if (plan_.undoes) {
      DD_TRY(undo_rows());
    }
    for (const auto& upload : plan_.set_aside) {
      DD_TRY(set_aside(upload));
    }
    for (const auto& upload : plan_.revived) {
      DD_TRY(revive(upload));
    }
    if (plan_.undoes) {
      DD_TRY(on_table(
          "UPDATE uploads SET in_lake_at = NULL WHERE company_id = ?1 AND table_name = ?2 AND state = "
          "'applied'"));
      DD_TRY(on_table("DELETE FROM lake_columns WHERE company_id = ?1 AND table_name = ?2"));
    }
    if (plan_.owner) return set_owner(database_, table_, plan_.owner->to_string());
    return on_table("DELETE FROM table_owners WHERE company_id = ?1 AND table_name = ?2");
  }

 private:
  Result<void> on_table(std::string_view sql) {
    DD_TRY(auto statement, database_.prepare(sql));
    statement.bind(1, table_.company_id).bind(2, table_.table_name);
    return statement.run();
  }

  /// Deletes the rows that undone uploads opened and reopens those that they closed, which end after
  /// `stays_until`.
  Result<void> undo_rows() {
    for (const auto& upload : plan_.set_aside) {
      if (upload.state != UploadState::applied) continue;
      const std::string id = upload.facts.upload_id.to_string();
      DD_TRY(auto remove,
             database_.prepare("DELETE FROM company_data WHERE company_id = ?1 AND table_name = ?2 AND "
                               "upload_id = ?3"));
      DD_TRY(remove.bind(1, table_.company_id).bind(2, table_.table_name).bind(3, id).run());
    }
    if (!plan_.stays_until) return success();
    const std::string until = plan_.stays_until->to_string();
    DD_TRY(auto reopen,
           database_.prepare("UPDATE company_data SET valid_to = NULL, is_current = 1 WHERE company_id "
                             "= ?1 AND table_name = ?2 AND valid_to > ?3"));
    return reopen.bind(1, table_.company_id).bind(2, table_.table_name).bind(3, until).run();
  }

  Result<void> set_aside(const UploadStatus& upload) {
    const std::string id = upload.facts.upload_id.to_string();
    const std::string error =
        upload.error.empty() ? set_aside_text(keep_) : upload.error + "; " + set_aside_text(keep_);
    DD_TRY(auto update,
           database_.prepare(
               "UPDATE uploads SET state = 'conflict', off_chain = 1, applied_no = NULL, applied_at = "
               "NULL, in_lake_at = NULL, set_aside_at = ?2, error = ?3 WHERE upload_id "
               "= ?1"));
    DD_TRY(update.bind(1, id).bind(2, now_).bind(3, error).run());
    return resolve_letters(id);
  }

  Result<void> revive(const UploadStatus& upload) {
    const std::string id = upload.facts.upload_id.to_string();
    DD_TRY(auto update,
           database_.prepare(
               "UPDATE uploads SET state = 'recorded', off_chain = 0, error = NULL, set_aside_at = NULL "
               "WHERE upload_id = ?1"));
    DD_TRY(update.bind(1, id).run());
    return resolve_letters(id);
  }

  Result<void> resolve_letters(const std::string& upload) {
    DD_TRY(auto update, database_.prepare("UPDATE dead_letters SET resolved_at = ?2 WHERE upload_id = ?1 AND "
                                          "resolved_at IS NULL"));
    return update.bind(1, upload).bind(2, now_).run();
  }

  db::Database& database_;
  const TableRef& table_;
  const Resolution& plan_;
  const std::optional<UploadId>& keep_;
  std::string now_;
};

}  // namespace

Result<std::optional<ArchiveId>> owner_of(db::Database& database, const TableRef& table) {
  DD_TRY(auto select,
         database.prepare("SELECT archive_id FROM table_owners WHERE company_id = ?1 AND table_name = ?2"));
  select.bind(1, table.company_id).bind(2, table.table_name);
  return first_of(select, [](Row row) { return as_stored(ArchiveId::parse(row.text())); });
}

Result<void> set_owner(db::Database& database, const TableRef& table, const std::string& archive) {
  DD_TRY(auto insert,
         database.prepare("INSERT INTO table_owners VALUES (?1, ?2, ?3) ON CONFLICT (company_id, "
                          "table_name) DO UPDATE SET archive_id = excluded.archive_id"));
  return insert.bind(1, table.company_id).bind(2, table.table_name).bind(3, archive).run();
}

Result<Ownership> read_ownership(db::Database& database, const TableRef& table) {
  Ownership found;
  DD_TRY(found.owner, owner_of(database, table));
  DD_TRY(auto select,
         database.prepare("SELECT upload_id FROM uploads WHERE company_id = ?1 AND table_name = ?2 AND "
                          "state <> 'conflict' ORDER BY version LIMIT 1"));
  select.bind(1, table.company_id).bind(2, table.table_name);
  DD_TRY(found.first_upload,
         first_of(select, [](Row row) { return as_stored(UploadId::parse(row.text())); }));
  return found;
}

Result<std::vector<KnownArchive>> read_archives(db::Database& database) {
  DD_TRY(auto select, database.prepare(std::string(kSelectTablesByArchive)));
  return archives_of([&]() -> Result<std::optional<Row>> {
    DD_TRY(const bool row, select.step());
    return row ? std::optional(Row(select)) : std::nullopt;
  });
}

Result<std::vector<UploadStatus>> read_uploads_of(db::Database& database, const TableRef& table) {
  std::vector<UploadStatus> all;
  // Two queries, because each uses its own index.
  for (const auto* part : {"u.state <> 'conflict'", "u.state = 'conflict'"}) {
    DD_TRY(auto select,
           database.prepare(select_uploads(std::string("WHERE u.company_id = ?1 AND u.table_name = ?2 "
                                                       "AND ") +
                                           part + " ORDER BY u.version, u.upload_id")));
    select.bind(1, table.company_id).bind(2, table.table_name);
    DD_TRY(auto uploads, all_of(select, kUpload));
    all.insert(all.end(), std::make_move_iterator(uploads.begin()), std::make_move_iterator(uploads.end()));
  }
  sort_by_version(all);
  return all;
}

Result<Resolution> resolve(db::Database& database, const TableRef& table, const std::optional<UploadId>& keep,
                           Timestamp now) {
  DD_TRY(auto transaction, db::Transaction::begin(database));
  DD_TRY(const auto uploads, read_uploads_of(database, table));
  DD_TRY(auto plan, plan_resolution(table, uploads, keep));
  DD_TRY(Resolving(database, table, plan, keep, now).run());
  DD_TRY(transaction.commit());
  return plan;
}

}  // namespace deltadrop::history::sqlite
