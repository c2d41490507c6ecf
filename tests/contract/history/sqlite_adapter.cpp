#include "history/sqlite_history.hpp"
#include "history_contract.hpp"
#include "sqlite/database.hpp"

namespace deltadrop::history {
namespace {

std::unique_ptr<HistoryStore> open_sqlite(const std::filesystem::path& folder) {
  return must(sqlite::open({folder / "history.db"}));
}

std::string execute_sqlite(const std::filesystem::path& folder, const std::string& sql) {
  auto database = must(deltadrop::sqlite::Database::open(folder / "history.db"));
  const auto executed = database.execute(sql);
  return executed ? "" : executed.error().message;
}

const Adapter kAdapters[] = {{"sqlite", open_sqlite, execute_sqlite}};

}  // namespace

std::span<const Adapter> adapters() { return kAdapters; }

}  // namespace deltadrop::history
