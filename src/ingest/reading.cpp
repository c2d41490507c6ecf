#include "ingest/reading.hpp"

#include <fmt/format.h>

#include <future>
#include <utility>

#include "core/exhausted.hpp"
#include "core/text.hpp"

namespace deltadrop::ingest {
namespace {

/// Hashing a smaller file takes less time than starting a thread.
constexpr std::int64_t kThreadBytesMin = std::int64_t{256} << 10;

/// Hashes the bytes of an open stored file on a separate thread.
class CheckedBeside {
 public:
  CheckedBeside(StoredFiles& files, const UploadRecord& upload, const csv::File& file)
      : passed_(run_apart(upload.file.bytes >= kThreadBytesMin,
                          [&files, &upload, &file] { return files.check(upload, file); })) {}
  Result<void> passed() { return passed_.get(); }

 private:
  std::future<Result<void>> passed_;
};

/// Compares two files while their bytes are hashed. The result is used only if the hashes match. A null
/// record means that the file is not stored.
Result<diff::Outcome> compare_checked(StoredFiles& files, const UploadRecord* old_upload,
                                      const UploadRecord* new_upload, const Reading& reading, bool rekey,
                                      const Stop& stop) {
  std::optional<CheckedBeside> before;
  std::optional<CheckedBeside> after;
  if (old_upload != nullptr) before.emplace(files, *old_upload, *reading.before_or_null());
  if (new_upload != nullptr) after.emplace(files, *new_upload, reading.after);
  auto compared =
      diff::diff(reading.before_or_null(), reading.after,
                 diff::Options{.rekey = rekey,
                               .before_is_checked = true,
                               .before_has_only_rows = old_upload != nullptr && has_only_rows(*old_upload),
                               .warns = false,
                               .stop = stop});
  if (before) {
    DD_TRY(before->passed());
  }
  if (after) {
    DD_TRY(after->passed());
  }
  return compared;
}

/// Returns the empty table with the columns of `version`. `text` holds its header.
Result<csv::File> without_rows(const UploadRecord& version, std::unique_ptr<const std::string>& text) {
  const std::vector<std::string_view> columns(version.reading.columns.begin(), version.reading.columns.end());
  text = std::make_unique<const std::string>(csv::format_record(columns) + "\n");
  csv::ReadOptions options = version.reading.options;
  options.delimiter = ',';
  options.encoding = csv::Encoding::utf8;
  const csv::ReadOptions plain;
  options.skip_lines = plain.skip_lines;
  options.skip_footer = plain.skip_footer;
  options.footer = plain.footer;
  options.has_header = plain.has_header;
  options.columns = plain.columns;
  options.unnamed = plain.unnamed;
  options.short_rows = plain.short_rows;
  return csv::File::over(*text, options, no_limits());
}

/// Returns the version that the upload was compared with or is to be compared with.
std::optional<Version> version_before(const UploadRecord& upload) {
  if (!upload.version) return upload.based_on;
  if (upload.version->value == 1) return std::nullopt;
  return Version(upload.version->value - 1);
}

}  // namespace

bool has_only_rows(const UploadRecord& version) {
  const auto& skipped = version.outcome.skipped;
  return skipped && skipped->blank == 0 && skipped->header == 0;
}

UploadFacts facts_of(const UploadRecord& upload) {
  UploadFacts facts;
  facts.table = upload.table;
  facts.upload_id = upload.upload_id;
  facts.previous_upload_id = upload.previous_upload_id;
  facts.file_id = upload.file.file_id;
  facts.file_sha256 = upload.file.sha256;
  facts.version = upload.version.value_or(Version());
  facts.timestamp = upload.times.timestamp.value_or(Timestamp());
  facts.effective_at = upload.times.effective_at.value_or(Timestamp());
  facts.types_json = upload.reading.types_json;
  facts.total = upload.outcome.counts.changes();
  facts.archive_id = upload.archive_id;
  return facts;
}

bool Reading::is_untouched() const { return (!before || before->is_untouched()) && after.is_untouched(); }

Result<Reading> read_stored(StoredFiles& files, Catalog& catalog, const UploadRecord& upload,
                            const Stop& stop) {
  std::optional<csv::File> before;
  std::optional<UploadRecord> previous;
  if (const auto version = version_before(upload)) {
    DD_TRY(previous, catalog.version(upload.table, *version));
    if (!previous) {
      return Error{
          ErrorCode::corrupt, "no-previous-version",
          fmt::format("the catalog has no version {} of {}", version->value, upload.table.to_string()),
          "run `deltadrop rebuild catalog`"};
    }
    DD_TRY(auto file, files.open(*previous));
    before = std::move(file);
  }
  DD_TRY(auto after, files.open(upload));
  Reading reading{std::move(before), std::move(after), {}};
  DD_TRY(auto outcome, compare_checked(files, previous ? &*previous : nullptr, &upload, reading,
                                       upload.reading.rekey, stop));
  if (!outcome.findings.empty()) return files.note(upload, outcome.findings.first.front().message);
  reading.changes = std::move(outcome.changes);
  if (reading.changes.counts != upload.outcome.counts) {
    return files.note(upload, fmt::format("it has {} and {}, {} and {} are recorded",
                                          counted(reading.changes.counts.rows, "row"),
                                          counted(reading.changes.counts.changes(), "change"),
                                          upload.outcome.counts.rows, upload.outcome.counts.changes()));
  }
  return reading;
}

Result<Reading> read_versions(StoredFiles& files, const UploadRecord* from, const UploadRecord* to,
                              const Stop& stop) {
  std::optional<csv::File> before;
  if (from != nullptr) {
    DD_TRY(auto file, files.open(*from));
    before = std::move(file);
  }
  std::unique_ptr<const std::string> text;
  std::optional<csv::File> after;
  if (to != nullptr) {
    DD_TRY(auto file, files.open(*to));
    after = std::move(file);
  } else {
    DD_TRY(auto file, without_rows(*from, text));
    after = std::move(file);
  }
  Reading reading{std::move(before), std::move(*after), {}, std::move(text)};
  DD_TRY(auto outcome, compare_checked(files, from, to, reading, true, stop));
  if (!outcome.findings.empty()) {
    return files.note(to != nullptr ? *to : *from, outcome.findings.first.front().message);
  }
  reading.changes = std::move(outcome.changes);
  return reading;
}

Result<void> for_each_json(
    const Reading& reading, const UploadRecord& upload, Seq first,
    const std::function<Result<bool>(const EventView& event, std::string_view json)>& use) {
  const UploadFacts facts = facts_of(upload);
  const EventWriter writer =
      upload.version ? EventWriter(facts) : EventWriter::of_draft(facts, upload.times.effective_at);
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
