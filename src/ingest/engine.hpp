#pragma once

#include <atomic>
#include <memory>

#include "ingest/archive.hpp"
#include "ingest/catalog.hpp"
#include "ingest/housekeeper.hpp"
#include "ingest/publisher.hpp"
#include "ingest/reading.hpp"
#include "ingest/reading_cache.hpp"
#include "ingest/request.hpp"
#include "ingest/spool.hpp"
#include "ingest/table_turns.hpp"
#include "io/clock_watch.hpp"

namespace deltadrop::ingest {

/// The one Ingest. What happens to a table from the look at its last version to acceptance is one job of its
/// turns; nothing is global but the catalog's short transactions.
class Engine final : public Ingest {
 public:
  /// `last_clock`: what the catalog keeps of the clock.
  Engine(const Options& options, DataDirWatch watch, std::unique_ptr<Catalog> catalog,
         const ArchiveId& archive_id, eventlog::EventLog& log, io::Clock& clock,
         const std::optional<io::ClockMark>& last_clock);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine() override { stop(); }

  /// Takes over what `recover` left to do, and starts the threads.
  Result<void> start();

  Result<std::unique_ptr<Reception>> receive() override;
  void submit(std::unique_ptr<Reception> reception, const UploadRequest& request,
              Done<SubmitOutcome> done) override;
  void release(const UploadId& upload, const Caller& caller, Done<UploadReport> done) override;
  void revert(const RevertRequest& request, Done<SubmitOutcome> done) override;
  void discard(const UploadId& upload, Done<void> done) override;

  Result<std::optional<UploadRecord>> upload(const UploadId& upload) override;
  Result<std::vector<UploadRecord>> uploads(const UploadFilter& filter) override;
  Result<std::vector<TableRecord>> tables(const TableFilter& filter) override;
  Result<std::optional<TableRecord>> table(const TableRef& table) override;
  Acceptances accepted_since(std::uint64_t number) override { return catalog_->accepted_since(number); }
  [[nodiscard]] std::optional<Timestamp> expires_at(const UploadRecord& upload) override;
  Result<std::vector<UploadRecord>> versions(const TableRef& table, Version first,
                                             std::int64_t limit) override;
  Result<void> changes(const UploadId& upload, Seq first,
                       const std::function<bool(Seq seq, std::string_view json)>& use,
                       const Stop& stop) override;
  Result<VersionDiff> diff_versions(const TableRef& table, Version from, Version to, Seq first,
                                    const std::function<bool(const EventView& change)>& use,
                                    const Stop& stop) override;
  Result<std::unique_ptr<ArchivedFile>> archived_file(const TableRef& table, Version version) override;
  Result<RepublishReport> republish(const RepublishRequest& request) override;
  bool wait_published(const UploadId& upload, std::chrono::steady_clock::time_point deadline) override;
  Health health() override;
  Result<io::ClockReport> accept_clock() override;
  Timestamp expected_now() override { return clock_watch_.expected_now(); }
  [[nodiscard]] ArchiveId archive_id() const override { return archive_id_; }
  void stop() override;

 private:
  using AskedKeyOrNone = std::optional<AskedKey>;
  using Parsed = std::function<Result<ParsedRequest>(const Sha256& file)>;

  template <class T>
  Result<T> explained(Result<T> failed) const;
  /// An upload on its way from the spool to its answer.
  struct Submission;
  using Submitted = std::shared_ptr<Submission>;
  using ThenAnswer = std::function<void(UploadReport report)>;

  void begin_submission(std::unique_ptr<SpoolFile> spool, const Caller& caller, const Parsed& parse,
                        Done<SubmitOutcome> done);
  Result<void> queue_submission(const Submitted& submission, const Parsed& parse);
  void take_turn(const Submitted& submission);
  void end_submission(Submission& submission, Result<SubmitOutcome> outcome);
  Result<SubmitOutcome> submit_locked(const SpoolFile& spool, const ParsedRequest& request, UploadSeen& seen);
  /// Of the request, or once its comparison takes too long from now on.
  [[nodiscard]] Stop comparing_stop(const ParsedRequest& request) const;
  Result<SubmitOutcome> answer_unchanged(const UploadRecord& asked, UploadRecord last,
                                         const AskedKeyOrNone& key);
  csv::Findings all_findings(const csv::File& after, const ParsedRequest& request,
                             const std::optional<UploadRecord>& last);
  Result<SubmitOutcome> compare(const SpoolFile& spool, const ParsedRequest& request, UploadRecord upload,
                                csv::File after, const std::optional<UploadRecord>& last, UploadSeen& seen);
  Result<UploadReport> hold(const fs::path& spooled, UploadRecord upload, const Reading& reading,
                            const AskedKeyOrNone& key);
  Result<UploadReport> accept(const Arrival& arrival, UploadRecord upload,
                              const std::optional<UploadRecord>& last, std::shared_ptr<const Reading> reading,
                              const AskedKeyOrNone& key);
  /// Undoes a hold or an acceptance that did not come to its commit.
  void withdraw(const fs::path& path);
  void withdraw_from_archive(const UploadRecord& upload);
  /// What the catalog's failed commit did: the accepted record, or the error.
  Result<UploadRecord> settle(const UploadRecord& upload, const Error& error);
  void finish_acceptance(const UploadRecord& upload, const Arrival& arrival,
                         std::shared_ptr<const Reading> reading);
  /// Calls `then` once the answer need not wait for the log any longer; holds no thread until then. `seen`
  /// lives until then.
  void await_publication(UploadReport report, const Caller& caller, UploadSeen& seen, ThenAnswer then);
  void note_publication(UploadReport& report);
  Result<UploadReport> release_in_turn(const UploadId& upload, const AskedKeyOrNone& key, const Stop& stop);
  Result<void> discard_in_turn(const UploadId& upload);
  Result<UploadRecord> find_known(const UploadId& upload);
  Result<UploadRecord> find_held(const UploadId& upload);
  Result<UploadRecord> find_version(const TableRef& table, Version version);
  /// Fails where the table is another archive's. In the table's turn.
  Result<void> check_owner(const TableRef& table);
  Result<UploadReport> release_locked(UploadRecord upload, const AskedKeyOrNone& key, const Stop& stop);
  Result<std::unique_ptr<SpoolFile>> copy_of(const UploadRecord& version);
  Result<ParsedRequest> revert_to(UploadRecord again, const RevertRequest& request, const Sha256& file) const;
  Result<void> copy_archived(const UploadRecord& version, Reception& into);
  static AskedKeyOrNone asked_key(const Caller& caller, const Sha256& request);
  /// In the table's turn: what the key's earlier request was answered, if there was one.
  Result<std::optional<UploadReport>> replay(const AskedKeyOrNone& key);
  std::optional<AnswerToKeep> answer_to_keep(const AskedKeyOrNone& key, const UploadReport& report);
  Result<std::shared_ptr<const Reading>> reading_of(const UploadRecord& upload, const Stop& stop);
  Result<std::vector<std::string>> samples_of(const Reading& reading, const UploadRecord& upload);

  const Options options_;
  const Layout layout_;
  StoredFiles files_;
  std::unique_ptr<Catalog> catalog_;
  const ArchiveId archive_id_;
  io::Clock& clock_;
  io::ClockWatch clock_watch_;
  TableTurns turns_;
  Publisher publisher_;
  ReadingCache readings_;
  Housekeeper housekeeper_;
  std::atomic<std::uint64_t> spooled_{0};
  std::atomic<bool> stopping_{false};
};

}  // namespace deltadrop::ingest
