#include "history/postgres_history.hpp"
#include "history_contract.hpp"
#include "support/postgres_server.hpp"

namespace deltadrop::history {
namespace {

/// Returns the URL of the folder's own database, which the first call creates.
std::string url_of(const std::filesystem::path& folder) {
  auto& server = testing::shared_postgres_server();
  const std::string name = folder.filename();
  if (std::filesystem::create_directory(folder / "database-made")) server.make_database(name);
  return server.url(name);
}

std::unique_ptr<HistoryStore> open_postgres(const std::filesystem::path& folder) {
  return must(postgres::open({.url = url_of(folder)}));
}

std::string execute_postgres(const std::filesystem::path& folder, const std::string& sql) {
  return testing::SqlSession(url_of(folder)).execute(sql);
}

const Adapter kAdapters[] = {{"postgres", open_postgres, execute_postgres}};

}  // namespace

std::span<const Adapter> adapters() { return kAdapters; }

}  // namespace deltadrop::history
