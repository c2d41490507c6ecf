#pragma once

#include <string_view>

#include "csv/file.hpp"
#include "csv/findings.hpp"

namespace deltadrop::csv {

/// The delimiter under which the header line has the most columns and no fault: the first of , ; tab | where
/// several do as well.
char sniff_delimiter(std::string_view text);

/// Fails with invalid_input where the options contradict themselves, whatever the file holds.
Result<void> check_options(const ReadOptions& options);

/// Reads the first record of `text` as the header. Where it is too broken to read rows by, `columns` is
/// empty; where the key's columns are not all there, `key` is.
Header read_header(std::string_view text, const ReadOptions& options, const Limits& limits, Encoding encoding,
                   FindingLog& findings);

}  // namespace deltadrop::csv
