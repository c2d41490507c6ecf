#pragma once

#include <filesystem>
#include <memory>

#include "history/history_store.hpp"

/// The embedded history: one SQLite file with the same tables as in PostgreSQL.
namespace deltadrop::history::sqlite {

struct Options {
  std::filesystem::path path;  ///< created if missing, and migrated
  /// Opens the file while another process writes it: nothing is created or migrated, and calls that write
  /// fail.
  bool read_only = false;
};

Result<std::unique_ptr<HistoryStore>> open(const Options& options);

}  // namespace deltadrop::history::sqlite
