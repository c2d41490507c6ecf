#pragma once

#include <cstddef>

#include "eventlog/event_log.hpp"

/// What every adapter of the log checks and says in the same words.
namespace deltadrop::eventlog {

/// Bytes that a message counts beside its key and value: its headers.
inline constexpr std::size_t kMessageOverheadBytes = 256;

/// invalid_input "message-too-large" when key, value and headers exceed `bytes_max`.
Result<void> check_message_size(const Message& message, std::size_t bytes_max);

/// conflict "offset-out-of-range" unless `offset` is in [low, high].
Result<void> check_offset(const PartitionState& state, Offset offset);

/// conflict "not-assigned": a call about a partition that the reader does not have.
Error not_assigned(const PartitionRef& partition);

/// shutting_down "interrupted"
Error interrupted();

/// "cdc-events/0"
std::string to_string(const PartitionRef& partition);

}  // namespace deltadrop::eventlog
