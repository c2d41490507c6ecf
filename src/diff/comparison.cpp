#include "diff/comparison.hpp"

#include <algorithm>
#include <map>

namespace deltadrop::diff {
namespace {

/// A stretch that both share has the same rows.
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
         old_header.key == new_header.key && old_header.delimiter == new_header.delimiter &&
         before.options().empty == after.options().empty && before.options().rules == after.options().rules &&
         have_same_filter(before, after);
}

/// A tree: nobody can choose names that collide in it.
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
    pairs_.push_back({name, old == old_columns.end() ? std::nullopt : std::optional(old->second), column});
  }
  for (const auto column : before.header().tracked) {
    const std::string_view name = before.header().columns[column];
    if (new_columns.contains(name)) continue;
    pairs_.push_back({name, column, std::nullopt});
    ++removed_;
  }
}

Comparison::Value Comparison::value_of(const std::vector<std::string_view>& values,
                                       std::optional<std::size_t> column, csv::EmptyPolicy empty) {
  if (!column || csv::is_null(values[*column], empty)) return std::nullopt;
  return values[*column];
}

bool Comparison::differ_in(const Pair& pair, const std::vector<std::string_view>& old_values,
                           const std::vector<std::string_view>& new_values) const {
  return value_of(old_values, pair.before, empty_before_) != value_of(new_values, pair.after, empty_after_);
}

bool Comparison::differ(std::string_view old_record, std::string_view new_record) {
  const auto& old_values = split_before_.split(old_record);
  const auto& new_values = split_after_.split(new_record);
  return std::any_of(pairs_.begin(), pairs_.end(),
                     [&](const Pair& pair) { return differ_in(pair, old_values, new_values); });
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
