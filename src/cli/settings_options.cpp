#include "cli/settings_options.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <utility>

#include <CLI/CLI.hpp>

#include "app/logging.hpp"
#include "app/settings.hpp"
#include "cli/checks.hpp"
#include "cli/standard_output.hpp"
#include "core/assert.hpp"

namespace deltadrop::cli {
namespace {

std::optional<std::string> environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

/// Returns the KAFKA_CONFIG_ variables, whose names `environment` cannot look up because they are not known.
app::Settings::Values kafka_config() {
  app::Settings::Values found;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals == std::string_view::npos || !text.starts_with(app::kKafkaConfigPrefix)) continue;
    found[std::string(text.substr(0, equals))] = text.substr(equals + 1);
  }
  return found;
}

// ---- which command reads what

using Names = std::span<const std::string_view>;

constexpr std::array<std::string_view, 2> kLogs = {"LOG_FORMAT", "LOG_LEVEL"};  // every command

constexpr std::array<std::string_view, 5> kLake = {"DATA_DIR", "PARQUET_DIR", "DATABASE_URL",
                                                   "PARQUET_LAYOUT", "PARQUET_MAX_ROWS"};
constexpr std::array<std::string_view, 2> kHistory = {"DATA_DIR", "DATABASE_URL"};
constexpr std::array<std::string_view, 6> kCompact = {"DATA_DIR",       "PARQUET_DIR",      "DATABASE_URL",
                                                      "PARQUET_LAYOUT", "PARQUET_MAX_ROWS", "TIMEZONE"};
constexpr std::array<std::string_view, 3> kExport = {"DATA_DIR", "DATABASE_URL", "TIMEZONE"};
constexpr std::array<std::string_view, 3> kKeys = {"DATA_DIR", "KEYS_FILE", "TIMEZONE"};
constexpr std::array<std::string_view, 2> kServer = {"DATA_DIR", "TLS_CERT"};
constexpr std::array<std::string_view, 1> kDataDir = {"DATA_DIR"};

constexpr std::array<std::string_view, 7> kNotDev = {
    "KAFKA_BOOTSTRAP_SERVERS", "KAFKA_TOPIC",  "KAFKA_PARTITIONS", "KAFKA_REPLICATION",
    "KAFKA_RETENTION",         "DATABASE_URL", "CONSUMER_GROUP"};
constexpr std::array<std::string_view, 6> kNotServe = {
    "CONSUMER_GROUP", "BATCH_EVENTS", "BATCH_WAIT", "LOG_KEEP", "PARQUET_LAYOUT", "PARQUET_MAX_ROWS"};
constexpr std::array<std::string_view, 15> kNotConsume = {
    "HOLD_DELETE_FRACTION", "HOLD_MIN_ROWS", "HELD_TTL",  "DRY_RUN_TTL", "IDEMPOTENCY_TTL",
    "MAX_UPLOAD_BYTES",     "MAX_EXPANSION", "MAX_ROWS",  "MAX_COLUMNS", "MAX_FIELD_BYTES",
    "MAX_ROW_BYTES",        "DISK_RESERVE",  "MAX_PARTS", "LOG_KEEP",    "TIMEZONE"};

/// The settings that locate the data of a command. A command in a fix needs the same ones.
constexpr std::array<std::string_view, 6> kPlaces = {"DATA_DIR",  "PARQUET_DIR",    "DATABASE_URL",
                                                     "KEYS_FILE", "PARQUET_LAYOUT", "PARQUET_MAX_ROWS"};

enum class Reads : std::uint8_t { these, all_but_these };

struct Reader {
  std::string_view command;
  Reads reads_these;
  Names names;

  [[nodiscard]] bool reads(std::string_view setting) const {
    return has(names, setting) == (reads_these == Reads::these);
  }
  /// Returns whether the command's help lists the setting. The output of `config` itself lists all.
  [[nodiscard]] bool lists(std::string_view setting) const {
    return command != "config" && (reads(setting) || has(kLogs, setting));
  }

 private:
  static bool has(Names names, std::string_view setting) {
    return std::find(names.begin(), names.end(), setting) != names.end();
  }
};

constexpr std::array<Reader, 16> kReaders = {{
    {"dev", Reads::all_but_these, kNotDev},
    {"serve", Reads::all_but_these, kNotServe},
    {"consume", Reads::all_but_these, kNotConsume},
    {"lake rebuild", Reads::these, kLake},
    {"lake verify", Reads::these, kLake},
    {"lake compact", Reads::these, kCompact},
    {"lake export", Reads::these, kExport},
    {"lake views", Reads::these, kHistory},
    {"dead-letters list", Reads::these, kHistory},
    {"dead-letters show", Reads::these, kHistory},
    {"dead-letters retry", Reads::these, kHistory},
    {"keys", Reads::these, kKeys},
    {"republish", Reads::these, kServer},
    {"migrate", Reads::these, kDataDir},
    {"rebuild catalog", Reads::these, kDataDir},
    {"config", Reads::all_but_these, {}},
}};

/// Returns the reader of the command at the start of `words` ("lake rebuild acme financials").
const Reader* reader_of(std::string_view words) {
  for (const auto& reader : kReaders) {
    const auto rest = words.substr(std::min(reader.command.size(), words.size()));
    if (words.starts_with(reader.command) && (rest.empty() || rest.front() == ' ')) return &reader;
  }
  return nullptr;
}

/// Checks the names: a misspelt one would never match and be missing from the help.
void check_names() {
  const auto are_settings = [](Names names) { return std::ranges::all_of(names, app::is_setting); };
  DD_ASSERT(are_settings(kLogs) && are_settings(kPlaces));
  DD_ASSERT(std::ranges::all_of(kReaders, are_settings, &Reader::names));
}

/// Returns the command's name with its parents: "lake rebuild".
std::string path_of(const CLI::App& command) {
  const auto* parent = command.get_parent();
  if (parent == nullptr || parent->get_parent() == nullptr) return command.get_name();
  return path_of(*parent) + " " + command.get_name();
}

void add_options(CLI::App& command, const std::shared_ptr<SettingsFlags>& flags) {
  check_names();
  const auto* reader = reader_of(path_of(command));
  command.add_option("--config", flags->config_file, "file of NAME=VALUE lines")
      ->type_name("FILE")
      ->check(refuse_empty);
  // The settings without flags. An invalid setting is reported when the command runs, not in its help.
  const auto effective = flags->load();
  for (const auto& setting : effective.has_value() ? effective.value().all() : app::all_settings()) {
    const std::string name(setting.name);
    const auto keep = [flags, name](const std::string& value) { flags->values[name] = value; };
    const auto help = effective.has_value()
                          ? fmt::format("{} [{}, {}]", setting.help, setting.shown, to_string(setting.origin))
                          : std::string(setting.help);
    auto* option = setting.is_flag
                       ? command.add_flag_callback(
                             setting.option_name(), [keep] { keep("true"); }, std::string(setting.help))
                       : command.add_option_function<std::string>(setting.option_name(), keep, help)
                             ->type_name(name)
                             ->check(refuse_empty);
    if (reader == nullptr || !reader->lists(setting.name)) option->group("");  // accepted, not listed
  }
}

// ---- commands in fixes

std::string quoted_for_shell(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// Completes every "`deltadrop ...`" in a fix with the flags that it needs.
std::string with_flags(const app::Settings& settings, std::string_view fix) {
  constexpr std::string_view kBegin = "`deltadrop ";
  std::string out;
  while (true) {
    const auto begin = fix.find(kBegin);
    const auto end = begin == fix.npos ? fix.npos : fix.find('`', begin + 1);
    if (end == fix.npos) return out.append(fix);
    out.append(fix.substr(0, begin + 1));
    out += typed(settings, fix.substr(begin + kBegin.size(), end - begin - kBegin.size()));
    fix.remove_prefix(end);
    out += fix.front();
    fix.remove_prefix(1);
  }
}

}  // namespace

Result<app::Settings> SettingsFlags::load() const {
  return app::Settings::load(values, environment, config_file, {set_defaults, kafka_config()});
}

std::shared_ptr<SettingsFlags> add_settings_options(CLI::App& command,
                                                    std::function<void(app::Settings&)> set_defaults) {
  auto flags = std::make_shared<SettingsFlags>();
  flags->set_defaults = std::move(set_defaults);
  command.preparse_callback([flags, &command](std::size_t) { add_options(command, flags); });
  return flags;
}

int run_with_settings(const SettingsFlags& flags,
                      const std::function<Result<int>(const app::Settings&)>& work) {
  const auto settings = flags.load();
  if (!settings.has_value()) return report_trouble(settings.error());
  app::start_logging(settings.value().logging);
  const auto done = work(settings.value());
  app::finish_logging();
  return done.has_value() ? done.value() : report_trouble(settings.value(), done.error());
}

std::string typed(const app::Settings& settings, std::string_view words) {
  auto command = fmt::format("deltadrop {}", words);
  const auto* reader = reader_of(words);
  if (reader == nullptr) return command;
  if (!settings.config_file().empty()) command += " --config " + quoted_for_shell(settings.config_file());
  for (const auto& setting : settings.all()) {
    const bool is_place = std::find(kPlaces.begin(), kPlaces.end(), setting.name) != kPlaces.end();
    if (!is_place || setting.origin != app::Origin::flag || !reader->reads(setting.name)) continue;
    command += fmt::format(" {} {}", setting.option_name(), quoted_for_shell(setting.shown));
  }
  return command;
}

int report_trouble(const app::Settings& settings, Error error) {
  error.fix = with_flags(settings, error.fix);
  return report_trouble(error);
}

int report_trouble(const Error& error) {
  constexpr int kTrouble = 2;
  if (need_not_be_reported(error)) return kTrouble;
  fmt::print(stderr, "deltadrop: {}\n", error.message);
  if (!error.fix.empty()) fmt::print(stderr, "  fix: {}\n", error.fix);
  return kTrouble;
}

}  // namespace deltadrop::cli
