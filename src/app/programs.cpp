#include "app/programs.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <tuple>

#include "api/routes.hpp"
#include "app/data_dir.hpp"
#include "app/parts.hpp"
#include "app/process_limits.hpp"
#include "app/stop_signals.hpp"
#include "app/table_owners.hpp"
#include "app/watch.hpp"
#include "eventlog/sqlite_log.hpp"
#include "history/sqlite_history.hpp"
#include "ingest/ingest.hpp"

namespace deltadrop::app {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kRecoveryWait{5};
/// The time for open requests. The whole shutdown must take less than the ten seconds that StopSignals and
/// service managers allow.
constexpr std::chrono::seconds kDrain{5};
/// The topic of the embedded log. KAFKA_TOPIC does not apply, because settings of `serve` must not change the
/// log that `dev` reads.
constexpr std::string_view kEmbeddedTopic = "cdc-events";
constexpr std::chrono::seconds kLastCommit{2};  ///< for a database that does not answer during shutdown

void say_what_is_ignored(const Settings& settings) {
  const auto& [kafka, consume, postgres] = std::tie(settings.kafka, settings.consume, settings.postgres);
  for (const auto* member : {&kafka.bootstrap_servers, &kafka.topic, &consume.group, &postgres.url}) {
    const auto& setting = settings.setting_of(*member);
    if (setting.origin != Origin::by_default) {
      spdlog::info("`dev` has its log and history embedded: {} is not used", setting.name);
    }
  }
}

/// Waits until earlier uploads are applied, so that responses are complete from the start.
void wait_for_recovery(ingest::Ingest& ingest, consume::Consumer& consumer, StopSignals& signals) {
  const auto deadline = steady_clock::now() + kRecoveryWait;
  while (steady_clock::now() < deadline && !signals.came()) {
    const auto seen = consumer.progress();
    const auto health = consumer.health();
    if (ingest.health().accepted_unpublished == 0 && health.lag == 0 && health.summary.uploads_recorded == 0)
      return;
    consumer.wait_for_progress(seen, std::min(deadline, steady_clock::now() + std::chrono::milliseconds(50)));
  }
  spdlog::warn("uploads of the last run are still being applied; listening meanwhile");
}

/// Prints the greeting. The first line ends with the URL, because scripts read it.
void greet(const std::string& url, const std::string& more) {
  fmt::print("Deltadrop listens on {}\n{}Stop: Ctrl-C\n", url, more);
  std::fflush(stdout);
}

std::string how_to_upload(const std::string& url, const Settings& settings) {
  return fmt::format(
      "  data     {}\n"
      "  parquet  {}\n"
      "Try:  curl -F file=@so-financials.csv {}/upload\n",
      settings.data_dir.path, settings.lake.folder.string(), url);
}

ingest::Options observed(const Settings& settings, status::Metrics& telemetry) {
  auto options = settings.ingest;
  options.observer = &telemetry;
  return options;
}

/// Adds the check that rejects uploads to tables of another archive.
ingest::Options owned(ingest::Options options, TableOwners& owners) {
  options.owner_check = [&owners](const TableRef& table, const ArchiveId& archive,
                                  const ingest::HasUpload& has_upload) {
    return owners.check(table, archive, has_upload);
  };
  return options;
}

/// Requests a stop after `patience`, unless this object is destroyed first.
class StopAfter {
 public:
  StopAfter(std::stop_source& stop, std::chrono::seconds patience)
      : thread_([&stop, patience](const std::stop_token& ended) {
          std::mutex mutex;
          std::condition_variable_any nobody_signals;
          std::unique_lock lock(mutex);
          nobody_signals.wait_for(lock, ended, patience, [] { return false; });
          if (!ended.stop_requested()) stop.request_stop();
        }) {}

 private:
  std::jthread thread_;
};

/// Serves the API of an Ingest until a signal arrives.
Result<void> serve_api(const Settings& settings, DataDir& data_dir, const api::Services& services,
                       status::Metrics& telemetry, StopSignals& signals,
                       const std::function<void()>& overdue) {
  DD_TRY(const auto server,
         listen(settings, {&services.ingest, telemetry, services.clock}, api::all_routes(services)));
  const auto url = url_of(settings, server->address());
  DD_TRY(data_dir.lock.publish_address(settings.listen.tls_cert.empty() ? server->address() : url));
  greet(url, how_to_upload(url, settings));
  signals.wait();
  server->stop(kDrain, overdue);
  return success();
}

}  // namespace

Result<void> run_dev(const Settings& settings) {
  StopSignals signals;
  DD_TRY(check_process_limits());
  DD_TRY(check_listen(settings));
  say_what_is_ignored(settings);
  DD_TRY(auto data_dir, open_data_dir(settings, kEmbeddedKind));

  io::SystemClock clock;
  const auto message_bytes_max = settings.ingest.limits.event_bytes_max;
  DD_TRY(const auto log,
         eventlog::sqlite::open({data_dir.path / "log.db", std::string(kEmbeddedTopic), message_bytes_max},
                                clock));
  DD_TRY(const auto history, history::sqlite::open({data_dir.path / "history.db"}));
  const auto telemetry = make_telemetry();
  auto options = consume_options(settings);
  options.observer = telemetry.get();
  options.topic = kEmbeddedTopic;
  consume::Consumer consumer(options, lake_step(settings, *history, clock), *log, *history, *history, clock);
  TableOwners owners(*history);
  DD_TRY(const auto ingest, ingest::open(owned(observed(settings, *telemetry), owners), *log, clock));
  owners.watch_archive(ingest->reader());
  consumer.start();
  wait_for_recovery(*ingest, consumer, signals);

  const auto served = serve_api(settings, data_dir,
                                {*ingest, *log, *history, *history, &consumer, clock, telemetry.get(),
                                 settings.form, settings.time_zone, [&owners] { return owners.troubles(); }},
                                *telemetry, signals, [&log] { log->interrupt(); });
  log->interrupt();
  ingest->stop();
  consumer.stop();
  return served;
}

Result<void> run_serve(const Settings& settings) {
  StopSignals signals;
  DD_TRY(check_process_limits());
  DD_TRY(check_listen(settings));
  std::stop_source stop;
  DD_TRY(const auto log, open_kafka(settings));
  DD_TRY(const auto history,
         open_postgres(settings, "deltadrop serve", Schema::check_only, stop.get_token()));
  DD_TRY(auto data_dir, open_data_dir(settings, kKafkaKind));

  io::SystemClock clock;
  const auto telemetry = make_telemetry();
  TableOwners owners(*history);
  DD_TRY(const auto ingest, ingest::open(owned(observed(settings, *telemetry), owners), *log, clock));
  owners.watch_archive(ingest->reader());
  const Watch watch(*log, *history);
  const auto served = serve_api(settings, data_dir,
                                {*ingest, *log, *history, *history, nullptr, clock, telemetry.get(),
                                 settings.form, settings.time_zone, [&owners] { return owners.troubles(); }},
                                *telemetry, signals, [&] {
                                  stop.request_stop();
                                  log->interrupt();
                                  ingest->stop();
                                });
  stop.request_stop();
  log->interrupt();
  ingest->stop();
  return served;
}

Result<void> run_consume(const Settings& settings, bool accept_gap) {
  StopSignals signals;
  DD_TRY(check_process_limits());
  DD_TRY(check_listen(settings));
  std::stop_source stop;
  DD_TRY(const auto log, open_kafka(settings));
  DD_TRY(const auto history,
         open_postgres(settings, "deltadrop consume", Schema::bring_up_to_date, stop.get_token()));
  if (!settings.setting_of(settings.lake.folder).given) {
    DD_TRY(make_data_dir(settings));
  }

  io::SystemClock clock;
  const auto telemetry = make_telemetry();
  auto options = consume_options(settings);
  options.observer = telemetry.get();
  options.accept_gap = accept_gap;
  consume::Consumer consumer(options, lake_step(settings, *history, clock), *log, *history, *history, clock);
  // No time is saved between runs, because no upload gets its timestamp here.
  io::ClockWatch clock_watch(clock, settings.ingest.clock_jump_max, std::nullopt);
  DD_TRY(const auto server, listen(settings, {nullptr, *telemetry, clock, &clock_watch},
                                   api::consumer_routes({*log, *history, *history, consumer, clock,
                                                         telemetry.get(), &clock_watch})));
  std::optional<Error> gave_up;
  const Watch watch(*log, *history);
  consumer.start();
  greet(url_of(settings, server->address()), fmt::format("  parquet  {}\n", settings.lake.folder.string()));
  signals.wait([&] {
    gave_up = consumer.stopped();
    return gave_up.has_value();
  });
  server->stop(kDrain, [&stop] { stop.request_stop(); });
  log->interrupt();
  {
    const StopAfter patience(stop, kLastCommit);
    consumer.stop();
  }
  stop.request_stop();
  if (gave_up) return *gave_up;
  return success();
}

}  // namespace deltadrop::app
