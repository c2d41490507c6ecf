/// Runs the script on a DATA_DIR with fault points enabled; DELTADROP_FAULT selects the fault. Writes a line
/// for each step that succeeded. Retries a failed step once, because a fault occurs once. Alternatively, only
/// recovers the DATA_DIR or rebuilds its catalog.
///
///     ingest_fault_driver FOLDER small|large|mixed|workbooks script|recover|rebuild
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include "ingest/ingest.hpp"
#include "io/fault_point.hpp"
#include "io/file.hpp"
#include "script.hpp"
#include "support/recording_log.hpp"
#include "unit/xlsx/sample_workbook.hpp"

namespace deltadrop::testing {
namespace {

/// The bytes of a workbook with the same cells as this CSV, which quotes nothing.
std::string workbook_of(const std::string& csv) {
  std::string rows;
  std::istringstream lines(csv);
  for (std::string line; std::getline(lines, line);) {
    rows += "<row>";
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, ',');) {
      rows += "<c t=\"inlineStr\"><is><t>" + cell + "</t></is></c>";
    }
    rows += "</row>";
  }
  return io::read_whole_file(xlsx::testing::SampleWorkbook().rows(rows).write()).value();
}

Result<UploadId> submit(ingest::Ingest& engine, const Step& step, Files files) {
  ingest::UploadRequest request;
  request.fields["company_id"] = kCompany;
  request.fields["dry_run"] = step.action == Action::hold ? "true" : "false";
  DD_TRY(auto reception, engine.intake().receive());
  const std::string bytes = files == Files::workbooks ? workbook_of(step.bytes) : step.bytes;
  DD_TRY(reception->write(std::as_bytes(std::span(bytes))));
  DD_TRY(auto outcome, reception->submit(request));
  const auto* report = std::get_if<ingest::UploadReport>(&outcome);
  if (report == nullptr) return Error{ErrorCode::internal, "findings", "the script's files are sound", ""};
  return report->upload.upload_id;
}

Result<UploadId> run(ingest::Ingest& engine, const Step& step, const UploadId& held, Files files) {
  switch (step.action) {
    case Action::submit:
    case Action::hold:
      return submit(engine, step, files);
    case Action::release: {
      DD_TRY(const auto report, engine.intake().release(held));
      return report.upload.upload_id;
    }
    case Action::discard:
      DD_TRY(engine.intake().discard(held));
      return held;
  }
  return held;
}

Result<std::unique_ptr<ingest::Ingest>> open(const DriverPaths& paths, eventlog::EventLog& log,
                                             io::Clock& clock) {
  ingest::Options options;
  options.data_dir = paths.data_dir();
  options.kept_bytes_max = small_bytes_max(paths.files);
  return ingest::open(options, log, clock);
}

/// Returns whether the planned fault has occurred. It occurs once: if it occurs now, it has not occurred
/// before. A fault that kills cannot have occurred yet.
bool fault_was_reached() {
  const char* plan = std::getenv("DELTADROP_FAULT");
  if (plan == nullptr || !std::string_view(plan).starts_with("fail")) return false;
  constexpr int kPointsMax = 100'000;
  for (int i = 0; i < kPointsMax; ++i) {
    if (io::fault_point("driver.probe", {}) != 0) return false;
  }
  return true;
}

int run_recovery(const DriverPaths& paths) {
  RecordingLog log(paths.log().string());
  io::SystemClock clock;
  const auto engine = open(paths, log, clock);
  if (!engine.has_value()) {
    std::fprintf(stderr, "cannot open: %s\n", engine.error().text().c_str());
    return 1;
  }
  log.interrupt();
  engine.value()->stop();
  return kFaultNotReached;
}

int run_rebuild(const DriverPaths& paths) {
  io::SystemClock clock;
  ingest::Options options;
  options.data_dir = paths.data_dir();
  const auto report = ingest::rebuild_catalog(options, clock);
  if (report.has_value()) {
    std::ofstream(paths.rebuilt()) << "yes\n";
    return kFaultNotReached;
  }
  std::fprintf(stderr, "cannot rebuild: %s\n", report.error().text().c_str());
  return 1;
}

int run_script(const DriverPaths& paths) {
  RecordingLog log(paths.log().string());
  io::SystemClock clock;
  auto engine = open(paths, log, clock);
  if (!engine.has_value()) engine = open(paths, log, clock);
  if (!engine.has_value()) {
    std::fprintf(stderr, "cannot open: %s\n", engine.error().text().c_str());
    return 1;
  }
  std::ofstream answers(paths.answers(), std::ios::app);
  UploadId held;
  for (std::size_t i = 0; i < script().size(); ++i) {
    const Step& step = script()[i];
    auto answer = run(*engine.value(), step, held, paths.files);
    if (!answer.has_value()) answer = run(*engine.value(), step, held, paths.files);
    if (!answer.has_value()) {
      std::fprintf(stderr, "step %zu failed twice: %s\n", i, answer.error().text().c_str());
      return 1;
    }
    if (step.action == Action::hold) held = answer.value();
    answers << i << ' ' << answer.value().to_string() << '\n' << std::flush;
  }
  log.interrupt();
  engine.value()->stop();
  return fault_was_reached() ? 0 : kFaultNotReached;
}

}  // namespace
}  // namespace deltadrop::testing

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  using deltadrop::testing::Files;
  const std::string_view size = argv[2];
  const auto files = size == "large"       ? Files::large
                     : size == "mixed"     ? Files::mixed
                     : size == "workbooks" ? Files::workbooks
                                           : Files::small;
  const deltadrop::testing::DriverPaths paths{argv[1], files};
  const std::string_view task = argv[3];
  if (task == "recover") return deltadrop::testing::run_recovery(paths);
  if (task == "rebuild") return deltadrop::testing::run_rebuild(paths);
  return deltadrop::testing::run_script(paths);
}
