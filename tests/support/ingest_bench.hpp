#pragma once

#include <memory>
#include <string>
#include <utility>

#include "ingest/ingest.hpp"
#include "io/file.hpp"
#include "support/recording_log.hpp"
#include "support/temporary_folder.hpp"

namespace deltadrop::testing {

/// An engine with its own DATA_DIR and a RecordingLog. It can be closed and opened again.
class IngestBench {
 public:
  IngestBench() {
    options.data_dir = folder.path() / "data";
    options.publish_timeout = std::chrono::seconds(10);
  }
  ~IngestBench() { close(); }
  IngestBench(const IngestBench&) = delete;
  IngestBench& operator=(const IngestBench&) = delete;

  Result<void> open() {
    log = std::make_unique<RecordingLog>();
    return open_with_same_log();
  }
  Result<void> open_with_same_log() {
    DD_TRY(engine, ingest::open(options, *log, clock));
    return success();
  }
  void close() {
    if (engine == nullptr) return;
    log->interrupt();
    engine->stop();
    engine.reset();
  }

  static ingest::UploadRequest request(std::string company) {
    ingest::UploadRequest request;
    request.file_name = company + ".csv";
    request.fields["company_id"] = std::move(company);
    return request;
  }

  Result<ingest::SubmitOutcome> submit(const ingest::UploadRequest& request, std::string_view bytes) const {
    DD_TRY(auto reception, engine->intake().receive());
    DD_TRY(reception->write(std::as_bytes(std::span(bytes))));
    return reception->submit(request);
  }

  /// Returns the report of an upload that must succeed; otherwise prints the reason and ends the process.
  ingest::UploadReport upload(const ingest::UploadRequest& request, std::string_view bytes) const {
    auto outcome = submit(request, bytes);
    if (!outcome.has_value()) fail(outcome.error().text());
    if (const auto* findings = std::get_if<csv::Findings>(&outcome.value()))
      fail(findings->first.front().message);
    return std::get<ingest::UploadReport>(std::move(outcome.value()));
  }
  ingest::UploadReport upload(std::string_view bytes) const { return upload(request("acme"), bytes); }

  bool wait_published(const UploadId& id) const {
    return engine->publications().wait_published(id,
                                                 std::chrono::steady_clock::now() + std::chrono::seconds(10));
  }

  TemporaryFolder folder;
  io::ManualClock clock{Timestamp{1741610096789}};
  ingest::Options options;
  std::unique_ptr<RecordingLog> log;
  std::unique_ptr<ingest::Ingest> engine;

 private:
  [[noreturn]] static void fail(const std::string& reason) {
    std::fprintf(stderr, "an upload failed: %s\n", reason.c_str());
    std::abort();
  }
};

/// Returns the header "id,name" and a row "<id>,<name>" for each id from first to last.
inline std::string rows_csv(int first, int last, const std::string& name) {
  std::string text = "id,name\n";
  for (int id = first; id <= last; ++id) text += std::to_string(id) + "," + name + "\n";
  return text;
}

}  // namespace deltadrop::testing
