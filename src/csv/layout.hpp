#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "csv/file.hpp"
#include "csv/findings.hpp"
#include "csv/row_filter.hpp"

namespace deltadrop::csv {

/// Where the parts of a file's text are.
struct Layout {
  Header header;
  Dialect dialect;
  std::uint64_t header_offset = 0;  ///< or of the first row, where there is no header
  Line header_line{1};
  std::uint64_t rows_offset = 0;  ///< behind the header
  Line rows_line{1};
  std::uint64_t end = 0;  ///< of the rows: a footer begins, or the text ends
  std::int64_t footer_lines = 0;
  std::optional<RowFilter> filter;  ///< none under rules 1
  Findings warnings;
  bool lines_end_with_return = false;
};

/// Finds the parts of `text`, which has `encoding`, and logs what is wrong up to the first row. Where the
/// header is too broken to read rows by, it has no columns.
Layout read_layout(std::string_view text, const ReadOptions& options, const Remembered& remembered,
                   const Limits& limits, Encoding encoding, FindingLog& findings);

}  // namespace deltadrop::csv
