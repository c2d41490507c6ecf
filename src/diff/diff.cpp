#include "diff/diff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "core/assert.hpp"
#include "core/text.hpp"
#include "csv/findings.hpp"
#include "csv/key_reader.hpp"
#include "csv/row_check.hpp"
#include "csv/scan.hpp"
#include "diff/comparison.hpp"
#include "diff/row_index.hpp"

namespace deltadrop::diff {
namespace {

using RowNumber = RowIndex::RowNumber;

std::string_view bytes_of(const csv::File& file, const RowRef& row) {
  return file.text().substr(row.offset, row.length);
}

RowRef ref_of(const csv::Row& row) {
  return RowRef{row.offset, static_cast<std::uint32_t>(row.bytes.size()), row.line};
}

/// One file's rows by key; finds a repeated key.
class KeyedRows {
 public:
  explicit KeyedRows(const csv::File& file) : file_(file), stored_key_(file.header()) {}
  KeyedRows(const csv::File& file, std::string_view sized_for)
      : file_(file), index_(sized_for), stored_key_(file.header()) {}

  [[nodiscard]] std::optional<RowNumber> find(std::uint32_t tag, std::string_view key) {
    return index_.find(tag, [&](RowNumber number) { return key_at(number) == key; });
  }
  [[nodiscard]] std::string_view key_at(RowNumber number) { return stored_key_.read(bytes(number)); }
  [[nodiscard]] std::string_view bytes(RowNumber number) const { return bytes_of(file_, index_.row(number)); }
  RowIndex& index() { return index_; }

 private:
  const csv::File& file_;
  RowIndex index_;
  csv::KeyReader stored_key_;
};

Error corrupt_version(const csv::Findings& findings) {
  const csv::Finding& first = findings.first.front();
  return Error{ErrorCode::corrupt, "corrupt-version",
               fmt::format("the older version cannot be read: {}", first.message),
               "it was readable when it was accepted: restore the file from a backup; " + first.fix};
}

/// Reads the older version into `rows`. `each` is called with the bytes of each row.
template <class Each>
Result<void> read_before(const csv::File& before, KeyedRows& rows, const Each& each) {
  csv::FindingLog findings(1);
  findings.add_all(before.header_findings());
  if (!findings.findings().empty()) return corrupt_version(findings.findings());
  csv::RowCheck check(before, csv::CheckScope::shape, findings);
  csv::KeyReader key_reader(before.header());
  csv::RowScanner scanner(before.text(), before.header().delimiter);
  csv::Row row;
  scanner.next(row);
  while (findings.findings().empty() && scanner.next(row)) {
    if (!check.accept(row)) break;
    const auto key = key_reader.read(row.bytes);
    if (!check.accept_key(row, key, key_reader.last_was_empty())) break;
    const auto tag = tag_of(key);
    if (const auto first = rows.find(tag, key)) {
      check.report_repeated_key(key, rows.index().row(*first).line, row.line);
      break;
    }
    rows.index().add(tag, ref_of(row));
    each(row.bytes);
  }
  if (!findings.findings().empty()) return corrupt_version(findings.findings());
  return success();
}

/// Reads the newer version, checks it whole, and joins its rows with the older version's by key.
class Join {
 public:
  /// `old_rows` and `comparison` are null where every row is an insert: in a first version, and when
  /// rekeying.
  Join(const csv::File& after, KeyedRows* old_rows, Comparison* comparison, csv::FindingLog& findings)
      : after_(after),
        old_rows_(old_rows),
        comparison_(comparison),
        check_(after, csv::CheckScope::everything, findings),
        has_key_(!after.header().key.empty()) {
    if (!has_key_) return;
    key_reader_ = std::make_unique<csv::KeyReader>(after.header());
    inserted_ = old_rows == nullptr ? std::make_unique<KeyedRows>(after, after.text())
                                    : std::make_unique<KeyedRows>(after);
  }

  void run() {
    const std::int64_t rows_max =
        std::min(after_.limits().rows_max, static_cast<std::int64_t>(RowIndex::kRowsMax));
    csv::RowScanner scanner(after_.text(), after_.header().delimiter);
    csv::Row row;
    scanner.next(row);
    while (scanner.next(row)) {
      if (rows_ == rows_max) return check_.report_too_many_rows(row.line);
      ++rows_;
      if (check_.accept(row) && has_key_) take(row);
    }
  }

  [[nodiscard]] std::int64_t rows() const { return rows_; }
  /// Inserts and updates in the file's order, behind `deletes`.
  std::vector<Change> take_changes(std::vector<Change> deletes) {
    if (old_rows_ != nullptr) {
      if (deletes.empty()) return std::move(changes_);
      deletes.insert(deletes.end(), changes_.begin(), changes_.end());
      return deletes;
    }
    RowIndex& index = inserted_->index();
    index.drop_table();
    deletes.reserve(deletes.size() + index.size());
    for (RowNumber number = 0; number < index.size(); ++number) {
      deletes.push_back({ChangeType::insert, {}, index.row(number)});
    }
    return deletes;
  }

 private:
  void take(const csv::Row& row) {
    if (take_in_step(row)) return;
    const auto key = key_reader_->read(row.bytes);
    if (!check_.accept_key(row, key, key_reader_->last_was_empty())) return;
    const auto tag = tag_of(key);
    if (old_rows_ != nullptr) {
      if (const auto old = old_rows_->find(tag, key)) return take_matched(row, key, *old);
    }
    if (const auto first = inserted_->find(tag, key)) {
      return check_.report_repeated_key(key, inserted_->index().row(*first).line, row.line);
    }
    inserted_->index().add(tag, ref_of(row));
    if (old_rows_ != nullptr) changes_.push_back({ChangeType::insert, {}, ref_of(row)});
  }

  /// The usual case: the row stands unchanged behind the one that was matched last. Equal bytes under an
  /// equal layout have an equal key, which needs neither hash nor table.
  bool take_in_step(const csv::Row& row) {
    if (old_rows_ == nullptr || !comparison_->same_layout()) return false;
    RowIndex& index = old_rows_->index();
    if (in_step_ >= index.size() || index.is_matched(in_step_)) return false;
    if (row.bytes.size() > after_.limits().key_bytes_max || old_rows_->bytes(in_step_) != row.bytes)
      return false;
    index.mark_matched(in_step_++, row.line);
    return true;
  }

  void take_matched(const csv::Row& row, std::string_view key, RowNumber old) {
    RowIndex& index = old_rows_->index();
    const RowRef before = index.row(old);
    if (index.is_matched(old)) return check_.report_repeated_key(key, before.line, row.line);
    index.mark_matched(old, row.line);
    in_step_ = old + 1;
    const auto old_bytes = old_rows_->bytes(old);
    if (comparison_->same_layout() && old_bytes == row.bytes) return;
    if (comparison_->differ(old_bytes, row.bytes))
      changes_.push_back({ChangeType::update, before, ref_of(row)});
  }

  const csv::File& after_;
  KeyedRows* old_rows_;
  Comparison* comparison_;
  csv::RowCheck check_;
  bool has_key_;
  std::unique_ptr<csv::KeyReader> key_reader_;
  std::unique_ptr<KeyedRows> inserted_;
  std::vector<Change> changes_;
  RowNumber in_step_ = 0;
  std::int64_t rows_ = 0;
};

std::vector<Change> deletes_of(const RowIndex& old_rows) {
  std::size_t unmatched = 0;
  for (RowNumber number = 0; number < old_rows.size(); ++number)
    unmatched += old_rows.is_matched(number) ? 0 : 1;
  std::vector<Change> deletes;
  deletes.reserve(unmatched);
  for (RowNumber number = 0; number < old_rows.size(); ++number) {
    if (!old_rows.is_matched(number)) deletes.push_back({ChangeType::remove, old_rows.row(number), {}});
  }
  return deletes;
}

Counts counts_of(const std::vector<Change>& changes, std::int64_t rows_before, std::int64_t rows) {
  Counts counts;
  counts.rows_before = rows_before;
  counts.rows = rows;
  for (const Change& change : changes) {
    switch (change.type) {
      case ChangeType::insert:
        ++counts.inserted;
        break;
      case ChangeType::update:
        ++counts.updated;
        break;
      case ChangeType::remove:
        ++counts.deleted;
        break;
    }
  }
  return counts;
}

/// Each list of changes names a row once, in its file's order; with unique keys that is at most one change a
/// type and key.
void assert_consistent(const ChangeSet& set) {
  const Counts& counts = set.counts;
  DD_ASSERT(counts.rows_before - counts.deleted + counts.inserted == counts.rows);
  DD_ASSERT(counts.updated <= std::min(counts.rows_before, counts.rows));
  for (std::size_t i = 1; i < set.changes.size(); ++i) {
    const Change& last = set.changes[i - 1];
    const Change& change = set.changes[i];
    const bool deletes = change.type == ChangeType::remove;
    const bool last_deletes = last.type == ChangeType::remove;
    DD_ASSERT(!deletes || (last_deletes && last.before.offset < change.before.offset));
    DD_ASSERT(deletes || last_deletes || last.after.offset < change.after.offset);
  }
}

std::vector<std::string> key_names(const csv::Header& header) {
  std::vector<std::string> names;
  for (const auto column : header.key) names.push_back(header.columns[column]);
  return names;
}

Error key_changed(const csv::File& before, const csv::File& after) {
  return Error{
      ErrorCode::conflict, "key-changed",
      fmt::format("the key is {}, the older version's is {}", quoted_for_message(after.header().key_column()),
                  quoted_for_message(before.header().key_column())),
      "name the old key, or give rekey to delete every row under its old key and insert it under the new "
      "one"};
}

}  // namespace

Result<Outcome> diff(const csv::File* before, const csv::File& after, const Options& options) {
  csv::FindingLog findings(after.limits().findings_max);
  findings.add_all(after.header_findings());
  Outcome outcome;
  if (after.header().columns.empty()) {
    outcome.findings = findings.findings();
    return outcome;
  }
  const bool comparable = before != nullptr && !before->header().key.empty() && !after.header().key.empty();
  const bool rekeys = comparable && key_names(before->header()) != key_names(after.header());
  if (rekeys && !options.rekey) return key_changed(*before, after);

  std::unique_ptr<Comparison> comparison;
  std::unique_ptr<KeyedRows> old_rows;
  if (before != nullptr) {
    if (!before->header_findings().empty()) return corrupt_version(before->header_findings());
    comparison = std::make_unique<Comparison>(*before, after);
    outcome.changes.schema_changes = comparison->schema_changes();
    old_rows = std::make_unique<KeyedRows>(*before, before->text());
    DD_TRY(read_before(*before, *old_rows, [&](std::string_view record) {
      if (comparison->has_removed_columns())
        comparison->count_lost_values(record, outcome.changes.schema_changes);
    }));
  }
  Join join(after, rekeys ? nullptr : old_rows.get(), comparison.get(), findings);
  join.run();
  outcome.findings = findings.findings();
  if (!outcome.findings.empty()) return outcome;

  const auto rows_before = static_cast<std::int64_t>(old_rows ? old_rows->index().size() : 0);
  outcome.changes.changes =
      join.take_changes(old_rows ? deletes_of(old_rows->index()) : std::vector<Change>{});
  outcome.changes.counts = counts_of(outcome.changes.changes, rows_before, join.rows());
  assert_consistent(outcome.changes);
  return outcome;
}

}  // namespace deltadrop::diff
