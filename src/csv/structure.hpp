#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace deltadrop::csv {

/// The common prefix of two texts, at a position where a record starts in both.
struct EqualStretch {
  std::uint64_t bytes = 0;      ///< the stretch is empty or ends after a line feed outside quotes
  std::uint64_t records = 0;    ///< whole records in it
  std::uint64_t line_ends = 0;  ///< line ends in it, also inside quotes; LF, CR and CRLF count one each
};

/// Describes the records that end a stretch because they may not be rows. The row scan decides.
struct NotRows {
  bool looked_for = false;         ///< if false, no record ends a stretch
  char header_first = '\n';        ///< the first byte of a header that may be repeated, or LF without one
  std::uint64_t header_start = 0;  ///< its first eight bytes in memory order
  std::uint64_t header_mask = 0;   ///< the mask of the bytes that it has
};

/// Finds the longest stretch that two texts share, at memory speed. The stretch ends early
/// - before a record that may not be a row: an empty line, a record without letters and digits, or one that
///   begins like the header;
/// - at a quote inside an unquoted field or at text after a closing quote, where parity is meaningless;
/// - after a line that ends with CR alone.
/// The caller then reads records one by one.
///
/// Quotes are paired by a carry-less multiplication with all ones (Langdale and Lemire, Parsing Gigabytes of
/// JSON per Second, 2019, section 3.1.1).
using FindEqualStretch = EqualStretch (*)(std::string_view a, std::string_view b, char delimiter,
                                          const NotRows& not_rows);

/// Counts the line ends of a text: LF, CR and CRLF count one each.
using CountLineEnds = std::uint64_t (*)(std::string_view text);

/// Returns the first LF, CR or `"` in [at, end), or `end`, and adds the number of `delimiter` bytes before it
/// to `delimiters`. The row scan spends nearly all its time here.
using FindStop = const char* (*)(const char* at, const char* end, char delimiter, std::uint64_t& delimiters);

/// A record's end and its structure.
struct RecordEnd {
  const char* at = nullptr;      ///< its line end or the text's end; null if a quote is bare or not closed
  std::uint64_t delimiters = 0;  ///< between its fields
  std::uint64_t line_ends = 0;   ///< in its quoted fields
};
/// Finds the end of the record that starts at `at`, skipping line ends in quoted fields.
using FindRecordEnd = RecordEnd (*)(const char* at, const char* end, char delimiter);

/// Writes the offsets of the delimiters between a record's fields to `at` and returns their number. Returns
/// `kNotPlain` if a quote is doubled or bare, or if there are more than `max` delimiters.
using FindDelimiters = std::size_t (*)(std::string_view record, char delimiter, std::uint32_t* at,
                                       std::size_t max);
inline constexpr std::size_t kNotPlain = ~std::size_t{0};

/// The scans for one instruction set.
struct StructuralScan {
  FindEqualStretch find_equal_stretch;
  CountLineEnds count_line_ends;
  FindStop find_stop;
  FindRecordEnd find_record_end;
  FindDelimiters find_delimiters;
};

/// Returns the fastest scans for this machine.
const StructuralScan& structural_scan();
/// Returns the scans that run on any machine. The others must have the same results.
const StructuralScan& portable_structural_scan();
/// Each returns null if this machine lacks the instructions.
const StructuralScan* avx512_structural_scan();
const StructuralScan* avx2_structural_scan();
const StructuralScan* sse2_structural_scan();
const StructuralScan* neon_structural_scan();

}  // namespace deltadrop::csv
