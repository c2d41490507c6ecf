#pragma once

#include <cstddef>
#include <string_view>

#include "core/stop.hpp"
#include "csv/file.hpp"
#include "csv/row_check.hpp"
#include "diff/row_places.hpp"

namespace deltadrop::diff {

/// About how many rows a text has, from pieces all over it: a first part of short lines says nothing of what
/// follows, and memory is set aside by this.
std::size_t estimated_rows(std::string_view text);

/// What a file is by itself.
struct WholeFile {
  csv::Findings findings;  ///< of its header and its rows
  RowPlaces rows;          ///< all of them, where there are no findings
  csv::Skipped skipped;    ///< likewise
  csv::Findings warnings;  ///< likewise: of what was read, and may not be meant
};

/// Reads a file from its first row to its last, and finds everything that is wrong with it, also repeated
/// keys; with CheckScope::shape up to the first finding. Keeps up to `findings_max`. While keys come in
/// increasing order that needs no memory; else 27 bytes a row, for the time of the call.
/// Fails only when it is to stop.
Result<WholeFile> read_whole(const csv::File& file, csv::CheckScope scope, std::size_t findings_max,
                             const Stop& stop);

}  // namespace deltadrop::diff
