#pragma once

#include <optional>
#include <string>
#include <vector>

#include "history/postgres_connection.hpp"
#include "history/stored_rows.hpp"

namespace deltadrop::history::postgres {

/// All rows of a statement made with select_uploads.
Result<std::vector<UploadStatus>> uploads_of(const Rows& rows);
/// The first row of such a statement.
Result<std::optional<UploadStatus>> first_upload_of(const Rows& rows);

/// Those of the uploads that there are, in no order. `ids`: an array of uuids as text.
Statement select_uploads_by_id(const std::string& ids);
Result<std::optional<UploadStatus>> find_upload(Connection& connection, const UploadId& upload);

}  // namespace deltadrop::history::postgres
