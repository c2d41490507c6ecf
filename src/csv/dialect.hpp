#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/strong.hpp"
#include "csv/options.hpp"

namespace deltadrop::csv {

/// Detects the delimiter under rules 1: the one that splits the header line into the most columns without a
/// fault. Ties go to the first of comma, semicolon, tab and pipe.
char sniff_delimiter(std::string_view text);

/// The lines from which the dialect is detected: up to 1,000 records or 1 MiB.
struct Sample {
  std::string_view text;  ///< starts at `offset`, at the beginning of a line
  std::uint64_t offset = 0;
  Line line;  ///< the number of its first line
};

/// The position of a record in a sample.
struct SamplePlace {
  std::uint64_t offset = 0;  ///< in the sample's text
  Line line;
  std::string_view bytes;
};

struct Detected {
  char delimiter = ',';
  SamplePlace header;            ///< the header with skip_lines=auto, otherwise the first record
  std::optional<Finding> doubt;  ///< the reason why no delimiter can be chosen
};

/// Detects the delimiter, unless the options give it, and the header if skip_lines=auto. `declared` is the
/// delimiter that the file declares, `remembered` that of the table's earlier files.
Detected detect_dialect(const Sample& sample, const ReadOptions& options, std::optional<char> declared,
                        std::optional<char> remembered);

/// Returns the record that looks like the header if the first record looks like a title: the first record has
/// fewer fields than the rows, or only its first fields have text.
std::optional<SamplePlace> find_header_below(const Sample& sample, char delimiter,
                                             const ReadOptions& options);

/// Does the same if the delimiter is unknown. Returns a header only if exactly one delimiter makes a table of
/// the lines that start with it.
std::optional<SamplePlace> find_header_below(const Sample& sample, const ReadOptions& options);

/// The kinds of text that occur as values of a file, but not as column names.
enum class DataKind : std::uint8_t { none, number, date, code };
/// Classifies `text`. Returns none for a year, because columns may be named after years.
DataKind data_kind(std::string_view text);

}  // namespace deltadrop::csv
