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
  std::optional<UploadSource> source;  ///< none if the client sent CSV
};

/// The options with which the files of a table are read. A client gives an option once, and the table
/// remembers it.
struct ReadingOptions {
  csv::ReadOptions options;
  std::optional<std::string> types_json;  ///< overrides by column
  std::optional<std::string> sheet;  ///< a workbook's sheet by name or number; none: the first visible one

  bool operator==(const ReadingOptions&) const = default;
};

/// The options with which this file is always read, and what its header contains. Every option is resolved.
struct UploadReading : ReadingOptions {
  /// A client gave the delimiter, and it applies to the table's next file. Otherwise each file's delimiter is
  /// detected.
  bool delimiter_given = false;
  /// The encoding that a client gave, which applies to the table's next file. In `options`, a byte order mark
  /// overrides it for that file alone.
  std::optional<csv::Encoding> encoding_given;
  /// The setting for the table's next file; `options` has the number of lines above this file's header.
  csv::SkipLines skip_lines_given;
  bool delimiter_declared = false;  ///< declared by a first line such as sep=;
  bool trailing_delimiter = false;  ///< each line ends with a delimiter that no column follows
  bool rekey = false;
  std::vector<std::string> columns;  ///< all columns that have a name
  std::vector<std::string> tracked;  ///< columns that events contain, in the file's order
  std::string key_column;
};

/// The times of an upload's first steps. Only the catalog stores them, so they are unknown after a rebuild.
struct StepTimes {
  std::optional<Timestamp> received;  ///< when the whole file was received
  std::optional<Timestamp> compared;
};

struct UploadTimes {
  Timestamp received_at;  ///< when it was first held or accepted
  /// The start of a held upload's age, by io::ClockWatch::measured_now. Only the catalog stores it.
  std::optional<Timestamp> aged_from;
  std::optional<Timestamp> timestamp;  ///< when the version was accepted
  std::optional<Timestamp> effective_at;
  std::optional<Timestamp> published_at;
  StepTimes steps;
};

/// The result of the comparison with the base.
struct UploadOutcome {
  diff::Counts counts;
  std::vector<diff::SchemaChange> schema_changes;
  std::vector<std::string> hold_reasons;  ///< why it is or was held
  std::vector<std::string> warnings;
  std::optional<csv::Skipped> skipped;  ///< unknown if an older Deltadrop accepted the version
};

/// The record of an upload: a catalog row, and, for an accepted upload, the manifest next to its file.
struct UploadRecord {
  UploadId upload_id;
  TableRef table;
  UploadState state = UploadState::accepted;
  std::optional<Version> version;              ///< none while held
  std::optional<UploadId> previous_upload_id;  ///< the table's latest earlier upload that has events
  bool dry_run = false;
  std::optional<Version> based_on;      ///< of a held upload: the version it was compared with
  std::optional<Version> reverts_to;    ///< the version whose file this is again
  std::optional<ArchiveId> archive_id;  ///< the archive that accepted it; none if an older Deltadrop did
  UploadFile file;
  UploadReading reading;
  UploadTimes times;
  UploadOutcome outcome;
};

enum class UploadStatus : std::uint8_t { published, accepted, held, unchanged };
std::string_view to_string(UploadStatus status);

struct UploadReport {
  UploadStatus status = UploadStatus::accepted;
  UploadRecord upload;  ///< the last version if the upload is unchanged
  /// Up to 5 events of a held upload as JSON objects, so that a person can judge it.
  std::vector<std::string> samples_json;
  bool replayed = false;  ///< the answer of an earlier request with the same idempotency key
};

/// A report, or the findings about a rejected file, which has changed nothing.
using SubmitOutcome = std::variant<UploadReport, csv::Findings>;

}  // namespace deltadrop::ingest
