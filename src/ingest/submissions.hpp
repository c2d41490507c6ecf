#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "ingest/acceptance.hpp"
#include "ingest/catalog.hpp"
#include "ingest/intake.hpp"
#include "ingest/kept_answers.hpp"
#include "ingest/publisher.hpp"
#include "ingest/request.hpp"
#include "ingest/spool.hpp"
#include "ingest/stored_files.hpp"
#include "ingest/table_turns.hpp"
#include "ingest/workbook_reader.hpp"
#include "io/clock_watch.hpp"

namespace deltadrop::ingest {

/// Implements Intake. One job in a table's turns does everything from reading the table's last version to
/// acceptance. Only the catalog's short transactions are global.
class Submissions final : public Intake {
 public:
  /// All must outlive the submissions.
  struct Parts {
    StoredFiles& files;
    Catalog& catalog;
    KeptAnswers& answers;
    Acceptance& acceptance;
    Publisher& publisher;
    TableTurns& turns;
    io::Clock& clock;
    io::ClockWatch& clock_watch;
    const std::atomic<bool>& stopping;
  };
  Submissions(const Options& options, const Parts& parts);

  Result<std::unique_ptr<Reception>> receive() override;
  void release(const UploadId& upload, const Caller& caller, Done<UploadReport> done) override;
  void revert(const RevertRequest& request, Done<SubmitOutcome> done) override;
  void discard(const UploadId& upload, Done<void> done) override;

 private:
  class SpooledReception;
  using Parsed = std::function<Result<ParsedRequest>(const Sha256& file)>;
  /// An upload between the spool and its answer.
  struct Submission;
  using Submitted = std::shared_ptr<Submission>;
  using ThenAnswer = std::function<void(UploadReport report)>;

  Result<std::unique_ptr<SpoolFile>> open_spool();
  void submit(std::unique_ptr<SpoolFile> spool, const UploadRequest& request, Done<SubmitOutcome> done);
  void begin_submission(std::unique_ptr<SpoolFile> spool, const Caller& caller, const Parsed& parse,
                        Done<SubmitOutcome> done);
  Result<void> queue_submission(const Submitted& submission, const Parsed& parse);
  void take_turn(const Submitted& submission);
  void end_submission(Submission& submission, Result<SubmitOutcome> outcome);
  template <class T>
  Result<T> explained(Result<T> failed) const;
  /// A file to compare, with the workbook that it was converted from.
  struct Arrived;
  Result<SubmitOutcome> submit_locked(const SpoolFile& spool, const ParsedRequest& request, UploadSeen& seen);
  Result<SubmitOutcome> submit_file(const Arrived& arrived, const ParsedRequest& request,
                                    const WantedReading& wanted, const std::optional<UploadRecord>& last,
                                    UploadSeen& seen);
  /// Stops when the request is cancelled, or when the comparison that starts now takes too long.
  [[nodiscard]] Stop comparing_stop(const ParsedRequest& request) const;
  Result<SubmitOutcome> answer_unchanged(const UploadRecord& asked, UploadRecord last,
                                         const std::optional<AskedKey>& key);
  csv::Findings all_findings(const csv::File& after, const ParsedRequest& request,
                             const std::optional<UploadRecord>& last);
  Result<SubmitOutcome> compare(const Arrived& arrived, const ParsedRequest& request, UploadRecord upload,
                                csv::File after, const std::optional<UploadRecord>& last, UploadSeen& seen);
  /// Calls `then` once the answer no longer has to wait for the log. Holds no thread until then. `seen` must
  /// live until then.
  void await_publication(UploadReport report, const Caller& caller, UploadSeen& seen, ThenAnswer then);
  void note_publication(UploadReport& report);
  Result<UploadReport> release_in_turn(const UploadId& upload, const std::optional<AskedKey>& key,
                                       const Stop& stop);
  Result<UploadReport> release_locked(UploadRecord upload, const std::optional<AskedKey>& key,
                                      const Stop& stop);
  Result<void> discard_in_turn(const UploadId& upload);
  Result<UploadRecord> find_held(const UploadId& upload);
  Result<std::unique_ptr<SpoolFile>> copy_of(const UploadRecord& version);
  /// Copies the workbook that an archived version was converted from.
  Result<std::unique_ptr<SpoolFile>> copy_of_original(const UploadRecord& version);
  static Result<ParsedRequest> revert_to(UploadRecord again, const RevertRequest& request,
                                         const Sha256& file);

  const Options& options_;
  StoredFiles& files_;
  const Layout& layout_;
  Catalog& catalog_;
  KeptAnswers& answers_;
  Acceptance& acceptance_;
  Publisher& publisher_;
  TableTurns& turns_;
  io::Clock& clock_;
  io::ClockWatch& clock_watch_;
  const std::atomic<bool>& stopping_;
  WorkbookReader workbooks_;
  std::atomic<std::uint64_t> spooled_{0};
};

}  // namespace deltadrop::ingest
