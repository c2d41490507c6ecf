#include "cli/open_history.hpp"

#include <fmt/format.h>

namespace deltadrop::cli {

Result<app::StoredHistory> open_history(const app::Settings& settings, const std::string& name) {
  if (settings.origin("DATABASE_URL") == "default" || settings.origin("DATA_DIR") != "default") {
    return app::open_stored_history(settings, name);
  }
  app::StoredHistory stored;
  DD_TRY(stored.history, app::open_postgres(settings, name, app::Schema::check_only, {}));
  return stored;
}

Error written_by_dev(const app::Settings& settings, const std::string& fix) {
  return {ErrorCode::conflict, "data-dir-in-use",
          fmt::format("`deltadrop dev` runs on DATA_DIR {}, and is the one that writes its history",
                      settings.text("DATA_DIR")),
          fix};
}

}  // namespace deltadrop::cli
