#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace deltadrop::testing {

/// A Parquet file as a reader that knows nothing of Deltadrop sees it.
struct ParquetRows {
  std::vector<std::string> columns;                                     ///< in the file's order
  std::map<std::string, std::string> types;                             ///< Arrow's names
  std::vector<std::map<std::string, std::optional<std::string>>> rows;  ///< as text; a list as "[a, b]"
  std::map<std::string, std::string> metadata;                          ///< of the footer
  std::string created_by;
  int row_groups = 0;
  int sorting_column = -1;  ///< of the first row group
  bool zstd = true;         ///< all column chunks
  bool statistics = true;
  bool page_index = true;
};

/// Every `every`-th row, from the first. Throws std::runtime_error where the file is not whole.
ParquetRows read_parquet(const std::filesystem::path& path, std::int64_t every = 1);

}  // namespace deltadrop::testing
