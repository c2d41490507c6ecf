#include <fmt/format.h>

#include <utility>

#include "ingest/engine.hpp"

// What is done again: requests that a client repeats, versions that a table goes back to.
namespace deltadrop::ingest {

Engine::AskedKeyOrNone Engine::asked_key(const Caller& caller, const Sha256& request) {
  if (!caller.idempotency_key) return std::nullopt;
  return AskedKey{caller.key_scope, *caller.idempotency_key, request};
}

Result<std::optional<UploadReport>> Engine::replay(const AskedKeyOrNone& key) {
  if (!key) return std::optional<UploadReport>();
  DD_TRY(const auto kept, catalog_->answer_of(key->stored(), clock_watch_.measured_now().plus_ms(
                                                                 -options_.idempotency_ttl.count())));
  if (!kept) return std::optional<UploadReport>();
  if (kept->request != key->request) return key_reused(key->key);
  if (!kept->json.empty()) {
    DD_TRY(auto report, report_from_json(*kept));
    return std::optional(std::move(report));
  }
  DD_TRY(auto upload, find_known(kept->upload_id));
  return std::optional(UploadReport{kept->status, std::move(upload), {}, true});
}

std::optional<AnswerToKeep> Engine::answer_to_keep(const AskedKeyOrNone& key, const UploadReport& report) {
  if (!key) return std::nullopt;
  const bool row_stays = report.status == UploadStatus::accepted;
  const Timestamp now = clock_watch_.measured_now();
  return AnswerToKeep{
      key->stored(),
      {key->request, report.status, report.upload.upload_id, row_stays ? "" : report_to_json(report)},
      now,
      now.plus_ms(-options_.idempotency_ttl.count())};
}

/// A copy, though the bytes are there already: an upload's file gets its own name, mode and time, and an
/// archived one is never touched.
Result<void> Engine::copy_archived(const UploadRecord& version, Reception& into) {
  DD_TRY(const auto file, files_.open_archived(version));
  for (std::uint64_t offset = 0;;) {
    DD_TRY(const auto piece, file->read(offset, kBlockBytes));
    if (piece.empty()) return success();
    DD_TRY(into.write(std::as_bytes(std::span(piece))));
    offset += piece.size();
  }
}

void Engine::revert(const RevertRequest& request, Done<SubmitOutcome> done) {
  auto again = find_version(request.table, request.to);
  if (again.has_error()) return done(again.error());
  auto copy = copy_of(again.value());
  if (copy.has_error()) return done(copy.error());
  const auto parse = [&](const Sha256& file) { return revert_to(std::move(again).value(), request, file); };
  begin_submission(std::move(copy).value(), request.caller, parse, std::move(done));
}

Result<std::unique_ptr<SpoolFile>> Engine::copy_of(const UploadRecord& version) {
  DD_TRY(auto reception, receive());
  DD_TRY(copy_archived(version, *reception));
  return std::unique_ptr<SpoolFile>(dynamic_cast<SpoolFile*>(reception.release()));
}

/// What asks for an archived version once more, whose file was copied.
Result<ParsedRequest> Engine::revert_to(UploadRecord again, const RevertRequest& request,
                                        const Sha256& file) const {
  if (file != again.sha256) {
    return Error{ErrorCode::corrupt, std::string(kArchiveDamaged),
                 fmt::format("the copy of version {} of {} has another SHA-256 than its file",
                             request.to.value, request.table.to_string()),
                 "try again"};
  }
  ParsedRequest parsed;
  parsed.table = again.table;
  parsed.original_name = again.original_name;
  parsed.dry_run = request.dry_run;
  parsed.force = request.force;
  // Who goes back to another key means it; the guard has the last word.
  parsed.rekey = true;
  parsed.stop = request.caller.stop;
  parsed.precondition = request.precondition;
  parsed.asked_key = asked_key(request.caller, identity_of(request));
  parsed.again = std::move(again);
  return parsed;
}

}  // namespace deltadrop::ingest
