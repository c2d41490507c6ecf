#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace deltadrop::testing {

/// A Parquet file as a generic reader sees it.
struct ParquetRows {
  std::vector<std::string> columns;                                     ///< in the file's order
  std::map<std::string, std::string> types;                             ///< Arrow's names
  std::vector<std::map<std::string, std::optional<std::string>>> rows;  ///< as text; a list as "[a, b]"
  std::map<std::string, std::string> metadata;                          ///< from the footer
  std::string created_by;
  int row_groups = 0;
  int sorting_column = -1;  ///< of the first row group
  bool zstd = true;         ///< in all column chunks
  bool statistics = true;
  bool page_index = true;
};

/// Reads every `every`-th row, starting with the first. Throws std::runtime_error if the file is incomplete.
ParquetRows read_parquet(const std::filesystem::path& path, std::int64_t every = 1);

}  // namespace deltadrop::testing
