#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "csv/file.hpp"
#include "diff/diff.hpp"
#include "eventlog/event_log.hpp"
#include "ingest/archive.hpp"
#include "ingest/catalog.hpp"
#include "ingest/stored_files.hpp"

namespace deltadrop::ingest {

/// An upload's file and the version before it, open and compared. Immutable, although the files may be
/// renamed meanwhile.
struct Reading {
  std::optional<csv::File> before;  ///< none for a first version
  csv::File after;
  diff::ChangeSet changes;
  std::unique_ptr<const std::string> text = nullptr;  ///< for an unstored `after`

  [[nodiscard]] const csv::File* before_or_null() const { return before ? &*before : nullptr; }
  /// Returns true if no program has written to the files since they were opened. Check it before using a
  /// cached reading again, and read the files again if it is false.
  [[nodiscard]] bool is_untouched() const;
};

/// Returns true if the version is known to have no blank lines below its header, and its header only once.
bool has_only_rows(const UploadRecord& version);

/// Returns the facts that every event of an accepted upload contains. For a held one, version and timestamps
/// have no meaning.
UploadFacts facts_of(const UploadRecord& upload);

/// Reads a held or accepted upload again and compares it with the same version as before. Finds the same
/// changes in the same order. Fails with corrupt, type "archive-damaged", if a file is damaged or the changes
/// do not match the record's counts.
Result<Reading> read_stored(StoredFiles& files, Catalog& catalog, const UploadRecord& upload,
                            const Stop& stop);

/// Reads any two versions of a table, each with the options of its own record. Null is the empty table; at
/// most one of them may be null.
Result<Reading> read_versions(StoredFiles& files, const UploadRecord* from, const UploadRecord* to,
                              const Stop& stop);

/// Calls `use` with each event as JSON, starting at seq `first`, until it fails or returns false.
Result<void> for_each_json(
    const Reading& reading, const UploadRecord& upload, Seq first,
    const std::function<Result<bool>(const EventView& event, std::string_view json)>& use);

/// Calls `use` with each event of an accepted upload as a message for the log. The message's texts are valid
/// only during the call.
Result<void> for_each_message(const Reading& reading, const UploadRecord& upload,
                              const std::function<Result<void>(const eventlog::Message&)>& use);

}  // namespace deltadrop::ingest
