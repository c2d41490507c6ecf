#include "diff/diff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/assert.hpp"
#include "core/exhausted.hpp"
#include "core/text.hpp"
#include "csv/findings.hpp"
#include "csv/scan.hpp"
#include "csv/type_check.hpp"
#include "diff/before_check.hpp"
#include "diff/changes.hpp"
#include "diff/comparison.hpp"
#include "diff/in_step.hpp"
#include "diff/join.hpp"
#include "diff/row_reader.hpp"
#include "diff/similar_keys.hpp"
#include "diff/whole_file.hpp"

namespace deltadrop::diff {
namespace {

Counts counts_of(const std::vector<Change>& changes, std::int64_t rows_before, std::int64_t rows) {
  Counts counts;
  counts.rows_before = rows_before;
  counts.rows = rows;
  for (const Change& change : changes) {
    switch (change.type()) {
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

/// Asserts that each list of changes names a row once, in its file's order. Because keys are unique, there is
/// at most one change for each type and key.
void assert_consistent(const ChangeSet& set) {
  const Counts& counts = set.counts;
  DD_ASSERT(counts.rows_before - counts.deleted + counts.inserted == counts.rows);
  DD_ASSERT(counts.updated <= std::min(counts.rows_before, counts.rows));
  const std::size_t read_again = set.deleted.size() + set.inserted.size();
  DD_ASSERT(set.listed.empty() || read_again == 0);
  DD_ASSERT(set.listed.size() + read_again == static_cast<std::size_t>(counts.changes()));
  for (std::size_t i = 1; i < set.listed.size(); ++i) {
    const Change& last = set.listed[i - 1];
    const Change& change = set.listed[i];
    const bool deletes = change.type() == ChangeType::remove;
    const bool last_deletes = last.type() == ChangeType::remove;
    DD_ASSERT(!deletes || (last_deletes && last.before.offset() < change.before.offset()));
    DD_ASSERT(deletes || last_deletes || last.after.offset() < change.after.offset());
  }
}

std::vector<std::string> key_names(const csv::Header& header) {
  std::vector<std::string> names;
  names.reserve(header.key.size());
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

/// Compares versions without a common key: `after` is the first version, or the key changed. Every row of the
/// newer version is an insert and every row of the older version a delete.
Result<Outcome> diff_apart(const csv::File* before, const csv::File& after, const Stop& stop) {
  Outcome outcome;
  DD_TRY(auto whole, read_whole(after, csv::CheckScope::everything, after.limits().findings_max, stop));
  outcome.findings = std::move(whole.findings);
  ChangeSet& changes = outcome.changes;
  if (before != nullptr) {
    DD_TRY(auto old, read_whole(*before, csv::CheckScope::shape, 1, stop));
    if (!old.findings.empty()) return corrupt_version(old.findings);
    changes.deleted = std::move(old.rows);
  }
  if (!outcome.findings.empty()) return outcome;
  outcome.warnings = std::move(whole.warnings);
  outcome.skipped = whole.skipped;
  changes.inserted = std::move(whole.rows);
  changes.counts.deleted = changes.counts.rows_before = static_cast<std::int64_t>(changes.deleted.size());
  changes.counts.inserted = changes.counts.rows = static_cast<std::int64_t>(changes.inserted.size());
  return outcome;
}

std::vector<Change> deletes_of(LooseRows& old_rows) {
  std::vector<Change> deletes;
  for (std::size_t part = 0; part < LooseRows::kParts; ++part) {
    std::vector<Change> of_part;
    for (const LooseRow& row : old_rows.part(part)) {
      if (row.matched == 0) of_part.push_back({row.ref(), {}});
    }
    merge_in(deletes, of_part, &Change::before);
  }
  return deletes;
}

/// Loosens the rows that neither side has read yet, on two threads if both rests are large. Returns true if
/// the older version's keys increase there.
bool loosen_rest(Side& before, Side& after) {
  constexpr std::size_t kWorthAThread = std::size_t{1} << 20;
  const bool apart = std::min(before.rest().size(), after.rest().size()) > kWorthAThread;
  auto other = run_apart(apart, [&] { return before.loosen_rest(); });
  after.loosen_rest();
  return other.get();
}

/// Returns the full error for a corrupt older version.
Error corrupt_before(const csv::File& before, const Stop& stop) {
  const auto whole = read_whole(before, csv::CheckScope::shape, 1, stop);
  return whole.has_value() ? corrupt_version(whole.value().findings) : whole.error();
}

/// Compares two versions with the same key. Returns nothing if the newer version has findings. `check` checks
/// the older version; it is null if no check is needed.
Result<std::optional<Outcome>> diff_together(const csv::File& before, const csv::File& after,
                                             const Comparison& comparison, const Options& options,
                                             BeforeCheck* check) {
  const Stop& stop = options.stop;
  Side old_side(before, csv::CheckScope::shape, stop);
  Side new_side(after, csv::CheckScope::everything, stop);
  Outcome outcome;
  ChangeSet& set = outcome.changes;
  // Few files have lines that are not rows, and the check notices them. A second walk for those files costs
  // less than a search in every file.
  const bool only_rows = options.before_has_only_rows || check != nullptr;
  if (comparison.same_layout()) {
    InStepWalk walk(old_side, new_side, options.look_ahead_rows, only_rows);
    walk.run(set.listed);
    outcome.equal_numbers = walk.equal_numbers();
  }
  bool rest_increases = true;
  if (!old_side.is_wrong() && !new_side.is_wrong()) {
    if (check != nullptr) check->leave_rest(old_side.offset());
    rest_increases = loosen_rest(old_side, new_side);
  }
  DD_TRY(stop.check());
  if (old_side.is_wrong()) return corrupt_before(before, stop);
  if (check != nullptr) {
    DD_TRY(check->finish(rest_increases));
    if (comparison.same_layout() && check->found_other_than_rows()) {
      Options looking = options;
      looking.before_has_only_rows = false;
      return diff_together(before, after, comparison, looking, nullptr);
    }
  }
  if (new_side.is_wrong() || new_side.records() > after.limits().rows_max) {
    return std::optional<Outcome>();
  }
  DD_ASSERT(static_cast<std::uint64_t>(new_side.records()) <= KeyTable::kNumbersMax);

  auto joined = join(old_side, new_side, stop);
  if (joined.corrupt_before) return corrupt_before(before, stop);
  if (joined.repeated_key || repeats_a_key(after, joined.changes, stop)) return std::optional<Outcome>();
  DD_TRY(stop.check());
  auto deletes = deletes_of(old_side.loose());
  // Changes found in step have their lines already.
  add_lines(before.text(), deletes, &Change::before);
  add_lines(after.text(), joined.changes, &Change::after);
  merge_in(set.listed, joined.changes, &Change::after);
  set.listed.insert(set.listed.begin(), deletes.begin(), deletes.end());
  set.counts = counts_of(set.listed, old_side.records(), new_side.records());
  outcome.warnings = new_side.warnings();
  outcome.skipped = new_side.skipped();
  outcome.equal_numbers.add(joined.equal_numbers);
  return std::optional(std::move(outcome));
}

void count_lost_values(const csv::File& before, Comparison& comparison, std::vector<SchemaChange>& changes) {
  csv::RowScanner scanner = rows_of(before);
  csv::Row row;
  while (scanner.next(row)) comparison.count_lost_values(row.bytes, changes);
}

Result<Outcome> compare(const csv::File* before, const csv::File& after, const Options& options) {
  Outcome outcome;
  if (after.header().columns.empty()) {
    outcome.findings = after.header_findings();
    return outcome;
  }
  const bool comparable = before != nullptr && !before->header().key.empty() && !after.header().key.empty();
  const bool rekeys = comparable && key_names(before->header()) != key_names(after.header());
  if (rekeys && !options.rekey) return key_changed(*before, after);
  if (before == nullptr) {
    DD_TRY(outcome, diff_apart(nullptr, after, options.stop));
    assert_consistent(outcome.changes);
    return outcome;
  }
  if (!before->header_findings().empty()) return corrupt_version(before->header_findings());

  std::optional<BeforeCheck> check;
  if (!options.before_is_checked && !rekeys && !before->header().key.empty())
    check.emplace(*before, options.stop);
  Comparison comparison(*before, after);
  std::optional<Outcome> together;
  if (rekeys) {
    DD_TRY(outcome, diff_apart(before, after, options.stop));
  } else if (comparable && after.header_findings().empty()) {
    DD_TRY(together, diff_together(*before, after, comparison, options, check ? &*check : nullptr));
  } else if (check) {
    DD_TRY(check->finish());
  }
  if (together) {
    outcome = std::move(*together);
  } else if (!rekeys) {
    DD_TRY(auto whole,
           read_whole(after, csv::CheckScope::everything, after.limits().findings_max, options.stop));
    outcome.findings = std::move(whole.findings);
    DD_ASSERT(!outcome.findings.empty());
  }
  if (!outcome.findings.empty()) return outcome;
  outcome.changes.schema_changes = comparison.schema_changes();
  if (comparison.has_removed_columns())
    count_lost_values(*before, comparison, outcome.changes.schema_changes);
  assert_consistent(outcome.changes);
  return outcome;
}

void add(csv::Findings& warnings, const csv::Findings& more) {
  warnings.first.insert(warnings.first.end(), more.first.begin(), more.first.end());
  warnings.total += more.total;
}

/// Adds the warnings that need another pass over the rows.
Result<void> add_warnings(const csv::File* before, const csv::File& after, Outcome& outcome,
                          const Stop& stop) {
  DD_TRY(const auto broken, csv::check_declared_types(after, stop));
  add(outcome.warnings, broken);
  if (before != nullptr) add(outcome.warnings, similar_keys(*before, after, outcome.changes.listed));
  return success();
}

}  // namespace

Result<Outcome> diff(const csv::File* before, const csv::File& after, const Options& options) {
  auto outcome = compare(before, after, options);
  if (options.warns && outcome.has_value() && outcome.value().findings.empty()) {
    DD_TRY(add_warnings(before, after, outcome.value(), options.stop));
  }
  // A changed file invalidates every outcome.
  DD_TRY(check_unchanged(before, after));
  return outcome;
}

}  // namespace deltadrop::diff
