#include "app/dev.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "app/data_dir.hpp"
#include "consume/consumer.hpp"
#include "eventlog/sqlite_log.hpp"
#include "history/sqlite_history.hpp"
#include "http/routes.hpp"
#include "http/server.hpp"
#include "ingest/ingest.hpp"
#include "io/clock.hpp"
#include "lake/lake.hpp"

namespace deltadrop::app {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kRecoveryWait{5};
constexpr std::chrono::seconds kDrain{30};
/// The embedded log has one topic, whatever KAFKA_TOPIC says: settings of `serve` must not change what `dev`
/// reads.
constexpr std::string_view kEmbeddedTopic = "cdc-events";

/// Blocks SIGTERM and SIGINT in this thread and those it starts later, so that `wait` gets them.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    // A client that goes away while it is answered is an error code, not the end of the process.
    ::signal(SIGPIPE, SIG_IGN);
  }
  int wait() {
    int received = 0;
    while (sigwait(&set_, &received) != 0) {
    }
    return received;
  }

 private:
  sigset_t set_{};
};

Result<void> check_listen(const Settings& settings) {
  const auto address = settings.address("LISTEN");
  if (address.loopback() || settings.flag("INSECURE")) return success();
  return Error{ErrorCode::invalid_input, "insecure-listen",
               fmt::format("LISTEN {} is reachable from other machines, and this API asks for no key",
                           settings.text("LISTEN")),
               "listen on 127.0.0.1, or pass --insecure if the network is trusted"};
}

void say_what_is_ignored(const Settings& settings) {
  for (const auto* name : {"KAFKA_BOOTSTRAP_SERVERS", "KAFKA_TOPIC", "CONSUMER_GROUP", "DATABASE_URL"}) {
    if (settings.origin(name) != "default") {
      spdlog::info("`dev` has its log and history embedded: {} is not used", name);
    }
  }
}

lake::Options lake_options(const Settings& settings) {
  lake::Options options;
  options.folder = settings.parquet_dir();
  options.rows_max = settings.count("PARQUET_MAX_ROWS");
  options.layout =
      settings.text("PARQUET_LAYOUT") == "event" ? lake::FileLayout::event : lake::FileLayout::upload;
  return options;
}

consume::LakeStep lake_step(const Settings& settings, history::HistoryStore& history, io::Clock& clock) {
  return [options = lake_options(settings), &history,
          &clock](const history::UploadStatus& upload) -> Result<void> {
    DD_TRY(const auto report, lake::write_upload(options, history, upload, clock.now()));
    spdlog::info("{} version {} is in the lake: {} events, {} files", upload.facts.table.to_string(),
                 upload.facts.version.value, report.rows, report.files);
    return success();
  };
}

consume::Options consume_options(const Settings& settings) {
  consume::Options options;
  options.topic = kEmbeddedTopic;
  options.batch_events = static_cast<std::size_t>(settings.count("BATCH_EVENTS"));
  options.batch_wait = settings.duration("BATCH_WAIT");
  options.log_retention = settings.duration("LOG_KEEP");
  return options;
}

/// What was accepted before the last end is applied before anyone can ask, so that answers are complete from
/// the start.
void wait_for_recovery(ingest::Ingest& ingest, consume::Consumer& consumer) {
  const auto deadline = steady_clock::now() + kRecoveryWait;
  while (steady_clock::now() < deadline) {
    const auto seen = consumer.progress();
    const auto health = consumer.health();
    if (ingest.health().accepted_unpublished == 0 && health.lag == 0 && health.summary.uploads_recorded == 0)
      return;
    consumer.wait_for_progress(seen, std::min(deadline, steady_clock::now() + std::chrono::milliseconds(50)));
  }
  spdlog::warn("uploads of the last run are still being applied; listening meanwhile");
}

http::ServerOptions server_options(const Settings& settings) {
  http::ServerOptions options;
  const auto address = settings.address("LISTEN");
  options.address = address.host == "localhost" ? "127.0.0.1" : address.host;
  options.port = address.port;
  return options;
}

void greet(const std::string& address, const Settings& settings) {
  fmt::print(
      "Deltadrop listens on http://{0}\n"
      "  data     {1}\n"
      "  parquet  {2}\n"
      "Try:  curl -F file=@so-financials.csv http://{0}/upload\n"
      "Stop: Ctrl-C\n",
      address, settings.text("DATA_DIR"), settings.parquet_dir());
  std::fflush(stdout);
}

}  // namespace

Result<void> run_dev(const Settings& settings) {
  StopSignals signals;
  DD_TRY(check_listen(settings));
  say_what_is_ignored(settings);
  DD_TRY(auto data_dir, open_data_dir(settings, kEmbeddedKind));

  io::SystemClock clock;
  const auto message_bytes_max = static_cast<std::size_t>(settings.bytes("MAX_EVENT_BYTES"));
  DD_TRY(const auto log,
         eventlog::sqlite::open({data_dir.path / "log.db", std::string(kEmbeddedTopic), message_bytes_max},
                                clock));
  DD_TRY(const auto history, history::sqlite::open({data_dir.path / "history.db"}));
  consume::Consumer consumer(consume_options(settings), lake_step(settings, *history, clock), *log, *history,
                             clock);
  DD_TRY(const auto ingest, ingest::open(ingest_options(settings), *log, clock));
  consumer.start();
  wait_for_recovery(*ingest, consumer);

  auto listening = http::Server::listen(server_options(settings),
                                        http::all_routes({*ingest, *log, *history, &consumer, clock}));
  if (listening.has_value()) {
    auto& server = *listening.value();
    DD_TRY(data_dir.lock.publish_address(server.address()));
    greet(server.address(), settings);
    spdlog::info("stopping on {}", signals.wait() == SIGTERM ? "SIGTERM" : "SIGINT");
    server.stop(kDrain);
  }
  log->interrupt();
  ingest->stop();
  consumer.stop();
  if (!listening.has_value()) return listening.error();
  return success();
}

}  // namespace deltadrop::app
