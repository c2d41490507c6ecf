#include "cli/settings_options.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include <CLI/CLI.hpp>

#include "app/logging.hpp"

namespace deltadrop::cli {
namespace {

std::optional<std::string> environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

/// What `environment` cannot be asked for: the names are not known beforehand.
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

}  // namespace

Result<app::Settings> SettingsFlags::load() const {
  return app::Settings::load(values, environment, config_file, {defaults, kafka_config()});
}

std::shared_ptr<SettingsFlags> add_settings_options(CLI::App& command,
                                                    std::map<std::string, std::string> defaults) {
  auto flags = std::make_shared<SettingsFlags>();
  flags->defaults = std::move(defaults);
  command.add_option("--config", flags->config_file, "file of NAME=VALUE lines")->type_name("FILE");
  // What holds without flags; a setting that is wrong shows when the command runs, not in its help.
  const auto effective = flags->load();
  for (const auto& setting : app::all_settings()) {
    const std::string name(setting.name);
    const auto keep = [flags, name](const std::string& value) { flags->values[name] = value; };
    const auto help = effective.has_value()
                          ? fmt::format("{} [{}, {}]", setting.help, effective.value().shown(setting),
                                        effective.value().origin(name))
                          : std::string(setting.help);
    if (setting.kind == app::SettingKind::flag) {
      command.add_flag_callback(setting.option_name(), [keep] { keep("true"); }, std::string(setting.help));
    } else {
      command.add_option_function<std::string>(setting.option_name(), keep, help)->type_name(name);
    }
  }
  return flags;
}

int run_with_settings(const SettingsFlags& flags,
                      const std::function<Result<int>(const app::Settings&)>& work) {
  const auto settings = flags.load();
  if (!settings.has_value()) return report_trouble(settings.error());
  app::start_logging(settings.value().text("LOG_LEVEL"), settings.value().text("LOG_FORMAT"));
  const auto done = work(settings.value());
  return done.has_value() ? done.value() : report_trouble(done.error());
}

int report_trouble(const Error& error) {
  fmt::print(stderr, "deltadrop: {}\n", error.message);
  if (!error.fix.empty()) fmt::print(stderr, "  fix: {}\n", error.fix);
  return 2;
}

}  // namespace deltadrop::cli
