#include "app/parts.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "access/gate.hpp"
#include "access/keys.hpp"
#include "core/table_ref.hpp"
#include "core/text.hpp"
#include "eventlog/kafka_log.hpp"
#include "history/postgres_history.hpp"
#include "history/sqlite_history.hpp"
#include "lake/known_folders.hpp"
#include "lake/table_lock.hpp"

namespace deltadrop::app {
namespace {

constexpr std::chrono::milliseconds kConnectTimeout{5000};

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
  const bool cert = !settings.text("TLS_CERT").empty();
  const bool tls = !settings.text("TLS_KEY").empty();
  if (cert != tls) {
    return Error{
        ErrorCode::invalid_input, "bad-setting",
        fmt::format("{} is set and {} is not", cert ? "TLS_CERT" : "TLS_KEY", cert ? "TLS_KEY" : "TLS_CERT"),
        "set both, or none"};
  }
  const auto address = settings.address("LISTEN");
  if (address.loopback() || settings.flag("INSECURE")) return success();
  DD_TRY(const auto keys_required, access::keys_are_required(settings.keys_paths()));
  const bool asks_for_keys = keys_required || settings.flag("REQUIRE_KEYS");
  if (asks_for_keys && tls) return success();
  return Error{
      ErrorCode::invalid_input, "insecure-listen",
      fmt::format("LISTEN {} is reachable from other machines, and {}", settings.text("LISTEN"),
                  asks_for_keys ? "there is no TLS" : "this API asks for no key"),
      "make a key with `deltadrop keys create` and set TLS_CERT and TLS_KEY; or listen on 127.0.0.1, or pass "
      "--insecure if the network is trusted"};
}

namespace {

/// "[::1]" as a Host has it.
std::string host_form(const std::string& host) {
  return host.find(':') == std::string::npos ? ascii_lower(host) : fmt::format("[{}]", ascii_lower(host));
}

std::vector<std::string> allowed_hosts(const Settings& settings) {
  const auto& given = settings.text("ALLOWED_HOSTS");
  const auto address = settings.address("LISTEN");
  if (given == "*" || (given.empty() && !address.loopback())) return {};
  std::vector<std::string> hosts = {"localhost", "127.0.0.1", "[::1]", host_form(address.host)};
  for (std::size_t at = 0; at < given.size();) {
    const auto end = std::min(given.find(',', at), given.size());
    const auto begin = given.find_first_not_of(' ', at);
    const auto name = begin < end ? given.substr(begin, end - begin) : std::string();
    if (!name.empty()) hosts.push_back(ascii_lower(name.substr(0, name.find_last_not_of(' ') + 1)));
    at = end + 1;
  }
  return hosts;
}

/// Judges keys by the time it should be: a clock that jumps must neither refuse a key nor bring one back.
class KeyClock final : public io::Clock {
 public:
  explicit KeyClock(const Served& served) : served_(served) {}
  Timestamp now() override {
    if (served_.ingest != nullptr) return served_.ingest->expected_now();
    return served_.clock_watch != nullptr ? served_.clock_watch->expected_now() : served_.clock.now();
  }
  std::chrono::milliseconds uptime() override { return served_.clock.uptime(); }
  std::string boot_id() override { return served_.clock.boot_id(); }
  bool is_synchronised() override { return served_.clock.is_synchronised(); }

 private:
  Served served_;
};

http::Gate gate_of(const Settings& settings, const Served& served) {
  access::GateOptions options;
  options.keys = std::make_shared<access::KeyRing>(settings.keys_paths());
  options.keys_required = settings.flag("REQUIRE_KEYS");
  options.company_of_upload = [ingest =
                                   served.ingest](std::string_view id) -> Result<std::optional<std::string>> {
    std::optional<std::string> company;
    const auto parsed = UploadId::parse(id);
    if (ingest == nullptr || !parsed.has_value()) return company;
    DD_TRY(const auto found, ingest->reader().upload(parsed.value()));
    if (found) company = found->table.company_id;
    return company;
  };
  const auto clock = std::make_shared<KeyClock>(served);
  return [clock, gate = access::make_gate(std::move(options), *clock)](http::Request& request) {
    return gate(request);
  };
}

}  // namespace

Result<std::unique_ptr<http::Server>> listen(const Settings& settings, const Served& served,
                                             std::vector<http::Route> routes) {
  http::ServerOptions options;
  const auto address = settings.address("LISTEN");
  options.address = address.host == "localhost" ? "127.0.0.1" : address.host;
  options.port = address.port;
  options.header_bytes_max = settings.bytes("MAX_HEADER_BYTES");
  options.header_fields_max = static_cast<std::size_t>(settings.count("MAX_HEADER_FIELDS"));
  options.header_timeout = settings.duration("HEADER_TIMEOUT");
  options.idle_timeout = settings.duration("IDLE_TIMEOUT");
  options.body_rate_min = settings.bytes("MIN_BODY_RATE");
  options.connections_max = static_cast<std::size_t>(settings.count("MAX_CONNECTIONS"));
  options.connections_per_address_max =
      static_cast<std::size_t>(settings.count("MAX_CONNECTIONS_PER_ADDRESS"));
  options.uploads_max = static_cast<std::size_t>(settings.count("MAX_UPLOADS"));
  options.allowed_hosts = allowed_hosts(settings);
  if (!settings.text("TLS_CERT").empty()) {
    options.tls = http::TlsFiles{settings.text("TLS_CERT"), settings.text("TLS_KEY")};
    std::signal(SIGHUP, SIG_IGN);  // what renews a certificate sends it; the files are seen to change without
  }
  options.hidden_paths = http::HiddenPaths({{"DATA_DIR", settings.text("DATA_DIR")},
                                            {"PARQUET_DIR", settings.parquet_dir()},
                                            {"KEYS_FILE", settings.keys_file()},
                                            {"TLS_CERT", settings.text("TLS_CERT")},
                                            {"TLS_KEY", settings.text("TLS_KEY")}});
  options.gate = gate_of(settings, served);
  options.on_served = [&telemetry = served.telemetry](const http::Served& request) {
    telemetry.metrics().saw_request(request);
  };
  return http::Server::listen(options, std::move(routes));
}

std::string url_of(const Settings& settings, const std::string& address) {
  return (settings.text("TLS_CERT").empty() ? "http://" : "https://") + address;
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
  options.signature_keys = settings.secrets("EVENT_KEY");
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

lake::Options lake_options(const Settings& settings) {
  lake::Options options;
  options.folder = settings.parquet_dir();
  options.rows_max = settings.count("PARQUET_MAX_ROWS");
  options.layout =
      settings.text("PARQUET_LAYOUT") == "event" ? lake::FileLayout::event : lake::FileLayout::upload;
  return options;
}

Result<StoredHistory> open_stored_history(const Settings& settings, const std::string& name) {
  StoredHistory stored;
  DD_TRY(const auto kind, kind_of_data_dir(settings));
  if (kind != kEmbeddedKind) {
    DD_TRY(stored.history, open_postgres(settings, name, Schema::check_only, {}));
    auto answers = stored.history->health();
    if (answers.has_value()) return stored;
    auto& error = answers.error();
    if (kind.empty()) {
      error.message += fmt::format("; and no server was ever run on DATA_DIR {}", settings.text("DATA_DIR"));
      error.fix += "; or give the folder of a dev server with --data-dir";
    }
    return error;
  }
  auto data_dir = lock_existing_data_dir(settings);
  if (data_dir.has_value()) {
    stored.data_dir.emplace(std::move(data_dir.value()));
  } else if (data_dir.error().type == "data-dir-in-use") {
    stored.writable = false;
  } else {
    return Error(data_dir.error());
  }
  const auto path = std::filesystem::path(settings.text("DATA_DIR")) / "history.db";
  DD_TRY(stored.history, history::sqlite::open({path, !stored.writable}));
  return stored;
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
  return [options = lake_options(settings), &history, &clock, known = std::make_shared<lake::KnownFolders>()](
             const history::UploadStatus& upload) -> Result<bool> {
    DD_TRY(const auto lock, lake::TableLock::try_take(options.folder, upload.facts.table));
    if (!lock) return false;
    known->locked(upload.facts.table, lock->number());
    // Whoever had the lock may have written it since it was read.
    DD_TRY(const auto now_stored, history.upload(upload.facts.upload_id));
    if (now_stored && now_stored->in_lake_at) return true;
    DD_TRY(const auto report, lake::write_upload(options, history, upload, clock, known.get()));
    for (const auto& warning : report.warnings) spdlog::warn("{}", warning);
    spdlog::info("{} version {} is in the lake: {}, {}", upload.facts.table.to_string(),
                 upload.facts.version.value, counted(report.rows, "event"), counted(report.files, "file"));
    return true;
  };
}

}  // namespace deltadrop::app
