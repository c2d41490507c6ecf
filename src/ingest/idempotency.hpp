#pragma once

#include <optional>
#include <string>

#include "ingest/ingest.hpp"

/// Idempotency keys: a client may retry a request without repeating its effect. The catalog stores a
/// request's answer under the client's key, in the same commit as the request's effect (docs/decisions/0021).
namespace deltadrop::ingest {

/// The answer that is stored under a key.
struct KeptAnswer {
  Sha256 request;  ///< tells a retry from another request
  UploadStatus status = UploadStatus::accepted;
  UploadId upload_id;
  /// The report of a held or unchanged upload, because its row may change. "" for an accepted one, whose row
  /// does not.
  std::string json;
};

struct AnswerToKeep {
  std::string key;
  KeptAnswer answer;
  Timestamp at;
  Timestamp free_if_before;  ///< an older answer has expired, and its key is free
};

/// Returns the hash by which a retry is recognized. It covers the fields, the table and the bytes of the
/// file, but neither the file's name nor whether the request was a form.
Sha256 identity_of(const UploadFields& fields, const TableRef& table, const Sha256& file);
Sha256 identity_of(const RevertRequest& request);
Sha256 identity_of_release(const UploadId& upload);

std::string report_to_json(const UploadReport& report);
/// Returns the report of a stored answer. Fails with corrupt, type "bad-record".
Result<UploadReport> report_from_json(const KeptAnswer& answer);

/// Returns invalid_input, type "idempotency-key-reused".
Error key_reused(const std::string& key);

}  // namespace deltadrop::ingest
