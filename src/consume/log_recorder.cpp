#include "consume/log_recorder.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <memory>

#include "consume/dead_letters.hpp"
#include "core/exhausted.hpp"
#include "eventlog/checks.hpp"
#include "history/conflicts.hpp"
#include "io/fault_point.hpp"

namespace deltadrop::consume {
namespace {

constexpr std::size_t kBatchBytesMax = std::size_t{32} << 20;  // the values in memory before a commit
constexpr std::chrono::seconds kCheckStored{5};
constexpr std::chrono::milliseconds kIdleWait{100};   // also the delay until `stop` is noticed
constexpr std::chrono::milliseconds kStoringWait{5};  // the delay until a stored batch is noticed
constexpr std::chrono::milliseconds kLagEvery{
    500};  // the interval of watermark queries while messages arrive

Error gap(const eventlog::PartitionState& state, eventlog::Offset wanted) {
  return {
      ErrorCode::conflict, "offset-gap",
      fmt::format("{} was recorded up to offset {}, but the log contains offsets {} to {}: messages in "
                  "between are lost",
                  eventlog::to_string(state.partition), wanted.value, state.low.value, state.high.value),
      "run `deltadrop republish`, which sends every version again under the same ids, and `deltadrop consume "
      "--accept-gap` once, which continues at the log's first offset"};
}

Error stopping() { return {ErrorCode::shutting_down, "stopping", "the consumer is stopping", ""}; }

bool is_offset_moved(const Error& error) {
  return error.code == ErrorCode::conflict && error.type == "offset-moved";
}

void warn_moved(const Error& error) {
  spdlog::warn("another consumer has recorded, or the history was restored: {}", error.message);
}

bool is_out_of_range(const Error& error) {
  return error.code == ErrorCode::conflict && error.type == "offset-out-of-range";
}

std::optional<history::StoredOffset> find(const std::vector<history::StoredOffset>& offsets,
                                          const eventlog::PartitionRef& partition) {
  const auto found = std::find_if(offsets.begin(), offsets.end(),
                                  [&](const auto& each) { return each.partition == partition; });
  if (found == offsets.end()) return std::nullopt;
  return *found;
}

/// Lets a test kill the process here.
void crash_point(std::string_view name) { static_cast<void>(io::fault_point(name, {})); }

/// Turns the batch's only event, which the history rejects, into a dead letter of its upload.
void bury_event(history::RecordBatch& batch, const Error& refusal) {
  history::LoggedEvent& logged = batch.events.front();
  history::DeadLetter letter;
  letter.partition = logged.partition;
  letter.offset = logged.offset;
  for (const auto& advance : batch.advances) {
    if (advance.partition == logged.partition) letter.identity = advance.identity;
  }
  append_event_json(letter.payload, logged.event);
  letter.reason = refusal.message;
  letter.upload = logged.event.upload;
  batch.dead_letters.push_back(std::move(letter));
  batch.events.clear();
}

Error not_authentic() {
  return {ErrorCode::invalid_input, "not-authentic",
          fmt::format("{}: EVENT_KEY is set, but the sender does not have the key", kNotAuthentic), ""};
}

/// Logs the uploads that this batch found in conflict. Later batches do not report them again.
void say_conflicts(const history::RecordReport& report) {
  for (const auto& upload : report.conflicts) spdlog::error("{}", history::conflict_line(upload));
}

}  // namespace

history::RecordBatch split_off_half(history::RecordBatch& batch) {
  history::RecordBatch later;
  later.recorded_at = batch.recorded_at;
  const auto middle = batch.events.begin() + static_cast<std::ptrdiff_t>(batch.events.size() / 2);
  later.events.assign(std::make_move_iterator(middle), std::make_move_iterator(batch.events.end()));
  batch.events.erase(middle, batch.events.end());

  // In each partition, the first half ends after its last event of that partition.
  std::map<eventlog::PartitionRef, eventlog::Offset> ends;
  for (const auto& event : batch.events) ends[event.partition] = event.offset.next();
  std::vector<history::OffsetAdvance> advances;
  for (auto advance : batch.advances) {
    if (const auto end = ends.find(advance.partition); end != ends.end()) {
      advances.push_back({advance.partition, advance.identity, advance.from, end->second});
      advance.from = end->second;
    }
    later.advances.push_back(std::move(advance));
  }
  batch.advances = std::move(advances);

  const auto first_later =
      std::stable_partition(batch.dead_letters.begin(), batch.dead_letters.end(), [&](const auto& letter) {
        const auto end = ends.find(letter.partition);
        return end != ends.end() && letter.offset < end->second;
      });
  later.dead_letters.assign(std::make_move_iterator(first_later),
                            std::make_move_iterator(batch.dead_letters.end()));
  batch.dead_letters.erase(first_later, batch.dead_letters.end());
  return later;
}

LogRecorder::LogRecorder(const Options& options, eventlog::EventLog& log, history::HistoryWriter& history,
                         io::Clock& clock, Board& board)
    : options_(options), log_(log), history_(history), clock_(clock), board_(board) {}

void LogRecorder::run(const std::stop_token& stop) {
  Backoff backoff(options_.retry_wait_min, options_.retry_wait_max);
  while (!stop.stop_requested()) {
    const auto ended = session(stop);
    const bool read_something = !positions_.empty();
    // The session has failed anyway. The next session reads the stored offsets and meets the same error.
    static_cast<void>(settle_soon());
    reader_.reset();
    positions_.clear();
    assigned_ = false;
    forget_pending();
    if (ended || ended.error().code == ErrorCode::shutting_down) return;
    if (!is_passing(ended.error())) {
      spdlog::error("the consumer stopped: {}", ended.error().text());
      board_.note([&](auto& notes) { notes.stopped = ended.error(); });
      return;
    }
    log_warning_.about("the log cannot be read now", ended.error());
    board_.note([&](auto& notes) {
      notes.log = ended.error();
      notes.lag.reset();
    });
    if (read_something) backoff.reset();
    board_.pause(stop, backoff.next());
  }
}

Result<void> LogRecorder::session(const std::stop_token& stop) {
  DD_TRY(reader_, log_.join(options_.group));
  while (!stop.stop_requested()) {
    auto polled = reader_->poll(limits());
    if (!polled && polled.error().code == ErrorCode::shutting_down) break;
    auto followed = polled ? follow(stop, polled.value()) : Result<void>(polled.error());
    if (followed && storing_ && !is_storing()) followed = settle();
    if (followed && is_due()) followed = commit(stop);
    if (followed) continue;
    if (is_offset_moved(followed.error())) {
      warn_moved(followed.error());
    } else if (!is_out_of_range(followed.error())) {
      return followed;
    }
    forget_pending();
    if (auto stored = settle(); !stored && !is_offset_moved(stored.error())) return stored;
    DD_TRY(auto states, reader_->watermarks());
    DD_TRY(begin_at_stored(stop, states));
  }
  return commit_all(stop);
}

void LogRecorder::forget_pending() {
  pending_ = {};
  pending_bytes_ = 0;
}

eventlog::PollLimits LogRecorder::limits() const {
  eventlog::PollLimits limits;
  limits.records_max = options_.batch_events - pending_.events.size() - pending_.dead_letters.size();
  limits.wait_max = kIdleWait;
  if (pending_bytes_ > 0) {
    const auto waited = std::chrono::steady_clock::now() - pending_since_;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(options_.batch_wait - waited);
    limits.wait_max = std::clamp(left, std::chrono::milliseconds(0), kIdleWait);
  }
  if (storing_) limits.wait_max = kStoringWait;
  return limits;
}

/// While a batch is being stored, let the next one grow instead of waiting with a small one.
bool LogRecorder::is_due() const {
  if (pending_bytes_ == 0) return false;
  if (pending_.events.size() + pending_.dead_letters.size() >= options_.batch_events) return true;
  if (pending_bytes_ >= kBatchBytesMax) return true;
  return !storing_ && std::chrono::steady_clock::now() - pending_since_ >= options_.batch_wait;
}

Result<void> LogRecorder::follow(const std::stop_token& stop, const eventlog::Polled& polled) {
  board_.note([](auto& notes) { notes.log.reset(); });
  log_warning_.over();
  if (const auto* found = std::get_if<eventlog::Records>(&polled)) {
    for (const auto& record : found->records) take(record);
    return success();
  }
  if (const auto* assigned = std::get_if<eventlog::Assigned>(&polled)) {
    DD_TRY(commit_all(stop));
    crash_point("consume.assigned");
    assigned_ = true;
    return begin_at_stored(stop, assigned->partitions);
  }
  if (const auto* revoked = std::get_if<eventlog::Revoked>(&polled)) {
    return give_back(revoked->partitions);
  }
  note_lag();
  return check_stored();
}

Result<void> LogRecorder::give_back(const std::vector<eventlog::PartitionRef>& partitions) {
  assigned_ = false;
  // The next owner starts at the stored offset, so this reader must not store anything afterwards.
  const auto stored = settle_soon();
  if (!stored && is_offset_moved(stored.error())) warn_moved(stored.error());
  drop(partitions);
  crash_point("consume.revoked");
  DD_TRY(reader_->release(partitions));
  if (stored || positions_.empty()) return success();
  if (!is_passing(stored.error()) && stored.error().code != ErrorCode::shutting_down) return stored;
  return Error{ErrorCode::conflict, "offset-moved",
               "a failed batch included partitions that this reader still owns", ""};
}

/// Compares the stored offsets with this reader's. Recording compares them too, but while no messages arrive,
/// only this check notices that the database was restored or recreated.
Result<void> LogRecorder::check_stored() {
  const auto now = std::chrono::steady_clock::now();
  if (now - checked_at_ < kCheckStored) return success();
  checked_at_ = now;
  const auto offsets = history_.offsets(options_.topic);
  if (!offsets) return success();  // the writing thread reports the error
  for (const auto& [partition, position] : positions_) {
    if (position.read || position.storing) continue;
    const auto stored = find(offsets.value(), partition);
    const auto next = stored ? std::optional(stored->next) : std::nullopt;
    if (next == position.stored) continue;
    return Error{ErrorCode::conflict, "offset-moved",
                 fmt::format("the history is at {} of {}, but this reader last stored {}",
                             next ? fmt::format("offset {}", next->value) : "no offset",
                             eventlog::to_string(partition),
                             position.stored ? std::to_string(position.stored->value) : "none"),
                 ""};
  }
  return success();
}

void LogRecorder::take(const eventlog::Record& record) {
  const auto position = positions_.find(record.partition);
  if (position == positions_.end()) return;
  if (pending_bytes_ == 0) pending_since_ = std::chrono::steady_clock::now();
  position->second.next = record.offset.next();
  position->second.read = true;
  pending_bytes_ += 1 + record.key.size() + (record.value ? record.value->size() : 0);
  auto event =
      record.authentic ? parse_event_json(record.value.value_or("")) : Result<Event>(not_authentic());
  if (event) {
    pending_.events.push_back({record.partition, record.offset, std::move(event).value()});
    return;
  }
  const std::string reason = record.value ? event.error().message
                                          : std::string("the message has no value; events are never deleted");
  spdlog::warn("offset {} of {} is not an event: {}", record.offset.value,
               eventlog::to_string(record.partition), reason);
  pending_.dead_letters.push_back({record.partition, position->second.identity, record.offset,
                                   record.value.value_or(""), reason, std::nullopt});
}

void LogRecorder::drop(const std::vector<eventlog::PartitionRef>& partitions) {
  const auto dropped = [&](const auto& each) {
    return std::find(partitions.begin(), partitions.end(), each.partition) != partitions.end();
  };
  std::erase_if(pending_.events, dropped);
  std::erase_if(pending_.dead_letters, dropped);
  for (const auto& partition : partitions) positions_.erase(partition);
  if (pending_.events.empty() && pending_.dead_letters.empty()) pending_bytes_ = 0;
  note_lag();
}

Result<std::vector<history::StoredOffset>> LogRecorder::stored_offsets(const std::stop_token& stop) {
  Backoff backoff(options_.retry_wait_min, options_.retry_wait_max);
  while (true) {
    auto offsets = history_.offsets(options_.topic);
    if (offsets || !is_passing(offsets.error())) return offsets;
    board_.note([&](auto& notes) { notes.recording = offsets.error(); });
    if (!board_.pause(stop, backoff.next())) return stopping();
  }
}

Result<eventlog::Offset> LogRecorder::start_of(const eventlog::PartitionState& state,
                                               const std::optional<history::StoredOffset>& stored) const {
  if (!stored) return state.low;
  if (stored->identity != state.identity) {
    spdlog::warn(
        "{} is a different log than the one recorded before (topic id {} instead of {}): reading it from its "
        "first offset; events that are already recorded are dropped",
        eventlog::to_string(state.partition), state.identity.topic_id, stored->identity.topic_id);
    return state.low;
  }
  if (state.low <= stored->next && stored->next <= state.high) return stored->next;
  const Error error = gap(state, stored->next);
  if (!options_.accept_gap) return error;
  spdlog::warn("accepted gap: {}; continuing at offset {}", error.message, state.low.value);
  return state.low;
}

Result<void> LogRecorder::begin_at_stored(const std::stop_token& stop,
                                          const std::vector<eventlog::PartitionState>& states) {
  DD_TRY(const auto offsets, stored_offsets(stop));
  std::vector<eventlog::StartPosition> starts;
  for (const auto& state : states) {
    const auto stored = find(offsets, state.partition);
    DD_TRY(const auto start, start_of(state, stored));
    Position position{state.identity, std::nullopt, start, false, false};
    if (stored) position.stored = stored->next;
    positions_[state.partition] = position;
    starts.push_back({state.partition, start});
  }
  DD_TRY(reader_->start(starts));
  note_lag();
  return success();
}

Result<void> LogRecorder::commit(const std::stop_token& stop) {
  if (pending_bytes_ == 0) return success();
  DD_TRY(settle());
  for (auto& [partition, position] : positions_) {
    if (!position.read) continue;
    pending_.advances.push_back({partition, position.identity, position.stored, position.next});
    position.read = false;
    position.storing = true;
  }
  pending_.recorded_at = clock_.now();
  crash_point("consume.taken");
  begin_storing(stop, std::exchange(pending_, {}));
  pending_bytes_ = 0;
  return success();
}

Result<void> LogRecorder::commit_all(const std::stop_token& stop) {
  DD_TRY(commit(stop));
  return settle();
}

void LogRecorder::begin_storing(const std::stop_token& stop, history::RecordBatch batch) {
  Storing& storing = storing_.emplace();
  storing.advances = batch.advances;
  storing.messages = static_cast<std::int64_t>(batch.events.size() + batch.dead_letters.size());
  const auto kept = std::make_shared<history::RecordBatch>(std::move(batch));
  storing.result = run_apart(true, [this, stop, give_up = storing.give_up, kept]() mutable {
    const std::stop_callback stopped(stop, [&give_up] { give_up.request_stop(); });
    return store(give_up.get_token(), *kept);
  });
}

bool LogRecorder::is_storing() const {
  return storing_ && storing_->result.wait_for(std::chrono::seconds(0)) == std::future_status::timeout;
}

Result<void> LogRecorder::settle() {
  if (!storing_) return success();
  auto stored = storing_->result.get();
  const auto advances = std::move(storing_->advances);
  storing_.reset();
  DD_TRY(std::move(stored));
  for (const auto& advance : advances) {
    const auto position = positions_.find(advance.partition);
    if (position == positions_.end()) continue;
    position->second.stored = advance.to;
    position->second.storing = false;
  }
  note_lag(std::chrono::steady_clock::now() - lag_noted_at_ >= kLagEvery);
  return success();
}

Result<void> LogRecorder::settle_soon() {
  if (storing_) storing_->give_up.request_stop();
  return settle();
}

Result<void> LogRecorder::store(const std::stop_token& stop, history::RecordBatch& batch) {
  Backoff backoff(options_.retry_wait_min, options_.retry_wait_max);
  while (true) {
    StepTimer recording(options_.observer, Step::record);
    const auto report = history_.record(batch);
    recording.stop();
    bool stored = report.has_value();
    if (!stored && report.error().code == ErrorCode::in_doubt) {
      DD_TRY(stored, was_stored(stop, batch));
    }
    if (stored) {
      // If the response was lost, the number of new events is unknown, so they are not counted.
      if (options_.observer != nullptr && report) options_.observer->saw_recorded(report.value().inserted);
      if (report) say_conflicts(report.value());
      board_.note([](auto& notes) { notes.recording.reset(); });
      history_warning_.over();
      board_.progressed();
      return success();
    }
    if (report.error().code == ErrorCode::invalid_input) return store_halves(stop, batch, report.error());
    if (!is_passing(report.error())) return Error(report.error());
    history_warning_.about("the history cannot be written now", report.error());
    board_.note([&](auto& notes) { notes.recording = report.error(); });
    if (!board_.pause(stop, backoff.next())) return stopping();
  }
}

/// Returns whether the batch was stored, after the response to its commit was lost. If the stored offsets are
/// neither at its start nor at its end, another consumer recorded.
Result<bool> LogRecorder::was_stored(const std::stop_token& stop, const history::RecordBatch& batch) {
  DD_TRY(const auto offsets, stored_offsets(stop));
  bool all_at_end = true;
  bool all_at_begin = true;
  for (const auto& advance : batch.advances) {
    const auto stored = find(offsets, advance.partition);
    all_at_end = all_at_end && stored && stored->next == advance.to && stored->identity == advance.identity;
    all_at_begin = all_at_begin && stored.has_value() == advance.from.has_value() &&
                   (!stored || stored->next == *advance.from);
  }
  if (all_at_end) return true;
  if (all_at_begin) return false;
  return Error{ErrorCode::conflict, "offset-moved", "the history's offsets moved while a commit was in doubt",
               ""};
}

Result<void> LogRecorder::store_halves(const std::stop_token& stop, history::RecordBatch& batch,
                                       const Error& refusal) {
  if (batch.events.empty()) return Error(refusal);
  if (batch.events.size() == 1) {
    spdlog::error("the history rejects the event at offset {} of {}: {}", batch.events.front().offset.value,
                  eventlog::to_string(batch.events.front().partition), refusal.message);
    bury_event(batch, refusal);
    return store(stop, batch);
  }
  history::RecordBatch later = split_off_half(batch);
  DD_TRY(store(stop, batch));
  return store(stop, later);
}

/// Notes the recorded positions and the lag. Everything before a partition's `next` is recorded, unless it is
/// pending or being stored. Between a revocation and the next assignment the lag is unknown, because
/// rebalancing revokes all partitions first. Without `ask_log`, keeps the previous lag: querying the log is a
/// round trip.
void LogRecorder::note_lag(bool ask_log) {
  std::vector<eventlog::StartPosition> recorded;
  for (const auto& [partition, position] : positions_) {
    if (!position.read && !position.storing) recorded.push_back({partition, position.next});
  }
  std::optional<std::int64_t> lag;
  if (ask_log) lag = lag_now();
  board_.note([&](auto& notes) {
    if (!assigned_) notes.lag.reset();
    if (assigned_ && lag) notes.lag = lag;
    notes.recorded = recorded;
  });
}

std::optional<std::int64_t> LogRecorder::lag_now() {
  lag_noted_at_ = std::chrono::steady_clock::now();
  const auto states = reader_->watermarks();
  if (!states) return std::nullopt;
  auto lag = static_cast<std::int64_t>(pending_.events.size() + pending_.dead_letters.size());
  if (storing_) lag += storing_->messages;
  for (const auto& state : states.value()) {
    const auto position = positions_.find(state.partition);
    if (position == positions_.end()) continue;
    lag += std::max<std::int64_t>(0, state.high.value - position->second.next.value);
  }
  return lag;
}

}  // namespace deltadrop::consume
