#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/event.hpp"
#include "core/stop.hpp"
#include "ingest/upload.hpp"

namespace deltadrop::ingest {

/// The caller of a request and the options of the response.
struct Caller {
  std::string request_id;  ///< for the log
  /// A retry with the same key gets the first answer again, also after a restart. If the first request is
  /// still running, the retry waits for its answer. Another request with the same key fails with
  /// invalid_input, type "idempotency-key-reused". A request that failed or was rejected has changed nothing
  /// and leaves its key free.
  std::optional<std::string> idempotency_key;
  /// Callers with different scopes do not share keys. The scope is the list of companies that an API key is
  /// limited to, or "" without a limit.
  std::string key_scope;
  /// The maximum wait for publishing; by default, and at most, Options::publish_timeout.
  std::optional<std::chrono::milliseconds> publish_wait;
  /// Cancels the request up to acceptance. A cancelled request has changed nothing.
  Stop stop = {};
};

/// A set of files by SHA-256: those of a list, or any file.
struct FileSet {
  bool any = false;
  std::vector<Sha256> sha256s;
};

/// The condition on the table's newest version for an upload to proceed. It is checked under the table's
/// lock, after the idempotency key, so a retry gets its first answer. A false condition is conflict, type
/// "precondition-failed".
struct Precondition {
  std::optional<FileSet> newest_is;      ///< the newest version exists and its file is in this set
  std::optional<FileSet> newest_is_not;  ///< there is no version, or its file is not in this set
};

/// The options of an upload as texts by field name (docs/openapi.yaml lists the fields). An absent field
/// means the table's remembered value, or the default. For options with ReadingOption::empty_is_none, such as
/// `ignore` and `types`, "" means none and clears the remembered value.
using UploadFields = std::map<std::string, std::string, std::less<>>;

/// Adds a field. Ignores an empty text, since a form sends the fields that nobody filled in, unless the
/// field's empty text means "none". Ignores a false flag. Fails with invalid_input, type "bad-parameter", if
/// the field is unknown or a flag (dry_run, force, rekey) is neither true nor false. The other values are
/// parsed once the file is received.
Result<void> add_field(UploadFields& fields, const std::string& name, const std::string& text);

struct UploadRequest {
  std::string file_name;  ///< the client's; not trusted
  UploadFields fields;
  Precondition precondition;
  Caller caller;
};

/// A request to upload an archived version again.
struct RevertRequest {
  TableRef table;
  Version to;
  bool dry_run = false;
  bool force = false;
  Precondition precondition;
  Caller caller;
};

/// Receives the outcome of a request exactly once, on any thread, maybe before the call that started it
/// returns. Must not wait.
template <class Value>
using Done = std::function<void(Result<Value>)>;

/// A file that is being received into the spool. The destructor removes a file that was not submitted. It
/// must not outlive its Intake.
class Reception {
 public:
  virtual ~Reception() = default;
  /// Appends the next bytes as received. Expands gzip and zstd, which the first bytes show. Fails with
  /// invalid_input, type "too-large" or "bad-compression", or unavailable, type "disk-full". Must not be
  /// called after a failure.
  virtual Result<void> write(std::span<const std::byte> bytes) = 0;
  /// Ends the file, compares it, accepts or holds it, and publishes it: docs/architecture.md, "The data
  /// path". This is the last call.
  virtual void submit(const UploadRequest& request, Done<SubmitOutcome> done) = 0;
  Result<SubmitOutcome> submit(const UploadRequest& request);
};

/// Accepts uploads. Thread-safe. Calls wait for the disk. A call that has to wait for its table, or up to
/// publish_timeout for the log, holds no thread: it takes a `Done`, and an overload without one blocks. Fails
/// with unavailable, type "too-many-uploads", if too many uploads wait already, in total or for this company.
class Intake {
 public:
  virtual ~Intake() = default;

  /// Starts to receive a file.
  virtual Result<std::unique_ptr<Reception>> receive() = 0;
  /// Accepts a held upload exactly as it was shown. Fails with not_found, or conflict, type "table-moved-on"
  /// or "not-held".
  virtual void release(const UploadId& upload, const Caller& caller, Done<UploadReport> done) = 0;
  Result<UploadReport> release(const UploadId& upload, const Caller& caller = {});
  /// Uploads the archived file of a version again, read with the options in its manifest. The table's
  /// remembered options become those after that version's upload. Fails with not_found, type "no-such-table"
  /// or "no-such-version". Copies the file before it returns.
  virtual void revert(const RevertRequest& request, Done<SubmitOutcome> done) = 0;
  Result<SubmitOutcome> revert(const RevertRequest& request);
  virtual void discard(const UploadId& upload, Done<void> done) = 0;
  Result<void> discard(const UploadId& upload);
};

}  // namespace deltadrop::ingest
