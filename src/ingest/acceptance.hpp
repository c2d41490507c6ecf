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

/// Makes an upload that was compared a held one, or a version of its table. What a failure leaves half done
/// is undone here or owed to the housekeeper. To be used in the table's turn.
class Acceptance {
 public:
  /// All outlive the acceptance.
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

  /// Fails where the table is another archive's.
  Result<void> check_owner(const TableRef& table);
  /// `original`: the workbook that the spooled file was converted from.
  Result<UploadReport> hold(const fs::path& spooled, const std::optional<fs::path>& original,
                            UploadRecord upload, const Reading& reading, const std::optional<AskedKey>& key);
  Result<UploadReport> accept(const Arrival& arrival, UploadRecord upload,
                              const std::optional<UploadRecord>& last, std::shared_ptr<const Reading> reading,
                              const std::optional<AskedKey>& key);
  /// Removes a file that nothing needs any more, now or later.
  void withdraw(const fs::path& path);
  /// The same for the files of an upload that is not held any more.
  void withdraw_held(const UploadRecord& upload);

 private:
  Result<std::vector<std::string>> samples_of(const Reading& reading, const UploadRecord& upload);
  /// Undoes an acceptance that did not come to its commit.
  void withdraw_from_archive(const UploadRecord& upload);
  /// What the catalog's failed commit did: the accepted record, or the error.
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
