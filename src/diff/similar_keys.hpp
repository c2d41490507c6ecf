#pragma once

#include <vector>

#include "core/stop.hpp"
#include "csv/file.hpp"
#include "diff/diff.hpp"

namespace deltadrop::diff {

/// Returns warnings of type "similar-keys" for inserted keys that differ from a deleted key only in blanks,
/// case or Unicode normal form: the first few in the newer file's order, and their number in `total`.
/// Examines a bounded number of keys. `listed` is ChangeSet::listed.
csv::Findings similar_keys(const csv::File& before, const csv::File& after,
                           const std::vector<Change>& listed);

}  // namespace deltadrop::diff
