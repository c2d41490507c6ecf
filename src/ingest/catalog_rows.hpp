#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

#include "sqlite/database.hpp"

/// Accesses the columns of rows by name instead of by number.
namespace deltadrop::ingest {

/// The columns of a SELECT.
template <std::size_t N>
struct ColumnList {
  std::array<std::string_view, N> names;

  template <class... Names>
  explicit consteval ColumnList(Names... all) : names{all...} {}

  /// Returns the column's index in a row. An unknown name does not compile.
  [[nodiscard]] consteval int at(std::string_view name) const {
    for (std::size_t i = 0; i < N; ++i) {
      if (names[i] == name) return static_cast<int>(i);
    }
    throw std::invalid_argument("no such column");
  }
  /// Returns "a, b, c".
  [[nodiscard]] std::string text() const {
    std::string list;
    for (const auto name : names) list.append(list.empty() ? "" : ", ").append(name);
    return list;
  }
};
template <class... Names>
ColumnList(Names...) -> ColumnList<sizeof...(Names)>;

struct Blob {
  std::string_view bytes;
};
struct Cell {
  /// Texts and blobs are bound by reference: they must live until the row is inserted.
  using Value = std::variant<std::monostate, std::int64_t, std::string_view, Blob>;
  std::string_view column;
  Value value;
};
/// Returns the number, or NULL if it is absent.
Cell::Value value_or_null(const std::optional<std::int64_t>& number);

/// Inserts a row with these cells into `table`. `on_conflict` is appended to the statement unchanged; a `?`
/// in it is bound to `last`.
Result<void> insert(sqlite::Database& database, std::string_view table, std::span<const Cell> cells,
                    std::string_view on_conflict = {}, const Cell::Value& last = {});

}  // namespace deltadrop::ingest
