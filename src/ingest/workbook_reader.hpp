#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <vector>

#include "core/stop.hpp"
#include "ingest/spool.hpp"
#include "ingest/upload.hpp"

namespace deltadrop::ingest {

/// Converts received workbooks to CSV. It converts a few at a time, since each needs memory up to the limits
/// of xlsx. Thread-safe.
class WorkbookReader {
 public:
  struct Converted {
    std::unique_ptr<SpoolFile> csv;  ///< whole
    UploadSource source;
    std::vector<std::string> warnings;
  };

  explicit WorkbookReader(std::uint64_t csv_bytes_max) : csv_bytes_max_(csv_bytes_max) {}

  /// Returns true if a received file is to be converted.
  static bool takes(const SpoolFile& file);
  /// Writes the sheet (a name or number; none: the first visible one) to `csv`, which must be empty. Fails
  /// like xlsx::convert_to_csv.
  Result<Converted> convert(const SpoolFile& workbook, const std::optional<std::string>& sheet,
                            std::unique_ptr<SpoolFile> csv, const Stop& stop);

 private:
  static constexpr std::ptrdiff_t kAtOnce = 2;

  const std::uint64_t csv_bytes_max_;
  std::counting_semaphore<kAtOnce> free_{kAtOnce};
};

}  // namespace deltadrop::ingest
