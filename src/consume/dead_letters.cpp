#include "consume/dead_letters.hpp"

#include <fmt/format.h>

#include <utility>

namespace deltadrop::consume {

Result<history::DeadLetterEntry> find_dead_letter(history::HistoryWriter& history,
                                                  const history::DeadLetterId& id) {
  DD_TRY(auto found, history.dead_letter(id));
  if (found) return std::move(*found);
  return Error{ErrorCode::not_found, "no-such-dead-letter",
               fmt::format("there is no dead letter {}", id.to_string()),
               "list the dead letters with `deltadrop dead-letters list --all`"};
}

namespace {

Result<Event> event_in(const history::DeadLetterEntry& entry) {
  if (entry.letter.reason.starts_with(kNotAuthentic)) {
    return Error{
        ErrorCode::invalid_input, "not-authentic",
        fmt::format("dead letter {} has no valid signature", entry.id().to_string()),
        "if Deltadrop wrote it before EVENT_KEY was set, run `deltadrop republish` to send its upload "
        "again with a signature; otherwise, find out who writes to the topic"};
  }
  auto event = parse_event_json(entry.letter.payload);
  if (event) return event;
  return Error{
      ErrorCode::invalid_input, "still-no-event",
      fmt::format("dead letter {} is not an event: {}", entry.id().to_string(), event.error().message),
      "no event is missing because of it; find out who writes to the topic"};
}

Result<void> record_again(history::HistoryWriter& history, const history::DeadLetterEntry& entry, Event event,
                          Timestamp now) {
  history::RecordBatch batch;
  batch.events.push_back({entry.letter.partition, entry.letter.offset, std::move(event)});
  batch.recorded_at = now;
  batch.retried = entry.id();
  const auto report = history.record(batch);
  if (report) return success();
  // The response to the commit was lost. If the letter is resolved, the commit succeeded.
  if (report.error().code == ErrorCode::in_doubt) {
    DD_TRY(const auto after, find_dead_letter(history, entry.id()));
    if (after.resolved_at) return success();
    return Error{ErrorCode::unavailable, "not-recorded", report.error().message, "retry"};
  }
  if (report.error().code != ErrorCode::invalid_input) return Error(report.error());
  return Error{ErrorCode::invalid_input, "still-refused",
               fmt::format("the history rejects dead letter {} again: {}", entry.id().to_string(),
                           report.error().message),
               "remove the cause in the database, then retry"};
}

}  // namespace

Result<Retried> retry_dead_letter(history::HistoryWriter& history, const history::DeadLetterId& id,
                                  Timestamp now) {
  Retried retried;
  DD_TRY(retried.letter, find_dead_letter(history, id));
  retried.was_resolved = retried.letter.resolved_at.has_value();
  DD_TRY(auto event, event_in(retried.letter));
  retried.upload_id = event.upload.upload_id;
  if (!retried.was_resolved) {
    DD_TRY(record_again(history, retried.letter, std::move(event), now));
    DD_TRY(retried.letter, find_dead_letter(history, id));
  }
  return retried;
}

}  // namespace deltadrop::consume
