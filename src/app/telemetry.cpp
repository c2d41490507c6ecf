#include "app/telemetry.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "core/text.hpp"

namespace deltadrop::app {

std::string upload_line(const UploadSeen& upload) {
  // Quote the names: a rejected company name is arbitrary client text.
  std::string line = fmt::format("upload result={} id={} company={} table={}", upload.result,
                                 quoted_for_message(upload.request_id), quoted_for_message(upload.company_id),
                                 quoted_for_message(upload.table_name));
  if (!upload.error.empty()) line += fmt::format(" error={}", upload.error);
  if (!upload.upload_id.empty()) line += fmt::format(" upload_id={}", upload.upload_id);
  if (upload.version > 0) line += fmt::format(" version={}", upload.version);
  line += fmt::format(" bytes={} rows={} inserted={} updated={} deleted={} findings={}", upload.bytes,
                      upload.rows, upload.inserted, upload.updated, upload.deleted, upload.findings);
  for (std::size_t i = 0; i < upload.took_by_step.size(); ++i) {
    const double ms = static_cast<double>(upload.took_by_step[i].count()) / 1e6;
    line += fmt::format(" {}_ms={:.1f}", kStepNames[i], ms);
  }
  return line;
}

std::unique_ptr<status::Metrics> make_telemetry() {
  return status::make_prometheus_metrics(
      {.upload = [](const UploadSeen& upload) { spdlog::info("{}", upload_line(upload)); },
       .clock =
           [](std::string_view trouble) {
             if (trouble.empty()) {
               spdlog::info("nothing speaks against the clock any more");
             } else {
               spdlog::warn("{}; nothing expires because of it", trouble);
             }
           }});
}

}  // namespace deltadrop::app
