#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "ingest/engine.hpp"
#include "ingest/recover.hpp"

namespace deltadrop::ingest {
namespace {

constexpr std::int64_t kExpiryRoundingMs = 60'000;

Error no_such_table(const TableRef& table) {
  return {ErrorCode::not_found, "no-such-table", fmt::format("there is no table {}", table.to_string()),
          "list the tables to see their names"};
}

}  // namespace

Result<std::optional<UploadRecord>> Engine::upload(const UploadId& upload) { return catalog_->find(upload); }

Result<std::vector<UploadRecord>> Engine::uploads(const UploadFilter& filter) {
  return catalog_->list(filter);
}

Result<std::vector<TableRecord>> Engine::tables(const TableFilter& filter) {
  return catalog_->tables(filter);
}

Result<std::optional<TableRecord>> Engine::table(const TableRef& table) { return catalog_->table(table); }

std::optional<Timestamp> Engine::expires_at(const UploadRecord& upload) {
  if (upload.state != UploadState::held) return std::nullopt;
  const auto ttl = upload.dry_run ? options_.dry_run_ttl : options_.held_ttl;
  const Timestamp by_the_clock = upload.received_at.plus_ms(ttl.count());
  if (!upload.aged_from) return by_the_clock;
  const auto age_ms = clock_watch_.measured_now().unix_ms - upload.aged_from->unix_ms;
  const Timestamp by_measured_time = clock_.now().plus_ms(ttl.count() - age_ms);
  // Small differences come from corrections of the clock, and would change the answer with every request.
  const bool close = std::abs(by_measured_time.unix_ms - by_the_clock.unix_ms) <= kExpiryRoundingMs;
  return close ? by_the_clock : by_measured_time;
}

Result<std::vector<UploadRecord>> Engine::versions(const TableRef& table, Version first, std::int64_t limit) {
  DD_TRY(auto found, catalog_->versions(table, first, limit));
  if (found.empty()) {
    DD_TRY(const auto last, catalog_->last_version(table));
    if (!last) return no_such_table(table);
  }
  return found;
}

/// The same for all pages of a list: a million changes are found once, not once a page.
Result<std::shared_ptr<const Reading>> Engine::reading_of(const UploadRecord& upload, const Stop& stop) {
  // An accepted upload is compared as it was when it was held, so both are one entry.
  return readings_.get("upload " + upload.upload_id.to_string(), [&]() -> Result<Reading> {
    auto reading = read_stored(files_, *catalog_, upload, stop);
    if (reading.has_value() || upload.version) return reading;
    // Released since it was looked up: the file has its archived name now.
    DD_TRY(const auto found, catalog_->find(upload.upload_id));
    if (found && found->version) return read_stored(files_, *catalog_, *found, stop);
    return reading;
  });
}

Result<void> Engine::changes(const UploadId& id, Seq first,
                             const std::function<bool(Seq seq, std::string_view json)>& use,
                             const Stop& stop) {
  DD_TRY(const auto upload, find_known(id));
  if (upload.state == UploadState::discarded || upload.state == UploadState::expired) {
    return Error{
        ErrorCode::conflict, "file-gone",
        fmt::format("upload {} is {}: its file was removed", id.to_string(), to_string(upload.state)),
        "send the file again, with dry_run=true to see what it changes"};
  }
  DD_TRY(const auto reading, reading_of(upload, stop));
  return for_each_json(
      *reading, upload, first,
      [&](const EventView& event, std::string_view json) -> Result<bool> { return use(event.seq, json); });
}

Result<UploadRecord> Engine::find_version(const TableRef& table, Version version) {
  DD_TRY(auto found, catalog_->version(table, version));
  if (found) return std::move(*found);
  DD_TRY(const auto last, catalog_->last_version(table));
  if (!last) return no_such_table(table);
  return Error{ErrorCode::not_found, "no-such-version",
               fmt::format("{} has no version {}; its last is {}", table.to_string(), version.value,
                           last->version->value),
               "list the table's versions"};
}

Result<VersionDiff> Engine::diff_versions(const TableRef& table, Version from, Version to, Seq first,
                                          const std::function<bool(const EventView& change)>& use,
                                          const Stop& stop) {
  VersionDiff diff;
  if (from.value != 0) {
    DD_TRY(diff.from, find_version(table, from));
  }
  if (to.value != 0) {
    DD_TRY(diff.to, find_version(table, to));
  }
  if (!diff.from && !diff.to) {
    DD_TRY(const auto known, catalog_->last_version(table));
    if (!known) return no_such_table(table);
    return diff;
  }
  const auto* before = diff.from ? &*diff.from : nullptr;
  const auto* after = diff.to ? &*diff.to : nullptr;
  const auto name = fmt::format("versions {} {} {}", table.to_string(), from.value, to.value);
  DD_TRY(const auto reading, readings_.get(name, [&] { return read_versions(files_, before, after, stop); }));
  diff.counts = reading->changes.counts;
  diff.schema_changes = reading->changes.schema_changes;
  diff.key_changed = diff.from && diff.to && diff.from->options.key != diff.to->options.key;
  DD_TRY(diff::for_each_event(reading->before_or_null(), reading->after, reading->changes, first,
                              [&](const EventView& change) -> Result<bool> { return use(change); }));
  return diff;
}

Result<std::unique_ptr<ArchivedFile>> Engine::archived_file(const TableRef& table, Version version) {
  DD_TRY(const auto found, find_version(table, version));
  return files_.open_archived(found);
}

bool Engine::wait_published(const UploadId& id, std::chrono::steady_clock::time_point deadline) {
  publisher_.wait(id, deadline);
  const auto found = catalog_->find(id);
  return found.has_value() && found.value() && found.value()->state == UploadState::published;
}

Health Engine::health() {
  Health health;
  health.log = publisher_.trouble();
  health.clock = clock_watch_.look();
  // A table whose file is damaged waits; that is not the log's fault, and the other tables go on.
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

/// The clock as a start on this folder would see it, and its catalog.
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
    if (table.last.timestamp) seen.watch->saw_version(table.table, *table.last.timestamp);
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
