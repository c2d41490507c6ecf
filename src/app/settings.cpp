#include "app/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <filesystem>
#include <iterator>
#include <limits>
#include <utility>

#include "core/assert.hpp"
#include "core/table_ref.hpp"
#include "core/text.hpp"
#include "io/file.hpp"

namespace deltadrop::app {
namespace {

/// Sets a member. Fails if a number is out of the member's range.
template <class Value, class Member>
Result<void> assign(Member& member, const Value& value, std::string_view text) {
  if constexpr (std::integral<Value> && !std::same_as<Value, bool> && std::integral<Member>) {
    if (!std::in_range<Member>(value)) {
      return bad_value(text, fmt::format("a number up to {}", std::numeric_limits<Member>::max()));
    }
  }
  member = static_cast<Member>(value);
  return success();
}

/// The members of a setting of two modules. Their initialisers must be equal.
template <class First, class Second>
struct Both {
  First* first;
  Second* second;  ///< null if there is only one
};
template <class First, class Second>
Both<First, Second> both(First& first, Second& second) {
  return {&first, &second};
}

/// One setting of one Settings object, with functions that read a text into its members and write their
/// values.
struct Declaration {
  Setting setting;
  std::vector<const void*> members;
  std::function<Result<void>(std::string_view text)> read;
  std::function<std::string()> write;
  std::string (*masked)(const std::string& text) = nullptr;

  template <class Member, class Type>
  Declaration(std::string_view name, Member& member, const Type& type, std::string_view help)
      : Declaration(name, Both<Member, Member>{&member, nullptr}, type, help) {}

  template <class First, class Second, class Type>
  Declaration(std::string_view name, Both<First, Second> of, const Type& type, std::string_view help)
      : setting{.name = name, .help = help, .is_flag = std::same_as<Type, FlagType>}, members{of.first} {
    using Value = typename decltype(type.read(std::string_view()))::value_type;
    if (of.second != nullptr) {
      members.push_back(of.second);
      DD_ASSERT(static_cast<Value>(*of.first) == static_cast<Value>(*of.second));
    }
    read = [of, type](std::string_view text) -> Result<void> {
      DD_TRY(const auto value, type.read(text));
      DD_TRY(assign(*of.first, value, text));
      if (of.second == nullptr) return success();
      return assign(*of.second, value, text);
    };
    write = [of, type] { return type.write(static_cast<Value>(*of.first)); };
    if constexpr (requires { type.masked(std::string()); }) masked = &Type::masked;
  }
};

constexpr TextType kText;
constexpr ConnectionStringType kConnectionString;
constexpr SecretsType kSecrets;
constexpr AddressType kAddress;
constexpr TimeZoneType kTimeZone;
constexpr FlagType kFlag;
constexpr CountType kCount;
constexpr CountType kCountOrDefault{.or_default = true};
constexpr FractionType kFraction;
constexpr BytesType kBytes;
constexpr BytesType kBytesTo1MiB{.max = std::uint64_t{1} << 20};  // each connection buffers this much
constexpr DurationType kDuration;
constexpr DurationType kDurationOrEver{.or_ever = true};

constexpr std::array<Choice<lake::FileLayout>, 2> kLayoutWords = {
    {{"upload", lake::FileLayout::upload}, {"event", lake::FileLayout::event}}};
constexpr ChoiceType<lake::FileLayout> kLayout{kLayoutWords};

constexpr std::array<Choice<LogFormat>, 2> kLogFormatWords = {
    {{"text", LogFormat::text}, {"json", LogFormat::json}}};
constexpr ChoiceType<LogFormat> kLogFormat{kLogFormatWords};

constexpr std::array<Choice<LogLevel>, 5> kLogLevelWords = {{{"debug", LogLevel::debug},
                                                             {"info", LogLevel::info},
                                                             {"warn", LogLevel::warn},
                                                             {"warning", LogLevel::warn},
                                                             {"error", LogLevel::error}}};
constexpr ChoiceType<LogLevel> kLogLevel{kLogLevelWords};

// ---- the settings: name, member, type, help

std::vector<Declaration> declared_places_and_servers(Settings& s) {
  return {
      {"DATA_DIR", s.data_dir.path, kText, "base folder: archive, current, held, spool, catalog"},
      {"PARQUET_DIR", s.lake.folder, kText,
       "folder of the Parquet files; parquet under DATA_DIR unless given"},
      {"DATA_GROUP", s.data_dir.group, kText,
       "group, by name or number, that may read DATA_DIR; unless given nobody but the server's user may"},
      {"LISTEN", s.listen.address, kAddress, "address and port of the API"},
      {"TIMEZONE", s.time_zone, kTimeZone, "time zone of a date without a time, such as Europe/Zurich"},
      {"INSECURE", s.listen.insecure, kFlag, "allow to listen beyond loopback without keys and TLS"},
      {"KAFKA_BOOTSTRAP_SERVERS", s.kafka.bootstrap_servers, kText, "Kafka servers; not used by `dev`"},
      {"KAFKA_TOPIC", both(s.kafka.topic, s.consume.topic), kText, "topic of the change events"},
      {"KAFKA_PARTITIONS", s.kafka.partitions, kCount, "partitions of a topic that is made"},
      {"KAFKA_REPLICATION", s.kafka.replication, kCountOrDefault,
       "copies of each partition of a topic that is made; -1: the broker's default"},
      {"KAFKA_RETENTION", s.kafka.retention, kDurationOrEver,
       "how long a topic that is made keeps events; -1: for ever"},
      {"EVENT_KEY", s.kafka.signature_keys, kSecrets,
       "secret of `serve` and `consume` with which events are signed and verified; several with commas: the "
       "first signs, all verify"},
      {"DATABASE_URL", s.postgres.url, kConnectionString, "PostgreSQL connection string; not used by `dev`"},
      {"CONSUMER_GROUP", s.consume.group, kText, "consumer group"},
  };
}

std::vector<Declaration> declared_uploads(Settings& s) {
  return {
      {"HOLD_DELETE_FRACTION", s.ingest.hold_delete_fraction, kFraction,
       "an upload that deletes more than this share of the rows is held"},
      {"HOLD_MIN_ROWS", s.ingest.hold_min_rows, kCount, "tables with fewer rows are not guarded"},
      {"HELD_TTL", s.ingest.held_ttl, kDuration, "held uploads expire after this"},
      {"DRY_RUN_TTL", s.ingest.dry_run_ttl, kDuration, "dry runs expire after this"},
      {"IDEMPOTENCY_TTL", s.ingest.idempotency_ttl, kDuration,
       "how long the answer to an Idempotency-Key is kept"},
      {"CLOCK_JUMP_MAX", s.ingest.clock_jump_max, kDuration,
       "a clock that jumps by more than this stops uploads until it is right again or accepted"},
      {"PUBLISH_TIMEOUT", both(s.ingest.publish_timeout, s.kafka.publish_timeout), kDuration,
       "an upload that takes longer to publish is answered 202"},
      {"COMPARE_TIMEOUT", s.ingest.compare_timeout, kDuration,
       "an upload that takes longer to compare is refused"},
      {"MAX_UPLOAD_BYTES", s.ingest.upload_bytes_max, kBytes, "largest file, after decompression"},
      {"MAX_EXPANSION", s.ingest.expansion_ratio_max, kCount,
       "largest ratio of expanded to received bytes, past the first MiB"},
      {"MAX_ROWS", s.ingest.limits.rows_max, kCount, "most rows of a file"},
      {"MAX_COLUMNS", s.ingest.limits.columns_max, kCount, "most columns of a file"},
      {"MAX_FIELD_BYTES", s.ingest.limits.field_bytes_max, kBytes, "largest field of a file, tracked or not"},
      {"MAX_ROW_BYTES", s.ingest.limits.row_bytes_max, kBytes, "largest row of a file"},
      {"DISK_RESERVE", s.ingest.disk_reserve, kBytes, "free space of DATA_DIR's disk that uploads leave"},
  };
}

std::vector<Declaration> declared_requests(Settings& s) {
  return {
      {"MAX_UPLOADS", both(s.http.uploads_max, s.ingest.waiting_max), kCount,
       "uploads at once; more are answered 503"},
      {"MAX_PARTS", s.form.parts_max, kCount, "most parts of a form"},
      {"MAX_HEADER_BYTES", s.http.header_bytes_max, kBytesTo1MiB, "largest head of a request, 1MiB at most"},
      {"MAX_HEADER_FIELDS", s.http.header_fields_max, kCount, "most header fields of a request"},
      {"HEADER_TIMEOUT", s.http.header_timeout, kDuration, "a request's head must be there within this"},
      {"IDLE_TIMEOUT", s.http.idle_timeout, kDuration,
       "an idle connection, or one that takes no answer, ends after this"},
      {"MIN_BODY_RATE", s.http.body_rate_min, kBytes,
       "bytes a second that a body must bring, averaged over 30 s"},
      {"MAX_CONNECTIONS", s.http.connections_max, kCount, "connections at once"},
      {"MAX_CONNECTIONS_PER_ADDRESS", s.http.connections_per_address_max, kCount,
       "connections at once of one address"},
  };
}

std::vector<Declaration> declared_consumer_and_access(Settings& s) {
  return {
      {"MAX_EVENT_BYTES", both(s.ingest.limits.event_bytes_max, s.kafka.message_bytes_max), kBytes,
       "largest event on the log"},
      {"BATCH_EVENTS", s.consume.batch_events, kCount, "events recorded in one transaction at the most"},
      {"BATCH_WAIT", s.consume.batch_wait, kDuration, "how long an idle consumer waits to fill a batch"},
      {"LOG_KEEP", s.consume.log_retention, kDuration,
       "how long `dev` keeps applied events in its embedded log"},
      {"PARQUET_LAYOUT", s.lake.layout, kLayout,
       "one file for an upload's events of a type, or one an event"},
      {"PARQUET_MAX_ROWS", s.lake.rows_max, kCount, "most events in one Parquet file"},
      {"KEYS_FILE", s.access.keys_file, kText, "file of the API's keys; keys under DATA_DIR unless given"},
      {"REQUIRE_KEYS", s.access.require_keys, kFlag, "answer to keys only, even while there is none"},
      {"TLS_CERT", s.listen.tls_cert, kText,
       "PEM file of the certificate and its chain; with TLS_KEY: HTTPS only"},
      {"TLS_KEY", s.listen.tls_key, kText, "PEM file of the certificate's key"},
      {"ALLOWED_HOSTS", s.listen.allowed_hosts, kText,
       "names in Host that are answered, with commas; * for any; unless given: on loopback its own names, "
       "else any"},
      {"LOG_FORMAT", s.logging.format, kLogFormat, "form of a line in the log"},
      {"LOG_LEVEL", s.logging.level, kLogLevel, "what is logged to standard error"},
  };
}

/// In the order of the table in docs/settings.md.
std::vector<Declaration> declarations(Settings& settings) {
  std::vector<Declaration> all;
  for (auto* const part :
       {declared_places_and_servers, declared_uploads, declared_requests, declared_consumer_and_access}) {
    std::ranges::move(part(settings), std::back_inserter(all));
  }
  return all;
}

// ---- sources of values

/// Reads lines of the form KEY=VALUE; # starts a comment line.
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
    const bool known = name.starts_with(kKafkaConfigPrefix) || is_setting(name);
    if (equals == std::string_view::npos || !known) {
      return Error{ErrorCode::invalid_input, "bad-setting",
                   fmt::format("{} line {}: {} is no setting", path, line_number, quoted_for_message(line)),
                   "write NAME=VALUE with a name that `deltadrop config` lists"};
    }
    values[name] = std::string(line.substr(equals + 1));
  }
  return values;
}

struct Given {
  std::string text;
  Origin origin;
};

std::optional<Given> given_for(std::string_view name, const Settings::Values& flags,
                               const Settings::Lookup& environment, const Settings::Values& file) {
  const std::string key(name);
  if (const auto found = flags.find(key); found != flags.end()) return Given{found->second, Origin::flag};
  if (auto found = environment(name); found && !found->empty())
    return Given{*std::move(found), Origin::environment};
  if (const auto found = file.find(key); found != file.end()) return Given{found->second, Origin::file};
  return std::nullopt;
}

/// Returns "sasl.username" for "KAFKA_CONFIG_SASL_USERNAME".
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

// ---- values that depend on other settings

void fill_in(Settings& settings) {
  const std::filesystem::path data_dir = settings.data_dir.path;
  if (settings.lake.folder.empty()) settings.lake.folder = data_dir / "parquet";
  if (settings.access.keys_file.empty()) settings.access.keys_file = (data_dir / "keys").string();
  settings.ingest.data_dir = data_dir;
}

/// Fails if PARQUET_DIR shares a folder with internal files. A company may have any name, so its folder could
/// collide with them.
Result<void> check_parquet_dir(const Settings& settings) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const auto resolved = [&](const fs::path& path) {
    return fs::weakly_canonical(fs::absolute(path, ignored), ignored);
  };
  const auto data_dir = resolved(settings.data_dir.path);
  const auto below = resolved(settings.lake.folder).lexically_relative(data_dir);
  const std::string first = below.empty() ? "" : below.begin()->string();
  for (const std::string_view taken : {".", "archive", "current", "held", "lost+found", "spool"}) {
    if (first != taken) continue;
    return Error{ErrorCode::invalid_input, "bad-parquet-dir",
                 fmt::format("PARQUET_DIR {} (from {}) is DATA_DIR or one of its own folders",
                             settings.lake.folder.string(),
                             to_string(settings.setting_of(settings.lake.folder).origin)),
                 "give a folder of its own, or leave it out: it is parquet under DATA_DIR then"};
  }
  return success();
}

}  // namespace

std::string_view to_string(Origin origin) {
  switch (origin) {
    case Origin::by_default:
      return "default";
    case Origin::file:
      return "file";
    case Origin::environment:
      return "environment";
    case Origin::flag:
      return "flag";
  }
  return "";
}

std::string Setting::option_name() const {
  std::string out = "--" + ascii_lower(name);
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

std::span<const Setting> all_settings() {
  static const std::vector<Setting> settings = [] {
    Settings defaults;
    std::vector<Setting> all;
    for (const auto& declared : declarations(defaults)) all.push_back(declared.setting);
    return all;
  }();
  return settings;
}

bool is_setting(std::string_view name) {
  return std::ranges::any_of(all_settings(), [&](const Setting& each) { return each.name == name; });
}

Result<Settings> Settings::load(const Values& flags, const Lookup& environment,
                                const std::string& config_file, const More& more) {
  DD_TRY(const auto from_file, read_config_file(config_file));
  Settings settings;
  settings.config_file_ = config_file;
  if (more.set_defaults) more.set_defaults(settings);
  auto declared = declarations(settings);
  for (auto& [setting, members, read, write, masked] : declared) {
    for (const void* member : members) {
      setting.offsets.push_back(static_cast<const char*>(member) - reinterpret_cast<const char*>(&settings));
    }
    auto given = given_for(setting.name, flags, environment, from_file);
    if (!given) continue;
    setting.origin = given->origin;
    setting.given = !given->text.empty();
    setting.shown = given->text;
    if (const auto done = read(given->text); !done.has_value()) {
      auto error = done.error();
      error.message = fmt::format("{} (from {}): {}", setting.name, to_string(given->origin), error.message);
      error.fix = fmt::format("correct {}; `deltadrop config` shows every setting", setting.name);
      return error;
    }
  }
  fill_in(settings);
  for (auto& each : declared) {
    auto& shown = each.setting.shown;
    if (!each.setting.given) shown = each.write();
    if (each.masked != nullptr) shown = each.masked(shown);
    settings.settings_.push_back(std::move(each.setting));
  }
  for (const auto& [name, value] : from_file) {
    if (name.starts_with(kKafkaConfigPrefix)) settings.kafka_config_[name] = {value, Origin::file};
  }
  for (const auto& [name, value] : more.kafka_config) {
    settings.kafka_config_[name] = {value, Origin::environment};
  }
  for (const auto& [name, value] : settings.kafka_config_) {
    settings.kafka.properties[kafka_property_of(name)] = value.text;
  }
  DD_TRY(check_parquet_dir(settings));
  return settings;
}

const Setting& Settings::setting_at(std::ptrdiff_t offset) const {
  const auto found = std::ranges::find_if(
      settings_, [&](const Setting& each) { return std::ranges::count(each.offsets, offset) > 0; });
  DD_ASSERT(found != settings_.end());
  return *found;
}

std::string Settings::describe() const {
  std::vector<std::array<std::string, 3>> lines = {{"SETTING", "VALUE", "FROM"}};
  for (const auto& setting : settings_) {
    lines.push_back({std::string(setting.name), setting.shown, std::string(to_string(setting.origin))});
  }
  for (const auto& [name, value] : kafka_config_) {
    lines.push_back(
        {name, is_secret_property(name) ? "***" : value.text, std::string(to_string(value.origin))});
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
