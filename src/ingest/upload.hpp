#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/event.hpp"
#include "csv/file.hpp"
#include "diff/diff.hpp"

namespace deltadrop::ingest {

enum class UploadState : std::uint8_t { held, accepted, published, discarded, expired };
std::string_view to_string(UploadState state);

/// The workbook that an upload's file was converted from.
struct UploadSource {
  Sha256 sha256;
  std::int64_t bytes = 0;
  std::string sheet;  ///< the name of the sheet that was read

  bool operator==(const UploadSource&) const = default;
};

/// The file of an upload: the CSV.
struct UploadFile {
  Sha256 sha256;
  std::int64_t bytes = 0;
  std::string file_id;
  std::string original_name;           ///< the client's, sanitised
  std::string archive_name;            ///< relative to archive/<company>/<table>/; "" while held
  std::optional<UploadSource> source;  ///< none where the client sent CSV
};

/// How the files of a table are read, and as what: a client gives an option once, and the table remembers it.
struct ReadingOptions {
  csv::ReadOptions options;
  std::optional<std::string> types_json;  ///< overrides by column
  std::optional<std::string> sheet;       ///< of a workbook: its name or number; none: the first visible one

  bool operator==(const ReadingOptions&) const = default;
};

/// How the file is read, for ever, and what that found in its header. Every option is resolved.
struct UploadReading : ReadingOptions {
  /// By a client: the table's next file is read with it; else it is found from each.
  bool delimiter_given = false;
  /// Likewise. A byte order mark beats it in `options`, for that file alone.
  std::optional<csv::Encoding> encoding_given;
  /// What the table's next file is read with; `options` has the number of lines above this file's header.
  csv::SkipLines skip_lines_given;
  bool delimiter_declared = false;  ///< by a first line such as sep=;
  bool trailing_delimiter = false;  ///< each line ends with a delimiter, after which there is no column
  bool rekey = false;
  std::vector<std::string> columns;  ///< all columns that have a name
  std::vector<std::string> tracked;  ///< columns that are in events, in the file's order
  std::string key_column;
};

/// When an upload took its first steps. Only the catalog has them: unknown after it was made again.
struct StepTimes {
  std::optional<Timestamp> received;  ///< the file was there as a whole
  std::optional<Timestamp> compared;
};

struct UploadTimes {
  Timestamp received_at;  ///< when it was first held or accepted
  /// What a held upload's age counts from, by io::ClockWatch::measured_now. Only the catalog has it.
  std::optional<Timestamp> aged_from;
  std::optional<Timestamp> timestamp;  ///< when the version was accepted
  std::optional<Timestamp> effective_at;
  std::optional<Timestamp> published_at;
  StepTimes steps;
};

/// What the comparison with the base found.
struct UploadOutcome {
  diff::Counts counts;
  std::vector<diff::SchemaChange> schema_changes;
  std::vector<std::string> hold_reasons;  ///< why it is or was held
  std::vector<std::string> warnings;
  std::optional<csv::Skipped> skipped;  ///< unknown of a version that an older Deltadrop accepted
};

/// Everything that is known of an upload: a catalog row, and, for an accepted one, the manifest beside its
/// file.
struct UploadRecord {
  UploadId upload_id;
  TableRef table;
  UploadState state = UploadState::accepted;
  std::optional<Version> version;              ///< none while held
  std::optional<UploadId> previous_upload_id;  ///< latest earlier upload of the table that has events
  bool dry_run = false;
  std::optional<Version> based_on;      ///< of a held upload: the version it was compared with
  std::optional<Version> reverts_to;    ///< of which version this is the file again
  std::optional<ArchiveId> archive_id;  ///< that accepted it; none of one that an older Deltadrop accepted
  UploadFile file;
  UploadReading reading;
  UploadTimes times;
  UploadOutcome outcome;
};

enum class UploadStatus : std::uint8_t { published, accepted, held, unchanged };
std::string_view to_string(UploadStatus status);

struct UploadReport {
  UploadStatus status = UploadStatus::accepted;
  UploadRecord upload;  ///< of the last version where unchanged
  /// Up to 5 events as JSON objects: of a held upload, so that a person can judge it.
  std::vector<std::string> samples_json;
  bool replayed = false;  ///< the answer of an earlier request with the same idempotency key
};

/// A report, or what is wrong with the file (then nothing has changed).
using SubmitOutcome = std::variant<UploadReport, csv::Findings>;

}  // namespace deltadrop::ingest
