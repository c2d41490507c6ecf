#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "history/postgres_connection.hpp"
#include "history/stored_rows.hpp"

namespace deltadrop::history::postgres {

/// Returns the results of `make` for all rows, or the first failure.
template <class Make>
auto all_of(const Rows& rows, const Make& make)
    -> Result<std::vector<typename decltype(make(rows[0]))::value_type>> {
  std::vector<typename decltype(make(rows[0]))::value_type> all;
  all.reserve(static_cast<std::size_t>(rows.size()));
  for (int i = 0; i < rows.size(); ++i) {
    DD_TRY(auto made, make(rows[i]));
    all.push_back(std::move(made));
  }
  return all;
}

/// Reads the columns of select_uploads.
inline constexpr auto kUpload = [](Row row) { return upload_of(row); };

/// Returns the result of `make` for the first row, or nothing if `rows` is empty.
template <class Make>
auto first_of(const Rows& rows, const Make& make)
    -> Result<std::optional<typename decltype(make(rows[0]))::value_type>> {
  using Made = typename decltype(make(rows[0]))::value_type;
  if (rows.empty()) return std::optional<Made>();
  DD_TRY(auto made, make(rows[0]));
  return std::optional<Made>(std::move(made));
}

}  // namespace deltadrop::history::postgres
