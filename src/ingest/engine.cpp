#include "ingest/engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>

#include "core/exhausted.hpp"
#include "ingest/guard.hpp"
#include "ingest/recover.hpp"
#include "io/file.hpp"

namespace deltadrop::ingest {
namespace {

constexpr std::int64_t kSamplesMax = 5;

Error shutting_down() {
  return {ErrorCode::shutting_down, "shutting-down", "the server is stopping",
          "send the file again when it is back"};
}

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

/// What is known of a file once its header is read: how it is read for ever, and its columns.
UploadRecord described(const SpoolFile& spool, const ParsedRequest& request, const WantedOptions& wanted,
                       const csv::Header& header) {
  UploadRecord upload;
  upload.table = request.table;
  upload.sha256 = spool.sha256();
  upload.bytes = spool.bytes();
  upload.file_id = file_id_of(request.table.company_id, upload.sha256);
  upload.original_name = request.original_name;
  upload.effective_at = request.effective_at;
  upload.options = wanted.read;
  upload.options.delimiter = header.delimiter;
  upload.options.encoding = header.encoding;
  upload.options.key = names_at(header, header.key);
  upload.delimiter_given = wanted.read.delimiter.has_value();
  upload.encoding_given = wanted.read.encoding;
  if (request.again) {
    upload.delimiter_given = request.again->delimiter_given;
    upload.encoding_given = request.again->encoding_given;
    upload.reverts_to = request.again->version;
  }
  upload.types_json = wanted.types_json;
  upload.columns = header.columns;
  upload.tracked = names_at(header, header.tracked);
  upload.key_column = header.key_column();
  upload.dry_run = request.dry_run;
  upload.steps.received = request.received;
  upload.warnings = unknown_columns("ignore", upload.options.ignore, upload.columns);
  for (auto& warning : unknown_type_columns(upload.types_json, upload.columns)) {
    upload.warnings.push_back(std::move(warning));
  }
  return upload;
}

bool reads_alike(const UploadRecord& a, const UploadRecord& b) {
  return a.sha256 == b.sha256 && a.options == b.options && a.types_json == b.types_json;
}

/// What a file that is the last version already asks for, and does not get, since nothing is written.
std::vector<std::string> not_taken(const UploadRecord& asked, const UploadRecord& last) {
  std::vector<std::string> warnings;
  if (asked.effective_at && asked.effective_at != last.effective_at) {
    warnings.push_back(
        fmt::format("effective_at {} was not taken: the file is that of version {}, which holds from {}.",
                    asked.effective_at->to_string(), last.version->value, last.effective_at->to_string()));
  }
  if (asked.delimiter_given != last.delimiter_given || asked.encoding_given != last.encoding_given) {
    warnings.push_back(
        fmt::format("delimiter and encoding of this request are not remembered: the file is that of version "
                    "{}. Give them with the next file that differs.",
                    last.version->value));
  }
  return warnings;
}

UploadReport unchanged(const UploadRecord& asked, UploadRecord last) {
  for (auto& warning : not_taken(asked, last)) last.warnings.push_back(std::move(warning));
  last.counts = diff::Counts{last.counts.rows, last.counts.rows, 0, 0, 0};
  last.schema_changes.clear();
  return {UploadStatus::unchanged, std::move(last), {}};
}

/// Gives the upload its place in its table: version, times, names.
Result<void> stamp(UploadRecord& upload, const std::optional<UploadRecord>& last, Timestamp now,
                   const fs::path& folder) {
  Timestamp timestamp = now;
  if (last && timestamp <= *last->timestamp) {
    timestamp = last->timestamp->plus_ms(1);
    upload.warnings.push_back(
        fmt::format("The clock says {}, which is not after version {} of {}; {} was taken.", now.to_string(),
                    last->version->value, last->timestamp->to_string(), timestamp.to_string()));
  }
  // The same file of an acceptance that failed, and that could not be undone yet, may have the name.
  std::error_code ignored;
  while (fs::exists(folder / archive_name_of(timestamp, upload.file_id), ignored)) {
    timestamp = timestamp.plus_ms(1);
  }
  if (upload.effective_at) {
    DD_TRY(check_effective_at(*upload.effective_at, timestamp, last ? &*last : nullptr));
  }
  upload.state = UploadState::accepted;
  upload.version = last ? last->version->next() : Version(1);
  upload.timestamp = timestamp;
  if (!upload.effective_at) upload.effective_at = timestamp;
  if (last) {
    upload.previous_upload_id =
        last->counts.changes() > 0 ? std::optional(last->upload_id) : last->previous_upload_id;
  }
  upload.archive_name = archive_name_of(timestamp, upload.file_id);
  if (upload.counts.changes() == 0) {
    // Nothing of it goes into the log.
    upload.state = UploadState::published;
    upload.published_at = timestamp;
    if (last && upload.types_json != last->types_json) {
      upload.warnings.emplace_back(
          "No row changed, so that no event tells the lake of types: it follows them from the next version "
          "on that changes a row.");
    }
  }
  return success();
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
  seen.bytes = upload.bytes;
  seen.rows = upload.counts.rows;
  seen.inserted = upload.counts.inserted;
  seen.updated = upload.counts.updated;
  seen.deleted = upload.counts.deleted;
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
                      last->timestamp->to_string(), last->file_id),
          "discard it, and send the file again to see what it changes now"};
}

/// What a turn throws ends its upload, not the process: memory, most likely.
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

Engine::Engine(const Options& options, DataDirWatch watch, std::unique_ptr<Catalog> catalog,
               const ArchiveId& archive_id, eventlog::EventLog& log, io::Clock& clock,
               const std::optional<io::ClockMark>& last_clock)
    : options_(options),
      layout_{options.data_dir},
      files_(layout_, std::move(watch)),
      catalog_(std::move(catalog)),
      archive_id_(archive_id),
      clock_(clock),
      clock_watch_(clock, options.clock_jump_max, last_clock),
      turns_({std::max<std::size_t>(options.comparers, 1), options.waiting_max}),
      publisher_(files_, *catalog_, log, clock, options_),
      housekeeper_(files_, *catalog_, publisher_, turns_, readings_, clock_watch_, options_) {}

Result<void> Engine::start() {
  DD_TRY(const auto left, recover(files_, *catalog_));
  for (const auto& upload : left.without_manifest) housekeeper_.owe_manifest(upload);
  for (const auto& table : left.not_current) housekeeper_.owe_current(table);
  if (left.newest) clock_watch_.saw_version(left.newest->table, *left.newest->timestamp);
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
  // A mark that cannot be kept leaves the one of some minutes before.
  [[maybe_unused]] const auto kept = catalog_->keep_clock_mark(clock_watch_.mark());
}

Result<std::unique_ptr<Reception>> Engine::receive() {
  if (stopping_) return shutting_down();
  DD_TRY(clock_watch_.check());
  DD_TRY(files_.check_data_dir());
  const auto path = layout_.spool() / fmt::format("{}.part", ++spooled_);
  DD_TRY(auto spool, SpoolFile::create(path, {options_.upload_bytes_max, options_.expansion_ratio_max,
                                              options_.kept_bytes_max, options_.disk_reserve}));
  return std::unique_ptr<Reception>(std::move(spool));
}

void Engine::submit(std::unique_ptr<Reception> reception, const UploadRequest& request,
                    Done<SubmitOutcome> done) {
  if (stopping_) return done(shutting_down());
  if (dynamic_cast<SpoolFile*>(reception.get()) == nullptr) {
    return done(
        Error{ErrorCode::internal, "foreign-reception", "the file was received by something else", ""});
  }
  std::unique_ptr<SpoolFile> spool(dynamic_cast<SpoolFile*>(reception.release()));
  const auto parse = [&](const Sha256& file) -> Result<ParsedRequest> {
    DD_TRY(auto parsed, parse_request(request));
    parsed.asked_key = asked_key(request.caller, identity_of(request, parsed.table, file));
    return parsed;
  };
  begin_submission(std::move(spool), request.caller, parse, std::move(done));
}

struct Engine::Submission {
  std::unique_ptr<SpoolFile> spool;  ///< null after its turn
  Caller caller;
  Done<SubmitOutcome> done;
  ParsedRequest request;
  UploadSeen seen;
  std::optional<StepTimer> waiting;  ///< for its turn
};

void Engine::begin_submission(std::unique_ptr<SpoolFile> spool, const Caller& caller, const Parsed& parse,
                              Done<SubmitOutcome> done) {
  const auto submission = std::make_shared<Submission>();
  submission->spool = std::move(spool);
  submission->caller = caller;
  submission->done = std::move(done);
  submission->seen.request_id = caller.request_id;
  const auto queued = queue_submission(submission, parse);
  if (queued.has_error()) end_submission(*submission, queued.error());
}

/// Without the right DATA_DIR every file is missing, or is another one: say that instead of naming the first
/// of them. What may have happened in the right one stays in doubt.
template <class T>
Result<T> Engine::explained(Result<T> failed) const {
  if (!failed.has_value() && failed.error().code == ErrorCode::in_doubt) return failed;
  const auto right_place = files_.check_data_dir();
  return right_place.has_value() ? std::move(failed) : Result<T>(right_place.error());
}

Result<void> Engine::queue_submission(const Submitted& submission, const Parsed& parse) {
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

void Engine::take_turn(const Submitted& submission) {
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

void Engine::end_submission(Submission& submission, Result<SubmitOutcome> outcome) {
  const bool refused = outcome.has_value() && std::holds_alternative<csv::Findings>(outcome.value());
  if (refused || !outcome.has_value()) outcome = explained(std::move(outcome));
  submission.waiting.reset();
  submission.spool.reset();
  note_outcome(outcome, submission.seen);
  if (options_.observer != nullptr) options_.observer->saw_upload(submission.seen);
  submission.done(outcome);
}

Result<SubmitOutcome> Engine::submit_locked(const SpoolFile& spool, const ParsedRequest& request,
                                            UploadSeen& seen) {
  if (stopping_) return shutting_down();
  // It may have waited long for its turn.
  DD_TRY(request.stop.check());
  DD_TRY(auto earlier, replay(request.asked_key));
  if (earlier) return SubmitOutcome(std::move(*earlier));
  DD_TRY(catalog_->check_spelling(request.table));
  DD_TRY(check_owner(request.table));
  DD_TRY(const auto last, catalog_->last_version(request.table));
  DD_TRY(check_precondition(request.precondition, request.table, last ? &*last : nullptr));
  const WantedOptions wanted = wanted_options(request, last ? &*last : nullptr);
  DD_TRY(auto after, csv::File::open(spool.path(), wanted.read, options_.limits, layout_.spool()));
  if (!after.header_findings().empty()) return SubmitOutcome(all_findings(after, request, last));
  UploadRecord upload = described(spool, request, wanted, after.header());
  if (last && reads_alike(upload, *last)) return answer_unchanged(upload, *last, request.asked_key);
  if (request.effective_at) {
    // Before the files are compared, which may take long; once more when it is accepted.
    const Timestamp soonest = last ? std::max(clock_.now(), last->timestamp->plus_ms(1)) : clock_.now();
    DD_TRY(check_effective_at(*request.effective_at, soonest, last ? &*last : nullptr));
  }
  return compare(spool, request, std::move(upload), std::move(after), last, seen);
}

Stop Engine::comparing_stop(const ParsedRequest& request) const {
  const auto limit = options_.compare_timeout;
  return request.stop.after(Stop::Clock::now() + limit, compare_timed_out(limit));
}

Result<SubmitOutcome> Engine::answer_unchanged(const UploadRecord& asked, UploadRecord last,
                                               const AskedKeyOrNone& key) {
  auto report = unchanged(asked, std::move(last));
  if (const auto answer = answer_to_keep(key, report)) {
    DD_TRY(catalog_->keep_answer(*answer));
  }
  return SubmitOutcome(std::move(report));
}

/// Of a file whose header is wrong: what is wrong with its rows too, as far as they can be judged.
csv::Findings Engine::all_findings(const csv::File& after, const ParsedRequest& request,
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

Result<SubmitOutcome> Engine::compare(const SpoolFile& spool, const ParsedRequest& request,
                                      UploadRecord upload, csv::File after,
                                      const std::optional<UploadRecord>& last, UploadSeen& seen) {
  StepTimer comparing(options_.observer, Step::compare, &seen.took(Step::compare));
  std::optional<csv::File> before;
  if (last) {
    DD_TRY(auto file, files_.open(*last));
    before = std::move(file);
    upload.based_on = last->version;
    // A key that stays needs no rekeying, whatever was asked.
    upload.rekey = request.rekey && upload.options.key != last->options.key;
  }
  auto reading = std::make_shared<Reading>(Reading{std::move(before), std::move(after), {}});
  // Beside the diff: the older file has lain in the archive since it was accepted, and damage to it must not
  // become events.
  const Stop stop = comparing_stop(request);
  auto older_file = run_apart(last.has_value(), [&]() -> Result<void> {
    return last ? files_.check(*last, *reading->before) : Result<void>(success());
  });
  // The older file was accepted once, and its bytes are compared with its SHA-256 beside this.
  auto compared = diff::diff(reading->before_or_null(), reading->after,
                             diff::Options{.rekey = upload.rekey, .before_is_checked = true, .stop = stop});
  DD_TRY(older_file.get());
  DD_TRY(auto outcome, std::move(compared));
  comparing.stop();
  if (!outcome.findings.empty()) return SubmitOutcome(std::move(outcome.findings));
  for (const auto& warning : outcome.warnings.first) {
    upload.warnings.push_back(fmt::format("{}; {}", warning.message, warning.fix));
  }
  reading->changes = std::move(outcome.changes);
  upload.counts = reading->changes.counts;
  upload.schema_changes = reading->changes.schema_changes;
  upload.hold_reasons = hold_reasons(upload.counts, upload.schema_changes,
                                     {request.dry_run, request.force, upload.rekey}, options_);
  upload.received_at = clock_.now();
  upload.aged_from = clock_watch_.measured_now();
  upload.steps.compared = upload.received_at;
  upload.upload_id = io::new_upload_id(upload.received_at);
  const StepTimer accepting(options_.observer, Step::accept, &seen.took(Step::accept));
  if (!upload.hold_reasons.empty()) {
    DD_TRY(auto report, hold(spool.path(), std::move(upload), *reading, request.asked_key));
    return SubmitOutcome(std::move(report));
  }
  DD_TRY(auto report, accept({spool.path(), Source::goes, spool.kept_bytes()}, std::move(upload), last,
                             std::move(reading), request.asked_key));
  return SubmitOutcome(std::move(report));
}

Result<std::vector<std::string>> Engine::samples_of(const Reading& reading, const UploadRecord& upload) {
  std::vector<std::string> samples;
  DD_TRY(for_each_json(reading, upload, Seq(1), [&](const EventView&, std::string_view json) -> Result<bool> {
    samples.emplace_back(json);
    return std::ssize(samples) < kSamplesMax;
  }));
  return samples;
}

void Engine::withdraw(const fs::path& path) {
  if (!io::remove_file(path).has_value()) housekeeper_.owe_removal(path);
}

void Engine::withdraw_from_archive(const UploadRecord& upload) {
  if (!io::remove_file(layout_.archived_file(upload)).has_value()) housekeeper_.owe_settlement(upload);
}

Result<UploadReport> Engine::hold(const fs::path& spooled, UploadRecord upload, const Reading& reading,
                                  const AskedKeyOrNone& key) {
  upload.state = UploadState::held;
  DD_TRY(auto samples, samples_of(reading, upload));
  UploadReport report{UploadStatus::held, upload, std::move(samples)};
  auto moved = hold_file(layout_, spooled, upload.upload_id);
  if (moved.has_value()) moved = files_.check_data_dir();
  if (!moved.has_value()) {
    withdraw(layout_.held_file(upload.upload_id));
    return moved.error();
  }
  const auto added = catalog_->add_held(upload, answer_to_keep(key, report));
  if (!added.has_value()) {
    const auto settled = catalog_->settle(upload.upload_id);
    // Not settled: the file stays, and the next start decides by the row.
    if (!settled.has_value()) return added.error();
    if (!settled.value()) {
      withdraw(layout_.held_file(upload.upload_id));
      return added.error();
    }
  }
  return report;
}

Result<UploadReport> Engine::accept(const Arrival& arrival, UploadRecord upload,
                                    const std::optional<UploadRecord>& last,
                                    std::shared_ptr<const Reading> reading, const AskedKeyOrNone& key) {
  DD_TRY(pass_step("accept.begin", arrival.path));
  // Once more: it may have jumped since the file was received, and a timestamp is for ever.
  DD_TRY(clock_watch_.check());
  DD_TRY(stamp(upload, last, clock_.now(), layout_.archive_folder(upload.table)));
  upload.archive_id = archive_id_;
  bool is_placed = false;
  auto placed = place_in_archive(layout_, arrival, upload, is_placed);
  // After the file has its name: it must be in the archive that the catalog, which is open, belongs to.
  if (placed.has_value()) placed = files_.check_data_dir();
  if (!placed.has_value()) {
    if (is_placed) withdraw_from_archive(upload);
    return placed.error();
  }
  UploadReport report{UploadStatus::accepted, upload, {}};
  const auto committed = catalog_->add_version(upload, arrival.bytes, answer_to_keep(key, report));
  if (!committed.has_value()) {
    DD_TRY(settle(upload, committed.error()));
  }
  finish_acceptance(upload, arrival, std::move(reading));
  return report;
}

Result<UploadRecord> Engine::settle(const UploadRecord& upload, const Error& error) {
  const auto settled = catalog_->settle(upload.upload_id);
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

void Engine::finish_acceptance(const UploadRecord& upload, const Arrival& arrival,
                               std::shared_ptr<const Reading> reading) {
  // The upload is accepted whatever happens now; what fails is done again by the housekeeper, or at the next
  // start.
  clock_watch_.saw_version(upload.table, *upload.timestamp);
  if (arrival.source == Source::stays) withdraw(layout_.held_file(upload.upload_id));
  if (!pass_step("accept.committed", layout_.catalog()).has_value() ||
      !write_manifest(layout_, upload, arrival.sync()).has_value()) {
    housekeeper_.owe_manifest(upload);
  }
  // Before the copy for current/, which the publisher then does not wait for.
  if (upload.state == UploadState::accepted) publisher_.enqueue(upload, std::move(reading));
  if (!pass_step("accept.described", layout_.manifest_file(upload)).has_value() ||
      !make_current(layout_, upload).has_value()) {
    housekeeper_.owe_current(upload.table);
  }
  // Last: what is written by now is synced with the current file.
  housekeeper_.owe_sync(upload);
}

void Engine::await_publication(UploadReport report, const Caller& caller, UploadSeen& seen, ThenAnswer then) {
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

void Engine::note_publication(UploadReport& report) {
  const auto found = catalog_->find(report.upload.upload_id);
  if (!found.has_value() || !found.value()) return;
  report.upload = *found.value();
  if (report.upload.state == UploadState::published) report.status = UploadStatus::published;
}

Result<UploadRecord> Engine::find_known(const UploadId& upload) {
  DD_TRY(auto found, catalog_->find(upload));
  if (found) return std::move(*found);
  return Error{ErrorCode::not_found, "no-such-upload", fmt::format("no upload is {}", upload.to_string()),
               "list the uploads to see their ids"};
}

Result<UploadRecord> Engine::find_held(const UploadId& upload) {
  DD_TRY(auto found, find_known(upload));
  if (found.state != UploadState::held) return not_held(found);
  return found;
}

void Engine::release(const UploadId& upload, const Caller& caller, Done<UploadReport> done) {
  if (stopping_) return done(shutting_down());
  const auto plausible = clock_watch_.check();
  if (plausible.has_error()) return done(plausible.error());
  const auto found = find_known(upload);
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

Result<UploadReport> Engine::release_in_turn(const UploadId& upload, const AskedKeyOrNone& key,
                                             const Stop& stop) {
  if (stopping_) return shutting_down();
  DD_TRY(stop.check());
  DD_TRY(auto earlier, replay(key));
  if (earlier) return std::move(*earlier);
  // It may have been released, discarded or expired before its turn came.
  DD_TRY(auto held, find_held(upload));
  return release_locked(std::move(held), key, stop);
}

Result<void> Engine::check_owner(const TableRef& table) {
  if (!options_.owner_check) return success();
  return options_.owner_check(table, archive_id_, [this](const UploadId& upload) -> Result<bool> {
    DD_TRY(const auto found, catalog_->find(upload));
    return found.has_value();
  });
}

Result<UploadReport> Engine::release_locked(UploadRecord upload, const AskedKeyOrNone& key,
                                            const Stop& stop) {
  DD_TRY(catalog_->check_spelling(upload.table));
  DD_TRY(check_owner(upload.table));
  DD_TRY(const auto last, catalog_->last_version(upload.table));
  if (last.has_value() != upload.based_on.has_value() || (last && last->version != upload.based_on)) {
    return moved_on(upload, last);
  }
  // What was shown is what these bytes say: they have lain here for up to a month.
  DD_TRY(auto reading, read_stored(files_, *catalog_, upload, stop));
  const fs::path from = layout_.held_file(upload.upload_id);
  return accept({from, Source::stays, std::nullopt}, std::move(upload), last,
                std::make_shared<const Reading>(std::move(reading)), key);
}

void Engine::discard(const UploadId& upload, Done<void> done) {
  if (stopping_) return done(shutting_down());
  const auto seen = find_held(upload);
  if (seen.has_error()) return done(seen.error());
  const auto queued = turns_.add(seen.value().table, [this, upload, done] {
    done(in_turn<void>([&] { return discard_in_turn(upload); }));
  });
  if (queued.has_error()) done(queued.error());
}

Result<void> Engine::discard_in_turn(const UploadId& upload) {
  if (stopping_) return shutting_down();
  DD_TRY(find_held(upload));
  DD_TRY(pass_step("discard.begin", layout_.held_file(upload)));
  const auto ended = catalog_->end_held(upload, UploadState::discarded);
  if (!ended.has_value()) {
    DD_TRY(const auto settled, catalog_->settle(upload));
    if (settled && settled->state == UploadState::held) return ended.error();
  }
  // A file that stays behind is the housekeeper's, or goes at the next start.
  [[maybe_unused]] const auto passed = pass_step("discard.committed", layout_.catalog());
  withdraw(layout_.held_file(upload));
  files_.forget(upload);
  return success();
}

namespace {

/// `uploads` by table.
RepublishReport report_of(const std::vector<UploadRecord>& uploads, const RepublishRequest& request) {
  RepublishReport report;
  const UploadRecord* last = nullptr;
  for (const auto& upload : uploads) {
    if (upload.version < request.from || (request.table && upload.table != *request.table)) continue;
    if (last == nullptr || last->table != upload.table) ++report.tables;
    ++report.uploads;
    last = &upload;
  }
  return report;
}

}  // namespace

Result<RepublishReport> Engine::republish(const RepublishRequest& request) {
  if (stopping_) return shutting_down();
  DD_TRY(const auto marked, catalog_->mark_unpublished(request));
  publisher_.enqueue_again(marked);
  return report_of(marked, request);
}

Result<RepublishReport> mark_for_republish(const Options& options, const RepublishRequest& request) {
  const Layout layout{options.data_dir};
  DD_TRY(refuse_no_catalog(layout));
  DD_TRY(const auto catalog, Catalog::open(layout.catalog()));
  DD_TRY(catalog->mark_unpublished(request));
  // Those that were marked before, or never sent, go with them.
  DD_TRY(const auto waiting, catalog->unpublished());
  return report_of(waiting, request);
}

}  // namespace deltadrop::ingest
