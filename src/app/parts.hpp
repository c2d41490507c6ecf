#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/data_dir.hpp"
#include "app/settings.hpp"
#include "app/telemetry.hpp"
#include "consume/consumer.hpp"
#include "eventlog/event_log.hpp"
#include "history/history_store.hpp"
#include "http/server.hpp"
#include "ingest/ingest.hpp"
#include "io/clock.hpp"
#include "io/clock_watch.hpp"

/// Builds the parts of the programs from the settings.
namespace deltadrop::app {

/// Fails if the server would listen beyond loopback without keys and TLS, unless INSECURE is set, or if only
/// one of TLS_CERT and TLS_KEY is set.
Result<void> check_listen(const Settings& settings);

/// The services that a program's server uses; all outlive it. `ingest` is null if uploads are not accepted.
struct Served {
  ingest::Ingest* ingest;
  status::Metrics& telemetry;
  io::Clock& clock;
  io::ClockWatch* clock_watch = nullptr;  ///< set if `ingest` is null, because Ingest has its own
};
Result<std::unique_ptr<http::Server>> listen(const Settings& settings, const Served& served,
                                             std::vector<http::Route> routes);
/// Returns "https://..." with TLS, else "http://...".
std::string url_of(const Settings& settings, const std::string& address);

Result<std::unique_ptr<eventlog::EventLog>> open_kafka(const Settings& settings);

enum class Schema : std::uint8_t { bring_up_to_date, check_only };
/// Opens PostgreSQL. `name` is the connection's application_name. Pending calls end when `stop` is requested.
Result<std::unique_ptr<history::HistoryStore>> open_postgres(const Settings& settings,
                                                             const std::string& name, Schema schema,
                                                             std::stop_token stop);

/// The history that belongs to a DATA_DIR, for a command.
struct StoredHistory {
  std::optional<DataDir> data_dir;  ///< locked if it is of the embedded kind and no other process has it
  std::unique_ptr<history::HistoryStore> history;
  bool writable = true;  ///< false if a running `dev` owns the history
};
/// Opens history.db of an embedded DATA_DIR, read-only if `dev` runs on it. Otherwise opens PostgreSQL at
/// DATABASE_URL under `name`.
Result<StoredHistory> open_stored_history(const Settings& settings, const std::string& name);

consume::Options consume_options(const Settings& settings);
consume::LakeStep lake_step(const Settings& settings, history::LakeLedger& history, io::Clock& clock);

}  // namespace deltadrop::app
