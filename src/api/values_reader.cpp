#include "api/values_reader.hpp"

#include <simdjson.h>

#include <algorithm>
#include <map>
#include <utility>

#include "core/json_writer.hpp"

namespace deltadrop::api {

class ValuesReader::State {
 public:
  explicit State(std::vector<std::string> columns) : columns_(std::move(columns)), values_(columns_.size()) {
    for (std::size_t i = 0; i < columns_.size(); ++i) places_.emplace(columns_[i], i);
  }

  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }

  Result<Values> read(std::string_view data_json) {
    std::fill(values_.begin(), values_.end(), std::nullopt);
    simdjson::dom::object object;
    if (parser_.parse(data_json.data(), data_json.size()).get(object) != simdjson::SUCCESS) return corrupt();
    for (const auto& [name, value] : object) {
      const auto place = places_.find(name);
      if (place == places_.end() || value.is_null()) continue;
      std::string_view text;
      if (value.get(text) != simdjson::SUCCESS) return corrupt();
      values_[place->second] = text;
    }
    return Values(values_);
  }

 private:
  static Error corrupt() {
    return {ErrorCode::corrupt, "bad-record", "a record in the history is no object of texts",
            "restore the history from a backup; or keep it as it is, and fill another, empty one with "
            "`deltadrop republish`"};
  }

  std::vector<std::string> columns_;
  /// Keys are views of columns_, which never changes. A tree, so that chosen names cannot cause hash
  /// collisions.
  std::map<std::string_view, std::size_t> places_;
  std::vector<std::optional<std::string_view>> values_;
  simdjson::dom::parser parser_;
};

ValuesReader::ValuesReader(std::vector<std::string> columns)
    : state_(std::make_unique<State>(std::move(columns))) {}
ValuesReader::~ValuesReader() = default;
ValuesReader::ValuesReader(ValuesReader&&) noexcept = default;
ValuesReader& ValuesReader::operator=(ValuesReader&&) noexcept = default;

const std::vector<std::string>& ValuesReader::columns() const { return state_->columns(); }

Result<ValuesReader::Values> ValuesReader::read(std::string_view data_json) {
  return state_->read(data_json);
}

Result<std::string> ValuesReader::project(std::string_view data_json) {
  DD_TRY(const auto values, read(data_json));
  JsonObject object;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto& name = columns()[i];
    values[i] ? object.text(name, *values[i]) : object.null(name);
  }
  return object.take();
}

}  // namespace deltadrop::api
