#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/result.hpp"

namespace CLI {
class App;
}
namespace deltadrop::app {
class Settings;
}

namespace deltadrop::cli {

/// What a command line said of the settings.
struct SettingsFlags {
  std::map<std::string, std::string> values;  ///< by setting name
  std::string config_file;
  std::function<void(app::Settings&)> set_defaults;  ///< those that this command has of its own; may be empty

  /// The effective settings: these flags over the environment over the file over the defaults.
  [[nodiscard]] Result<app::Settings> load() const;
};

/// Adds --config and one flag for each setting to a command. Its help lists those that it reads; the others
/// are taken all the same, so that one set of flags can go to several commands, as one environment does. That
/// is done when the command was chosen, by its preparse_callback: start-up does not pay for the others.
/// `set_defaults` sets the defaults that the command has of its own.
std::shared_ptr<SettingsFlags> add_settings_options(CLI::App& command,
                                                    std::function<void(app::Settings&)> set_defaults = {});

/// Loads the settings, starts logging, and does the work: its exit code, or that for trouble, which is
/// reported.
int run_with_settings(const SettingsFlags& flags,
                      const std::function<Result<int>(const app::Settings&)>& work);

/// "deltadrop lake rebuild acme financials --data-dir /x": the command of these words as it is to be typed to
/// work on the same: with the flags given to this one that say where. Of a secret what may be shown.
std::string typed(const app::Settings& settings, std::string_view words);

/// Prints "deltadrop: message" and the fix to standard error; the exit code for trouble.
int report_trouble(const Error& error);
/// The same; commands in backticks in the fix are as `typed` has them.
int report_trouble(const app::Settings& settings, Error error);

}  // namespace deltadrop::cli
