#include "ingest/submissions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <memory>
#include <utility>

#include "core/exhausted.hpp"
#include "ingest/guard.hpp"
#include "ingest/idempotency.hpp"
#include "io/file.hpp"

namespace deltadrop::ingest {
namespace {

Error compare_timed_out(std::chrono::milliseconds limit) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit).count();
  return {
      ErrorCode::timed_out, "compare-timed-out",
      fmt::format("the file was not compared with the table's last version within {} s; nothing has changed",
                  seconds),
      "raise COMPARE_TIMEOUT, or split the table"};
}

std::vector<std::string> names_at(const csv::Header& header, const std::vector<std::size_t>& indexes) {
  std::vector<std::string> names;
  names.reserve(indexes.size());
  for (const std::size_t index : indexes) names.push_back(header.columns[index]);
  return names;
}

std::vector<std::string> named_columns(const csv::Header& header) {
  std::vector<std::string> names = header.columns;
  // A dropped column has no name.
  std::erase(names, "");
  return names;
}

/// Returns the options for the CSV of a workbook: delimiter and encoding are those that the conversion
/// writes.
WantedReading reading_of_converted(WantedReading wanted) {
  wanted.options.delimiter = ',';
  wanted.options.encoding = csv::Encoding::utf8;
  wanted.remembered = {};
  wanted.delimiter_given = false;
  wanted.encoding_given.reset();
  return wanted;
}

/// Warns about options that have no effect on workbooks.
std::vector<std::string> not_for_workbooks(const ParsedRequest& request) {
  std::vector<std::string> warnings;
  for (const auto* name : {"delimiter", "encoding"}) {
    if (!request.given.contains(name)) continue;
    warnings.push_back(fmt::format("{} was not used: it is for CSV, and the file is a workbook.", name));
  }
  return warnings;
}

/// Returns the record of a file whose header is read: the options with which it is always read, and its
/// columns.
UploadRecord described(const SpoolFile& spool, const ParsedRequest& request, const WantedReading& wanted,
                       const csv::File& file) {
  const csv::Header& header = file.header();
  UploadRecord upload;
  upload.table = request.table;
  upload.file.sha256 = spool.sha256();
  upload.file.bytes = spool.bytes();
  upload.file.file_id = file_id_of(request.table.company_id, upload.file.sha256);
  upload.file.original_name = request.original_name;
  upload.times.effective_at = request.effective_at;
  static_cast<ReadingOptions&>(upload.reading) = wanted;
  upload.reading.options = file.resolved_options();
  upload.reading.delimiter_given = wanted.delimiter_given;
  upload.reading.encoding_given = wanted.encoding_given;
  upload.reading.skip_lines_given = wanted.skip_lines_given;
  upload.reading.delimiter_declared = file.dialect().delimiter_declared;
  upload.reading.trailing_delimiter = file.dialect().trailing_delimiter;
  if (request.again) upload.reverts_to = request.again->version;
  upload.reading.columns = named_columns(header);
  upload.reading.tracked = names_at(header, header.tracked);
  upload.reading.key_column = header.key_column();
  upload.dry_run = request.dry_run;
  upload.times.steps.received = request.received;
  upload.outcome.warnings = unknown_columns("ignore", upload.reading.options.ignore, upload.reading.columns);
  for (auto& warning : unknown_type_columns(upload.reading.types_json, upload.reading.columns)) {
    upload.outcome.warnings.push_back(std::move(warning));
  }
  return upload;
}

bool reads_alike(const UploadRecord& a, const UploadRecord& b) {
  return a.file.sha256 == b.file.sha256 &&
         static_cast<const ReadingOptions&>(a.reading) == static_cast<const ReadingOptions&>(b.reading);
}

/// Warns about options that are ignored because the file equals the last version and nothing is written.
std::vector<std::string> not_taken(const UploadRecord& asked, const UploadRecord& last) {
  std::vector<std::string> warnings;
  if (asked.times.effective_at && asked.times.effective_at != last.times.effective_at) {
    warnings.push_back(fmt::format(
        "effective_at {} was not taken: the file is that of version {}, which holds from {}.",
        asked.times.effective_at->to_string(), last.version->value, last.times.effective_at->to_string()));
  }
  if (asked.reading.delimiter_given != last.reading.delimiter_given ||
      asked.reading.encoding_given != last.reading.encoding_given ||
      asked.reading.skip_lines_given != last.reading.skip_lines_given) {
    warnings.push_back(
        fmt::format("delimiter, encoding and skip_lines of this request are not remembered: the file is that "
                    "of version {}. Give them with the next file that differs.",
                    last.version->value));
  }
  return warnings;
}

UploadReport unchanged(const UploadRecord& asked, UploadRecord last) {
  for (auto& warning : not_taken(asked, last)) last.outcome.warnings.push_back(std::move(warning));
  last.outcome.counts = diff::Counts{last.outcome.counts.rows, last.outcome.counts.rows, 0, 0, 0};
  last.outcome.schema_changes.clear();
  return {UploadStatus::unchanged, std::move(last), {}};
}

Error not_held(const UploadRecord& upload) {
  return {ErrorCode::conflict, "not-held",
          fmt::format("upload {} of {} is {}{}, not held", upload.upload_id.to_string(),
                      upload.table.to_string(), to_string(upload.state),
                      upload.version ? fmt::format(" as version {}", upload.version->value) : ""),
          "only held uploads can be released or discarded"};
}

void note_report(const UploadReport& report, UploadSeen& seen) {
  const auto& upload = report.upload;
  seen.result = report.replayed ? "replayed" : to_string(report.status);
  seen.upload_id = upload.upload_id.to_string();
  seen.company_id = upload.table.company_id;
  seen.table_name = upload.table.table_name;
  seen.version = upload.version ? upload.version->value : 0;
  seen.bytes = upload.file.bytes;
  seen.rows = upload.outcome.counts.rows;
  seen.inserted = upload.outcome.counts.inserted;
  seen.updated = upload.outcome.counts.updated;
  seen.deleted = upload.outcome.counts.deleted;
}

void note_outcome(const Result<SubmitOutcome>& outcome, UploadSeen& seen) {
  if (outcome.has_error()) {
    const auto code = outcome.error().code;
    const bool is_the_clients = code == ErrorCode::invalid_input || code == ErrorCode::conflict;
    seen.result = is_the_clients ? "refused" : "failed";
    seen.error = outcome.error().type;
  } else if (const auto* findings = std::get_if<csv::Findings>(&outcome.value())) {
    seen.result = "refused";
    seen.error = "bad-file";
    seen.findings = findings->total;
  } else {
    note_report(std::get<UploadReport>(outcome.value()), seen);
  }
}

Error moved_on(const UploadRecord& upload, const std::optional<UploadRecord>& last) {
  const std::string shown =
      upload.based_on ? fmt::format("version {}", upload.based_on->value) : std::string("an empty table");
  return {ErrorCode::conflict, "table-moved-on",
          fmt::format("upload {} was compared with {} of {}, which is at version {} of {} ({}) now",
                      upload.upload_id.to_string(), shown, upload.table.to_string(), last->version->value,
                      last->times.timestamp->to_string(), last->file.file_id),
          "discard it, and send the file again to see what it changes now"};
}

/// Copies the file instead of sharing it: an upload's file gets its own name, mode and time, and an archived
/// file never changes.
Result<void> copy(ArchivedFile& file, SpoolFile& into) {
  for (std::uint64_t offset = 0;;) {
    DD_TRY(const auto piece, file.read(offset, kBlockBytes));
    if (piece.empty()) return success();
    DD_TRY(into.write(std::as_bytes(std::span(piece))));
    offset += piece.size();
  }
}

/// Turns an exception, most likely out of memory, into the upload's error instead of ending the process.
template <class Value, class Work>
Result<Value> in_turn(Work work) {
  try {
    return work();
  } catch (const std::exception& failure) {
    if (auto known = exhausted(failure)) return std::move(*known);
    return Error{ErrorCode::internal, "upload-failed",
                 fmt::format("the upload met an unexpected fault: {}", failure.what()),
                 "send it again; if it fails again, report this with the message"};
  }
}

}  // namespace

struct Submissions::Arrived {
  const SpoolFile& file;
  const SpoolFile* original = nullptr;
  std::optional<UploadSource> source;
  std::vector<std::string> warnings;  ///< from the conversion

  [[nodiscard]] std::optional<fs::path> original_path() const {
    return original == nullptr ? std::nullopt : std::optional(original->path());
  }
  /// Returns the bytes that the catalog may keep instead of a synced file. The catalog does not keep
  /// workbooks, so an upload with a workbook has both files synced.
  [[nodiscard]] std::optional<std::string_view> kept_bytes() const {
    return original == nullptr ? file.kept_bytes() : std::nullopt;
  }
};

/// A file that a client sends.
class Submissions::SpooledReception final : public Reception {
 public:
  SpooledReception(Submissions& submissions, std::unique_ptr<SpoolFile> spool)
      : submissions_(submissions), spool_(std::move(spool)) {}

  Result<void> write(std::span<const std::byte> bytes) override { return spool_->write(bytes); }
  void submit(const UploadRequest& request, Done<SubmitOutcome> done) override {
    submissions_.submit(std::move(spool_), request, std::move(done));
  }

 private:
  Submissions& submissions_;
  std::unique_ptr<SpoolFile> spool_;
};

Submissions::Submissions(const Options& options, const Parts& parts)
    : options_(options),
      files_(parts.files),
      layout_(parts.files.layout()),
      catalog_(parts.catalog),
      answers_(parts.answers),
      acceptance_(parts.acceptance),
      publisher_(parts.publisher),
      turns_(parts.turns),
      clock_(parts.clock),
      clock_watch_(parts.clock_watch),
      stopping_(parts.stopping),
      workbooks_(options.upload_bytes_max) {}

Result<std::unique_ptr<SpoolFile>> Submissions::open_spool() {
  if (stopping_) return shutting_down();
  DD_TRY(clock_watch_.check());
  DD_TRY(files_.check_data_dir());
  const auto path = layout_.spool() / fmt::format("{}.part", ++spooled_);
  return SpoolFile::create(path, {options_.upload_bytes_max, options_.expansion_ratio_max,
                                  options_.kept_bytes_max, options_.disk_reserve});
}

Result<std::unique_ptr<Reception>> Submissions::receive() {
  DD_TRY(auto spool, open_spool());
  return std::unique_ptr<Reception>(std::make_unique<SpooledReception>(*this, std::move(spool)));
}

void Submissions::submit(std::unique_ptr<SpoolFile> spool, const UploadRequest& request,
                         Done<SubmitOutcome> done) {
  if (stopping_) return done(shutting_down());
  const auto parse = [&](const Sha256& file) -> Result<ParsedRequest> {
    DD_TRY(auto parsed, parse_request(request));
    parsed.asked_key = asked_key(request.caller, identity_of(request.fields, parsed.table, file));
    return parsed;
  };
  begin_submission(std::move(spool), request.caller, parse, std::move(done));
}

struct Submissions::Submission {
  std::unique_ptr<SpoolFile> spool;  ///< null after its turn
  Caller caller;
  Done<SubmitOutcome> done;
  ParsedRequest request;
  UploadSeen seen;
  std::optional<StepTimer> waiting;  ///< measures the wait for its turn
};

void Submissions::begin_submission(std::unique_ptr<SpoolFile> spool, const Caller& caller,
                                   const Parsed& parse, Done<SubmitOutcome> done) {
  const auto submission = std::make_shared<Submission>();
  submission->spool = std::move(spool);
  submission->caller = caller;
  submission->done = std::move(done);
  submission->seen.request_id = caller.request_id;
  const auto queued = queue_submission(submission, parse);
  if (queued.has_error()) end_submission(*submission, queued.error());
}

/// If DATA_DIR is missing or replaced, report that instead of the first file that is missing or different. An
/// outcome in the right DATA_DIR that is in doubt stays in doubt.
template <class T>
Result<T> Submissions::explained(Result<T> failed) const {
  if (!failed.has_value() && failed.error().code == ErrorCode::in_doubt) return failed;
  const auto right_place = files_.check_data_dir();
  return right_place.has_value() ? std::move(failed) : Result<T>(right_place.error());
}

Result<void> Submissions::queue_submission(const Submitted& submission, const Parsed& parse) {
  auto& spool = *submission->spool;
  auto& seen = submission->seen;
  const auto received = spool.finish();
  seen.bytes = spool.bytes();
  DD_TRY(received);
  DD_TRY(submission->request, parse(spool.sha256()));
  const TableRef table = submission->request.table;
  seen.company_id = table.company_id;
  seen.table_name = table.table_name;
  submission->request.received = clock_.now();
  seen.took(Step::receive) = std::chrono::steady_clock::now() - spool.begun();
  if (options_.observer != nullptr) options_.observer->saw_step(Step::receive, seen.took(Step::receive));
  submission->waiting.emplace(options_.observer, Step::wait, &seen.took(Step::wait));
  return turns_.add(table, [this, submission] { take_turn(submission); });
}

void Submissions::take_turn(const Submitted& submission) {
  submission->waiting.reset();
  auto outcome = in_turn<SubmitOutcome>(
      [&] { return submit_locked(*submission->spool, submission->request, submission->seen); });
  submission->spool.reset();
  auto* report = outcome.has_value() ? std::get_if<UploadReport>(&outcome.value()) : nullptr;
  if (report == nullptr) return end_submission(*submission, outcome);
  await_publication(std::move(*report), submission->caller, submission->seen,
                    [this, submission](UploadReport answered) {
                      end_submission(*submission, SubmitOutcome(std::move(answered)));
                    });
}

void Submissions::end_submission(Submission& submission, Result<SubmitOutcome> outcome) {
  const bool refused = outcome.has_value() && std::holds_alternative<csv::Findings>(outcome.value());
  if (refused || !outcome.has_value()) outcome = explained(std::move(outcome));
  submission.waiting.reset();
  submission.spool.reset();
  note_outcome(outcome, submission.seen);
  if (options_.observer != nullptr) options_.observer->saw_upload(submission.seen);
  submission.done(outcome);
}

Result<SubmitOutcome> Submissions::submit_locked(const SpoolFile& spool, const ParsedRequest& request,
                                                 UploadSeen& seen) {
  if (stopping_) return shutting_down();
  // The upload may have waited long for its turn.
  DD_TRY(request.stop.check());
  DD_TRY(auto earlier, answers_.replay(request.asked_key));
  if (earlier) return SubmitOutcome(std::move(*earlier));
  DD_TRY(catalog_.check_spelling(request.table));
  DD_TRY(acceptance_.check_owner(request.table));
  DD_TRY(const auto last, catalog_.last_version(request.table));
  DD_TRY(check_precondition(request.precondition, request.table, last ? &*last : nullptr));
  const WantedReading wanted = wanted_options(request, last ? &*last : nullptr);
  if (request.again) {
    std::unique_ptr<SpoolFile> original;
    if (request.again->file.source) {
      DD_TRY(original, copy_of_original(*request.again));
    }
    return submit_file({spool, original.get(), request.again->file.source, {}}, request, wanted, last, seen);
  }
  if (!WorkbookReader::takes(spool))
    return submit_file({spool, nullptr, {}, {}}, request, wanted, last, seen);
  DD_TRY(auto csv, open_spool());
  DD_TRY(auto converted, workbooks_.convert(spool, wanted.sheet, std::move(csv), comparing_stop(request)));
  auto warnings = not_for_workbooks(request);
  std::move(converted.warnings.begin(), converted.warnings.end(), std::back_inserter(warnings));
  return submit_file({*converted.csv, &spool, std::move(converted.source), std::move(warnings)}, request,
                     reading_of_converted(wanted), last, seen);
}

Result<SubmitOutcome> Submissions::submit_file(const Arrived& arrived, const ParsedRequest& request,
                                               const WantedReading& wanted,
                                               const std::optional<UploadRecord>& last, UploadSeen& seen) {
  DD_TRY(auto after, csv::File::open(arrived.file.path(), wanted.options, options_.limits, layout_.spool(),
                                     wanted.remembered));
  if (!after.header_findings().empty()) return SubmitOutcome(all_findings(after, request, last));
  UploadRecord upload = described(arrived.file, request, wanted, after);
  upload.file.source = arrived.source;
  upload.outcome.warnings.insert(upload.outcome.warnings.begin(), arrived.warnings.begin(),
                                 arrived.warnings.end());
  if (last && reads_alike(upload, *last)) return answer_unchanged(upload, *last, request.asked_key);
  if (request.effective_at) {
    // Check before the comparison, which may take long. The check is repeated at acceptance.
    const Timestamp soonest = last ? std::max(clock_.now(), last->times.timestamp->plus_ms(1)) : clock_.now();
    DD_TRY(check_effective_at(*request.effective_at, soonest, last ? &*last : nullptr));
  }
  return compare(arrived, request, std::move(upload), std::move(after), last, seen);
}

Stop Submissions::comparing_stop(const ParsedRequest& request) const {
  const auto limit = options_.compare_timeout;
  return request.stop.after(Stop::Clock::now() + limit, compare_timed_out(limit));
}

Result<SubmitOutcome> Submissions::answer_unchanged(const UploadRecord& asked, UploadRecord last,
                                                    const std::optional<AskedKey>& key) {
  auto report = unchanged(asked, std::move(last));
  if (const auto answer = answers_.to_keep(key, report)) {
    DD_TRY(catalog_.keep_answer(*answer));
  }
  return SubmitOutcome(std::move(report));
}

/// For a file with a wrong header, also finds the problems of its rows as far as possible.
csv::Findings Submissions::all_findings(const csv::File& after, const ParsedRequest& request,
                                        const std::optional<UploadRecord>& last) {
  std::optional<csv::File> before;
  if (last) {
    auto file = files_.open(*last);
    if (!file.has_value() || !files_.check(*last, file.value()).has_value()) return after.header_findings();
    before = std::move(file).value();
  }
  auto outcome = diff::diff(before ? &*before : nullptr, after,
                            diff::Options{.rekey = request.rekey, .stop = comparing_stop(request)});
  if (!outcome.has_value() || outcome.value().findings.empty()) return after.header_findings();
  return std::move(outcome.value().findings);
}

Result<SubmitOutcome> Submissions::compare(const Arrived& arrived, const ParsedRequest& request,
                                           UploadRecord upload, csv::File after,
                                           const std::optional<UploadRecord>& last, UploadSeen& seen) {
  StepTimer comparing(options_.observer, Step::compare, &seen.took(Step::compare));
  std::optional<csv::File> before;
  if (last) {
    DD_TRY(auto file, files_.open(*last));
    before = std::move(file);
    upload.based_on = last->version;
    // An unchanged key needs no rekeying, even if the request asks for it.
    upload.reading.rekey = request.rekey && upload.reading.options.key != last->reading.options.key;
  }
  auto reading = std::make_shared<Reading>(Reading{std::move(before), std::move(after), {}});
  // Check the older file in parallel with the diff: it may have been damaged since it was accepted, and
  // damage must not become events.
  const Stop stop = comparing_stop(request);
  auto older_file = run_apart(last.has_value(), [&]() -> Result<void> {
    return last ? files_.check(*last, *reading->before) : Result<void>(success());
  });
  // The older file was valid when it was accepted, and its SHA-256 is checked in parallel.
  auto compared = diff::diff(reading->before_or_null(), reading->after,
                             diff::Options{.rekey = upload.reading.rekey,
                                           .before_is_checked = true,
                                           .before_has_only_rows = last && has_only_rows(*last),
                                           .stop = stop});
  DD_TRY(older_file.get());
  DD_TRY(auto outcome, std::move(compared));
  comparing.stop();
  if (!outcome.findings.empty()) return SubmitOutcome(std::move(outcome.findings));
  for (const auto& warning : outcome.warnings.first) {
    upload.outcome.warnings.push_back(fmt::format("{}; {}", warning.message, warning.fix));
  }
  upload.outcome.skipped = outcome.skipped;
  reading->changes = std::move(outcome.changes);
  upload.outcome.counts = reading->changes.counts;
  upload.outcome.schema_changes = reading->changes.schema_changes;
  upload.outcome.hold_reasons =
      hold_reasons(upload.outcome.counts, upload.outcome.schema_changes,
                   {request.dry_run, request.force, upload.reading.rekey}, options_);
  upload.times.received_at = clock_.now();
  upload.times.aged_from = clock_watch_.measured_now();
  upload.times.steps.compared = upload.times.received_at;
  upload.upload_id = io::new_upload_id(upload.times.received_at);
  const StepTimer accepting(options_.observer, Step::accept, &seen.took(Step::accept));
  if (!upload.outcome.hold_reasons.empty()) {
    DD_TRY(auto report, acceptance_.hold(arrived.file.path(), arrived.original_path(), std::move(upload),
                                         *reading, request.asked_key));
    return SubmitOutcome(std::move(report));
  }
  DD_TRY(auto report, acceptance_.accept(
                          {arrived.file.path(), Source::goes, arrived.kept_bytes(), arrived.original_path()},
                          std::move(upload), last, std::move(reading), request.asked_key));
  return SubmitOutcome(std::move(report));
}

void Submissions::await_publication(UploadReport report, const Caller& caller, UploadSeen& seen,
                                    ThenAnswer then) {
  if (report.status != UploadStatus::accepted) return then(std::move(report));
  const auto patience =
      std::min(caller.publish_wait.value_or(options_.publish_timeout), options_.publish_timeout);
  if (report.upload.state != UploadState::accepted || patience <= std::chrono::milliseconds::zero()) {
    const StepTimer publishing(options_.observer, Step::publish, &seen.took(Step::publish));
    if (report.upload.state == UploadState::published) report.status = UploadStatus::published;
    return then(std::move(report));
  }
  const auto timer = std::make_shared<StepTimer>(options_.observer, Step::publish, &seen.took(Step::publish));
  const auto id = report.upload.upload_id;
  publisher_.await(id, std::chrono::steady_clock::now() + patience,
                   [this, timer, report = std::move(report), then = std::move(then)](bool ended) mutable {
                     if (ended) note_publication(report);
                     timer->stop();
                     then(std::move(report));
                   });
}

void Submissions::note_publication(UploadReport& report) {
  const auto found = catalog_.find(report.upload.upload_id);
  if (!found.has_value() || !found.value()) return;
  report.upload = *found.value();
  if (report.upload.state == UploadState::published) report.status = UploadStatus::published;
}

Result<UploadRecord> Submissions::find_held(const UploadId& upload) {
  DD_TRY(auto found, catalog_.known(upload));
  if (found.state != UploadState::held) return not_held(found);
  return found;
}

void Submissions::release(const UploadId& upload, const Caller& caller, Done<UploadReport> done) {
  if (stopping_) return done(shutting_down());
  const auto plausible = clock_watch_.check();
  if (plausible.has_error()) return done(plausible.error());
  const auto found = catalog_.known(upload);
  if (found.has_error()) return done(found.error());
  const auto key = asked_key(caller, identity_of_release(upload));
  const auto queued = turns_.add(found.value().table, [this, upload, caller, key, done] {
    auto report = in_turn<UploadReport>([&] { return release_in_turn(upload, key, caller.stop); });
    if (!report.has_value()) return done(explained(std::move(report)));
    const auto seen = std::make_shared<UploadSeen>();
    seen->request_id = caller.request_id;
    await_publication(std::move(report).value(), caller, *seen, [this, seen, done](UploadReport answered) {
      note_report(answered, *seen);
      if (options_.observer != nullptr) options_.observer->saw_upload(*seen);
      done(std::move(answered));
    });
  });
  if (queued.has_error()) done(queued.error());
}

Result<UploadReport> Submissions::release_in_turn(const UploadId& upload, const std::optional<AskedKey>& key,
                                                  const Stop& stop) {
  if (stopping_) return shutting_down();
  DD_TRY(stop.check());
  DD_TRY(auto earlier, answers_.replay(key));
  if (earlier) return std::move(*earlier);
  // The upload may have been released, discarded or expired before its turn.
  DD_TRY(auto held, find_held(upload));
  return release_locked(std::move(held), key, stop);
}

Result<UploadReport> Submissions::release_locked(UploadRecord upload, const std::optional<AskedKey>& key,
                                                 const Stop& stop) {
  DD_TRY(catalog_.check_spelling(upload.table));
  DD_TRY(acceptance_.check_owner(upload.table));
  DD_TRY(const auto last, catalog_.last_version(upload.table));
  if (last.has_value() != upload.based_on.has_value() || (last && last->version != upload.based_on)) {
    return moved_on(upload, last);
  }
  // Compare again: the bytes must match what was shown, and may be up to a month old.
  DD_TRY(auto reading, read_stored(files_, catalog_, upload, stop));
  DD_TRY(files_.check_original(upload));
  Arrival arrival{layout_.held_file(upload.upload_id), Source::stays, std::nullopt, std::nullopt};
  if (upload.file.source) arrival.original = layout_.held_original(upload.upload_id);
  return acceptance_.accept(arrival, std::move(upload), last,
                            std::make_shared<const Reading>(std::move(reading)), key);
}

void Submissions::discard(const UploadId& upload, Done<void> done) {
  if (stopping_) return done(shutting_down());
  const auto seen = find_held(upload);
  if (seen.has_error()) return done(seen.error());
  const auto queued = turns_.add(seen.value().table, [this, upload, done] {
    done(in_turn<void>([&] { return discard_in_turn(upload); }));
  });
  if (queued.has_error()) done(queued.error());
}

Result<void> Submissions::discard_in_turn(const UploadId& upload) {
  if (stopping_) return shutting_down();
  DD_TRY(const auto held, find_held(upload));
  DD_TRY(pass_step("discard.begin", layout_.held_file(upload)));
  const auto ended = catalog_.end_held(upload, UploadState::discarded);
  if (!ended.has_value()) {
    DD_TRY(const auto settled, catalog_.settle(upload));
    if (settled && settled->state == UploadState::held) return ended.error();
  }
  // If a file remains, the housekeeper or the next start removes it.
  [[maybe_unused]] const auto passed = pass_step("discard.committed", layout_.catalog());
  acceptance_.withdraw_held(held);
  files_.forget(upload);
  return success();
}

void Submissions::revert(const RevertRequest& request, Done<SubmitOutcome> done) {
  auto again = catalog_.known_version(request.table, request.to);
  if (again.has_error()) return done(again.error());
  auto copy = copy_of(again.value());
  if (copy.has_error()) return done(copy.error());
  const auto parse = [&](const Sha256& file) { return revert_to(std::move(again).value(), request, file); };
  begin_submission(std::move(copy).value(), request.caller, parse, std::move(done));
}

Result<std::unique_ptr<SpoolFile>> Submissions::copy_of(const UploadRecord& version) {
  DD_TRY(auto spool, open_spool());
  DD_TRY(const auto file, files_.open_archived(version));
  DD_TRY(copy(*file, *spool));
  return spool;
}

Result<std::unique_ptr<SpoolFile>> Submissions::copy_of_original(const UploadRecord& version) {
  DD_TRY(auto spool, open_spool());
  DD_TRY(const auto workbook, files_.open_original(version));
  DD_TRY(copy(*workbook, *spool));
  DD_TRY(spool->finish());
  return spool;
}

/// Returns the request that uploads an archived version again. `file` is the hash of the copy of its file.
Result<ParsedRequest> Submissions::revert_to(UploadRecord again, const RevertRequest& request,
                                             const Sha256& file) {
  if (file != again.file.sha256) {
    return Error{ErrorCode::corrupt, std::string(kArchiveDamaged),
                 fmt::format("the copy of version {} of {} has another SHA-256 than its file",
                             request.to.value, request.table.to_string()),
                 "try again"};
  }
  ParsedRequest parsed;
  parsed.table = again.table;
  parsed.original_name = again.file.original_name;
  parsed.dry_run = request.dry_run;
  parsed.force = request.force;
  // A revert may change the key on purpose; the guard decides.
  parsed.rekey = true;
  parsed.stop = request.caller.stop;
  parsed.precondition = request.precondition;
  parsed.asked_key = asked_key(request.caller, identity_of(request));
  parsed.again = std::move(again);
  return parsed;
}

}  // namespace deltadrop::ingest
