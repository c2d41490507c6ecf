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

/// Returns a function that logs a line unless it repeats the previous one.
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

/// Returns the paths of the keys file and of the marker that keys are required. The marker is in DATA_DIR, so
/// that neither a lost file nor another KEYS_FILE opens the API. Without a DATA_DIR (`consume`), it is beside
/// the keys file.
access::KeysPaths keys_paths(const Settings& settings) {
  const std::filesystem::path data_dir = settings.data_dir.path;
  std::error_code ignored;
  const bool has_data_dir = std::filesystem::is_directory(data_dir, ignored);
  const auto& file = settings.access.keys_file;
  return {file, has_data_dir ? data_dir / "keys-required" : std::filesystem::path(file + ".required")};
}

}  // namespace

Result<void> check_listen(const Settings& settings) {
  const bool cert = !settings.listen.tls_cert.empty();
  const bool tls = !settings.listen.tls_key.empty();
  if (cert != tls) {
    return Error{
        ErrorCode::invalid_input, "bad-setting",
        fmt::format("{} is set and {} is not", cert ? "TLS_CERT" : "TLS_KEY", cert ? "TLS_KEY" : "TLS_CERT"),
        "set both, or none"};
  }
  if (settings.listen.address.loopback() || settings.listen.insecure) return success();
  DD_TRY(const auto keys_required, access::keys_are_required(keys_paths(settings)));
  const bool asks_for_keys = keys_required || settings.access.require_keys;
  if (asks_for_keys && tls) return success();
  return Error{
      ErrorCode::invalid_input, "insecure-listen",
      fmt::format("LISTEN {} is reachable from other machines, and {}",
                  settings.setting_of(settings.listen.address).shown,
                  asks_for_keys ? "there is no TLS" : "this API asks for no key"),
      "make a key with `deltadrop keys create` and set TLS_CERT and TLS_KEY; or listen on 127.0.0.1, or pass "
      "--insecure if the network is trusted"};
}

namespace {

/// Returns a host as the Host header contains it: "[::1]" for IPv6.
std::string host_form(const std::string& host) {
  return host.find(':') == std::string::npos ? ascii_lower(host) : fmt::format("[{}]", ascii_lower(host));
}

std::vector<std::string> allowed_hosts(const ListenSettings& listen) {
  const auto& given = listen.allowed_hosts;
  const auto& address = listen.address;
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

/// The clock for key expiry. Uses the expected time, because a jump of the clock must neither reject a valid
/// key nor accept an expired one.
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
  options.keys = std::make_shared<access::KeyRing>(keys_paths(settings));
  options.keys_required = settings.access.require_keys;
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
  const auto& given = settings.listen;
  auto options = settings.http;
  options.address = given.address.host == "localhost" ? "127.0.0.1" : given.address.host;
  options.port = given.address.port;
  options.allowed_hosts = allowed_hosts(given);
  if (!given.tls_cert.empty()) {
    options.tls = http::TlsFiles{given.tls_cert, given.tls_key};
    std::signal(SIGHUP, SIG_IGN);  // certificate renewal sends it; changes are detected anyway
  }
  options.hidden_paths = http::HiddenPaths({{"DATA_DIR", settings.data_dir.path},
                                            {"PARQUET_DIR", settings.lake.folder},
                                            {"KEYS_FILE", settings.access.keys_file},
                                            {"TLS_CERT", given.tls_cert},
                                            {"TLS_KEY", given.tls_key}});
  options.gate = gate_of(settings, served);
  options.on_served = [&telemetry = served.telemetry](const http::Served& request) {
    telemetry.saw_request(request);
  };
  return http::Server::listen(options, std::move(routes));
}

std::string url_of(const Settings& settings, const std::string& address) {
  return (settings.listen.tls_cert.empty() ? "http://" : "https://") + address;
}

Result<std::unique_ptr<eventlog::EventLog>> open_kafka(const Settings& settings) {
  auto options = settings.kafka;
  options.on_log = [](const std::string& line) { spdlog::debug("librdkafka: {}", line); };
  options.on_notice = say_once();
  return eventlog::kafka::open(std::move(options));
}

Result<std::unique_ptr<history::HistoryStore>> open_postgres(const Settings& settings,
                                                             const std::string& name, Schema schema,
                                                             std::stop_token stop) {
  auto options = settings.postgres;
  options.application_name = name;
  options.migrate = schema == Schema::bring_up_to_date;
  options.connect_timeout = kConnectTimeout;
  options.stop = std::move(stop);
  return history::postgres::open(std::move(options));
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
      error.message += fmt::format("; and no server was ever run on DATA_DIR {}", settings.data_dir.path);
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
  const auto path = std::filesystem::path(settings.data_dir.path) / "history.db";
  DD_TRY(stored.history, history::sqlite::open({path, !stored.writable}));
  return stored;
}

consume::Options consume_options(const Settings& settings) {
  auto options = settings.consume;
  options.lake_check = [folder = settings.lake.folder] { return lake::check_folder(folder); };
  return options;
}

consume::LakeStep lake_step(const Settings& settings, history::LakeLedger& history, io::Clock& clock) {
  return [options = settings.lake, &history, &clock, known = std::make_shared<lake::KnownFolders>()](
             const history::UploadStatus& upload) -> Result<bool> {
    DD_TRY(const auto lock, lake::TableLock::try_take(options.folder, upload.facts.table));
    if (!lock) return false;
    known->locked(upload.facts.table, lock->number());
    // The previous owner of the lock may have written the upload since it was read.
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
