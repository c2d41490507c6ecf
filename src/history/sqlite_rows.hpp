#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "history/stored_rows.hpp"
#include "sqlite/database.hpp"

namespace deltadrop::history::sqlite {

/// The current row of a statement, with the interface that history/stored_rows.hpp describes. Times and JSON
/// are stored as text.
class Row {
 public:
  explicit Row(const deltadrop::sqlite::Statement& statement) : statement_(&statement) {}
  std::string_view text() { return statement_->text(column_++); }
  std::int64_t number() { return statement_->number(column_++); }
  std::optional<std::string> optional_text() { return statement_->optional_text(column_++); }
  std::optional<std::int64_t> optional_number() { return statement_->optional_number(column_++); }
  std::string json() { return std::string(text()); }
  std::string bytes() { return std::string(text()); }
  Result<Timestamp> time() { return Timestamp::parse(text()); }
  Result<std::optional<Timestamp>> optional_time() {
    const auto found = optional_text();
    if (!found) return std::optional<Timestamp>();
    DD_TRY(const auto parsed, Timestamp::parse(*found));
    return std::optional(parsed);
  }

 private:
  const deltadrop::sqlite::Statement* statement_;
  int column_ = 0;
};

/// Binds `values` to the statement's parameters in order, starting at the first. As with Statement::bind,
/// their bytes must live until the next step.
template <class... Values>
deltadrop::sqlite::Statement& bind_all(deltadrop::sqlite::Statement& statement, Values&&... values) {
  int parameter = 0;
  (statement.bind(++parameter, std::forward<Values>(values)), ...);
  return statement;
}

/// Calls `use` with each remaining row until `use` fails.
template <class Use>
Result<void> for_each_row(deltadrop::sqlite::Statement& statement, const Use& use) {
  while (true) {
    DD_TRY(const bool row, statement.step());
    if (!row) return success();
    DD_TRY(use(Row(statement)));
  }
}

/// The value that `make` returns for a row.
template <class Make>
using Made = typename decltype(std::declval<const Make&>()(std::declval<Row>()))::value_type;

/// Returns the results of `make` for the remaining rows, or the first failure.
template <class Make>
Result<std::vector<Made<Make>>> all_of(deltadrop::sqlite::Statement& statement, const Make& make) {
  std::vector<Made<Make>> all;
  DD_TRY(for_each_row(statement, [&](Row row) -> Result<void> {
    DD_TRY(auto made, make(row));
    all.push_back(std::move(made));
    return success();
  }));
  return all;
}

/// Returns the result of `make` for the next row, or nothing at the end.
template <class Make>
Result<std::optional<Made<Make>>> first_of(deltadrop::sqlite::Statement& statement, const Make& make) {
  DD_TRY(const bool row, statement.step());
  if (!row) return std::optional<Made<Make>>();
  DD_TRY(auto made, make(Row(statement)));
  return std::optional(std::move(made));
}

/// Reads the columns of select_uploads.
inline constexpr auto kUpload = [](Row row) { return upload_of(row); };

}  // namespace deltadrop::history::sqlite
