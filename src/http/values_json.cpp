#include "http/values_json.hpp"

#include <boost/json/parse.hpp>

#include "http/json_writer.hpp"

namespace deltadrop::http {

Result<std::string> project_values(std::string_view data_json, const std::vector<std::string>& columns) {
  boost::system::error_code failed;
  const auto parsed = boost::json::parse({data_json.data(), data_json.size()}, failed);
  const Error corrupt{ErrorCode::corrupt, "bad-record", "a record in the history is no object of texts",
                      "restore the history from a backup, or fill an empty one with `deltadrop republish`"};
  if (failed || !parsed.is_object()) return corrupt;
  const auto& data = parsed.get_object();
  JsonObject values;
  for (const auto& column : columns) {
    const auto* value = data.if_contains(column);
    if (value == nullptr || value->is_null()) {
      values.null(column);
    } else if (const auto* text = value->if_string()) {
      values.text(column, std::string_view(text->data(), text->size()));
    } else {
      return corrupt;
    }
  }
  return values.take();
}

}  // namespace deltadrop::http
