#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/json_writer.hpp"
#include "csv/options.hpp"
#include "history/history_reader.hpp"
#include "http/message.hpp"
#include "ingest/ingest.hpp"

/// The shapes that more than one endpoint answers with.
namespace deltadrop::api {

/// What is known of an upload; not closed, so that a caller can add to it.
JsonObject upload_json(const ingest::UploadRecord& upload);

/// The answer to an upload or a release: 200, or 202 with Location. Its first four fields are message,
/// file_id, company_id and changes_detected.
http::Response upload_answer(const ingest::UploadReport& report, const ingest::Caller& caller);

/// The same, or what is wrong with the file, or why there is no outcome.
http::Response submit_answer(const Result<ingest::SubmitOutcome>& outcome, const ingest::Caller& caller);

/// 422 with the faults of a file that was refused: `findings` (the first of them) and `findings_total`.
http::Response findings_problem(const csv::Findings& findings);

std::string schema_changes_json(const std::vector<diff::SchemaChange>& changes);

/// "/api/v1/uploads/<id>"
std::string upload_path(const UploadId& upload);

/// Text of an optional time, version or id, for text_or_null.
std::optional<std::string> text_of(const std::optional<Timestamp>& time);
std::optional<std::string> text_of(const std::optional<UploadId>& upload);

}  // namespace deltadrop::api
