#include "ingest/kept_answers.hpp"

#include <utility>

namespace deltadrop::ingest {

Result<std::optional<UploadReport>> KeptAnswers::replay(const std::optional<AskedKey>& key) {
  if (!key) return std::optional<UploadReport>();
  DD_TRY(const auto kept,
         catalog_.answer_of(key->stored(), clock_watch_.measured_now().plus_ms(-ttl_.count())));
  if (!kept) return std::optional<UploadReport>();
  if (kept->request != key->request) return key_reused(key->key);
  if (!kept->json.empty()) {
    DD_TRY(auto report, report_from_json(*kept));
    return std::optional(std::move(report));
  }
  DD_TRY(auto upload, catalog_.known(kept->upload_id));
  return std::optional(UploadReport{kept->status, std::move(upload), {}, true});
}

std::optional<AnswerToKeep> KeptAnswers::to_keep(const std::optional<AskedKey>& key,
                                                 const UploadReport& report) {
  if (!key) return std::nullopt;
  const bool row_stays = report.status == UploadStatus::accepted;
  const Timestamp now = clock_watch_.measured_now();
  return AnswerToKeep{
      key->stored(),
      {key->request, report.status, report.upload.upload_id, row_stays ? "" : report_to_json(report)},
      now,
      now.plus_ms(-ttl_.count())};
}

}  // namespace deltadrop::ingest
