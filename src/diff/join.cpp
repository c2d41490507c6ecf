#include "diff/join.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/exhausted.hpp"
#include "diff/changes.hpp"

namespace deltadrop::diff {
namespace {

/// Prefetch distances, in rows, for the slots of the table and for the older rows. Each access is a cache
/// miss if the rows are shuffled.
constexpr std::size_t kSlotsAhead = 32;
constexpr std::size_t kRowsAhead = 16;
constexpr std::size_t kRowsWorthAThread = 10'000;
constexpr std::size_t kRowsPerStopCheck = 8192;

/// Joins one part of the loose rows. Each thread has its own.
class PartJoin {
 public:
  PartJoin(Side& before, Side& after, std::size_t part, const Stop& stop)
      : before_(before.file()),
        after_(after.file()),
        old_rows_(before.loose().part(part)),
        new_rows_(after.loose().part(part)),
        comparison_(before_, after_),
        old_key_reader_(before_.header()),
        new_key_reader_(after_.header()),
        stop_(stop) {}

  JoinReport run() {
    const auto table = table_of_old_rows();
    if (!table) {
      report_.corrupt_before = true;
      return std::move(report_);
    }
    for (std::size_t i = 0; i < new_rows_.size(); ++i) {
      if (i % kRowsPerStopCheck == 0 && stop_.requested()) break;
      ask_for_later_rows(*table, i);
      if (!join_row(*table, new_rows_[i])) {
        report_.repeated_key = true;
        break;
      }
    }
    report_.equal_numbers = comparison_.equal_numbers();
    return std::move(report_);
  }

 private:
  /// Returns a table of the older rows by key, or nothing if two rows have the same key.
  std::optional<KeyTable> table_of_old_rows() {
    std::optional<KeyTable> table(std::in_place, old_rows_.size());
    csv::KeyReader other_key_reader(before_.header());
    for (std::size_t i = 0; i < old_rows_.size(); ++i) {
      if (i % kRowsPerStopCheck == 0 && stop_.requested()) break;
      if (i + kSlotsAhead < old_rows_.size()) table->prefetch(old_rows_[i + kSlotsAhead].tag);
      const auto earlier = table->find_or_add(
          old_rows_[i].tag, static_cast<KeyTable::Number>(i), [&](KeyTable::Number number) {
            return other_key_reader.read(old_rows_[number].in(before_.text())) ==
                   old_key_reader_.read(old_rows_[i].in(before_.text()));
          });
      if (earlier) return std::nullopt;
    }
    return table;
  }

  void ask_for_later_rows(const KeyTable& table, std::size_t i) const {
    if (i + kSlotsAhead < new_rows_.size()) table.prefetch(new_rows_[i + kSlotsAhead].tag);
    if (i + kRowsAhead < new_rows_.size()) {
      if (const auto likely = table.first_candidate(new_rows_[i + kRowsAhead].tag)) {
        __builtin_prefetch(&old_rows_[*likely]);
      }
    }
  }

  /// Joins a row of the newer version. Returns false if another row is already joined with its older row,
  /// because both then have the same key.
  bool join_row(const KeyTable& table, const LooseRow& row) {
    const bool bytes_decide = comparison_.same_layout();
    const auto found = table.find(row.tag, [&](KeyTable::Number number) {
      const LooseRow& old = old_rows_[number];
      return (bytes_decide && old.same_bytes(row)) ||
             old_key_reader_.read(old.in(before_.text())) == new_key_reader_.read(row.in(after_.text()));
    });
    if (!found) {
      report_.changes.push_back({{}, row.ref()});
      return true;
    }
    LooseRow& old = old_rows_[*found];
    if (old.matched != 0) return false;
    old.matched = 1;
    if (bytes_decide && old.same_bytes(row)) return true;
    if (comparison_.differ(old.in(before_.text()), row.in(after_.text()))) {
      report_.changes.push_back({old.ref(), row.ref()});
    }
    return true;
  }

  const csv::File& before_;
  const csv::File& after_;
  HugeVector<LooseRow>& old_rows_;
  HugeVector<LooseRow>& new_rows_;
  Comparison comparison_;
  csv::KeyReader old_key_reader_;
  csv::KeyReader new_key_reader_;
  const Stop& stop_;
  JoinReport report_;
};

}  // namespace

JoinReport join(Side& before, Side& after, const Stop& stop) {
  static_assert(LooseRows::kParts == 2, "one part is joined here, one beside");
  const bool apart = std::min(before.loose().size(), after.loose().size()) > kRowsWorthAThread;
  auto other = run_apart(apart, [&] { return PartJoin(before, after, 1, stop).run(); });
  JoinReport report = PartJoin(before, after, 0, stop).run();
  const JoinReport second = other.get();
  report.repeated_key = report.repeated_key || second.repeated_key;
  report.corrupt_before = report.corrupt_before || second.corrupt_before;
  report.equal_numbers.add(second.equal_numbers);
  merge_in(report.changes, second.changes, &Change::after);
  return report;
}

bool repeats_a_key(const csv::File& after, const std::vector<Change>& changes, const Stop& stop) {
  std::vector<RowRef> inserted;
  for (const Change& change : changes) {
    if (change.type() == ChangeType::insert) inserted.push_back(change.after);
  }
  if (inserted.empty()) return false;
  csv::KeyReader key_reader(after.header());
  csv::KeyReader inserted_key_reader(after.header());
  const auto inserted_key = [&](KeyTable::Number number) {
    return inserted_key_reader.read(inserted[number].in(after.text()));
  };
  KeyTable table(inserted.size());
  for (std::size_t i = 0; i < inserted.size(); ++i) {
    const auto key = key_reader.read(inserted[i].in(after.text()));
    const auto same_key = [&](KeyTable::Number number) { return inserted_key(number) == key; };
    if (table.find_or_add(tag_of(key), static_cast<KeyTable::Number>(i), same_key)) return true;
  }
  csv::RowScanner scanner = rows_of(after);
  csv::Row row;
  for (std::size_t i = 0; scanner.next(row); ++i) {
    if (i % kRowsPerStopCheck == 0 && stop.requested()) break;
    const auto key = key_reader.read(row.bytes);
    const auto found = table.find(tag_of(key), [&](KeyTable::Number number) {
      return inserted[number].offset() != row.offset && inserted_key(number) == key;
    });
    if (found) return true;
  }
  return false;
}

}  // namespace deltadrop::diff
