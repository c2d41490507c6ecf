#include "ingest/resender.hpp"

#include <vector>

#include "ingest/ingest.hpp"
#include "ingest/recover.hpp"
#include "ingest/table_turns.hpp"

namespace deltadrop::ingest {
namespace {

/// Groups `uploads` by table.
RepublishReport report_of(const std::vector<UploadRecord>& uploads, const RepublishRequest& request) {
  RepublishReport report;
  const UploadRecord* last = nullptr;
  for (const auto& upload : uploads) {
    if (upload.version < request.from || (request.table && upload.table != *request.table)) continue;
    if (last == nullptr || last->table != upload.table) ++report.tables;
    ++report.uploads;
    last = &upload;
  }
  return report;
}

}  // namespace

Result<RepublishReport> Resender::republish(const RepublishRequest& request) {
  if (stopping_) return shutting_down();
  DD_TRY(const auto marked, catalog_.mark_unpublished(request));
  publisher_.enqueue_again(marked);
  return report_of(marked, request);
}

bool Resender::wait_published(const UploadId& id, std::chrono::steady_clock::time_point deadline) {
  publisher_.wait(id, deadline);
  const auto found = catalog_.find(id);
  return found.has_value() && found.value() && found.value()->state == UploadState::published;
}

Result<RepublishReport> mark_for_republish(const Options& options, const RepublishRequest& request) {
  const Layout layout{options.data_dir};
  DD_TRY(refuse_no_catalog(layout));
  DD_TRY(const auto catalog, Catalog::open(layout.catalog()));
  DD_TRY(catalog->mark_unpublished(request));
  // Include versions that were marked before or never sent.
  DD_TRY(const auto waiting, catalog->unpublished());
  return report_of(waiting, request);
}

}  // namespace deltadrop::ingest
