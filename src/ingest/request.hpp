#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "csv/options.hpp"
#include "ingest/ingest.hpp"

namespace deltadrop::ingest {

/// An idempotency key, and the hash by which a retry is recognized.
struct AskedKey {
  std::string scope;  ///< Caller::key_scope
  std::string key;
  Sha256 request;

  /// Returns the key under which the catalog stores the answer. A scope contains no line break.
  [[nodiscard]] std::string stored() const { return scope.empty() ? key : scope + "\n" + key; }
};

/// Returns the caller's idempotency key for a request with this hash; nothing if the caller gave none.
std::optional<AskedKey> asked_key(const Caller& caller, const Sha256& request);

/// An UploadRequest with all fields parsed, or a RevertRequest.
struct ParsedRequest {
  TableRef table;
  std::string original_name;  ///< sanitised
  ReadingOptions reading;     ///< the options in `given`
  std::set<std::string_view> given;
  std::optional<Timestamp> effective_at;
  bool dry_run = false;
  bool force = false;
  bool rekey = false;
  Precondition precondition;
  std::optional<UploadRecord> again;  ///< the version that is uploaded again, read with its options
  Timestamp received;
  std::optional<AskedKey> asked_key;
  Stop stop;
};

/// Fails with invalid_input, type "bad-name", "bad-column-list", "bad-delimiter", "bad-encoding",
/// "bad-effective-at", "bad-types" and so on.
Result<ParsedRequest> parse_request(const UploadRequest& request);

/// The options with which a file is opened. An absent option is detected from the file.
struct WantedReading : ReadingOptions {
  csv::Remembered remembered;
  // The options that the table remembers from now on.
  bool delimiter_given = false;
  std::optional<csv::Encoding> encoding_given;
  csv::SkipLines skip_lines_given;
};

/// Returns the options of the request, or those that the table remembers, or the defaults. Delimiter and
/// encoding are set only if a client gave them, now or before. `last` is the table's last accepted upload,
/// which contains the remembered options; null for a new table.
WantedReading wanted_options(const ParsedRequest& request, const UploadRecord* last);

/// Parses true, false, 1 or 0. Fails with invalid_input, type "bad-parameter".
Result<bool> parse_flag(std::string_view name, std::string_view text);

/// Fails with invalid_input, type "bad-effective-at", unless `effective_at` is later than that of the last
/// version and not later than `timestamp`, the time of acceptance.
Result<void> check_effective_at(Timestamp effective_at, Timestamp timestamp, const UploadRecord* last);

/// Checks that the table's newest version (null if the table is new) is what the client requires. Fails with
/// conflict, type "precondition-failed".
Result<void> check_precondition(const Precondition& precondition, const TableRef& table,
                                const UploadRecord* newest);

/// Converts "revenue:decimal(2),period:date" to {"period":"date","revenue":"decimal(2)"}, sorted by column.
/// Returns "" for no columns.
Result<std::string> parse_types(std::string_view text);

/// Returns a warning for each column that `names` of an option contains and the file does not.
std::vector<std::string> unknown_columns(std::string_view option, const std::vector<std::string>& names,
                                         const std::vector<std::string>& columns);
/// Does the same for the columns in `types_json`.
std::vector<std::string> unknown_type_columns(const std::optional<std::string>& types_json,
                                              const std::vector<std::string>& columns);

/// Returns the client's file name without folders, with `?` for control characters and invalid UTF-8, cut to
/// 255 bytes.
std::string sanitised_file_name(std::string_view file_name);

}  // namespace deltadrop::ingest
