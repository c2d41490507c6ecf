#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace deltadrop::api {

/// Reads records' values, an object of texts and nulls as the history keeps it, by column. For one thread.
class ValuesReader {
 public:
  using Values = std::span<const std::optional<std::string_view>>;

  explicit ValuesReader(std::vector<std::string> columns);
  ~ValuesReader();
  ValuesReader(ValuesReader&&) noexcept;
  ValuesReader& operator=(ValuesReader&&) noexcept;

  [[nodiscard]] const std::vector<std::string>& columns() const;
  /// The value of each column, in their order; nothing where it is null or absent. Until the next call.
  /// `corrupt` where the text is no such object.
  Result<Values> read(std::string_view data_json);
  /// The same as a JSON object of exactly these columns.
  Result<std::string> project(std::string_view data_json);

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace deltadrop::api
