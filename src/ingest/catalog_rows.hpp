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

/// Rows whose columns are named, never numbered by hand.
namespace deltadrop::ingest {

/// The columns of a SELECT.
template <std::size_t N>
struct ColumnList {
  std::array<std::string_view, N> names;

  template <class... Names>
  explicit consteval ColumnList(Names... all) : names{all...} {}

  /// Where the column is in a row. An unknown name does not compile.
  [[nodiscard]] consteval int at(std::string_view name) const {
    for (std::size_t i = 0; i < N; ++i) {
      if (names[i] == name) return static_cast<int>(i);
    }
    throw std::invalid_argument("no such column");
  }
  /// "a, b, c"
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
/// NULL where there is none.
Cell::Value value_or_null(const std::optional<std::int64_t>& number);

/// INSERT INTO `table` with these cells. `on_conflict` follows as it is; a `?` in it is `last`.
Result<void> insert(sqlite::Database& database, std::string_view table, std::span<const Cell> cells,
                    std::string_view on_conflict = {}, const Cell::Value& last = {});

}  // namespace deltadrop::ingest
