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

/// The settings that a command line sets.
struct SettingsFlags {
  std::map<std::string, std::string> values;  ///< by setting name
  std::string config_file;
  std::function<void(app::Settings&)> set_defaults;  ///< sets the command's own defaults; may be empty

  /// Loads the effective settings: these flags over the environment over the file over the defaults.
  [[nodiscard]] Result<app::Settings> load() const;
};

/// Adds --config and one flag for each setting to a command. The help lists only the settings that the
/// command reads. It accepts the others too, so that several commands can share one set of flags, as they
/// share an environment. The flags are added when the command is chosen (preparse_callback), so that start-up
/// does not pay for the other commands. `set_defaults` sets the command's own defaults.
std::shared_ptr<SettingsFlags> add_settings_options(CLI::App& command,
                                                    std::function<void(app::Settings&)> set_defaults = {});

/// Loads the settings, starts logging and calls `work`. Returns its exit code. Reports an error and returns
/// the exit code for trouble.
int run_with_settings(const SettingsFlags& flags,
                      const std::function<Result<int>(const app::Settings&)>& work);

/// Returns a command line with the location flags of the current command, so that it works on the same data:
/// "deltadrop lake rebuild acme financials --data-dir /x" for the words "lake rebuild acme financials".
/// Secrets are masked.
std::string typed(const app::Settings& settings, std::string_view words);

/// Prints "deltadrop: message" and the fix to standard error. Returns the exit code for trouble.
int report_trouble(const Error& error);
/// Like report_trouble above, but completes commands in backticks in the fix as `typed` does.
int report_trouble(const app::Settings& settings, Error error);

}  // namespace deltadrop::cli
