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

/// Converts workbooks that were received to CSV, a few at a time: each needs memory up to the limits of xlsx.
/// Thread-safe.
class WorkbookReader {
 public:
  struct Converted {
    std::unique_ptr<SpoolFile> csv;  ///< whole
    UploadSource source;
    std::vector<std::string> warnings;
  };

  explicit WorkbookReader(std::uint64_t csv_bytes_max) : csv_bytes_max_(csv_bytes_max) {}

  /// Whether a file that was received is to be converted.
  static bool takes(const SpoolFile& file);
  /// Writes the sheet (a name or number; none: the first visible one) to `csv`, which is empty. Fails as
  /// xlsx::convert_to_csv does.
  Result<Converted> convert(const SpoolFile& workbook, const std::optional<std::string>& sheet,
                            std::unique_ptr<SpoolFile> csv, const Stop& stop);

 private:
  static constexpr std::ptrdiff_t kAtOnce = 2;

  const std::uint64_t csv_bytes_max_;
  std::counting_semaphore<kAtOnce> free_{kAtOnce};
};

}  // namespace deltadrop::ingest
