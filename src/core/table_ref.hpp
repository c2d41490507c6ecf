#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace deltadrop {

/// Where an upload belongs. Both parts match [A-Za-z0-9][A-Za-z0-9._-]{0,127}; make one with
/// `TableRef::make`.
struct TableRef {
  std::string company_id;
  std::string table_name;

  auto operator<=>(const TableRef&) const = default;
  /// "company_id/table_name"
  [[nodiscard]] std::string to_string() const { return company_id + "/" + table_name; }
  /// Both parts in lower case: two tables of one folded form cannot both exist.
  [[nodiscard]] TableRef folded() const;

  /// Fails with invalid_input, type "bad-name".
  static Result<TableRef> make(std::string_view company_id, std::string_view table_name);
};

inline constexpr std::string_view kDefaultTableName = "financials";

/// The stem of a client's file name ("so financials.csv.gz" -> "so_financials"): one of `.csv`, `.csv.gz`,
/// `.csv.zst` (any case) cut, spaces -> `_`. Not checked: of a name with folders, `TableRef::make` refuses
/// the result, since which part of a path is the company would be a guess.
std::string company_of_file_name(std::string_view file_name);

/// ASCII only; other bytes stay.
std::string ascii_lower(std::string_view text);

}  // namespace deltadrop

template <>
struct std::hash<deltadrop::TableRef> {
  std::size_t operator()(const deltadrop::TableRef& t) const noexcept {
    return std::hash<std::string>{}(t.company_id) * 31 + std::hash<std::string>{}(t.table_name);
  }
};
