#include "diff/comparison.hpp"

#include <algorithm>
#include <map>

namespace deltadrop::diff {
namespace {

/// Returns true if text that both files share has the same rows in both.
bool have_same_filter(const csv::File& before, const csv::File& after) {
  const csv::RowFilter* old_filter = before.row_filter();
  const csv::RowFilter* new_filter = after.row_filter();
  if (old_filter == nullptr || new_filter == nullptr) return old_filter == new_filter;
  return old_filter->header() == new_filter->header();
}

bool have_same_layout(const csv::File& before, const csv::File& after) {
  const csv::Header& old_header = before.header();
  const csv::Header& new_header = after.header();
  return old_header.columns == new_header.columns && old_header.tracked == new_header.tracked &&
         old_header.key == new_header.key && old_header.key_rules == new_header.key_rules &&
         old_header.delimiter == new_header.delimiter && before.options().empty == after.options().empty &&
         before.options().rules == after.options().rules && have_same_filter(before, after);
}

/// Returns the tracked columns by name. It is a tree, because chosen names could collide in a hash table.
std::map<std::string_view, std::size_t> tracked_by_name(const csv::Header& header) {
  std::map<std::string_view, std::size_t> by_name;
  for (const auto column : header.tracked) by_name.emplace(header.columns[column], column);
  return by_name;
}

}  // namespace

Comparison::Comparison(const csv::File& before, const csv::File& after)
    : same_layout_(have_same_layout(before, after)),
      empty_before_(before.options().empty),
      empty_after_(after.options().empty),
      split_before_(before.header().delimiter, before.header().columns.size(), before.options().empty),
      split_after_(after.header().delimiter, after.header().columns.size(), after.options().empty) {
  const auto old_columns = tracked_by_name(before.header());
  const auto new_columns = tracked_by_name(after.header());
  for (const auto column : after.header().tracked) {
    const std::string_view name = after.header().columns[column];
    const auto old = old_columns.find(name);
    Pair& pair = pairs_.emplace_back();
    pair.name = name;
    if (old != old_columns.end()) pair.before = old->second;
    pair.after = column;
  }
  for (const auto column : before.header().tracked) {
    const std::string_view name = before.header().columns[column];
    if (new_columns.contains(name)) continue;
    Pair& pair = pairs_.emplace_back();
    pair.name = name;
    pair.before = column;
    ++removed_;
  }
  if (after.options().compare) compare_as_numbers(before, after);
}

void Comparison::compare_as_numbers(const csv::File& before, const csv::File& after) {
  const auto& compare = *after.options().compare;
  compares_numbers_ = true;
  tolerance_ = compare.tolerance;
  for (Pair& pair : pairs_) {
    if (!pair.before || !pair.after || !compare.includes(pair.name)) continue;
    pair.numbers = static_cast<std::uint32_t>(number_types_.size());
    NumberTypes& types = number_types_.emplace_back();
    const auto& old_types = before.options().types;
    const auto& new_types = after.options().types;
    const auto declared = new_types.find(pair.name);
    if (declared != new_types.end()) types.before = types.after = declared->second;
    // If the older version declares no type for the column, use the newer version's.
    if (const auto old = old_types.find(pair.name); old != old_types.end()) types.before = old->second;
  }
}

bool Comparison::numbers_differ(const NumberTypes& types, std::string_view old_value,
                                std::string_view new_value) {
  const auto old_number = types.before.number(old_value);
  const auto new_number = types.after.number(new_value);
  if (!old_number || !new_number) return true;
  if (*old_number == *new_number) {
    ++equal_numbers_.written_differently;
    return false;
  }
  if (tolerance_.is_zero() || (*old_number - *new_number).magnitude() > tolerance_) return true;
  ++equal_numbers_.within_tolerance;
  return false;
}

Comparison::Value Comparison::value_of(const std::vector<std::string_view>& values,
                                       std::optional<std::size_t> column, csv::EmptyPolicy empty) {
  if (!column || csv::is_null(values[*column], empty)) return std::nullopt;
  return values[*column];
}

bool Comparison::differ_in(const Pair& pair, const std::vector<std::string_view>& old_values,
                           const std::vector<std::string_view>& new_values) {
  const auto old_value = value_of(old_values, pair.before, empty_before_);
  const auto new_value = value_of(new_values, pair.after, empty_after_);
  if (old_value == new_value) return false;
  if (!pair.numbers || !old_value || !new_value) return true;
  return numbers_differ(number_types_[*pair.numbers], *old_value, *new_value);
}

bool Comparison::differ(std::string_view old_record, std::string_view new_record) {
  const auto& old_values = split_before_.split(old_record);
  const auto& new_values = split_after_.split(new_record);
  if (!compares_numbers_) {
    return std::any_of(pairs_.begin(), pairs_.end(),
                       [&](const Pair& pair) { return differ_in(pair, old_values, new_values); });
  }
  // Compare all pairs, because equal numbers are counted.
  bool any = false;
  for (const Pair& pair : pairs_) any = differ_in(pair, old_values, new_values) || any;
  return any;
}

void Comparison::changed_columns(std::string_view old_record, std::string_view new_record,
                                 std::vector<std::string_view>& names) {
  names.clear();
  const auto& old_values = split_before_.split(old_record);
  const auto& new_values = split_after_.split(new_record);
  for (const Pair& pair : pairs_) {
    if (differ_in(pair, old_values, new_values)) names.push_back(pair.name);
  }
}

std::vector<SchemaChange> Comparison::schema_changes() const {
  std::vector<SchemaChange> changes;
  for (const Pair& pair : pairs_) {
    if (!pair.before || !pair.after) changes.push_back({std::string(pair.name), !pair.before, 0});
  }
  return changes;
}

void Comparison::count_lost_values(std::string_view old_record, std::vector<SchemaChange>& changes) {
  const auto& values = split_before_.split(old_record);
  const auto first_removed = changes.size() - removed_;
  for (std::size_t i = 0; i < removed_; ++i) {
    const Pair& pair = pairs_[pairs_.size() - removed_ + i];
    if (value_of(values, pair.before, empty_before_)) ++changes[first_removed + i].values_lost;
  }
}

}  // namespace deltadrop::diff
