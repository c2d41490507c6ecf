#pragma once

#include "core/stop.hpp"
#include "csv/file.hpp"

namespace deltadrop::csv {

/// Warnings, of type "declared-type-broken", of the values that their column's declared type does not hold:
/// the first few in the file's order, and in `total` how many there are. Reads the whole file, which must
/// have no findings; where no type is declared, nothing. Fails only when it is to stop.
Result<Findings> check_declared_types(const File& file, const Stop& stop);

}  // namespace deltadrop::csv
