#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "ingest/engine.hpp"
#include "io/file.hpp"

// What is done again: requests that a client repeats, versions that a table goes back to.
namespace deltadrop::ingest {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{256} << 10;

}  // namespace

Result<std::optional<UploadReport>> Engine::replay(const AskedKeyOrNone& key) {
  if (!key) return std::optional<UploadReport>();
  DD_TRY(const auto kept,
         catalog_->answer_of(key->key, clock_.now().plus_ms(-options_.idempotency_ttl.count())));
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
  const Timestamp now = clock_.now();
  return AnswerToKeep{
      key->key,
      {key->request, report.status, report.upload.upload_id, row_stays ? "" : report_to_json(report)},
      now,
      now.plus_ms(-options_.idempotency_ttl.count())};
}

/// A copy, though the bytes are there already: an upload's file gets its own name, mode and time, and an
/// archived one is never touched.
Result<void> Engine::copy_archived(const UploadRecord& version, Reception& into) {
  DD_TRY(auto file, io::File::open_to_read(layout_.archived_file(version)));
  std::vector<std::byte> piece(kPieceBytes);
  while (true) {
    DD_TRY(const auto count, file.read(piece));
    if (count == 0) return success();
    DD_TRY(into.write(std::span(piece).first(count)));
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
    return Error{
        ErrorCode::corrupt, "archive-damaged",
        fmt::format("{} is not the file of version {} of {} any more: its SHA-256 differs",
                    layout_.archived_file(again).string(), request.to.value, request.table.to_string()),
        "restore that file from a backup"};
  }
  ParsedRequest parsed;
  parsed.table = again.table;
  parsed.original_name = again.original_name;
  parsed.dry_run = request.dry_run;
  parsed.force = request.force;
  // Who goes back to another key means it; the guard has the last word.
  parsed.rekey = true;
  if (const auto& key = request.caller.idempotency_key)
    parsed.asked_key = AskedKey{*key, identity_of(request)};
  parsed.again = std::move(again);
  return parsed;
}

}  // namespace deltadrop::ingest
