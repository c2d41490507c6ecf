#include <fmt/format.h>

#include <utility>

#include "ingest/engine.hpp"

namespace deltadrop::ingest {
namespace {

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

std::optional<Timestamp> Engine::expires_at(const UploadRecord& upload) const {
  if (upload.state != UploadState::held) return std::nullopt;
  return upload.received_at.plus_ms((upload.dry_run ? options_.dry_run_ttl : options_.held_ttl).count());
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
Result<std::shared_ptr<const Reading>> Engine::reading_of(const UploadRecord& upload) {
  // An accepted upload is compared as it was when it was held, so both are one entry.
  return readings_.get("upload " + upload.upload_id.to_string(), [&]() -> Result<Reading> {
    auto reading = read_stored(layout_, *catalog_, upload);
    if (reading.has_value() || upload.version) return reading;
    // Released since it was looked up: the file has its archived name now.
    DD_TRY(const auto found, catalog_->find(upload.upload_id));
    if (found && found->version) return read_stored(layout_, *catalog_, *found);
    return reading;
  });
}

Result<void> Engine::changes(const UploadId& id, Seq first,
                             const std::function<bool(Seq seq, std::string_view json)>& use) {
  DD_TRY(const auto upload, find_known(id));
  if (upload.state == UploadState::discarded || upload.state == UploadState::expired) {
    return Error{
        ErrorCode::conflict, "file-gone",
        fmt::format("upload {} is {}: its file was removed", id.to_string(), to_string(upload.state)),
        "send the file again, with dry_run=true to see what it changes"};
  }
  DD_TRY(const auto reading, reading_of(upload));
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
                                          const std::function<bool(const EventView& change)>& use) {
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
  DD_TRY(const auto reading, readings_.get(name, [&] { return read_versions(layout_, before, after); }));
  diff.counts = reading->changes.counts;
  diff.schema_changes = reading->changes.schema_changes;
  diff.key_changed = diff.from && diff.to && diff.from->options.key != diff.to->options.key;
  DD_TRY(diff::for_each_event(reading->before_or_null(), reading->after, reading->changes, first,
                              [&](const EventView& change) -> Result<bool> { return use(change); }));
  return diff;
}

Result<fs::path> Engine::archived_file(const TableRef& table, Version version) {
  DD_TRY(const auto found, find_version(table, version));
  return layout_.archived_file(found);
}

bool Engine::wait_published(const UploadId& id, std::chrono::steady_clock::time_point deadline) {
  publisher_.wait(id, deadline);
  const auto found = catalog_->find(id);
  return found.has_value() && found.value() && found.value()->state == UploadState::published;
}

Health Engine::health() {
  Health health;
  health.log = publisher_.trouble();
  const auto counts = catalog_->counts();
  if (counts.has_value()) {
    health.held = counts.value().held;
    health.accepted_unpublished = counts.value().accepted_unpublished;
  } else if (!health.log) {
    health.log = counts.error();
  }
  return health;
}

}  // namespace deltadrop::ingest
