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

/// What the programs are made of, each part from the settings.
namespace deltadrop::app {

/// Refuses to listen beyond loopback without keys and TLS, unless INSECURE says so; and half of TLS.
Result<void> check_listen(const Settings& settings);

/// What a program's server works with; all outlive it. `ingest` is null where uploads are not taken.
struct Served {
  ingest::Ingest* ingest;
  status::Metrics& telemetry;
  io::Clock& clock;
  io::ClockWatch* clock_watch = nullptr;  ///< where there is no `ingest`, which has one
};
Result<std::unique_ptr<http::Server>> listen(const Settings& settings, const Served& served,
                                             std::vector<http::Route> routes);
/// "https://..." with TLS, else "http://...".
std::string url_of(const Settings& settings, const std::string& address);

Result<std::unique_ptr<eventlog::EventLog>> open_kafka(const Settings& settings);

enum class Schema : std::uint8_t { bring_up_to_date, check_only };
/// `name` is how PostgreSQL knows this connection. Calls that wait end with `stop`.
Result<std::unique_ptr<history::HistoryStore>> open_postgres(const Settings& settings,
                                                             const std::string& name, Schema schema,
                                                             std::stop_token stop);

/// The history that a DATA_DIR of its kind goes with, for a command that works on it.
struct StoredHistory {
  std::optional<DataDir> data_dir;  ///< held while it is of the embedded kind and nobody else holds it
  std::unique_ptr<history::HistoryStore> history;
  bool writable = true;  ///< false beside a `dev` that runs: it is the one that writes
};
/// history.db of a DATA_DIR of `dev`, read-only while one runs on it; else PostgreSQL by DATABASE_URL, under
/// `name`.
Result<StoredHistory> open_stored_history(const Settings& settings, const std::string& name);

consume::Options consume_options(const Settings& settings);
consume::LakeStep lake_step(const Settings& settings, history::LakeLedger& history, io::Clock& clock);

}  // namespace deltadrop::app
