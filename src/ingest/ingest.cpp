#include "ingest/ingest.hpp"

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

Result<std::unique_ptr<Ingest>> open(const Options& options, eventlog::EventLog& log, io::Clock& clock) {
  const Layout layout{options.data_dir};
  DD_TRY(prepare_folders(layout));
  DD_TRY(refuse_lost_catalog(layout));
  DD_TRY(auto catalog, Catalog::open(layout.catalog()));
  DD_TRY(const auto archive_id, ensure_archive_id(layout, *catalog, clock));
  DD_TRY(const auto last_clock, catalog->clock_mark());
  DD_TRY(auto watch, DataDirWatch::begin(layout));
  auto engine = std::make_unique<Engine>(options, std::move(watch), std::move(catalog), archive_id, log, clock,
                                         last_clock);
  DD_TRY(engine->start());
  return std::unique_ptr<Ingest>(std::move(engine));
}

}  // namespace deltadrop::ingest
