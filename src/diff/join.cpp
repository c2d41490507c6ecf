#include "diff/join.hpp"

#include <algorithm>

namespace deltadrop::diff {
namespace {

/// How far ahead of the row at hand the table's and the older row's lines are asked for. Each is a cache miss
/// where the rows are shuffled.
constexpr std::size_t kSlotsAhead = 32;
constexpr std::size_t kRowsAhead = 16;

}  // namespace

JoinReport join(Side& before, Side& after, Comparison& comparison) {
  auto& old_rows = before.loose();
  auto& new_rows = after.loose();
  KeyTable table(old_rows.size());
  for (std::size_t i = 0; i < old_rows.size(); ++i) {
    if (i + kSlotsAhead < old_rows.size()) table.prefetch(old_rows[i + kSlotsAhead].tag);
    table.add(old_rows[i].tag, static_cast<KeyTable::Number>(i));
  }
  JoinReport report;
  for (std::size_t i = 0; i < new_rows.size(); ++i) {
    if (i + kSlotsAhead < new_rows.size()) table.prefetch(new_rows[i + kSlotsAhead].tag);
    if (i + kRowsAhead < new_rows.size()) {
      if (const auto likely = table.first_candidate(new_rows[i + kRowsAhead].tag)) {
        __builtin_prefetch(&old_rows[*likely]);
      }
    }
    const LooseRow& row = new_rows[i];
    const bool bytes_decide = comparison.same_layout();
    const auto found = table.find(row.tag, [&](KeyTable::Number number) {
      const LooseRow& old = old_rows[number];
      return (bytes_decide && old.same_bytes(row)) || before.key_of(old) == after.key_of(row);
    });
    if (!found) {
      report.changes.push_back({ChangeType::insert, {}, row.ref()});
      continue;
    }
    LooseRow& old = old_rows[*found];
    if (old.matched != 0) {
      report.repeated_key = true;
      return report;
    }
    old.matched = 1;
    if (bytes_decide && old.same_bytes(row)) continue;
    if (comparison.differ(before.bytes(old), after.bytes(row))) {
      report.changes.push_back({ChangeType::update, old.ref(), row.ref()});
    }
  }
  return report;
}

bool repeats_a_key(const csv::File& after, const std::vector<Change>& changes) {
  std::vector<RowRef> inserted;
  for (const Change& change : changes) {
    if (change.type == ChangeType::insert) inserted.push_back(change.after);
  }
  if (inserted.empty()) return false;
  csv::KeyReader key_reader(after.header());
  csv::KeyReader inserted_key_reader(after.header());
  const auto inserted_key = [&](KeyTable::Number number) {
    return inserted_key_reader.read(after.text().substr(inserted[number].offset, inserted[number].length));
  };
  KeyTable table(inserted.size());
  for (std::size_t i = 0; i < inserted.size(); ++i) {
    const auto number = static_cast<KeyTable::Number>(i);
    table.add(tag_of(inserted_key(number)), number);
  }
  csv::RowScanner scanner(after.text(), after.header().delimiter);
  csv::Row row;
  scanner.next(row);
  while (scanner.next(row)) {
    const auto key = key_reader.read(row.bytes);
    const auto found = table.find(tag_of(key), [&](KeyTable::Number number) {
      return inserted[number].offset != row.offset && inserted_key(number) == key;
    });
    if (found) return true;
  }
  return false;
}

}  // namespace deltadrop::diff
