#include "cli/open_history.hpp"

#include <fmt/format.h>

namespace deltadrop::cli {

Result<app::StoredHistory> open_history(const app::Settings& settings, const std::string& name) {
  const auto database = settings.setting_of(settings.postgres.url).origin;
  const auto data_dir = settings.setting_of(settings.data_dir.path).origin;
  if (database == app::Origin::by_default || data_dir != app::Origin::by_default) {
    return app::open_stored_history(settings, name);
  }
  app::StoredHistory stored;
  DD_TRY(stored.history, app::open_postgres(settings, name, app::Schema::check_only, {}));
  return stored;
}

Error written_by_dev(const app::Settings& settings, const std::string& fix) {
  return {ErrorCode::conflict, "data-dir-in-use",
          fmt::format("`deltadrop dev` runs on DATA_DIR {}, and is the one that writes its history",
                      settings.data_dir.path),
          fix};
}

}  // namespace deltadrop::cli
