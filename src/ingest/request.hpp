#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "csv/options.hpp"
#include "ingest/ingest.hpp"

namespace deltadrop::ingest {

/// An idempotency key, with what tells a retry from another request.
struct AskedKey {
  std::string scope;  ///< Caller::key_scope
  std::string key;
  Sha256 request;

  /// What the catalog keeps the answer under. No scope has a line break.
  [[nodiscard]] std::string stored() const { return scope.empty() ? key : scope + "\n" + key; }
};

/// The caller's idempotency key, where it gave one, for a request with this identity.
std::optional<AskedKey> asked_key(const Caller& caller, const Sha256& request);

/// An UploadRequest whose every field was read, or a RevertRequest.
struct ParsedRequest {
  TableRef table;
  std::string original_name;  ///< sanitised
  ReadingOptions reading;     ///< those that `given` names
  std::set<std::string_view> given;
  std::optional<Timestamp> effective_at;
  bool dry_run = false;
  bool force = false;
  bool rekey = false;
  Precondition precondition;
  std::optional<UploadRecord> again;  ///< the version whose file this is, to be read just as it was
  Timestamp received;
  std::optional<AskedKey> asked_key;
  Stop stop;
};

/// invalid_input, type "bad-name", "bad-column-list", "bad-delimiter", "bad-encoding", "bad-effective-at",
/// "bad-types"...
Result<ParsedRequest> parse_request(const UploadRequest& request);

/// How a file is to be opened. An option that is absent is found in the file.
struct WantedReading : ReadingOptions {
  csv::Remembered remembered;
  // What the table remembers from now on.
  bool delimiter_given = false;
  std::optional<csv::Encoding> encoding_given;
  csv::SkipLines skip_lines_given;
};

/// The options of the request, else those that the table remembers, else the defaults; delimiter and encoding
/// only if a client gave them, now or before. `last` is the table's last accepted upload, which is its
/// memory: null for a new table.
WantedReading wanted_options(const ParsedRequest& request, const UploadRecord* last);

/// true, false, 1 or 0. invalid_input "bad-parameter".
Result<bool> parse_flag(std::string_view name, std::string_view text);

/// Fails with invalid_input "bad-effective-at" unless `effective_at` is later than the last version's and not
/// after `timestamp`, when the version is accepted.
Result<void> check_effective_at(Timestamp effective_at, Timestamp timestamp, const UploadRecord* last);

/// Whether the table's newest version (null: there is none) is what the client requires. conflict
/// "precondition-failed".
Result<void> check_precondition(const Precondition& precondition, const TableRef& table,
                                const UploadRecord* newest);

/// "revenue:decimal(2),period:date" -> {"period":"date","revenue":"decimal(2)"}, sorted by column; "" for no
/// columns.
Result<std::string> parse_types(std::string_view text);

/// Columns that `names` of an option has and the file has not, as warnings.
std::vector<std::string> unknown_columns(std::string_view option, const std::vector<std::string>& names,
                                         const std::vector<std::string>& columns);
/// The same of those that `types_json` names.
std::vector<std::string> unknown_type_columns(const std::optional<std::string>& types_json,
                                              const std::vector<std::string>& columns);

/// The client's file name without folders, with `?` for control characters and invalid UTF-8, cut to 255
/// bytes.
std::string sanitised_file_name(std::string_view file_name);

}  // namespace deltadrop::ingest
