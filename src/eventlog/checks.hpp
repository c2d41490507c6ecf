#pragma once

#include <cstddef>

#include "eventlog/event_log.hpp"

/// Checks and errors that all adapters of the log share.
namespace deltadrop::eventlog {

/// The bytes that a message's headers count, besides its key and value.
inline constexpr std::size_t kMessageOverheadBytes = 256;

/// Fails with invalid_input, type "message-too-large", if key, value and headers exceed `bytes_max`.
Result<void> check_message_size(const Message& message, std::size_t bytes_max);

/// Fails with conflict, type "offset-out-of-range", unless `offset` is in [low, high].
Result<void> check_offset(const PartitionState& state, Offset offset);

/// Conflict, type "not-assigned": the call names a partition that the reader does not own.
Error not_assigned(const PartitionRef& partition);

/// Shutting_down, type "interrupted".
Error interrupted();

/// "cdc-events/0"
std::string to_string(const PartitionRef& partition);

}  // namespace deltadrop::eventlog
