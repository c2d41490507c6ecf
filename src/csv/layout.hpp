#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "csv/file.hpp"
#include "csv/findings.hpp"
#include "csv/row_filter.hpp"

namespace deltadrop::csv {

/// The positions of the parts of a file's text.
struct Layout {
  Header header;
  Dialect dialect;
  std::uint64_t header_offset = 0;  ///< of the first row if there is no header
  Line header_line{1};
  std::uint64_t rows_offset = 0;  ///< after the header
  Line rows_line{1};
  std::uint64_t end = 0;  ///< end of the rows: start of the footer or end of the text
  std::int64_t footer_lines = 0;
  std::optional<RowFilter> filter;  ///< none under rules 1
  Findings warnings;
  bool lines_end_with_return = false;
};

/// Finds the parts of `text`, which has `encoding`, and logs the errors before the first row. If the header
/// is too broken for reading rows, the result has no columns.
Layout read_layout(std::string_view text, const ReadOptions& options, const Remembered& remembered,
                   const Limits& limits, Encoding encoding, FindingLog& findings);

}  // namespace deltadrop::csv
