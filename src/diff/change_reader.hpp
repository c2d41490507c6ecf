#pragma once

#include <cstddef>
#include <optional>

#include "csv/file.hpp"
#include "csv/scan.hpp"
#include "diff/diff.hpp"

namespace deltadrop::diff {

/// Iterates over the changes of a set; reads changes that are not listed from the files again. Not
/// thread-safe. The files and the set must outlive it.
class ChangeReader {
 public:
  /// `before` may be null if the set has no rows of the older file. The first call of next() goes to `first`.
  ChangeReader(const csv::File* before, const csv::File& after, const ChangeSet& changes, Seq first);

  /// Goes to the next change. Returns false after the last one, or if a row has changed in its file.
  bool next();
  [[nodiscard]] const Change& change() const { return change_; }
  /// The sequence number of the change. Call it after next() has returned true.
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
  std::optional<csv::RowScanner> scanner_;  ///< after the row last read
};

}  // namespace deltadrop::diff
