#pragma once

#include <optional>
#include <string>

#include "ingest/ingest.hpp"

/// Requests that a client may send again without having them done again. The catalog keeps a request's answer
/// under the client's key, in the commit of what the request did (docs/decisions/0021).
namespace deltadrop::ingest {

/// What was answered under a key.
struct KeptAnswer {
  Sha256 request;  ///< tells a retry from another request
  UploadStatus status = UploadStatus::accepted;
  UploadId upload_id;
  /// Of a held or unchanged upload its report, since its row may change; "" of an accepted one, whose row
  /// stays.
  std::string json;
};

struct AnswerToKeep {
  std::string key;
  KeptAnswer answer;
  Timestamp at;
  Timestamp free_if_before;  ///< an older answer has expired, and its key is free
};

/// What makes two requests the same: everything that was said of the file, where it belongs, and its bytes.
/// Not its name, nor whether it came as a form.
Sha256 identity_of(const UploadFields& fields, const TableRef& table, const Sha256& file);
Sha256 identity_of(const RevertRequest& request);
Sha256 identity_of_release(const UploadId& upload);

std::string report_to_json(const UploadReport& report);
/// corrupt "bad-record".
Result<UploadReport> report_from_json(const KeptAnswer& answer);

/// invalid_input "idempotency-key-reused"
Error key_reused(const std::string& key);

}  // namespace deltadrop::ingest
