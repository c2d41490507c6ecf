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

Result<std::vector<TableRecord>> Engine::tables() { return catalog_->tables(); }

Result<std::vector<UploadRecord>> Engine::versions(const TableRef& table, Version first, std::int64_t limit) {
  DD_TRY(auto found, catalog_->versions(table, first, limit));
  if (found.empty()) {
    DD_TRY(const auto last, catalog_->last_version(table));
    if (!last) return no_such_table(table);
  }
  return found;
}

Result<void> Engine::changes(const UploadId& id, Seq first,
                             const std::function<bool(Seq seq, std::string_view json)>& use) {
  DD_TRY(auto upload, catalog_->find(id));
  if (!upload) {
    return Error{ErrorCode::not_found, "no-such-upload", fmt::format("no upload is {}", id.to_string()),
                 "list the uploads to see their ids"};
  }
  if (upload->state == UploadState::discarded || upload->state == UploadState::expired) {
    return Error{
        ErrorCode::conflict, "file-gone",
        fmt::format("upload {} is {}: its file was removed", id.to_string(), to_string(upload->state)),
        "send the file again, with dry_run=true to see what it changes"};
  }
  auto reading = read_stored(layout_, *catalog_, *upload);
  if (!reading.has_value() && reading.error().code == ErrorCode::not_found && !upload->version) {
    // Released since it was looked up: the file has its archived name now.
    DD_TRY(upload, catalog_->find(id));
    if (upload) reading = read_stored(layout_, *catalog_, *upload);
  }
  if (!reading.has_value()) return reading.error();
  return for_each_json(
      reading.value(), *upload, first,
      [&](const EventView& event, std::string_view json) -> Result<bool> { return use(event.seq, json); });
}

Result<fs::path> Engine::archived_file(const TableRef& table, Version version) {
  DD_TRY(const auto found, catalog_->version(table, version));
  if (found) return layout_.archived_file(*found);
  DD_TRY(const auto last, catalog_->last_version(table));
  if (!last) return no_such_table(table);
  return Error{ErrorCode::not_found, "no-such-version",
               fmt::format("{} has no version {}; its last is {}", table.to_string(), version.value,
                           last->version->value),
               "list the table's versions"};
}

bool Engine::wait_published(const UploadId& id, std::chrono::steady_clock::time_point deadline) {
  publisher_.wait(id, deadline, Publisher::Patience::until_deadline);
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
