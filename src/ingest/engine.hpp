#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "ingest/acceptance.hpp"
#include "ingest/catalog.hpp"
#include "ingest/catalog_reader.hpp"
#include "ingest/housekeeper.hpp"
#include "ingest/ingest.hpp"
#include "ingest/kept_answers.hpp"
#include "ingest/publisher.hpp"
#include "ingest/reading_cache.hpp"
#include "ingest/resender.hpp"
#include "ingest/stored_files.hpp"
#include "ingest/submissions.hpp"
#include "ingest/table_turns.hpp"
#include "io/clock_watch.hpp"

namespace deltadrop::ingest {

/// Implements Ingest. Owns the parts of the engine and their shared state, and starts and stops the threads.
class Engine final : public Ingest {
 public:
  /// `last_clock` is the clock mark that the catalog stores.
  Engine(const Options& options, DataDirWatch watch, std::unique_ptr<Catalog> catalog,
         const ArchiveId& archive_id, eventlog::EventLog& log, io::Clock& clock,
         const std::optional<io::ClockMark>& last_clock);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine() override { stop(); }

  /// Takes over the work that `recover` left, and starts the threads.
  Result<void> start();

  Intake& intake() override { return submissions_; }
  ArchiveReader& reader() override { return reader_; }
  Publications& publications() override { return resender_; }

  Health health() override;
  Result<io::ClockReport> accept_clock() override;
  Timestamp expected_now() override { return clock_watch_.expected_now(); }
  void stop() override;

 private:
  const Options options_;
  StoredFiles files_;
  std::unique_ptr<Catalog> catalog_;
  io::ClockWatch clock_watch_;
  TableTurns turns_;
  Publisher publisher_;
  ReadingCache readings_;
  Housekeeper housekeeper_;
  KeptAnswers answers_;
  Acceptance acceptance_;
  std::atomic<bool> stopping_{false};
  Submissions submissions_;
  CatalogReader reader_;
  Resender resender_;
};

}  // namespace deltadrop::ingest
