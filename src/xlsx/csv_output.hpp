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

/// Collects records until the number of fields of the widest is known, then gives them to a sink with as many
/// fields each. Keeps 8 MiB in memory and the rest in an unnamed file.
class CsvOutput {
 public:
  /// `limits` must outlive this.
  CsvOutput(std::filesystem::path scratch, const Limits& limits)
      : scratch_(std::move(scratch)), limits_(limits) {}

  /// `record` has `fields` fields and no line end. `row` counts from 1 and grows from call to call; the rows
  /// between become empty lines.
  Result<void> add(std::uint32_t row, std::string_view record, std::uint32_t fields);
  /// Returns the number of bytes.
  Result<std::uint64_t> give(const CsvSink& sink, const Stop& stop);

  [[nodiscard]] std::uint32_t rows() const { return last_row_; }
  [[nodiscard]] std::uint32_t columns() const { return segments_.empty() ? 0 : segments_.back().fields; }

 private:
  /// Records from `begin` on have `fields` fields.
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
  std::uint64_t written_ = 0;  ///< all bytes, in memory_ and the file
  std::uint32_t last_row_ = 0;
  std::vector<Segment> segments_;  ///< one more each time the records get wider

  // While giving.
  std::size_t segment_ = 0;
  std::uint64_t given_ = 0;  ///< bytes of the collected text
  std::uint64_t sent_ = 0;   ///< bytes that the sink received
  std::string padded_;
  bool in_quotes_ = false;
  bool at_line_start_ = true;
};

}  // namespace deltadrop::xlsx
