#pragma once

#include <vector>

#include "diff/comparison.hpp"
#include "diff/diff.hpp"
#include "diff/in_step.hpp"

namespace deltadrop::diff {

struct JoinReport {
  std::vector<Change> changes;  ///< inserts and updates in the newer file's order; rows without lines
  bool repeated_key = false;    ///< in the newer version; then `changes` says nothing
  bool corrupt_before = false;  ///< a repeated key in the older version; the same
  EqualNumbers equal_numbers;   ///< of the rows that were joined
};

/// Joins the loose rows of two versions by key. Rows whose hashes are equal need no look at the files; a key
/// whose tag is found is compared byte by byte. Marks the older rows that have their like. Where there are
/// many, on two threads. Ends early when it is to stop.
JoinReport join(Side& before, Side& after, const Stop& stop);

/// Whether a row that was inserted has the key of another row of its file, which may have been met in step.
/// Ends early when it is to stop.
bool repeats_a_key(const csv::File& after, const std::vector<Change>& changes, const Stop& stop);

}  // namespace deltadrop::diff
