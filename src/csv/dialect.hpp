#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/strong.hpp"
#include "csv/options.hpp"

namespace deltadrop::csv {

/// Under rules 1: the delimiter under which the header line has the most columns and no fault, the first of
/// , ; tab | where several do as well.
char sniff_delimiter(std::string_view text);

/// The lines that tell how a file is to be read: up to 1,000 records or 1 MiB.
struct Sample {
  std::string_view text;  ///< from `offset` on, it begins with a line
  std::uint64_t offset = 0;
  Line line;  ///< the first one's
};

/// Where a record of a sample is.
struct SamplePlace {
  std::uint64_t offset = 0;  ///< in the sample's text
  Line line;
  std::string_view bytes;
};

struct Detected {
  char delimiter = ',';
  SamplePlace header;            ///< with skip_lines=auto: the header; else the first record
  std::optional<Finding> doubt;  ///< why no delimiter can be chosen
};

/// Finds the delimiter, unless the options give it, and with skip_lines=auto the header.
/// `declared`: by the file itself.
Detected detect_dialect(const Sample& sample, const ReadOptions& options, std::optional<char> declared,
                        std::optional<char> remembered);

/// The record that looks like the header where the first one looks like a title: it has fewer fields than
/// the rows, or only its first fields have text.
std::optional<SamplePlace> find_header_below(const Sample& sample, char delimiter,
                                             const ReadOptions& options);

/// The same for the case that nobody knows the delimiter: where just one makes a table of the lines from some
/// header on.
std::optional<SamplePlace> find_header_below(const Sample& sample, const ReadOptions& options);

/// Whether values of a file, not names, may be written so.
enum class DataKind : std::uint8_t { none, number, date, code };
/// A year is none: columns are named after years.
DataKind data_kind(std::string_view text);

}  // namespace deltadrop::csv
