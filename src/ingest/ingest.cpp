#include "ingest/ingest.hpp"

#include <fmt/format.h>

#include <future>
#include <memory>
#include <utility>

#include "ingest/archive_identity.hpp"
#include "ingest/engine.hpp"
#include "ingest/recover.hpp"

namespace deltadrop::ingest {

std::string_view to_string(UploadState state) {
  switch (state) {
    case UploadState::held:
      return "held";
    case UploadState::accepted:
      return "accepted";
    case UploadState::published:
      return "published";
    case UploadState::discarded:
      return "discarded";
    case UploadState::expired:
      return "expired";
  }
  return "expired";
}

std::string_view to_string(UploadStatus status) {
  switch (status) {
    case UploadStatus::published:
      return "published";
    case UploadStatus::accepted:
      return "accepted";
    case UploadStatus::held:
      return "held";
    case UploadStatus::unchanged:
      return "unchanged";
  }
  return "accepted";
}

namespace {

/// Calls `begin` and waits for its outcome.
template <class Value, class Begin>
Result<Value> outcome_of(Begin begin) {
  // The promise is shared: set_value may still be running on its thread when get returns.
  const auto promise = std::make_shared<std::promise<Result<Value>>>();
  auto outcome = promise->get_future();
  begin([promise](Result<Value> result) { promise->set_value(std::move(result)); });
  return outcome.get();
}

}  // namespace

Result<SubmitOutcome> Reception::submit(const UploadRequest& request) {
  return outcome_of<SubmitOutcome>([&](Done<SubmitOutcome> done) { submit(request, std::move(done)); });
}

Result<UploadReport> Intake::release(const UploadId& upload, const Caller& caller) {
  return outcome_of<UploadReport>([&](Done<UploadReport> done) { release(upload, caller, std::move(done)); });
}

Result<SubmitOutcome> Intake::revert(const RevertRequest& request) {
  return outcome_of<SubmitOutcome>([&](Done<SubmitOutcome> done) { revert(request, std::move(done)); });
}

Result<void> Intake::discard(const UploadId& upload) {
  return outcome_of<void>([&](Done<void> done) { discard(upload, std::move(done)); });
}

Result<std::unique_ptr<Ingest>> open(const Options& options, eventlog::EventLog& log, io::Clock& clock) {
  const Layout layout{options.data_dir};
  DD_TRY(prepare_folders(layout));
  DD_TRY(refuse_lost_catalog(layout));
  DD_TRY(auto catalog, Catalog::open(layout.catalog()));
  DD_TRY(const auto archive_id, ensure_archive_id(layout, *catalog, clock));
  DD_TRY(const auto last_clock, catalog->clock_mark());
  DD_TRY(auto watch, DataDirWatch::begin(layout));
  auto engine = std::make_unique<Engine>(options, std::move(watch), std::move(catalog), archive_id, log,
                                         clock, last_clock);
  DD_TRY(engine->start());
  return std::unique_ptr<Ingest>(std::move(engine));
}

Result<UploadRecord> version_of(ArchiveReader& reader, const TableRef& table, Version version) {
  DD_TRY(auto found, reader.versions(table, version, 1));
  if (!found.empty() && found.front().version == version) return std::move(found.front());
  return Error{ErrorCode::not_found, "no-such-version",
               fmt::format("table {} has no version {}", table.to_string(), version.value),
               fmt::format("GET /api/v1/tables/{}/versions lists them", table.to_string())};
}

}  // namespace deltadrop::ingest
