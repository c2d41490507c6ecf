#include "consume/recorder.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>

#include "eventlog/checks.hpp"
#include "io/fault_point.hpp"

namespace deltadrop::consume {
namespace {

constexpr std::size_t kBatchBytesMax = std::size_t{32} << 20;  // of values held in memory before a commit
constexpr std::chrono::seconds kCheckStored{5};
constexpr std::chrono::milliseconds kIdleWait{100};  // and so how fast `stop` is seen

Error gap(const eventlog::PartitionState& state, eventlog::Offset wanted) {
  return {
      ErrorCode::conflict, "offset-gap",
      fmt::format("{} was recorded up to offset {}, but the log holds {} to {}: messages in between are lost",
                  eventlog::to_string(state.partition), wanted.value, state.low.value, state.high.value),
      "run `deltadrop republish`, which sends every version again under the same ids, and `deltadrop consume "
      "--accept-gap` once, which goes on at the log's first offset"};
}

Error stopping() { return {ErrorCode::shutting_down, "stopping", "the consumer is stopping", ""}; }

bool is_offset_moved(const Error& error) {
  return error.code == ErrorCode::conflict && error.type == "offset-moved";
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

/// Here a test may end the process.
void crash_point(std::string_view name) { static_cast<void>(io::fault_point(name)); }

/// The one event of a batch that the history refuses, as a dead letter of its upload.
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

}  // namespace

history::RecordBatch split_off_half(history::RecordBatch& batch) {
  history::RecordBatch later;
  later.recorded_at = batch.recorded_at;
  const auto middle = batch.events.begin() + static_cast<std::ptrdiff_t>(batch.events.size() / 2);
  later.events.assign(std::make_move_iterator(middle), std::make_move_iterator(batch.events.end()));
  batch.events.erase(middle, batch.events.end());

  // The earlier half ends, in each partition that it has an event of, behind the last of them.
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

Recorder::Recorder(const Options& options, eventlog::EventLog& log, history::HistoryStore& history,
                   io::Clock& clock, Board& board)
    : options_(options), log_(log), history_(history), clock_(clock), board_(board) {}

void Recorder::run(const std::stop_token& stop) {
  Backoff backoff(options_.retry_wait_min, options_.retry_wait_max);
  while (!stop.stop_requested()) {
    const auto ended = session(stop);
    const bool read_something = !positions_.empty();
    reader_.reset();
    positions_.clear();
    assigned_ = false;
    pending_ = {};
    pending_bytes_ = 0;
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

Result<void> Recorder::session(const std::stop_token& stop) {
  DD_TRY(reader_, log_.join(options_.group));
  while (!stop.stop_requested()) {
    auto polled = reader_->poll(limits());
    if (!polled && polled.error().code == ErrorCode::shutting_down) break;
    auto followed = polled ? follow(stop, polled.value()) : Result<void>(polled.error());
    if (followed && is_due()) followed = commit(stop);
    if (followed) continue;
    if (is_offset_moved(followed.error())) {
      spdlog::warn("another consumer has recorded, or the history was restored: {}",
                   followed.error().message);
    } else if (!is_out_of_range(followed.error())) {
      return followed;
    }
    pending_ = {};
    pending_bytes_ = 0;
    DD_TRY(auto states, reader_->watermarks());
    DD_TRY(begin_at_stored(stop, states));
  }
  return commit(stop);
}

eventlog::PollLimits Recorder::limits() const {
  eventlog::PollLimits limits;
  limits.records_max = options_.batch_events - pending_.events.size() - pending_.dead_letters.size();
  limits.wait_max = kIdleWait;
  if (pending_bytes_ > 0) {
    const auto waited = std::chrono::steady_clock::now() - pending_since_;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(options_.batch_wait - waited);
    limits.wait_max = std::clamp(left, std::chrono::milliseconds(0), kIdleWait);
  }
  return limits;
}

bool Recorder::is_due() const {
  if (pending_bytes_ == 0) return false;
  return pending_.events.size() + pending_.dead_letters.size() >= options_.batch_events ||
         pending_bytes_ >= kBatchBytesMax ||
         std::chrono::steady_clock::now() - pending_since_ >= options_.batch_wait;
}

Result<void> Recorder::follow(const std::stop_token& stop, const eventlog::Polled& polled) {
  board_.note([](auto& notes) { notes.log.reset(); });
  log_warning_.over();
  if (const auto* found = std::get_if<eventlog::Records>(&polled)) {
    for (const auto& record : found->records) take(record);
    return success();
  }
  if (const auto* assigned = std::get_if<eventlog::Assigned>(&polled)) {
    DD_TRY(commit(stop));
    crash_point("consume.assigned");
    assigned_ = true;
    return begin_at_stored(stop, assigned->partitions);
  }
  if (const auto* revoked = std::get_if<eventlog::Revoked>(&polled)) {
    assigned_ = false;
    drop(revoked->partitions);
    crash_point("consume.revoked");
    return reader_->release(revoked->partitions);
  }
  note_lag();
  return check_stored();
}

/// Recording compares them anyway; but while nothing comes, nothing is recorded, and a database that was
/// restored or made anew would stay as it is.
Result<void> Recorder::check_stored() {
  const auto now = std::chrono::steady_clock::now();
  if (now - checked_at_ < kCheckStored) return success();
  checked_at_ = now;
  const auto offsets = history_.offsets(options_.topic);
  if (!offsets) return success();  // whoever writes says so
  for (const auto& [partition, position] : positions_) {
    if (position.read) continue;
    const auto stored = find(offsets.value(), partition);
    const auto next = stored ? std::optional(stored->next) : std::nullopt;
    if (next == position.stored) continue;
    return Error{ErrorCode::conflict, "offset-moved",
                 fmt::format("the history is at {} of {}, this reader left it at {}",
                             next ? fmt::format("offset {}", next->value) : "no offset",
                             eventlog::to_string(partition),
                             position.stored ? std::to_string(position.stored->value) : "none"),
                 ""};
  }
  return success();
}

void Recorder::take(const eventlog::Record& record) {
  const auto position = positions_.find(record.partition);
  if (position == positions_.end()) return;
  if (pending_bytes_ == 0) pending_since_ = std::chrono::steady_clock::now();
  position->second.next = record.offset.next();
  position->second.read = true;
  pending_bytes_ += 1 + record.key.size() + (record.value ? record.value->size() : 0);
  auto event = parse_event_json(record.value.value_or(""));
  if (event) {
    pending_.events.push_back({record.partition, record.offset, std::move(event).value()});
    return;
  }
  const std::string reason = record.value ? event.error().message
                                          : std::string("the message has no value; events are never deleted");
  spdlog::warn("offset {} of {} is no event: {}", record.offset.value, eventlog::to_string(record.partition),
               reason);
  pending_.dead_letters.push_back({record.partition, position->second.identity, record.offset,
                                   record.value.value_or(""), reason, std::nullopt});
}

void Recorder::drop(const std::vector<eventlog::PartitionRef>& partitions) {
  const auto dropped = [&](const auto& each) {
    return std::find(partitions.begin(), partitions.end(), each.partition) != partitions.end();
  };
  std::erase_if(pending_.events, dropped);
  std::erase_if(pending_.dead_letters, dropped);
  for (const auto& partition : partitions) positions_.erase(partition);
  if (pending_.events.empty() && pending_.dead_letters.empty()) pending_bytes_ = 0;
  note_lag();
}

Result<std::vector<history::StoredOffset>> Recorder::stored_offsets(const std::stop_token& stop) {
  Backoff backoff(options_.retry_wait_min, options_.retry_wait_max);
  while (true) {
    auto offsets = history_.offsets(options_.topic);
    if (offsets || !is_passing(offsets.error())) return offsets;
    board_.note([&](auto& notes) { notes.recording = offsets.error(); });
    if (!board_.pause(stop, backoff.next())) return stopping();
  }
}

Result<eventlog::Offset> Recorder::start_of(const eventlog::PartitionState& state,
                                            const std::optional<history::StoredOffset>& stored) const {
  if (!stored) return state.low;
  if (stored->identity != state.identity) {
    spdlog::warn(
        "{} is another log than the one recorded before (topic id {} instead of {}): it is read from its "
        "first offset; events that are recorded already are dropped",
        eventlog::to_string(state.partition), state.identity.topic_id, stored->identity.topic_id);
    return state.low;
  }
  if (state.low <= stored->next && stored->next <= state.high) return stored->next;
  const Error error = gap(state, stored->next);
  if (!options_.accept_gap) return error;
  spdlog::warn("accepted gap: {}; going on at offset {}", error.message, state.low.value);
  return state.low;
}

Result<void> Recorder::begin_at_stored(const std::stop_token& stop,
                                       const std::vector<eventlog::PartitionState>& states) {
  DD_TRY(const auto offsets, stored_offsets(stop));
  std::vector<eventlog::StartPosition> starts;
  for (const auto& state : states) {
    const auto stored = find(offsets, state.partition);
    DD_TRY(const auto start, start_of(state, stored));
    Position position{state.identity, std::nullopt, start, false};
    if (stored) position.stored = stored->next;
    positions_[state.partition] = position;
    starts.push_back({state.partition, start});
  }
  DD_TRY(reader_->start(starts));
  note_lag();
  return success();
}

Result<void> Recorder::commit(const std::stop_token& stop) {
  if (pending_bytes_ == 0) return success();
  for (auto& [partition, position] : positions_) {
    if (!position.read) continue;
    pending_.advances.push_back({partition, position.identity, position.stored, position.next});
    position.read = false;
  }
  pending_.recorded_at = clock_.now();
  crash_point("consume.taken");
  history::RecordBatch batch = std::exchange(pending_, {});
  pending_bytes_ = 0;
  DD_TRY(store(stop, batch));
  note_lag();
  return success();
}

Result<void> Recorder::store(const std::stop_token& stop, history::RecordBatch& batch) {
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
      // After a lost answer how many of them were new is not known, and they are not counted.
      if (options_.observer != nullptr && report) options_.observer->saw_recorded(report.value().inserted);
      note_stored(batch);
      return success();
    }
    if (report.error().code == ErrorCode::invalid_input) return store_halves(stop, batch, report.error());
    if (!is_passing(report.error())) return Error(report.error());
    history_warning_.about("the history cannot be written now", report.error());
    board_.note([&](auto& notes) { notes.recording = report.error(); });
    if (!board_.pause(stop, backoff.next())) return stopping();
  }
}

/// After a commit whose answer was lost. Neither where the batch began nor where it ends: somebody else
/// recorded.
Result<bool> Recorder::was_stored(const std::stop_token& stop, const history::RecordBatch& batch) {
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

Result<void> Recorder::store_halves(const std::stop_token& stop, history::RecordBatch& batch,
                                    const Error& refusal) {
  if (batch.events.empty()) return Error(refusal);
  if (batch.events.size() == 1) {
    spdlog::error("the history refuses the event at offset {} of {}: {}", batch.events.front().offset.value,
                  eventlog::to_string(batch.events.front().partition), refusal.message);
    bury_event(batch, refusal);
    return store(stop, batch);
  }
  history::RecordBatch later = split_off_half(batch);
  DD_TRY(store(stop, batch));
  return store(stop, later);
}

void Recorder::note_stored(const history::RecordBatch& batch) {
  for (const auto& advance : batch.advances) {
    const auto position = positions_.find(advance.partition);
    if (position != positions_.end()) position->second.stored = advance.to;
  }
  board_.note([](auto& notes) { notes.recording.reset(); });
  history_warning_.over();
  board_.progressed();
}

/// Everything in the log before a partition's `next` is recorded, unless it is still pending. How much more
/// there is is not known between a revocation and what is assigned next: rebalancing takes all partitions
/// first.
void Recorder::note_lag() {
  const auto states = reader_->watermarks();
  auto lag = static_cast<std::int64_t>(pending_.events.size() + pending_.dead_letters.size());
  std::vector<eventlog::StartPosition> recorded;
  for (const auto& [partition, position] : positions_) {
    if (!position.read) recorded.push_back({partition, position.next});
    if (!states) continue;
    for (const auto& state : states.value()) {
      if (state.partition == partition)
        lag += std::max<std::int64_t>(0, state.high.value - position.next.value);
    }
  }
  board_.note([&](auto& notes) {
    if (!assigned_) notes.lag.reset();
    if (assigned_ && states) notes.lag = lag;
    notes.recorded = recorded;
  });
}

}  // namespace deltadrop::consume
