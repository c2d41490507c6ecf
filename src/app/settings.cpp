#include "app/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "core/table_ref.hpp"
#include "core/text.hpp"
#include "history/postgres_history.hpp"
#include "io/file.hpp"

namespace deltadrop::app {
namespace {

using enum SettingKind;

constexpr std::array kSettings = {
    Setting{"DATA_DIR", folder, "./data", "base folder: archive, current, held, spool, catalog"},
    Setting{"PARQUET_DIR", folder, "", "folder of the Parquet files; parquet under DATA_DIR unless given"},
    Setting{
        "DATA_GROUP", text, "",
        "group, by name or number, that may read DATA_DIR; unless given nobody but the server's user may"},
    Setting{"LISTEN", address, "127.0.0.1:8000", "address and port of the API"},
    Setting{"INSECURE", flag, "false", "allow to listen beyond loopback without keys and TLS"},
    Setting{"KAFKA_BOOTSTRAP_SERVERS", text, "localhost:9092", "Kafka servers; not used by `dev`"},
    Setting{"KAFKA_TOPIC", text, "cdc-events", "topic of the change events"},
    Setting{"KAFKA_PARTITIONS", count, "6", "partitions of a topic that is made"},
    Setting{"KAFKA_REPLICATION", count_or_default, "-1",
            "copies of each partition of a topic that is made; -1: the broker's default"},
    Setting{"KAFKA_RETENTION", duration_or_ever, "-1",
            "how long a topic that is made keeps events; -1: for ever"},
    Setting{"EVENT_KEY", secrets, "",
            "secret of `serve` and `consume` with which events are signed and verified; several with commas: "
            "the first "
            "signs, all verify",
            "", true},
    Setting{"DATABASE_URL", text, "postgresql://postgres:postgres@localhost:5432/cdc_data",
            "PostgreSQL connection string; not used by `dev`", "", true},
    Setting{"CONSUMER_GROUP", text, "cdc-processor", "consumer group"},
    Setting{"HOLD_DELETE_FRACTION", fraction, "0.5",
            "an upload that deletes more than this share of the rows is held"},
    Setting{"HOLD_MIN_ROWS", count, "20", "tables with fewer rows are not guarded"},
    Setting{"HELD_TTL", duration, "30d", "held uploads expire after this"},
    Setting{"DRY_RUN_TTL", duration, "24h", "dry runs expire after this"},
    Setting{"IDEMPOTENCY_TTL", duration, "24h", "how long the answer to an Idempotency-Key is kept"},
    Setting{"CLOCK_JUMP_MAX", duration, "24h",
            "a clock that jumps by more than this stops uploads until it is right again or accepted"},
    Setting{"PUBLISH_TIMEOUT", duration, "10s", "an upload that takes longer to publish is answered 202"},
    Setting{"COMPARE_TIMEOUT", duration, "10m", "an upload that takes longer to compare is refused"},
    Setting{"MAX_UPLOAD_BYTES", bytes, "1TiB", "largest file, after decompression"},
    Setting{"MAX_EXPANSION", count, "200", "largest ratio of expanded to received bytes, past the first MiB"},
    Setting{"MAX_ROWS", count, "1000000000", "most rows of a file"},
    Setting{"MAX_COLUMNS", count, "4096", "most columns of a file"},
    Setting{"MAX_FIELD_BYTES", bytes, "16MiB", "largest field of a file, tracked or not"},
    Setting{"MAX_ROW_BYTES", bytes, "64MiB", "largest row of a file"},
    Setting{"DISK_RESERVE", bytes, "64MiB", "free space of DATA_DIR's disk that uploads leave"},
    Setting{"MAX_UPLOADS", count, "1024", "uploads at once; more are answered 503"},
    Setting{"MAX_PARTS", count, "100", "most parts of a form"},
    Setting{"MAX_HEADER_BYTES", bytes_to_1mib, "16KiB", "largest head of a request, 1MiB at most"},
    Setting{"MAX_HEADER_FIELDS", count, "100", "most header fields of a request"},
    Setting{"HEADER_TIMEOUT", duration, "10s", "a request's head must be there within this"},
    Setting{"IDLE_TIMEOUT", duration, "60s",
            "an idle connection, or one that takes no answer, ends after this"},
    Setting{"MIN_BODY_RATE", bytes, "1KiB", "bytes a second that a body must bring, averaged over 30 s"},
    Setting{"MAX_CONNECTIONS", count, "4096", "connections at once"},
    Setting{"MAX_CONNECTIONS_PER_ADDRESS", count, "2048", "connections at once of one address"},
    Setting{"MAX_EVENT_BYTES", bytes, "1000000", "largest event on the log"},
    Setting{"BATCH_EVENTS", count, "5000", "events recorded in one transaction at the most"},
    Setting{"BATCH_WAIT", duration, "20ms", "how long an idle consumer waits to fill a batch"},
    Setting{"LOG_KEEP", duration, "1h", "how long `dev` keeps applied events in its embedded log"},
    Setting{"PARQUET_LAYOUT", choice, "upload", "one file for an upload's events of a type, or one an event",
            "upload|event"},
    Setting{"PARQUET_MAX_ROWS", count, "1000000", "most events in one Parquet file"},
    Setting{"KEYS_FILE", text, "", "file of the API's keys; keys under DATA_DIR unless given"},
    Setting{"REQUIRE_KEYS", flag, "false", "answer to keys only, even while there is none"},
    Setting{"TLS_CERT", text, "", "PEM file of the certificate and its chain; with TLS_KEY: HTTPS only"},
    Setting{"TLS_KEY", text, "", "PEM file of the certificate's key"},
    Setting{"ALLOWED_HOSTS", text, "",
            "names in Host that are answered, with commas; * for any; unless given: on loopback its own "
            "names, else any"},
    Setting{"LOG_FORMAT", choice, "text", "form of a line in the log", "text|json"},
    Setting{"LOG_LEVEL", choice, "info", "what is logged to standard error", "debug|info|warn|warning|error"},
};

const Setting& setting_named(std::string_view name) {
  const auto found =
      std::find_if(kSettings.begin(), kSettings.end(), [&](const auto& s) { return s.name == name; });
  if (found == kSettings.end()) std::abort();
  return *found;
}

Error bad_value(std::string_view text, std::string_view expected) {
  return {ErrorCode::invalid_input, "bad-setting",
          fmt::format("{} is not {}", quoted_for_message(text), expected), ""};
}

/// A number and the unit behind it; the number may have a decimal point.
struct Measured {
  double number = 0;
  std::string_view unit;
};

std::optional<Measured> measured(std::string_view text) {
  Measured out;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out.number);
  if (error != std::errc{} || out.number < 0) return std::nullopt;
  out.unit = text.substr(static_cast<std::size_t>(end - text.data()));
  return out;
}

Result<std::int64_t> parse_count(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1) {
    return bad_value(text, "a whole number from 1");
  }
  return value;
}

constexpr std::string_view kNone = "-1";

Result<std::int64_t> parse_count_or_default(std::string_view text) {
  if (text == kNone) return -1;
  if (auto value = parse_count(text)) return value;
  return bad_value(text, "a whole number from 1, or -1");
}

Result<std::chrono::milliseconds> parse_duration_or_ever(std::string_view text) {
  if (text == kNone) return std::chrono::milliseconds(-1);
  if (auto value = parse_duration(text)) return value;
  return bad_value(text, "a duration such as 12h or 30d, or -1");
}

Result<double> parse_fraction(std::string_view text) {
  const auto parsed = measured(text);
  if (!parsed || !parsed->unit.empty() || parsed->number > 1) return bad_value(text, "a number from 0 to 1");
  return parsed->number;
}

Result<bool> parse_flag(std::string_view text) {
  const auto lower = ascii_lower(text);
  if (lower == "true" || lower == "1" || lower == "yes") return true;
  if (lower == "false" || lower == "0" || lower == "no") return false;
  return bad_value(text, "true or false");
}

Result<std::string> parse_choice(std::string_view text, std::string_view choices) {
  const auto all = fmt::format("|{}|", choices);
  if (!text.empty() && text.find('|') == std::string_view::npos &&
      all.find(fmt::format("|{}|", text)) != all.npos) {
    return std::string(text);
  }
  return bad_value(text, fmt::format("one of {}", choices));
}

template <class T>
std::optional<Error> error_in(const Result<T>& parsed) {
  if (parsed.has_value()) return std::nullopt;
  return parsed.error();
}

Result<std::uint64_t> parse_bytes_to_1mib(std::string_view text) {
  DD_TRY(const auto bytes, parse_bytes(text));
  if (bytes > std::uint64_t{1} << 20) return bad_value(text, "a size of at most 1MiB");
  return bytes;
}

/// The message never repeats them.
Result<std::vector<std::string>> parse_secrets(std::string_view text) {
  constexpr std::size_t kSecretBytesMin = 32;
  std::vector<std::string> secrets;
  for (std::size_t at = 0; !text.empty() && at <= text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    secrets.emplace_back(text.substr(at, end - at));
    if (secrets.back().size() < kSecretBytesMin) {
      return Error{ErrorCode::invalid_input, "bad-setting",
                   fmt::format("secret {} has {}, fewer than {}", secrets.size(),
                               counted(secrets.back().size(), "byte"), kSecretBytesMin),
                   ""};
    }
    at = end + 1;
  }
  return secrets;
}

std::optional<Error> problem_with(const Setting& setting, const std::string& value) {
  switch (setting.kind) {
    case count:
      return error_in(parse_count(value));
    case count_or_default:
      return error_in(parse_count_or_default(value));
    case duration_or_ever:
      return error_in(parse_duration_or_ever(value));
    case bytes:
      return error_in(parse_bytes(value));
    case bytes_to_1mib:
      return error_in(parse_bytes_to_1mib(value));
    case fraction:
      return error_in(parse_fraction(value));
    case duration:
      return error_in(parse_duration(value));
    case address:
      return error_in(parse_listen_address(value));
    case choice:
      return error_in(parse_choice(value, setting.choices));
    case flag:
      return error_in(parse_flag(value));
    case secrets:
      return error_in(parse_secrets(value));
    case text:
    case folder:
      return std::nullopt;
  }
  return std::nullopt;
}

/// KEY=VALUE lines; # starts a comment line.
Result<Settings::Values> read_config_file(const std::string& path) {
  Settings::Values values;
  if (path.empty()) return values;
  DD_TRY(const auto content, io::read_whole_file(path));
  int line_number = 0;
  std::size_t at = 0;
  while (at < content.size()) {
    const auto end = std::min(content.find('\n', at), content.size());
    std::string_view line(content.data() + at, end - at);
    at = end + 1;
    ++line_number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const auto equals = line.find('=');
    const std::string name(line.substr(0, equals));
    const bool known =
        name.starts_with(kKafkaConfigPrefix) ||
        std::any_of(kSettings.begin(), kSettings.end(), [&](const auto& s) { return s.name == name; });
    if (equals == std::string_view::npos || !known) {
      return Error{ErrorCode::invalid_input, "bad-setting",
                   fmt::format("{} line {}: {} is no setting", path, line_number, quoted_for_message(line)),
                   "write NAME=VALUE with a name that `deltadrop config` lists"};
    }
    values[name] = std::string(line.substr(equals + 1));
  }
  return values;
}

/// "KAFKA_CONFIG_SASL_USERNAME" -> "sasl.username"
std::string kafka_property_of(std::string_view name) {
  std::string property = ascii_lower(name.substr(kKafkaConfigPrefix.size()));
  std::replace(property.begin(), property.end(), '_', '.');
  return property;
}

bool is_secret_property(std::string_view name) {
  for (const std::string_view word : {"PASSWORD", "SECRET", "PEM", "OAUTHBEARER"}) {
    if (name.find(word) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

std::string Setting::option_name() const {
  std::string out = "--" + ascii_lower(name);
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

std::span<const Setting> all_settings() { return kSettings; }

bool ListenAddress::loopback() const {
  return host == "::1" || host == "localhost" || host.starts_with("127.");
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto colon = text.rfind(':');
  std::string_view host = colon == std::string_view::npos ? "" : text.substr(0, colon);
  const std::string_view port = colon == std::string_view::npos ? text : text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  ListenAddress out{host.empty() ? "127.0.0.1" : std::string(host), 0};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (port.empty() || error != std::errc{} || end != port.data() + port.size()) {
    return bad_value(text, "an address such as 127.0.0.1:8000");
  }
  return out;
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, double>, 6> kUnits = {
      {{"", 1e3}, {"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}}};
  if (const auto parsed = measured(text)) {
    for (const auto& [unit, unit_ms] : kUnits) {
      const double total_ms = parsed->number * unit_ms;
      if (unit == parsed->unit && total_ms < 1e15)
        return std::chrono::milliseconds(static_cast<std::int64_t>(total_ms));
    }
  }
  return bad_value(text, "a duration such as 30, 500ms, 10s, 5m, 24h or 30d");
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, int>, 5> kUnits = {
      {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}}};
  if (const auto parsed = measured(text)) {
    for (const auto& [unit, shift] : kUnits) {
      const double total = parsed->number * static_cast<double>(std::uint64_t{1} << shift);
      if (unit == parsed->unit && total >= 1 && total < 9e18) return static_cast<std::uint64_t>(total);
    }
  }
  return bad_value(text, "a size such as 1000000, 64KiB, 1MiB or 5GiB");
}

namespace {

/// Files of readers and our own must not share a folder: a company may have any name.
Result<void> check_parquet_dir(const Settings& settings) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const auto resolved = [&](const std::string& path) {
    return fs::weakly_canonical(fs::absolute(path, ignored), ignored);
  };
  const auto data_dir = resolved(settings.text("DATA_DIR"));
  const auto below = resolved(settings.parquet_dir()).lexically_relative(data_dir);
  const std::string first = below.empty() ? "" : below.begin()->string();
  for (const std::string_view taken : {".", "archive", "current", "held", "lost+found", "spool"}) {
    if (first != taken) continue;
    return Error{ErrorCode::invalid_input, "bad-parquet-dir",
                 fmt::format("PARQUET_DIR {} (from {}) is DATA_DIR or one of its own folders",
                             settings.parquet_dir(), settings.origin("PARQUET_DIR")),
                 "give a folder of its own, or leave it out: it is parquet under DATA_DIR then"};
  }
  return success();
}

}  // namespace

Result<Settings> Settings::load(const Values& flags, const Lookup& environment,
                                const std::string& config_file, const More& more) {
  DD_TRY(const auto from_file, read_config_file(config_file));
  Settings settings;
  settings.config_file_ = config_file;
  for (const auto& setting : kSettings) {
    const std::string name(setting.name);
    Value value{std::string(setting.default_text), "default"};
    if (const auto other = more.defaults.find(name); other != more.defaults.end()) value.text = other->second;
    if (const auto found = from_file.find(name); found != from_file.end()) value = {found->second, "file"};
    if (const auto given = environment(setting.name); given && !given->empty())
      value = {*given, "environment"};
    if (const auto found = flags.find(name); found != flags.end()) value = {found->second, "flag"};
    if (auto error = problem_with(setting, value.text)) {
      error->message = fmt::format("{} (from {}): {}", name, value.origin, error->message);
      error->fix = fmt::format("correct {}; `deltadrop config` shows every setting", name);
      return *error;
    }
    settings.values_.emplace(name, std::move(value));
  }
  for (const auto& [name, value] : from_file) {
    if (name.starts_with(kKafkaConfigPrefix)) settings.kafka_config_[name] = {value, "file"};
  }
  for (const auto& [name, value] : more.kafka_config) settings.kafka_config_[name] = {value, "environment"};
  DD_TRY(check_parquet_dir(settings));
  return settings;
}

const std::string& Settings::text(std::string_view name) const {
  return values_.find(setting_named(name).name)->second.text;
}
const std::string& Settings::origin(std::string_view name) const {
  return values_.find(setting_named(name).name)->second.origin;
}
// Values were checked by load, so these cannot fail.
std::int64_t Settings::count(std::string_view name) const {
  return parse_count_or_default(text(name)).value();
}
std::uint64_t Settings::bytes(std::string_view name) const { return parse_bytes(text(name)).value(); }
double Settings::fraction(std::string_view name) const { return parse_fraction(text(name)).value(); }
std::chrono::milliseconds Settings::duration(std::string_view name) const {
  return parse_duration_or_ever(text(name)).value();
}
std::vector<std::string> Settings::secrets(std::string_view name) const {
  return parse_secrets(text(name)).value();
}
ListenAddress Settings::address(std::string_view name) const {
  return parse_listen_address(text(name)).value();
}
bool Settings::flag(std::string_view name) const { return parse_flag(text(name)).value(); }

std::string Settings::parquet_dir() const {
  const auto& given = text("PARQUET_DIR");
  return given.empty() ? (std::filesystem::path(text("DATA_DIR")) / "parquet").string() : given;
}

std::string Settings::keys_file() const {
  const auto& given = text("KEYS_FILE");
  return given.empty() ? (std::filesystem::path(text("DATA_DIR")) / "keys").string() : given;
}

access::KeysPaths Settings::keys_paths() const {
  const std::filesystem::path data_dir = text("DATA_DIR");
  std::error_code ignored;
  const bool has_data_dir = std::filesystem::is_directory(data_dir, ignored);
  const auto file = keys_file();
  return {file, has_data_dir ? data_dir / "keys-required" : std::filesystem::path(file + ".required")};
}

std::string Settings::shown(const Setting& setting) const {
  std::string value = text(setting.name);
  if (setting.name == "PARQUET_DIR") value = parquet_dir();
  if (setting.name == "KEYS_FILE") value = keys_file();
  if (setting.kind == SettingKind::secrets) return value.empty() ? value : "***";
  return setting.secret ? history::postgres::masked_url(value) : value;
}

std::map<std::string, std::string> Settings::kafka_properties() const {
  std::map<std::string, std::string> properties;
  for (const auto& [name, value] : kafka_config_) properties[kafka_property_of(name)] = value.text;
  return properties;
}

std::string Settings::describe() const {
  std::vector<std::array<std::string, 3>> lines = {{"SETTING", "VALUE", "FROM"}};
  for (const auto& setting : kSettings) {
    lines.push_back({std::string(setting.name), shown(setting), origin(setting.name)});
  }
  for (const auto& [name, value] : kafka_config_) {
    lines.push_back({name, is_secret_property(name) ? "***" : value.text, value.origin});
  }
  std::array<std::size_t, 2> widths{};
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string out;
  for (const auto& [name, value, from] : lines) {
    out += fmt::format("{:<{}}  {:<{}}  {}\n", name, widths[0], value, widths[1], from);
  }
  return out;
}

}  // namespace deltadrop::app
