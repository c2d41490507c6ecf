#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace deltadrop::csv {

/// What two texts have in common from a place on where a record starts in both.
struct EqualStretch {
  std::uint64_t bytes = 0;      ///< the stretch ends behind a line feed outside quotes, or is empty
  std::uint64_t records = 0;    ///< whole ones inside it
  std::uint64_t line_ends = 0;  ///< inside it, also in quotes: LF, CR and CRLF count one each
};

/// Which records a stretch ends at, since they may not be rows: the row scan decides.
struct NotRows {
  bool looked_for = false;         ///< else none
  char header_first = '\n';        ///< the first byte of a header that may be repeated; LF: there is none
  std::uint64_t header_start = 0;  ///< its first eight bytes, as they are in memory
  std::uint64_t header_mask = 0;   ///< which of them it has
};

/// Finds the longest stretch that two texts share, at the speed of memory. It ends early before a record that
/// may not be a row (an empty line, one without letters and digits, or one that begins as the header does),
/// where a quote stands
/// inside an unquoted field or text behind a closing one, since parity says nothing there, and behind a
/// line that ends with CR alone: records are then read one by one.
///
/// Quotes are paired by a carry-less multiplication with all ones (Langdale and Lemire, Parsing Gigabytes of
/// JSON per Second, 2019, section 3.1.1).
using FindEqualStretch = EqualStretch (*)(std::string_view a, std::string_view b, char delimiter,
                                          const NotRows& not_rows);

/// Counts the line ends of a text: LF, CR and CRLF count one each.
using CountLineEnds = std::uint64_t (*)(std::string_view text);

/// Finds the first LF, CR or `"` in [at, end), or `end`, and adds the number of `delimiter` bytes before it
/// to `delimiters`. All of the row scan's time is spent here.
using FindStop = const char* (*)(const char* at, const char* end, char delimiter, std::uint64_t& delimiters);

/// A record's end and what it holds.
struct RecordEnd {
  const char* at =
      nullptr;  ///< its line end, or the text's end; null where a quote says nothing, or is not closed
  std::uint64_t delimiters = 0;  ///< between its fields
  std::uint64_t line_ends = 0;   ///< in its quoted fields
};
/// Finds the end of the record that starts at `at`, past quoted fields.
using FindRecordEnd = RecordEnd (*)(const char* at, const char* end, char delimiter);

/// Writes the offsets of the delimiters between a record's fields to `at`, at most `max` of them, and returns
/// how many there are. `kNotPlain` where a quote is doubled or stands where it says nothing, or where there
/// are more.
using FindDelimiters = std::size_t (*)(std::string_view record, char delimiter, std::uint32_t* at,
                                       std::size_t max);
inline constexpr std::size_t kNotPlain = ~std::size_t{0};

/// The scans that are made for one kind of machine.
struct StructuralScan {
  FindEqualStretch find_equal_stretch;
  CountLineEnds count_line_ends;
  FindStop find_stop;
  FindRecordEnd find_record_end;
  FindDelimiters find_delimiters;
};

/// The fastest one for this machine.
const StructuralScan& structural_scan();
/// For any machine; the others must agree with it.
const StructuralScan& portable_structural_scan();
/// Each null where this machine has not what it needs.
const StructuralScan* avx512_structural_scan();
const StructuralScan* avx2_structural_scan();
const StructuralScan* sse2_structural_scan();
const StructuralScan* neon_structural_scan();

}  // namespace deltadrop::csv
