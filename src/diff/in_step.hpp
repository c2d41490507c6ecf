#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "csv/file.hpp"
#include "csv/key_reader.hpp"
#include "csv/structure.hpp"
#include "diff/comparison.hpp"
#include "diff/diff.hpp"
#include "diff/loose_rows.hpp"
#include "diff/row_reader.hpp"

namespace deltadrop::diff {

/// The current position and row in one of two versions. Checks the rows that it reads, but only counts their
/// findings.
class Side {
 public:
  Side(const csv::File& file, csv::CheckScope scope, const Stop& stop);

  /// Reads the next row and its key. Returns false at the end, or if the row cannot be used; is_wrong() is
  /// then true.
  bool next() { return rows_.next() && rows_.accept(); }
  [[nodiscard]] const csv::Row& row() const { return rows_.row(); }
  /// Valid until the next `next`.
  [[nodiscard]] std::string_view key() const { return rows_.key(); }
  [[nodiscard]] bool is_wrong() const { return findings_.findings().total > 0; }
  [[nodiscard]] std::int64_t records() const { return rows_.records(); }
  /// Call these two after all rows are read.
  [[nodiscard]] csv::Findings warnings() const { return rows_.warnings(); }
  [[nodiscard]] csv::Skipped skipped() const { return rows_.skipped(); }

  /// The text that is not read yet.
  [[nodiscard]] std::string_view rest() const { return file_.text().substr(offset()); }
  /// The offset of rest().
  [[nodiscard]] std::uint64_t offset() const { return rows_.offset(); }
  void skip(const csv::EqualStretch& stretch);
  /// Goes back to a row that was read, which becomes the next one. `records` rows come before it.
  void go_back(const csv::Row& row, std::int64_t records) { rows_.go_to(row.offset, row.line, records); }

  /// The rows without a partner in step.
  LooseRows& loose() { return loose_; }
  void loosen() { loose_.add(loose_row(row(), key())); }
  /// Reads to the end and loosens every row. Returns true if their keys increase from row to row.
  bool loosen_rest();
  [[nodiscard]] const csv::File& file() const { return file_; }
  /// Valid until the next call.
  std::string_view key_of(const LooseRow& row) { return stored_key_reader_.read(row.in(file_.text())); }

 private:
  const csv::File& file_;
  csv::FindingLog findings_;
  RowReader rows_;
  csv::KeyReader stored_key_reader_;
  LooseRows loose_;
};

/// Walks two versions side by side. Where they are equal, it splits and hashes nothing. Where rows were
/// inserted, deleted or moved, it finds the next row that both versions have, continues there, and loosens
/// the rows in between. It gives up if this costs more than it saves. Both files must have the same layout.
class InStepWalk {
 public:
  /// With `only_rows`, the text that both versions share is assumed to contain only rows.
  InStepWalk(Side& before, Side& after, std::int64_t look_ahead_rows, bool only_rows);

  /// Runs until one version ends, the walk gives up, or a row cannot be used. Appends the updates found in
  /// step to `changes`.
  void run(std::vector<Change>& changes);
  /// The equal numbers in the rows met in step.
  [[nodiscard]] const EqualNumbers& equal_numbers() const { return comparison_.equal_numbers(); }

 private:
  struct Seen {
    LooseRow loose;
    csv::Row row;
    std::int64_t records;
  };
  /// The rows of one side that were read after the versions diverged.
  struct Ahead {
    Side& side;
    std::vector<Seen> seen;
    KeyTable table;
    bool ended = false;
    bool repeats_a_key = false;
  };
  /// Call it when both sides have just read rows with different keys. Returns true if both sides are then
  /// before rows with the same key.
  bool resynchronise();
  void see(Ahead& ahead);
  /// Loosens the first `count` rows that were seen.
  static void loosen(Ahead& ahead, std::size_t count);
  /// Reads one more row. If the other side has seen its key, loosens the rows before that key, moves both
  /// sides before the rows that have it, and returns true.
  bool meets(Ahead& ahead, Ahead& other);
  /// Returns true if reading further ahead costs more than it saves.
  [[nodiscard]] bool is_far_ahead() const;

  Side& before_;
  Side& after_;
  Comparison comparison_;
  csv::FindEqualStretch find_equal_stretch_;
  char delimiter_;
  csv::NotRows not_rows_;
  std::int64_t look_ahead_rows_;
  std::int64_t rows_in_step_ = 0;
  std::int64_t rows_looked_ahead_ = 0;
  std::uint64_t bytes_looked_ahead_ = 0;
};

}  // namespace deltadrop::diff
