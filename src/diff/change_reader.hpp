#pragma once

#include <cstddef>
#include <optional>

#include "csv/file.hpp"
#include "csv/scan.hpp"
#include "diff/diff.hpp"

namespace deltadrop::diff {

/// Walks the changes of a set, listed or read again. Not thread-safe; files and set must outlive it.
class ChangeReader {
 public:
  /// `before` is null where the set has no rows of it.
  ChangeReader(const csv::File* before, const csv::File& after, const ChangeSet& changes, Seq first);

  /// Goes to the next change; false behind the last, or where a row is not what it was.
  bool next();
  [[nodiscard]] const Change& change() const { return change_; }
  /// Of the change, which must have been read.
  [[nodiscard]] Seq seq() const { return Seq(static_cast<std::int64_t>(next_)); }
  [[nodiscard]] bool is_at_end() const { return next_ >= size_; }

 private:
  bool read_row(const csv::File& file, const RowPlaces& rows, std::size_t number, RowRef& row);

  const csv::File* before_;
  const csv::File& after_;
  const ChangeSet& changes_;
  std::size_t size_;
  std::size_t next_;  ///< counted from 0
  Change change_;
  std::optional<csv::RowScanner> scanner_;  ///< behind the row last read
};

}  // namespace deltadrop::diff
