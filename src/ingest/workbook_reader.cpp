#include "ingest/workbook_reader.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "xlsx/workbook.hpp"

namespace deltadrop::ingest {
namespace {

/// The maximum delay before a waiting conversion notices that its caller has gone.
constexpr std::chrono::milliseconds kStopCheckedEvery{50};

}  // namespace

bool WorkbookReader::takes(const SpoolFile& file) { return xlsx::may_be_workbook(file.first_bytes()); }

Result<WorkbookReader::Converted> WorkbookReader::convert(const SpoolFile& workbook,
                                                          const std::optional<std::string>& sheet,
                                                          std::unique_ptr<SpoolFile> csv, const Stop& stop) {
  while (!free_.try_acquire_for(kStopCheckedEvery)) {
    DD_TRY(stop.check());
  }
  struct Release {
    std::counting_semaphore<kAtOnce>& semaphore;
    ~Release() { semaphore.release(); }
  };
  const Release release{free_};
  xlsx::Options options;
  options.sheet = sheet.value_or("");
  options.limits.csv_bytes_max = csv_bytes_max_;
  options.scratch = workbook.path().parent_path();
  const auto write = [&csv](std::string_view text) { return csv->write(std::as_bytes(std::span(text))); };
  DD_TRY(auto conversion, xlsx::convert_to_csv(workbook.path(), options, write, stop));
  DD_TRY(csv->finish());
  Converted converted{std::move(csv), {workbook.sha256(), workbook.bytes(), std::move(conversion.sheet)}, {}};
  for (auto& warning : conversion.warnings) converted.warnings.push_back(std::move(warning.message));
  return converted;
}

}  // namespace deltadrop::ingest
