#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/json_writer.hpp"
#include "csv/options.hpp"
#include "history/history_reader.hpp"
#include "http/message.hpp"
#include "ingest/ingest.hpp"

/// JSON values and responses that several endpoints share.
namespace deltadrop::api {

/// Returns the upload as a JSON object. The object is not closed, so a caller can add members.
JsonObject upload_json(const ingest::UploadRecord& upload);

/// Returns the response to an upload or a release: 200, or 202 with Location if the upload is held or not yet
/// published. The first four members are message, file_id, company_id and changes_detected.
http::Response upload_answer(const ingest::UploadReport& report, const ingest::Caller& caller);

/// Returns upload_answer, a 422 with the file's findings, or the problem of the outcome's error.
http::Response submit_answer(const Result<ingest::SubmitOutcome>& outcome, const ingest::Caller& caller);

/// Returns 422 for a rejected file: `findings` lists the first faults and `findings_total` counts them all.
http::Response findings_problem(const csv::Findings& findings);

std::string schema_changes_json(const std::vector<diff::SchemaChange>& changes);

/// Returns "/api/v1/uploads/<id>".
std::string upload_path(const UploadId& upload);

/// Returns the text of an optional time or id, for text_or_null.
std::optional<std::string> text_of(const std::optional<Timestamp>& time);
std::optional<std::string> text_of(const std::optional<UploadId>& upload);

}  // namespace deltadrop::api
