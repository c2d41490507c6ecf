#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ingest/archive.hpp"
#include "ingest/catalog.hpp"
#include "ingest/housekeeper.hpp"
#include "ingest/kept_answers.hpp"
#include "ingest/publisher.hpp"
#include "ingest/reading.hpp"
#include "ingest/stored_files.hpp"
#include "io/clock_watch.hpp"

namespace deltadrop::ingest {

/// Holds a compared upload, or accepts it as the next version of its table. After a failure it undoes what it
/// has done, or leaves that to the housekeeper. Use it in the table's turn.
class Acceptance {
 public:
  /// All must outlive the acceptance.
  struct Parts {
    StoredFiles& files;
    Catalog& catalog;
    KeptAnswers& answers;
    Publisher& publisher;
    Housekeeper& housekeeper;
    io::Clock& clock;
    io::ClockWatch& clock_watch;
  };
  Acceptance(const Options& options, const ArchiveId& archive_id, const Parts& parts);

  /// Fails if another archive owns the table; see Options::owner_check.
  Result<void> check_owner(const TableRef& table);
  /// Stores the upload as held. `original` is the workbook that the spooled file was converted from, if any.
  Result<UploadReport> hold(const fs::path& spooled, const std::optional<fs::path>& original,
                            UploadRecord upload, const Reading& reading, const std::optional<AskedKey>& key);
  Result<UploadReport> accept(const Arrival& arrival, UploadRecord upload,
                              const std::optional<UploadRecord>& last, std::shared_ptr<const Reading> reading,
                              const std::optional<AskedKey>& key);
  /// Removes a file that nothing needs any longer. If that fails, the housekeeper retries.
  void withdraw(const fs::path& path);
  /// Does the same for the files of an upload that is no longer held.
  void withdraw_held(const UploadRecord& upload);

 private:
  Result<std::vector<std::string>> samples_of(const Reading& reading, const UploadRecord& upload);
  /// Undoes an acceptance that was not committed.
  void withdraw_from_archive(const UploadRecord& upload);
  /// Finds out whether the catalog's failed commit took effect. Returns the accepted record, or the error.
  Result<UploadRecord> settle(const UploadRecord& upload, const Error& error);
  void finish_acceptance(const UploadRecord& upload, const Arrival& arrival,
                         std::shared_ptr<const Reading> reading);

  const Options& options_;
  const ArchiveId archive_id_;
  StoredFiles& files_;
  const Layout& layout_;
  Catalog& catalog_;
  KeptAnswers& answers_;
  Publisher& publisher_;
  Housekeeper& housekeeper_;
  io::Clock& clock_;
  io::ClockWatch& clock_watch_;
};

}  // namespace deltadrop::ingest
