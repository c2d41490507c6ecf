#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "history/stored_rows.hpp"
#include "sqlite/database.hpp"

namespace deltadrop::history::sqlite {

/// The current row of a statement, as history/stored_rows.hpp wants one. Times and JSON are texts here.
class Row {
 public:
  explicit Row(const deltadrop::sqlite::Statement& statement) : statement_(statement) {}
  [[nodiscard]] std::string_view text(int column) const { return statement_.text(column); }
  [[nodiscard]] std::int64_t number(int column) const { return statement_.number(column); }
  [[nodiscard]] bool is_null(int column) const { return statement_.is_null(column); }
  [[nodiscard]] std::optional<std::string> optional_text(int column) const {
    return statement_.optional_text(column);
  }
  [[nodiscard]] std::string json(int column) const { return std::string(statement_.text(column)); }
  [[nodiscard]] std::string bytes(int column) const { return std::string(statement_.text(column)); }
  [[nodiscard]] Result<Timestamp> time(int column) const { return Timestamp::parse(statement_.text(column)); }

 private:
  const deltadrop::sqlite::Statement& statement_;
};

/// All rows of a statement made with select_uploads.
Result<std::vector<UploadStatus>> read_uploads(deltadrop::sqlite::Statement& statement);

Result<std::optional<UploadStatus>> find_upload(deltadrop::sqlite::Database& database,
                                                const UploadId& upload);

}  // namespace deltadrop::history::sqlite
