#include "ingest/reading.hpp"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "core/text.hpp"

namespace deltadrop::ingest {
namespace {

csv::Limits no_limits() {
  csv::Limits limits;
  limits.columns_max = std::numeric_limits<std::uint32_t>::max();
  limits.rows_max = std::numeric_limits<std::int64_t>::max();
  limits.key_bytes_max = std::numeric_limits<std::uint32_t>::max();
  limits.field_bytes_max = std::numeric_limits<std::uint32_t>::max();
  limits.row_bytes_max = std::numeric_limits<std::uint32_t>::max();
  limits.event_bytes_max = std::numeric_limits<std::uint32_t>::max();
  return limits;
}

Error damaged(const Layout& layout, const UploadRecord& upload, std::string_view what) {
  return {ErrorCode::corrupt, "archive-damaged",
          fmt::format("{} is not the file of upload {} any more: {}", layout.stored_file(upload).string(),
                      upload.upload_id.to_string(), what),
          "restore that file from a backup"};
}

/// The empty table with the columns of `version`: its header alone, kept in `text`.
Result<csv::File> without_rows(const UploadRecord& version, std::unique_ptr<const std::string>& text) {
  const std::vector<std::string_view> columns(version.columns.begin(), version.columns.end());
  text = std::make_unique<const std::string>(csv::format_record(columns) + "\n");
  csv::ReadOptions options = version.options;
  options.delimiter = ',';
  options.encoding = csv::Encoding::utf8;
  return csv::File::over(*text, options, no_limits());
}

/// The version that the upload was, or is to be, compared with.
std::optional<Version> version_before(const UploadRecord& upload) {
  if (!upload.version) return upload.based_on;
  if (upload.version->value == 1) return std::nullopt;
  return Version(upload.version->value - 1);
}

}  // namespace

UploadFacts facts_of(const UploadRecord& upload) {
  UploadFacts facts;
  facts.table = upload.table;
  facts.upload_id = upload.upload_id;
  facts.previous_upload_id = upload.previous_upload_id;
  facts.file_id = upload.file_id;
  facts.file_sha256 = upload.sha256;
  facts.version = upload.version.value_or(Version());
  facts.timestamp = upload.timestamp.value_or(Timestamp());
  facts.effective_at = upload.effective_at.value_or(Timestamp());
  facts.types_json = upload.types_json;
  facts.total = upload.counts.changes();
  facts.archive_id = upload.archive_id;
  return facts;
}

Result<csv::File> open_stored(const Layout& layout, const UploadRecord& upload) {
  auto file = csv::File::open(layout.stored_file(upload), upload.options, no_limits(), layout.spool());
  if (!file.has_value() && file.error().code == ErrorCode::not_found) {
    return Error{ErrorCode::corrupt, "archive-damaged",
                 fmt::format("the file of upload {} is missing: {}", upload.upload_id.to_string(),
                             file.error().message),
                 "restore that file from a backup"};
  }
  return file;
}

Result<Reading> read_stored(const Layout& layout, Catalog& catalog, const UploadRecord& upload) {
  std::optional<csv::File> before;
  if (const auto version = version_before(upload)) {
    DD_TRY(const auto previous, catalog.version(upload.table, *version));
    if (!previous) {
      return Error{
          ErrorCode::corrupt, "no-previous-version",
          fmt::format("the catalog has no version {} of {}", version->value, upload.table.to_string()),
          "run `deltadrop rebuild catalog`"};
    }
    DD_TRY(auto file, open_stored(layout, *previous));
    before = std::move(file);
  }
  DD_TRY(auto after, open_stored(layout, upload));
  Reading reading{std::move(before), std::move(after), {}};
  DD_TRY(auto outcome, diff::diff(reading.before_or_null(), reading.after, diff::Options{upload.rekey}));
  if (!outcome.findings.empty()) return damaged(layout, upload, outcome.findings.first.front().message);
  reading.changes = std::move(outcome.changes);
  if (reading.changes.counts != upload.counts) {
    return damaged(
        layout, upload,
        fmt::format("it has {} and {}, {} and {} are recorded", counted(reading.changes.counts.rows, "row"),
                    counted(reading.changes.counts.changes(), "change"), upload.counts.rows,
                    upload.counts.changes()));
  }
  return reading;
}

Result<Reading> read_versions(const Layout& layout, const UploadRecord* from, const UploadRecord* to) {
  std::optional<csv::File> before;
  if (from != nullptr) {
    DD_TRY(auto file, open_stored(layout, *from));
    before = std::move(file);
  }
  std::unique_ptr<const std::string> text;
  std::optional<csv::File> after;
  if (to != nullptr) {
    DD_TRY(auto file, open_stored(layout, *to));
    after = std::move(file);
  } else {
    DD_TRY(auto file, without_rows(*from, text));
    after = std::move(file);
  }
  Reading reading{std::move(before), std::move(*after), {}, std::move(text)};
  DD_TRY(auto outcome, diff::diff(reading.before_or_null(), reading.after, diff::Options{.rekey = true}));
  if (!outcome.findings.empty()) {
    return damaged(layout, to != nullptr ? *to : *from, outcome.findings.first.front().message);
  }
  reading.changes = std::move(outcome.changes);
  return reading;
}

Result<void> for_each_json(
    const Reading& reading, const UploadRecord& upload, Seq first,
    const std::function<Result<bool>(const EventView& event, std::string_view json)>& use) {
  const UploadFacts facts = facts_of(upload);
  const EventWriter writer =
      upload.version ? EventWriter(facts) : EventWriter::of_draft(facts, upload.effective_at);
  std::string json;
  return diff::for_each_event(reading.before_or_null(), reading.after, reading.changes, first,
                              [&](const EventView& event) -> Result<bool> {
                                json.clear();
                                writer.append(json, event);
                                return use(event, json);
                              });
}

Result<void> for_each_message(const Reading& reading, const UploadRecord& upload,
                              const std::function<Result<void>(const eventlog::Message&)>& use) {
  std::string key;
  return for_each_json(reading, upload, Seq(1),
                       [&](const EventView& event, std::string_view json) -> Result<bool> {
                         key.clear();
                         append_message_key(key, upload.table, event.key_value);
                         DD_TRY(use({key, json, event.type, upload.upload_id}));
                         return true;
                       });
}

}  // namespace deltadrop::ingest
