#include "cli/settings_options.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include <CLI/CLI.hpp>

namespace deltadrop::cli {
namespace {

std::optional<std::string> environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

}  // namespace

Result<app::Settings> SettingsFlags::load() const {
  return app::Settings::load(values, environment, config_file);
}

std::shared_ptr<SettingsFlags> add_settings_options(CLI::App& command) {
  auto flags = std::make_shared<SettingsFlags>();
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

int report_trouble(const Error& error) {
  fmt::print(stderr, "deltadrop: {}\n", error.message);
  if (!error.fix.empty()) fmt::print(stderr, "  fix: {}\n", error.fix);
  return 2;
}

}  // namespace deltadrop::cli
