#include "core/column_type.hpp"

#include <algorithm>
#include <utility>

namespace deltadrop {
namespace {

constexpr auto kNames = std::to_array<std::pair<ColumnType, std::string_view>>({
    {ColumnType::null, "null"},
    {ColumnType::boolean, "boolean"},
    {ColumnType::int64, "int64"},
    {ColumnType::decimal2, "decimal(2)"},
    {ColumnType::decimal4, "decimal(4)"},
    {ColumnType::decimal6, "decimal(6)"},
    {ColumnType::decimal9, "decimal(9)"},
    {ColumnType::decimal12, "decimal(12)"},
    {ColumnType::decimal18, "decimal(18)"},
    {ColumnType::date, "date"},
    {ColumnType::timestamp, "timestamp"},
    {ColumnType::string, "string"},
});

bool is_number(ColumnType type) { return type >= ColumnType::int64 && type <= ColumnType::decimal18; }

}  // namespace

std::string_view to_string(ColumnType type) { return kNames[static_cast<std::size_t>(type)].second; }

std::optional<ColumnType> parse_column_type(std::string_view name) {
  const auto found =
      std::find_if(kNames.begin(), kNames.end(), [&](const auto& each) { return each.second == name; });
  if (found == kNames.end()) return std::nullopt;
  return found->first;
}

std::optional<int> scale_of(ColumnType type) {
  switch (type) {
    case ColumnType::decimal2:
      return 2;
    case ColumnType::decimal4:
      return 4;
    case ColumnType::decimal6:
      return 6;
    case ColumnType::decimal9:
      return 9;
    case ColumnType::decimal12:
      return 12;
    case ColumnType::decimal18:
      return 18;
    default:
      return std::nullopt;
  }
}

ColumnType joined(ColumnType a, ColumnType b) {
  if (a == b || b == ColumnType::null) return a;
  if (a == ColumnType::null) return b;
  if (is_number(a) && is_number(b)) return std::max(a, b);
  return ColumnType::string;
}

}  // namespace deltadrop
