#include "app/parts.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "eventlog/kafka_log.hpp"
#include "history/postgres_history.hpp"
#include "lake/lake.hpp"

namespace deltadrop::app {
namespace {

constexpr std::chrono::milliseconds kConnectTimeout{5000};

lake::Options lake_options(const Settings& settings) {
  lake::Options options;
  options.folder = settings.parquet_dir();
  options.rows_max = settings.count("PARQUET_MAX_ROWS");
  options.layout =
      settings.text("PARQUET_LAYOUT") == "event" ? lake::FileLayout::event : lake::FileLayout::upload;
  return options;
}

/// Logs a line unless it is the one before.
std::function<void(const std::string&)> say_once() {
  struct Said {
    std::mutex mutex;
    std::string line;
  };
  return [said = std::make_shared<Said>()](const std::string& line) {
    const std::lock_guard lock(said->mutex);
    if (std::exchange(said->line, line) != line) spdlog::info("{}", line);
  };
}

}  // namespace

Result<void> check_listen(const Settings& settings) {
  const auto address = settings.address("LISTEN");
  if (address.loopback() || settings.flag("INSECURE")) return success();
  return Error{ErrorCode::invalid_input, "insecure-listen",
               fmt::format("LISTEN {} is reachable from other machines, and this API asks for no key",
                           settings.text("LISTEN")),
               "listen on 127.0.0.1, or pass --insecure if the network is trusted"};
}

Result<std::unique_ptr<http::Server>> listen(const Settings& settings, std::vector<http::Route> routes) {
  http::ServerOptions options;
  const auto address = settings.address("LISTEN");
  options.address = address.host == "localhost" ? "127.0.0.1" : address.host;
  options.port = address.port;
  return http::Server::listen(options, std::move(routes));
}

Result<std::unique_ptr<eventlog::EventLog>> open_kafka(const Settings& settings) {
  eventlog::kafka::Options options;
  options.bootstrap_servers = settings.text("KAFKA_BOOTSTRAP_SERVERS");
  options.topic = settings.text("KAFKA_TOPIC");
  options.message_bytes_max = static_cast<std::size_t>(settings.bytes("MAX_EVENT_BYTES"));
  options.partitions = static_cast<std::int32_t>(settings.count("KAFKA_PARTITIONS"));
  options.replication = static_cast<std::int16_t>(settings.count("KAFKA_REPLICATION"));
  options.retention = settings.duration("KAFKA_RETENTION");
  options.publish_timeout = settings.duration("PUBLISH_TIMEOUT");
  options.properties = settings.kafka_properties();
  options.on_log = [](const std::string& line) { spdlog::debug("librdkafka: {}", line); };
  options.on_notice = say_once();
  return eventlog::kafka::open(std::move(options));
}

Result<std::unique_ptr<history::HistoryStore>> open_postgres(const Settings& settings,
                                                             const std::string& name, Schema schema,
                                                             std::stop_token stop) {
  history::postgres::Options options;
  options.url = settings.text("DATABASE_URL");
  options.application_name = name;
  options.migrate = schema == Schema::bring_up_to_date;
  options.connect_timeout = kConnectTimeout;
  options.stop = std::move(stop);
  return history::postgres::open(std::move(options));
}

consume::Options consume_options(const Settings& settings) {
  consume::Options options;
  options.topic = settings.text("KAFKA_TOPIC");
  options.group = settings.text("CONSUMER_GROUP");
  options.batch_events = static_cast<std::size_t>(settings.count("BATCH_EVENTS"));
  options.batch_wait = settings.duration("BATCH_WAIT");
  options.log_retention = settings.duration("LOG_KEEP");
  options.lake_check = [folder = lake_options(settings).folder] { return lake::check_folder(folder); };
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

}  // namespace deltadrop::app
