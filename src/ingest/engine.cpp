#include "ingest/engine.hpp"

#include <algorithm>
#include <utility>

#include "ingest/recover.hpp"

namespace deltadrop::ingest {

Engine::Engine(const Options& options, DataDirWatch watch, std::unique_ptr<Catalog> catalog,
               const ArchiveId& archive_id, eventlog::EventLog& log, io::Clock& clock,
               const std::optional<io::ClockMark>& last_clock)
    : options_(options),
      files_(Layout{options.data_dir}, std::move(watch)),
      catalog_(std::move(catalog)),
      clock_watch_(clock, options.clock_jump_max, last_clock),
      turns_({std::max<std::size_t>(options.comparers, 1), options.waiting_max}),
      publisher_(files_, *catalog_, log, clock, options_),
      housekeeper_(files_, *catalog_, publisher_, turns_, readings_, clock_watch_, options_),
      answers_(*catalog_, clock_watch_, options_.idempotency_ttl),
      acceptance_(options_, archive_id,
                  {files_, *catalog_, answers_, publisher_, housekeeper_, clock, clock_watch_}),
      submissions_(options_, {files_, *catalog_, answers_, acceptance_, publisher_, turns_, clock,
                              clock_watch_, stopping_}),
      reader_(options_, archive_id, {files_, *catalog_, readings_, clock, clock_watch_}),
      resender_(*catalog_, publisher_, stopping_) {}

Result<void> Engine::start() {
  DD_TRY(const auto left, recover(files_, *catalog_));
  for (const auto& upload : left.without_manifest) housekeeper_.owe_manifest(upload);
  for (const auto& table : left.not_current) housekeeper_.owe_current(table);
  if (left.newest) clock_watch_.saw_version(left.newest->table, *left.newest->times.timestamp);
  turns_.start();
  housekeeper_.run_once();
  DD_TRY(const auto unpublished, catalog_->unpublished());
  for (const auto& upload : unpublished) publisher_.enqueue(upload, nullptr);
  publisher_.start();
  housekeeper_.start();
  return success();
}

void Engine::stop() {
  stopping_ = true;
  publisher_.stop();
  turns_.stop();
  housekeeper_.stop();
  housekeeper_.sync_small_files();
  // If this fails, the catalog keeps a mark that is a few minutes old.
  [[maybe_unused]] const auto kept = catalog_->keep_clock_mark(clock_watch_.mark());
}

Health Engine::health() {
  Health health;
  health.log = publisher_.trouble();
  health.clock = clock_watch_.look();
  // A damaged file blocks only its own table and is not a problem of the log.
  if (health.log && health.log->type == kArchiveDamaged) health.log.reset();
  const auto right_place = files_.check_data_dir();
  if (!right_place.has_value()) health.data_dir = right_place.error();
  health.damaged = files_.damages();
  const auto counts = catalog_->counts();
  if (counts.has_value()) {
    health.held = counts.value().held;
    health.accepted_unpublished = counts.value().accepted_unpublished;
  } else if (!health.log) {
    health.log = counts.error();
  }
  return health;
}

Result<io::ClockReport> Engine::accept_clock() {
  clock_watch_.agree();
  DD_TRY(catalog_->keep_clock_mark(clock_watch_.mark()));
  return clock_watch_.look();
}

namespace {

/// The clock as a start on this folder would see it, with the catalog.
struct SeenClock {
  std::unique_ptr<Catalog> catalog;
  std::unique_ptr<io::ClockWatch> watch;
};

Result<SeenClock> see_clock(const Options& options, io::Clock& clock) {
  const Layout layout{options.data_dir};
  DD_TRY(refuse_no_catalog(layout));
  SeenClock seen;
  DD_TRY(seen.catalog, Catalog::open(layout.catalog()));
  DD_TRY(const auto mark, seen.catalog->clock_mark());
  seen.watch = std::make_unique<io::ClockWatch>(clock, options.clock_jump_max, mark);
  DD_TRY(const auto tables, seen.catalog->tables());
  for (const auto& table : tables) {
    if (table.last.times.timestamp) seen.watch->saw_version(table.table, *table.last.times.timestamp);
  }
  return seen;
}

}  // namespace

Result<io::ClockReport> look_at_clock(const Options& options, io::Clock& clock) {
  DD_TRY(const auto seen, see_clock(options, clock));
  return seen.watch->look();
}

Result<io::ClockReport> accept_clock(const Options& options, io::Clock& clock) {
  DD_TRY(const auto seen, see_clock(options, clock));
  seen.watch->agree();
  DD_TRY(seen.catalog->keep_clock_mark(seen.watch->mark()));
  return seen.watch->look();
}

}  // namespace deltadrop::ingest
