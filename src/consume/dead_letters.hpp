#pragma once

#include "history/history_writer.hpp"

namespace deltadrop::consume {

/// The prefix of the stored reason if a message has no valid signature. Such a letter is never retried:
/// nothing shows whether Deltadrop wrote it.
inline constexpr std::string_view kNotAuthentic = "the message has no valid signature";

/// The result of retrying a dead letter.
struct Retried {
  history::DeadLetterEntry letter;  ///< its current state
  UploadId upload_id;               ///< of its event
  bool was_resolved = false;        ///< it was resolved before, so nothing was done
};

/// Fails with not_found, type "no-such-dead-letter".
Result<history::DeadLetterEntry> find_dead_letter(history::HistoryWriter& history,
                                                  const history::DeadLetterId& id);

/// Records a dead letter's message again in one transaction: records its event, resolves the letter and, if
/// no other event of the upload is missing, unblocks the upload.
///
/// Errors: not_found, type "no-such-dead-letter"; invalid_input, type "still-no-event" if the message is not
/// an event, "not-authentic" if it has no valid signature, or "still-refused" if the database rejects it
/// again; conflict, type "still-refused", if it contradicts what is recorded; unavailable if the history is.
/// After an error, the letter is unchanged.
Result<Retried> retry_dead_letter(history::HistoryWriter& history, const history::DeadLetterId& id,
                                  Timestamp now);

}  // namespace deltadrop::consume
