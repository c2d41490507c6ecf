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

/// An upload's file and the version before it, open and compared. Immutable; the files' names may change
/// meanwhile.
struct Reading {
  std::optional<csv::File> before;  ///< none for a first version
  csv::File after;
  diff::ChangeSet changes;
  std::unique_ptr<const std::string> text = nullptr;  ///< what `after` reads where it is no stored file

  [[nodiscard]] const csv::File* before_or_null() const { return before ? &*before : nullptr; }
  /// No program has written to its files since they were opened. A reading that is kept for later has to be
  /// asked before it is used again; where this is false, it is to be made again.
  [[nodiscard]] bool is_untouched() const;
};

/// Whether the version is known to have no blank lines below its header, and its header once.
bool has_only_rows(const UploadRecord& version);

/// What every event of an accepted upload says. Of a held one, version and timestamps are of no meaning.
UploadFacts facts_of(const UploadRecord& upload);

/// Reads a held or accepted upload again, against the version that it was compared with: the same changes in
/// the same order as then. corrupt, type "archive-damaged", when a file is damaged, or the changes are not
/// what its record counts.
Result<Reading> read_stored(StoredFiles& files, Catalog& catalog, const UploadRecord& upload,
                            const Stop& stop);

/// Reads any two versions of a table, each as its own record says; null is the empty table. Not both are.
Result<Reading> read_versions(StoredFiles& files, const UploadRecord* from, const UploadRecord* to,
                              const Stop& stop);

/// Calls `use` with each event as JSON, from seq `first` on, until it fails or returns false.
Result<void> for_each_json(
    const Reading& reading, const UploadRecord& upload, Seq first,
    const std::function<Result<bool>(const EventView& event, std::string_view json)>& use);

/// Calls `use` with each event of an accepted upload as the message that goes into the log; its texts are
/// valid during the call.
Result<void> for_each_message(const Reading& reading, const UploadRecord& upload,
                              const std::function<Result<void>(const eventlog::Message&)>& use);

}  // namespace deltadrop::ingest
