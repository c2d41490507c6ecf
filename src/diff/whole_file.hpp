#pragma once

#include <cstddef>
#include <string_view>

#include "core/stop.hpp"
#include "csv/file.hpp"
#include "csv/row_check.hpp"
#include "diff/row_places.hpp"

namespace deltadrop::diff {

/// Estimates the number of rows in a text, for reserving memory. Samples pieces of the whole text, because
/// the lines at its start may be shorter than the others.
std::size_t estimated_rows(std::string_view text);

/// The result of reading one file.
struct WholeFile {
  csv::Findings findings;  ///< errors in its header and its rows
  RowPlaces rows;          ///< all rows, if there are no findings
  csv::Skipped skipped;    ///< valid if there are no findings
  csv::Findings warnings;  ///< valid if there are no findings
};

/// Reads a whole file and finds all errors, including repeated keys. With CheckScope::shape, reads only up to
/// the first finding. Keeps up to `findings_max` findings. Needs no memory while keys increase; otherwise
/// needs 27 bytes per row during the call. Fails only if `stop` is requested.
Result<WholeFile> read_whole(const csv::File& file, csv::CheckScope scope, std::size_t findings_max,
                             const Stop& stop);

}  // namespace deltadrop::diff
