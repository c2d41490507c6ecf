#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace deltadrop::api {

/// Reads the values of records by column. The history stores them as a JSON object of strings and nulls. Not
/// thread-safe.
class ValuesReader {
 public:
  using Values = std::span<const std::optional<std::string_view>>;

  explicit ValuesReader(std::vector<std::string> columns);
  ~ValuesReader();
  ValuesReader(ValuesReader&&) noexcept;
  ValuesReader& operator=(ValuesReader&&) noexcept;

  [[nodiscard]] const std::vector<std::string>& columns() const;
  /// Returns the value of each column, in the order of columns(), and nothing for a null or absent value. The
  /// result is valid until the next call. Fails with corrupt "bad-record" if the text is not such an object.
  Result<Values> read(std::string_view data_json);
  /// Returns the values as a JSON object of exactly these columns. Fails as read does.
  Result<std::string> project(std::string_view data_json);

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace deltadrop::api
