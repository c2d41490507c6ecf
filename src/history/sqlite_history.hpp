#pragma once

#include <filesystem>
#include <memory>

#include "history/history_store.hpp"

/// The embedded history: one SQLite file with the same tables as PostgreSQL's.
namespace deltadrop::history::sqlite {

struct Options {
  std::filesystem::path path;  ///< made and migrated when missing
  /// Beside another process that writes: what would change something fails, nothing is made or migrated.
  bool read_only = false;
};

Result<std::unique_ptr<HistoryStore>> open(const Options& options);

}  // namespace deltadrop::history::sqlite
