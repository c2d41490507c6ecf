#pragma once

#include <vector>

#include "diff/comparison.hpp"
#include "diff/diff.hpp"
#include "diff/in_step.hpp"

namespace deltadrop::diff {

struct JoinReport {
  std::vector<Change> changes;  ///< inserts and updates in the newer file's order; rows without lines
  bool repeated_key = false;    ///< in the newer version; `changes` is then meaningless
  bool corrupt_before = false;  ///< a repeated key in the older version; `changes` is then meaningless
  EqualNumbers equal_numbers;   ///< counts for the rows that were joined
};

/// Joins the loose rows of two versions by key and marks the older rows that have a partner. Rows with equal
/// hashes are joined without reading the files; otherwise equal tags lead to a comparison of the keys' bytes.
/// Uses two threads for many rows. Returns early if `stop` is requested.
JoinReport join(Side& before, Side& after, const Stop& stop);

/// Returns true if an inserted row has the same key as another row of its file, which may have been met in
/// step. Returns early if `stop` is requested.
bool repeats_a_key(const csv::File& after, const std::vector<Change>& changes, const Stop& stop);

}  // namespace deltadrop::diff
