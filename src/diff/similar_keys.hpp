#pragma once

#include <vector>

#include "core/stop.hpp"
#include "csv/file.hpp"
#include "diff/diff.hpp"

namespace deltadrop::diff {

/// Warnings, of type "similar-keys", of inserted keys that differ from a deleted one only in blanks, case or
/// Unicode's normal form: the first few in the newer file's order, and in `total` how many there are. Looks
/// at a bounded number of keys. `listed` as in a ChangeSet.
csv::Findings similar_keys(const csv::File& before, const csv::File& after,
                           const std::vector<Change>& listed);

}  // namespace deltadrop::diff
