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

/// Who asks, and how they want to be answered.
struct Caller {
  std::string request_id;  ///< for the log
  /// The same key with the same request is answered as it was the first time, also after a restart; while the
  /// first one runs, its answer is waited for. With another request: invalid_input "idempotency-key-reused".
  /// A request that failed or was refused has changed nothing and leaves its key free.
  std::optional<std::string> idempotency_key;
  /// Callers of different scopes do not share keys: the companies that an API key is limited to, "" without a
  /// limit.
  std::string key_scope;
  /// How long publishing is awaited; unless given, and at the most, Options::publish_timeout.
  std::optional<std::chrono::milliseconds> publish_wait;
  /// Ends what is done for the caller, up to acceptance: then nothing has changed.
  Stop stop = {};
};

/// Files by their SHA-256: those of a list, or any.
struct FileSet {
  bool any = false;
  std::vector<Sha256> sha256s;
};

/// What the table's newest version must be for an upload to go on, checked under the table's lock, after the
/// idempotency key (a retry of what was done is answered as before). Else: conflict "precondition-failed".
struct Precondition {
  std::optional<FileSet> newest_is;      ///< there is a newest version, and its file is one of these
  std::optional<FileSet> newest_is_not;  ///< there is none, or its file is none of these
};

/// What a client says about an upload: texts by the names of fields (docs/openapi.yaml lists them). Of an
/// absent one, what the table remembers holds, else the default. Of `ignore` and `types`, "" means none,
/// which takes back what the table remembers.
using UploadFields = std::map<std::string, std::string, std::less<>>;

/// Adds a field, or nothing where the text says nothing: a form sends the fields that nobody filled in, and a
/// flag may be false. invalid_input "bad-parameter" where no field has that name, and for a flag (dry_run,
/// force, rekey) that is neither true nor false. The other values are read when the file is there.
Result<void> add_field(UploadFields& fields, const std::string& name, const std::string& text);

struct UploadRequest {
  std::string file_name;  ///< the client's; data only
  UploadFields fields;
  Precondition precondition;
  Caller caller;
};

/// To upload an archived version again.
struct RevertRequest {
  TableRef table;
  Version to;
  bool dry_run = false;
  bool force = false;
  Precondition precondition;
  Caller caller;
};

/// Gets the outcome of what was begun, exactly once, on any thread, maybe before the call that began it
/// returns. Must not wait.
template <class Value>
using Done = std::function<void(Result<Value>)>;

/// A file on its way into the spool. Destroying one that was not submitted removes it. It must not outlive
/// the Intake that it is from.
class Reception {
 public:
  virtual ~Reception() = default;
  /// The next bytes as received; gzip and zstd (told by their first bytes) are expanded on the way. Errors:
  /// invalid_input "too-large", "bad-compression"; unavailable "disk-full". Not to be called after a failure.
  virtual Result<void> write(std::span<const std::byte> bytes) = 0;
  /// The file is whole: compares it, accepts or holds it, and publishes it: docs/architecture.md, "The data
  /// path". The last call.
  virtual void submit(const UploadRequest& request, Done<SubmitOutcome> done) = 0;
  Result<SubmitOutcome> submit(const UploadRequest& request);
};

/// Takes uploads. Thread-safe; calls wait for disk. Whatever has to wait for its table, or for the log up to
/// publish_timeout, holds no thread meanwhile: it is given a `Done`, and has a twin of the same name that
/// waits for it. unavailable "too-many-uploads" where too many wait already, of all companies or of this one.
class Intake {
 public:
  virtual ~Intake() = default;

  /// Starts to receive a file.
  virtual Result<std::unique_ptr<Reception>> receive() = 0;
  /// Accepts a held upload as it was shown. not_found; conflict "table-moved-on", "not-held".
  virtual void release(const UploadId& upload, const Caller& caller, Done<UploadReport> done) = 0;
  Result<UploadReport> release(const UploadId& upload, const Caller& caller = {});
  /// Takes the archived file of a version through the same steps as an upload, read as its manifest says.
  /// What the table remembers becomes what that version's upload left. not_found "no-such-table",
  /// "no-such-version". Copies the file before it returns.
  virtual void revert(const RevertRequest& request, Done<SubmitOutcome> done) = 0;
  Result<SubmitOutcome> revert(const RevertRequest& request);
  virtual void discard(const UploadId& upload, Done<void> done) = 0;
  Result<void> discard(const UploadId& upload);
};

}  // namespace deltadrop::ingest
