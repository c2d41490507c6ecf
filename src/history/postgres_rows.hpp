#pragma once

#include <optional>
#include <string>
#include <vector>

#include "history/postgres_connection.hpp"
#include "history/stored_rows.hpp"

namespace deltadrop::history::postgres {

/// What `make` makes of each row.
template <class Make>
auto all_of(const Rows& rows, const Make& make)
    -> Result<std::vector<typename decltype(make(rows[0]))::value_type>> {
  std::vector<typename decltype(make(rows[0]))::value_type> all;
  all.reserve(static_cast<std::size_t>(rows.size()));
  for (int i = 0; i < rows.size(); ++i) {
    DD_TRY(auto made, make(rows[i]));
    all.push_back(std::move(made));
  }
  return all;
}

/// All rows of a statement made with select_uploads.
Result<std::vector<UploadStatus>> uploads_of(const Rows& rows);
/// The first row of such a statement.
Result<std::optional<UploadStatus>> first_upload_of(const Rows& rows);

/// Those of the uploads that there are, in no order. `ids`: an array of uuids as text.
Statement select_uploads_by_id(const std::string& ids);
Result<std::optional<UploadStatus>> find_upload(Connection& connection, const UploadId& upload);

}  // namespace deltadrop::history::postgres
