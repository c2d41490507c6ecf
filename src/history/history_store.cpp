#include "history/history_store.hpp"

#include <fmt/format.h>

#include <charconv>

#include "core/text.hpp"

namespace deltadrop::history {

std::string_view to_string(UploadState state) {
  switch (state) {
    case UploadState::recorded:
      return "recorded";
    case UploadState::applied:
      return "applied";
    case UploadState::blocked:
      return "blocked";
    case UploadState::conflict:
      return "conflict";
  }
  return "recorded";
}

namespace {

/// Removes the last dot of `text` and the number after it. Returns the number, or nothing if there is no dot.
template <class Number>
std::optional<Number> take_last_number(std::string_view& text) {
  const auto dot = text.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto digits = text.substr(dot + 1);
  Number number{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  text = text.substr(0, dot);
  return number;
}

}  // namespace

std::string DeadLetterId::to_string() const {
  return fmt::format("{}.{}.{}", topic_id, partition.value, offset.value);
}

Result<DeadLetterId> DeadLetterId::parse(std::string_view text) {
  std::string_view left = text;
  const auto offset = take_last_number<std::int64_t>(left);
  const auto partition = offset ? take_last_number<std::int32_t>(left) : std::nullopt;
  if (!partition) {
    return Error{ErrorCode::invalid_input, "bad-id",
                 fmt::format("{} is no dead letter's id", quoted_for_message(text)),
                 "give it as TOPIC_ID.PARTITION.OFFSET, as in the list of dead letters"};
  }
  return DeadLetterId{std::string(left), eventlog::Partition(*partition), Offset(*offset)};
}

Result<std::vector<AppliedEvent>> HistoryReader::key_history(const TableRef& table, const std::string& key) {
  EventQuery query;
  query.company_id = table.company_id;
  query.table_name = table.table_name;
  query.key_value = key;
  query.limit = std::numeric_limits<std::int64_t>::max();
  return events(query);
}

}  // namespace deltadrop::history
