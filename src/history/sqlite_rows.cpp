#include "history/sqlite_rows.hpp"

namespace deltadrop::history::sqlite {

namespace db = deltadrop::sqlite;

Result<std::vector<UploadStatus>> read_uploads(db::Statement& statement) {
  std::vector<UploadStatus> uploads;
  while (true) {
    DD_TRY(const bool row, statement.step());
    if (!row) return uploads;
    DD_TRY(auto upload, upload_of(Row(statement)));
    uploads.push_back(std::move(upload));
  }
}

Result<std::optional<UploadStatus>> find_upload(db::Database& database, const UploadId& upload) {
  DD_TRY(auto select, database.prepare(select_uploads("WHERE u.upload_id = ?")));
  const std::string id = upload.to_string();
  select.bind(1, id);
  DD_TRY(const bool found, select.step());
  if (!found) return std::optional<UploadStatus>();
  DD_TRY(auto status, upload_of(Row(select)));
  return std::optional<UploadStatus>(std::move(status));
}

}  // namespace deltadrop::history::sqlite
