#include "eventlog/checks.hpp"

#include <fmt/format.h>

#include "core/text.hpp"

namespace deltadrop::eventlog {

Result<void> check_message_size(const Message& message, std::size_t bytes_max) {
  const std::size_t bytes = message.key.size() + message.value.size() + kMessageOverheadBytes;
  if (bytes <= bytes_max) return success();
  return Error{ErrorCode::invalid_input, "message-too-large",
               fmt::format("the event with key {} needs {} bytes in the log; the limit is {}",
                           quoted_for_message(message.key), bytes, bytes_max),
               "make the row smaller, or raise MAX_EVENT_BYTES"};
}

Result<void> check_offset(const PartitionState& state, Offset offset) {
  if (state.low <= offset && offset <= state.high) return success();
  return Error{ErrorCode::conflict, "offset-out-of-range",
               fmt::format("offset {} of {} is not in the log, whose offsets are {} to {}", offset.value,
                           to_string(state.partition), state.low.value, state.high.value),
               "read again from the log's first offset"};
}

Error not_assigned(const PartitionRef& partition) {
  return Error{ErrorCode::conflict, "not-assigned",
               fmt::format("partition {} is not assigned to this reader", to_string(partition)),
               "poll until it is assigned"};
}

Error interrupted() {
  return Error{ErrorCode::shutting_down, "interrupted", "the log is shutting down", "restart the process"};
}

std::string to_string(const PartitionRef& partition) {
  return fmt::format("{}/{}", partition.topic, partition.partition.value);
}

}  // namespace deltadrop::eventlog
