#pragma once

#include "core/stop.hpp"
#include "csv/file.hpp"

namespace deltadrop::csv {

/// Returns warnings of type "declared-type-broken" for values that do not fit their column's declared type:
/// the first few in the file's order, and their number in `total`. Reads the whole file, which must have no
/// findings. Reads nothing if no type is declared. Fails only if `stop` is requested.
Result<Findings> check_declared_types(const File& file, const Stop& stop);

}  // namespace deltadrop::csv
