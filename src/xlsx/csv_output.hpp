#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/stop.hpp"
#include "io/file.hpp"
#include "xlsx/workbook.hpp"

namespace deltadrop::xlsx {

/// Collects records until the number of fields of the widest record is known, then pads all records to that
/// number and gives them to a sink. Keeps 8 MiB in memory and the rest in an unnamed file.
class CsvOutput {
 public:
  /// `limits` must outlive this.
  CsvOutput(std::filesystem::path scratch, const Limits& limits)
      : scratch_(std::move(scratch)), limits_(limits) {}

  /// Adds a record with `fields` fields and no line end. `row` counts from 1 and must increase from call to
  /// call; the rows between two calls become empty lines.
  Result<void> add(std::uint32_t row, std::string_view record, std::uint32_t fields);
  /// Writes all records to `sink`. Returns the number of bytes.
  Result<std::uint64_t> give(const CsvSink& sink, const Stop& stop);

  [[nodiscard]] std::uint32_t rows() const { return last_row_; }
  [[nodiscard]] std::uint32_t columns() const { return segments_.empty() ? 0 : segments_.back().fields; }

 private:
  /// From offset `begin` on, records have `fields` fields.
  struct Segment {
    std::uint64_t begin = 0;
    std::uint32_t fields = 0;
  };

  Result<void> flush();
  Result<void> check_size(std::uint64_t bytes) const;
  Result<void> give_block(std::string_view block, const CsvSink& sink);
  Result<void> pad(std::string_view block, std::uint32_t missing, const CsvSink& sink);
  Result<void> send(const CsvSink& sink);

  std::filesystem::path scratch_;
  const Limits& limits_;
  std::string memory_;
  std::optional<io::File> file_;
  std::uint64_t written_ = 0;  ///< the number of bytes in memory_ and the file
  std::uint32_t last_row_ = 0;
  std::vector<Segment> segments_;  ///< a new one starts when the records get wider

  // Used by give().
  std::size_t segment_ = 0;
  std::uint64_t given_ = 0;  ///< bytes of the collected text
  std::uint64_t sent_ = 0;   ///< bytes that the sink received
  std::string padded_;
  bool in_quotes_ = false;
  bool at_line_start_ = true;
};

}  // namespace deltadrop::xlsx
