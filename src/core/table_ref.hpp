#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace deltadrop {

/// The table of an upload. Both parts match [A-Za-z0-9][A-Za-z0-9._-]{0,127}; `TableRef::make` checks them.
struct TableRef {
  std::string company_id;
  std::string table_name;

  auto operator<=>(const TableRef&) const = default;
  /// "company_id/table_name"
  [[nodiscard]] std::string to_string() const { return company_id + "/" + table_name; }
  /// Both parts in lower case. Two tables with the same folded form cannot both exist.
  [[nodiscard]] TableRef folded() const;

  /// Fails with invalid_input, type "bad-name".
  static Result<TableRef> make(std::string_view company_id, std::string_view table_name);
};

inline constexpr std::string_view kDefaultTableName = "financials";

/// The stem of a client's file name ("so financials.csv.gz" -> "so_financials"): removes one of `.csv`,
/// `.csv.gz`, `.csv.zst` (any case) and replaces spaces with `_`. The result is unchecked. A name with
/// directories keeps them, and `TableRef::make` rejects it: which part of the path is the company would be a
/// guess.
std::string company_of_file_name(std::string_view file_name);

/// Converts A-Z only; other bytes stay the same.
std::string ascii_lower(std::string_view text);

}  // namespace deltadrop

template <>
struct std::hash<deltadrop::TableRef> {
  std::size_t operator()(const deltadrop::TableRef& t) const noexcept {
    return std::hash<std::string>{}(t.company_id) * 31 + std::hash<std::string>{}(t.table_name);
  }
};
