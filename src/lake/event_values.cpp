#include "lake/event_values.hpp"

#include <fmt/format.h>

namespace deltadrop::lake {

namespace json = simdjson::ondemand;

Error bad_event(const Event& event, std::string_view problem) {
  return {
      ErrorCode::corrupt, "lake-event",
      fmt::format("event {} of upload {} {}", event.seq.value, event.upload.upload_id.to_string(), problem),
      "restore the history from a backup; or keep it as it is, and fill another, empty one with `deltadrop "
      "republish`"};
}

Result<json::object> EventValues::object_of(const Event& event, std::string_view values) {
  padded_.reserve(values.size() + simdjson::SIMDJSON_PADDING);
  padded_ = values;
  json::object object;
  if (parser_.iterate(simdjson::padded_string_view(padded_.data(), padded_.size(), padded_.capacity()))
              .get(document_) != simdjson::SUCCESS ||
      document_.get_object().get(object) != simdjson::SUCCESS) {
    return bad_event(event, "has values that are not a JSON object");
  }
  return object;
}

Result<std::size_t> EventValues::column_at(const Event& event, const TableColumns& columns, Memory& memory,
                                           std::size_t place, std::string_view name) {
  if (place >= memory.order.size()) memory.order.resize(place + 1);
  auto& index = memory.order[place];
  if (index >= columns.all().size() || columns.all()[index].name != name) {
    const auto found = columns.find(name);
    if (!found) {
      return bad_event(event, fmt::format("has column {}, which the first event of its type has not",
                                          quoted_for_message(name)));
    }
    index = *found;
  }
  auto& seen = memory.seen[index];
  if (seen == memory.object_no) {
    return bad_event(event, fmt::format("names column {} twice", quoted_for_message(name)));
  }
  seen = memory.object_no;
  return index;
}

}  // namespace deltadrop::lake
