#include "history/postgres_rows.hpp"

namespace deltadrop::history::postgres {

Result<std::vector<UploadStatus>> uploads_of(const Rows& rows) {
  return all_of(rows, [](const Row& row) { return upload_of(row); });
}

Result<std::optional<UploadStatus>> first_upload_of(const Rows& rows) {
  if (rows.empty()) return std::optional<UploadStatus>();
  DD_TRY(auto upload, upload_of(rows[0]));
  return std::optional<UploadStatus>(std::move(upload));
}

Statement select_uploads_by_id(const std::string& ids) {
  return {select_uploads("WHERE u.upload_id = ANY ($1::uuid[])"), {ids}};
}

Result<std::optional<UploadStatus>> find_upload(Connection& connection, const UploadId& upload) {
  DD_TRY(const auto rows, connection.run(select_uploads_by_id(array_of({upload.to_string()}))));
  return first_upload_of(rows);
}

}  // namespace deltadrop::history::postgres
