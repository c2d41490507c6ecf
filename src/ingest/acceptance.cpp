#include "ingest/acceptance.hpp"

#include <fmt/format.h>

#include <utility>

#include "io/file.hpp"

namespace deltadrop::ingest {
namespace {

constexpr std::int64_t kSamplesMax = 5;

/// Makes the upload the table's next version: sets its version, times and file name.
Result<void> stamp(UploadRecord& upload, const std::optional<UploadRecord>& last, Timestamp now,
                   const fs::path& folder) {
  Timestamp timestamp = now;
  if (last && timestamp <= *last->times.timestamp) {
    timestamp = last->times.timestamp->plus_ms(1);
    upload.outcome.warnings.push_back(
        fmt::format("The clock says {}, which is not after version {} of {}; {} was taken.", now.to_string(),
                    last->version->value, last->times.timestamp->to_string(), timestamp.to_string()));
  }
  // An earlier acceptance of the same file that failed and is not undone yet may have the name.
  std::error_code ignored;
  const auto is_taken = [&] {
    const fs::path file = folder / archive_name_of(timestamp, upload.file.file_id);
    return fs::exists(file, ignored) || fs::exists(fs::path(file).replace_extension(".xlsx"), ignored);
  };
  while (is_taken()) timestamp = timestamp.plus_ms(1);
  if (upload.times.effective_at) {
    DD_TRY(check_effective_at(*upload.times.effective_at, timestamp, last ? &*last : nullptr));
  }
  upload.state = UploadState::accepted;
  upload.version = last ? last->version->next() : Version(1);
  upload.times.timestamp = timestamp;
  if (!upload.times.effective_at) upload.times.effective_at = timestamp;
  if (last) {
    upload.previous_upload_id =
        last->outcome.counts.changes() > 0 ? std::optional(last->upload_id) : last->previous_upload_id;
  }
  upload.file.archive_name = archive_name_of(timestamp, upload.file.file_id);
  if (upload.outcome.counts.changes() == 0) {
    // A version without changes has no events, so it needs no publishing.
    upload.state = UploadState::published;
    upload.times.published_at = timestamp;
    if (last && upload.reading.types_json != last->reading.types_json) {
      upload.outcome.warnings.emplace_back(
          "No row changed, so that no event tells the lake of types: it follows them from the next version "
          "on that changes a row.");
    }
  }
  return success();
}

}  // namespace

Acceptance::Acceptance(const Options& options, const ArchiveId& archive_id, const Parts& parts)
    : options_(options),
      archive_id_(archive_id),
      files_(parts.files),
      layout_(parts.files.layout()),
      catalog_(parts.catalog),
      answers_(parts.answers),
      publisher_(parts.publisher),
      housekeeper_(parts.housekeeper),
      clock_(parts.clock),
      clock_watch_(parts.clock_watch) {}

Result<std::vector<std::string>> Acceptance::samples_of(const Reading& reading, const UploadRecord& upload) {
  std::vector<std::string> samples;
  DD_TRY(for_each_json(reading, upload, Seq(1), [&](const EventView&, std::string_view json) -> Result<bool> {
    samples.emplace_back(json);
    return std::ssize(samples) < kSamplesMax;
  }));
  return samples;
}

void Acceptance::withdraw(const fs::path& path) {
  if (!io::remove_file(path).has_value()) housekeeper_.owe_removal(path);
}

void Acceptance::withdraw_held(const UploadRecord& upload) {
  withdraw(layout_.held_file(upload.upload_id));
  if (upload.file.source) withdraw(layout_.held_original(upload.upload_id));
}

void Acceptance::withdraw_from_archive(const UploadRecord& upload) {
  if (!remove_placed(layout_, upload).has_value()) housekeeper_.owe_settlement(upload);
}

Result<UploadReport> Acceptance::hold(const fs::path& spooled, const std::optional<fs::path>& original,
                                      UploadRecord upload, const Reading& reading,
                                      const std::optional<AskedKey>& key) {
  upload.state = UploadState::held;
  DD_TRY(auto samples, samples_of(reading, upload));
  UploadReport report{UploadStatus::held, upload, std::move(samples)};
  auto moved = hold_file(layout_, spooled, original, upload.upload_id);
  if (moved.has_value()) moved = files_.check_data_dir();
  if (!moved.has_value()) {
    withdraw_held(upload);
    return moved.error();
  }
  const auto added = catalog_.add_held(upload, answers_.to_keep(key, report));
  if (!added.has_value()) {
    const auto settled = catalog_.settle(upload.upload_id);
    // The outcome is unknown: keep the file. The next start decides by the catalog's row.
    if (!settled.has_value()) return added.error();
    if (!settled.value()) {
      withdraw_held(upload);
      return added.error();
    }
  }
  return report;
}

Result<UploadReport> Acceptance::accept(const Arrival& arrival, UploadRecord upload,
                                        const std::optional<UploadRecord>& last,
                                        std::shared_ptr<const Reading> reading,
                                        const std::optional<AskedKey>& key) {
  DD_TRY(pass_step("accept.begin", arrival.path));
  // Once more: it may have jumped since the file was received, and a timestamp is for ever.
  DD_TRY(clock_watch_.check());
  DD_TRY(stamp(upload, last, clock_.now(), layout_.archive_folder(upload.table)));
  upload.archive_id = archive_id_;
  Placed names;
  auto placed = place_in_archive(layout_, arrival, upload, names);
  // Check after the file has its name: it must be in the archive of the open catalog.
  if (placed.has_value()) placed = files_.check_data_dir();
  if (!placed.has_value()) {
    if (names.file) {
      withdraw_from_archive(upload);
    } else if (names.original) {
      withdraw(layout_.archived_original(upload));
    }
    return placed.error();
  }
  UploadReport report{UploadStatus::accepted, upload, {}};
  const auto committed = catalog_.add_version(upload, arrival.bytes, answers_.to_keep(key, report));
  if (!committed.has_value()) {
    DD_TRY(settle(upload, committed.error()));
  }
  finish_acceptance(upload, arrival, std::move(reading));
  return report;
}

Result<UploadRecord> Acceptance::settle(const UploadRecord& upload, const Error& error) {
  const auto settled = catalog_.settle(upload.upload_id);
  if (!settled.has_value()) {
    housekeeper_.owe_settlement(upload);
    return Error{ErrorCode::in_doubt, error.type,
                 fmt::format("whether upload {} was accepted is not known: {}", upload.upload_id.to_string(),
                             error.message),
                 fmt::format("{}; then look at the table's last version", error.fix)};
  }
  if (settled.value() && settled.value()->version) return *settled.value();
  withdraw_from_archive(upload);
  return error;
}

void Acceptance::finish_acceptance(const UploadRecord& upload, const Arrival& arrival,
                                   std::shared_ptr<const Reading> reading) {
  // The upload is accepted even if a step below fails. The housekeeper or the next start retries such a step.
  clock_watch_.saw_version(upload.table, *upload.times.timestamp);
  if (arrival.source == Source::stays) withdraw_held(upload);
  if (!pass_step("accept.committed", layout_.catalog()).has_value() ||
      !write_manifest(layout_, upload, arrival.sync()).has_value()) {
    housekeeper_.owe_manifest(upload);
  }
  // Enqueue before the copy for current/, so that the publisher does not wait for the copy.
  if (upload.state == UploadState::accepted) publisher_.enqueue(upload, std::move(reading));
  if (!pass_step("accept.described", layout_.manifest_file(upload)).has_value() ||
      !make_current(layout_, upload).has_value()) {
    housekeeper_.owe_current(upload.table);
  }
  // Last: what is written by now is synced with the current file.
  housekeeper_.owe_sync(upload);
}

Result<void> Acceptance::check_owner(const TableRef& table) {
  if (!options_.owner_check) return success();
  return options_.owner_check(table, archive_id_, [this](const UploadId& upload) -> Result<bool> {
    DD_TRY(const auto found, catalog_.find(upload));
    return found.has_value();
  });
}

}  // namespace deltadrop::ingest
