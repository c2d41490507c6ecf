#include "api/answers.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "api/caller.hpp"
#include "api/parameters.hpp"
#include "core/text.hpp"
#include "http/problem.hpp"
#include "ingest/reading_options.hpp"

namespace deltadrop::api {
namespace {

JsonObject& add_version(JsonObject& object, std::string_view name, const std::optional<Version>& version) {
  return version ? object.number(name, version->value) : object.null(name);
}

std::optional<std::string> source_sha256_of(const ingest::UploadRecord& upload) {
  const auto& source = upload.file.source;
  return source ? std::optional(source->sha256.to_hex()) : std::nullopt;
}

std::string_view message_of(ingest::UploadStatus status) {
  switch (status) {
    case ingest::UploadStatus::published:
      return "File processed successfully";
    case ingest::UploadStatus::accepted:
      return "File accepted and safe; its changes are being published";
    case ingest::UploadStatus::held:
      return "File held; nothing is published until it is released";
    case ingest::UploadStatus::unchanged:
      return "File is the same as the last version; nothing to do";
  }
  return "";
}

std::string next_step(std::string_view method, const std::string& path) {
  return JsonObject().text("method", method).text("path", path).take();
}

std::string finding_json(const csv::Finding& finding) {
  return JsonObject()
      .text("type", finding.type)
      .number("line", finding.line.value)
      .text_or_null("column", finding.column)
      .text_or_null("value", finding.value)
      .text("reason", finding.message)
      .text("fix", finding.fix)
      .number("count", finding.count)
      .take();
}

}  // namespace

std::optional<std::string> text_of(const std::optional<Timestamp>& time) {
  return time ? std::optional(time->to_string()) : std::nullopt;
}

std::optional<std::string> text_of(const std::optional<UploadId>& upload) {
  return upload ? std::optional(upload->to_string()) : std::nullopt;
}

std::string upload_path(const UploadId& upload) { return "/api/v1/uploads/" + upload.to_string(); }

std::string schema_changes_json(const std::vector<diff::SchemaChange>& changes) {
  JsonArray list;
  for (const auto& change : changes) {
    list.raw(
        JsonObject().text("column", change.column).text("change", change.added ? "added" : "removed").take());
  }
  return list.take();
}

JsonObject upload_json(const ingest::UploadRecord& upload) {
  JsonObject object;
  object.text("upload_id", upload.upload_id.to_string())
      .text("company_id", upload.table.company_id)
      .text("table_name", upload.table.table_name)
      .text("state", ingest::to_string(upload.state));
  add_version(object, "version", upload.version)
      .text_or_null("previous_upload_id", text_of(upload.previous_upload_id))
      .text("file_id", upload.file.file_id)
      .text("file_sha256", upload.file.sha256.to_hex())
      .text_or_null("source_sha256", source_sha256_of(upload))
      .number("bytes", upload.file.bytes)
      .text("original_name", upload.file.original_name)
      .text("received_at", upload.times.received_at.to_string())
      .text_or_null("timestamp", text_of(upload.times.timestamp))
      .text_or_null("effective_at", text_of(upload.times.effective_at))
      .text_or_null("published_at", text_of(upload.times.published_at))
      .text("key_column", upload.reading.key_column)
      .texts("columns", upload.reading.columns)
      .texts("tracked", upload.reading.tracked)
      .raw("options", ingest::options_json(upload.reading))
      .raw("dialect", ingest::dialect_json(upload.reading))
      .raw("skipped", ingest::skipped_json(upload.outcome.skipped.value_or(csv::Skipped())))
      .boolean("rekey", upload.reading.rekey)
      .raw("types", upload.reading.types_json.value_or("null"))
      .number("rows", upload.outcome.counts.rows)
      .number("inserted", upload.outcome.counts.inserted)
      .number("updated", upload.outcome.counts.updated)
      .number("deleted", upload.outcome.counts.deleted)
      .number("changes_detected", upload.outcome.counts.changes())
      .raw("schema_changes", schema_changes_json(upload.outcome.schema_changes))
      .texts("warnings", upload.outcome.warnings)
      .texts("reasons", upload.outcome.hold_reasons)
      .boolean("dry_run", upload.dry_run);
  add_version(object, "based_on", upload.based_on);
  add_version(object, "reverts_to", upload.reverts_to);
  return object;
}

http::Response upload_answer(const ingest::UploadReport& report, const ingest::Caller& caller) {
  const auto& upload = report.upload;
  const bool unchanged = report.status == ingest::UploadStatus::unchanged;
  const bool held = report.status == ingest::UploadStatus::held;
  const diff::Counts counts =
      unchanged ? diff::Counts{upload.outcome.counts.rows, upload.outcome.counts.rows, 0, 0, 0}
                : upload.outcome.counts;
  JsonObject object;
  object.text("message", message_of(report.status))
      .text("file_id", upload.file.file_id)
      .text("company_id", upload.table.company_id)
      .number("changes_detected", counts.changes())
      .text("upload_id", upload.upload_id.to_string())
      .text("table_name", upload.table.table_name)
      .text_or_null("source_sha256", source_sha256_of(upload));
  add_version(object, "version", upload.version)
      .text("status", ingest::to_string(report.status))
      .number("rows", counts.rows)
      .number("inserted", counts.inserted)
      .number("updated", counts.updated)
      .number("deleted", counts.deleted)
      .raw("schema_changes", unchanged ? "[]" : schema_changes_json(upload.outcome.schema_changes))
      .raw("dialect", ingest::dialect_json(upload.reading))
      .raw("skipped", ingest::skipped_json(upload.outcome.skipped.value_or(csv::Skipped())))
      .text_or_null("timestamp", text_of(upload.times.timestamp))
      .text_or_null("effective_at", text_of(upload.times.effective_at))
      .texts("warnings", upload.outcome.warnings);
  if (upload.reverts_to && !unchanged) object.number("reverts_to", upload.reverts_to->value);
  const auto path = upload_path(upload.upload_id);
  if (held) {
    JsonArray samples;
    for (const auto& sample : report.samples_json) samples.raw(sample);
    object.texts("reasons", upload.outcome.hold_reasons)
        .raw("samples", samples.take())
        .raw("release", next_step("POST", path + "/release"))
        .raw("discard", next_step("DELETE", path));
  }
  auto response = json_response(object.take());
  if (held || report.status == ingest::UploadStatus::accepted) {
    response.status = 202;
    response.headers.emplace_back("Location", path);
  }
  note_caller(response, caller, report);
  return response;
}

http::Response findings_problem(const csv::Findings& findings) {
  Error error{ErrorCode::invalid_input, "bad-file", "",
              "mend the lines named in findings and upload the file again"};
  error.message = fmt::format("the file has {}; nothing was changed", counted(findings.total, "fault"));
  if (!findings.first.empty()) {
    const auto& first = findings.first.front();
    error.message += fmt::format("; the first, in line {}: {}", first.line.value, first.message);
  }
  JsonArray list;
  for (const auto& finding : findings.first) list.raw(finding_json(finding));
  return http::problem_with(error,
                            {{"findings", list.take()}, {"findings_total", std::to_string(findings.total)}});
}

http::Response submit_answer(const Result<ingest::SubmitOutcome>& outcome, const ingest::Caller& caller) {
  if (outcome.has_error()) return http::problem(outcome.error());
  if (const auto* findings = std::get_if<csv::Findings>(&outcome.value())) return findings_problem(*findings);
  return upload_answer(std::get<ingest::UploadReport>(outcome.value()), caller);
}

}  // namespace deltadrop::api
