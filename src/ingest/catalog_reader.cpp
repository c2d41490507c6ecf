#include "ingest/catalog_reader.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

namespace deltadrop::ingest {
namespace {

constexpr std::int64_t kExpiryRoundingMs = 60'000;

}  // namespace

std::optional<Timestamp> CatalogReader::expires_at(const UploadRecord& upload) {
  if (upload.state != UploadState::held) return std::nullopt;
  const auto ttl = upload.dry_run ? options_.dry_run_ttl : options_.held_ttl;
  const Timestamp by_the_clock = upload.times.received_at.plus_ms(ttl.count());
  if (!upload.times.aged_from) return by_the_clock;
  const auto age_ms = clock_watch_.measured_now().unix_ms - upload.times.aged_from->unix_ms;
  const Timestamp by_measured_time = clock_.now().plus_ms(ttl.count() - age_ms);
  // Ignore small differences: clock corrections cause them, and they would change the answer with every
  // request.
  const bool close = std::abs(by_measured_time.unix_ms - by_the_clock.unix_ms) <= kExpiryRoundingMs;
  return close ? by_the_clock : by_measured_time;
}

Result<std::vector<UploadRecord>> CatalogReader::versions(const TableRef& table, Version first,
                                                          std::int64_t limit) {
  DD_TRY(auto found, catalog_.versions(table, first, limit));
  if (found.empty()) {
    DD_TRY(catalog_.check_table(table));
  }
  return found;
}

/// All pages of a list share a reading, so a million changes are compared once and not once a page.
Result<std::shared_ptr<const Reading>> CatalogReader::reading_of(const UploadRecord& upload,
                                                                 const Stop& stop) {
  // An upload has the same comparison before and after acceptance, so both use one entry.
  return readings_.get("upload " + upload.upload_id.to_string(), [&]() -> Result<Reading> {
    auto reading = read_stored(files_, catalog_, upload, stop);
    if (reading.has_value() || upload.version) return reading;
    // The upload was released after it was looked up, so its file has its archived name now.
    DD_TRY(const auto found, catalog_.find(upload.upload_id));
    if (found && found->version) return read_stored(files_, catalog_, *found, stop);
    return reading;
  });
}

Result<void> CatalogReader::changes(const UploadId& id, Seq first,
                                    const std::function<bool(Seq seq, std::string_view json)>& use,
                                    const Stop& stop) {
  DD_TRY(const auto upload, catalog_.known(id));
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

Result<VersionDiff> CatalogReader::diff_versions(const TableRef& table, Version from, Version to, Seq first,
                                                 const std::function<bool(const EventView& change)>& use,
                                                 const Stop& stop) {
  VersionDiff diff;
  if (from.value != 0) {
    DD_TRY(diff.from, catalog_.known_version(table, from));
  }
  if (to.value != 0) {
    DD_TRY(diff.to, catalog_.known_version(table, to));
  }
  if (!diff.from && !diff.to) {
    DD_TRY(catalog_.check_table(table));
    return diff;
  }
  const auto* before = diff.from ? &*diff.from : nullptr;
  const auto* after = diff.to ? &*diff.to : nullptr;
  const auto name = fmt::format("versions {} {} {}", table.to_string(), from.value, to.value);
  DD_TRY(const auto reading, readings_.get(name, [&] { return read_versions(files_, before, after, stop); }));
  diff.counts = reading->changes.counts;
  diff.schema_changes = reading->changes.schema_changes;
  diff.key_changed = diff.from && diff.to && diff.from->reading.options.key != diff.to->reading.options.key;
  DD_TRY(diff::for_each_event(reading->before_or_null(), reading->after, reading->changes, first,
                              [&](const EventView& change) -> Result<bool> { return use(change); }));
  return diff;
}

Result<std::unique_ptr<ArchivedFile>> CatalogReader::archived_file(const TableRef& table, Version version) {
  DD_TRY(const auto found, catalog_.known_version(table, version));
  return files_.open_archived(found);
}

Result<std::unique_ptr<ArchivedFile>> CatalogReader::archived_original(const TableRef& table,
                                                                       Version version) {
  DD_TRY(const auto found, catalog_.known_version(table, version));
  return files_.open_original(found);
}

}  // namespace deltadrop::ingest
