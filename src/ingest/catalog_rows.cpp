#include "ingest/catalog_rows.hpp"

#include <fmt/format.h>

#include <type_traits>

namespace deltadrop::ingest {
namespace {

void bind(sqlite::Statement& statement, int parameter, const Cell::Value& value) {
  std::visit(
      [&](const auto& known) {
        using Known = std::decay_t<decltype(known)>;
        if constexpr (std::is_same_v<Known, std::monostate>) {
          statement.bind_null(parameter);
        } else if constexpr (std::is_same_v<Known, Blob>) {
          statement.bind_blob(parameter, known.bytes);
        } else {
          statement.bind(parameter, known);
        }
      },
      value);
}

}  // namespace

Cell::Value value_or_null(const std::optional<std::int64_t>& number) {
  return number ? Cell::Value(*number) : Cell::Value();
}

Result<void> insert(sqlite::Database& database, std::string_view table, std::span<const Cell> cells,
                    std::string_view on_conflict, const Cell::Value& last) {
  std::string columns;
  std::string parameters;
  int number = 0;
  for (const auto& cell : cells) {
    const std::string_view comma = number == 0 ? "" : ", ";
    columns.append(comma).append(cell.column);
    parameters += fmt::format("{}?{}", comma, ++number);
  }
  DD_TRY(auto statement, database.prepare(fmt::format("INSERT INTO {} ({}) VALUES ({}) {}", table, columns,
                                                      parameters, on_conflict)));
  int parameter = 0;
  for (const auto& cell : cells) bind(statement, ++parameter, cell.value);
  if (on_conflict.find('?') != std::string_view::npos) bind(statement, ++parameter, last);
  return statement.run();
}

}  // namespace deltadrop::ingest
