#pragma once

#include "history/history_writer.hpp"

namespace deltadrop::consume {

/// Begins the reason of a message without a valid signature. Such a letter is never taken again: nothing
/// tells whether it is one of ours.
inline constexpr std::string_view kNotAuthentic = "the message has no valid signature";

/// A dead letter that was taken again.
struct Retried {
  history::DeadLetterEntry letter;  ///< as it is now
  UploadId upload_id;               ///< of its event
  bool was_resolved = false;        ///< before: nothing was done
};

/// `not_found` "no-such-dead-letter".
Result<history::DeadLetterEntry> find_dead_letter(history::HistoryWriter& history,
                                                  const history::DeadLetterId& id);

/// Takes a dead letter's message through recording once more, in one transaction: its event is recorded, the
/// letter resolved, and its upload, where nothing else of it is missing, no longer blocked.
///
/// Errors: `not_found` "no-such-dead-letter"; `invalid_input` "still-no-event" where the message is no event,
/// "not-authentic" where it has no valid signature,
/// "still-refused" where the database refuses it again; `conflict` "still-refused" where it contradicts what
/// is recorded; `unavailable` as the history's. Then the letter stays as it was.
Result<Retried> retry_dead_letter(history::HistoryWriter& history, const history::DeadLetterId& id,
                                  Timestamp now);

}  // namespace deltadrop::consume
