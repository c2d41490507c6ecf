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

/// Where one of two versions stands, and what is read of it there. Rows that are read are checked; what is
/// wrong with them is only counted.
class Side {
 public:
  Side(const csv::File& file, csv::CheckScope scope, const Stop& stop);

  /// Reads the next row and its key; false at the end, or where the row cannot be used: then `is_wrong`.
  bool next() { return rows_.next() && rows_.accept(); }
  [[nodiscard]] const csv::Row& row() const { return rows_.row(); }
  /// Valid until the next `next`.
  [[nodiscard]] std::string_view key() const { return rows_.key(); }
  [[nodiscard]] bool is_wrong() const { return findings_.findings().total > 0; }
  [[nodiscard]] std::int64_t records() const { return rows_.records(); }
  /// Once all is read.
  [[nodiscard]] csv::Findings warnings() const { return rows_.warnings(); }
  [[nodiscard]] csv::Skipped skipped() const { return rows_.skipped(); }

  /// The text that is not read yet.
  [[nodiscard]] std::string_view rest() const { return file_.text().substr(offset()); }
  /// Where that begins.
  [[nodiscard]] std::uint64_t offset() const { return rows_.offset(); }
  void skip(const csv::EqualStretch& stretch);
  /// Back to a row that was read: it is the next. `records`: how many were read before it.
  void go_back(const csv::Row& row, std::int64_t records) { rows_.go_to(row.offset, row.line, records); }

  /// Rows that did not find their like in step.
  LooseRows& loose() { return loose_; }
  void loosen() { loose_.add(loose_row(row(), key())); }
  /// Reads to the end, and loosens every row. True when their keys increase from row to row.
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

/// Walks two versions side by side. Where they agree, nothing is split or hashed; where rows were inserted,
/// removed or moved, it looks for the next row that both have, and goes on there; the rows in between are
/// loosened. It gives up when that costs more than it spares. Both files must have the same layout.
class InStepWalk {
 public:
  /// `only_rows`: what both versions share is taken for rows, without looking.
  InStepWalk(Side& before, Side& after, std::int64_t look_ahead_rows, bool only_rows);

  /// Until the end of one version, until it gives up, or until a row cannot be used. Updates found in step
  /// are appended to `changes`.
  void run(std::vector<Change>& changes);
  /// Of the rows met in step.
  [[nodiscard]] const EqualNumbers& equal_numbers() const { return comparison_.equal_numbers(); }

 private:
  struct Seen {
    LooseRow loose;
    csv::Row row;
    std::int64_t records;
  };
  /// What was read of one side, ahead of where the versions part.
  struct Ahead {
    Side& side;
    std::vector<Seen> seen;
    KeyTable table;
    bool ended = false;
    bool repeats_a_key = false;
  };
  /// Both stand behind rows of different keys. True: both stand before rows of one key.
  bool resynchronise();
  void see(Ahead& ahead);
  /// Loosens the first `count` rows that were seen.
  static void loosen(Ahead& ahead, std::size_t count);
  /// Reads one more row. True where the other side has seen its key: then both stand before the rows that
  /// have it, and what came before is loosened.
  bool meets(Ahead& ahead, Ahead& other);
  /// Whether looking further ahead costs more than it spares.
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
