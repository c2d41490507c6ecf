#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/routes.hpp"
#include "app/logging.hpp"
#include "app/setting_types.hpp"
#include "consume/consumer.hpp"
#include "core/result.hpp"
#include "eventlog/kafka_log.hpp"
#include "history/postgres_history.hpp"
#include "http/server.hpp"
#include "ingest/ingest.hpp"
#include "lake/lake.hpp"

/// Configuration. Each setting has one name: its environment variable, its key in a --config file and, in
/// lower case with hyphens, its flag. A flag overrides the environment, which overrides the file, which
/// overrides the default.
///
/// One line of settings.cpp declares each setting and the member that it sets, often in a module's own
/// Options. The member's initialiser is the default.
namespace deltadrop::app {

struct DataDirSettings {
  std::string path = "./data";
  std::string group;  ///< empty: none
};

struct ListenSettings {
  ListenAddress address = {http::ServerOptions().address, http::ServerOptions().port};
  bool insecure = false;
  std::string tls_cert;       ///< empty: no TLS
  std::string tls_key;        ///< empty: no TLS
  std::string allowed_hosts;  ///< comma-separated names, "*" or empty
};

struct AccessSettings {
  std::string keys_file;  ///< default: `keys` in DATA_DIR
  bool require_keys = false;
};

enum class Origin : std::uint8_t { by_default, file, environment, flag };
/// Returns "default", "file", "environment" or "flag".
std::string_view to_string(Origin origin);

/// A setting and the origin of its value.
struct Setting {
  std::string_view name;  ///< "DATA_DIR"
  std::string_view help;
  bool is_flag = false;  ///< true if its command-line option takes no value
  Origin origin = Origin::by_default;
  bool given = false;      ///< true if a flag, the environment or the file sets it to a non-empty text
  std::string shown = {};  ///< the effective value in its original spelling; secrets are masked
  /// Offsets in bytes of its members in Settings.
  std::vector<std::ptrdiff_t> offsets = {};

  /// Returns the command-line option, such as "--data-dir".
  [[nodiscard]] std::string option_name() const;
};

/// Returns the name and help of every setting, in the order of docs/settings.md.
std::span<const Setting> all_settings();
/// Returns whether a setting of this name exists.
bool is_setting(std::string_view name);

/// The prefix of librdkafka properties: KAFKA_CONFIG_SASL_USERNAME=app sets sasl.username.
inline constexpr std::string_view kKafkaConfigPrefix = "KAFKA_CONFIG_";

class Settings {
 public:
  using Lookup = std::function<std::optional<std::string>(std::string_view name)>;

  /// Values by setting name.
  using Values = std::map<std::string, std::string>;

  /// Inputs that differ between commands, or that `environment` cannot look up by name.
  struct More {
    std::function<void(Settings& defaults)> set_defaults = {};  ///< sets the defaults of a command
    Values kafka_config = {};                                   ///< the environment's KAFKA_CONFIG_ variables
  };

  /// Loads and checks all settings. `config_file` may be empty. The Error names the setting, its value and
  /// its origin.
  static Result<Settings> load(const Values& flags, const Lookup& environment, const std::string& config_file,
                               const More& more);
  static Result<Settings> load(const Values& flags, const Lookup& environment,
                               const std::string& config_file) {
    return load(flags, environment, config_file, {});
  }

  DataDirSettings data_dir;
  io::TimeZone time_zone;  ///< time zone of dates without a time
  ListenSettings listen;
  AccessSettings access;
  LogOptions logging;
  ingest::Options ingest;
  http::ServerOptions http;  ///< limits only; does not include `listen` and `access`
  api::FormLimits form;
  eventlog::kafka::Options kafka;
  history::postgres::Options postgres;
  consume::Options consume;
  lake::Options lake;  ///< default folder: `parquet` in DATA_DIR

  /// Returns the setting of a member of this object: `settings.setting_of(settings.data_dir.path).origin`.
  /// The object must come from `load`.
  template <class Member>
  [[nodiscard]] const Setting& setting_of(const Member& member) const {
    return setting_at(reinterpret_cast<const char*>(&member) - reinterpret_cast<const char*>(this));
  }
  /// Returns all settings, like all_settings, with their effective values and origins.
  [[nodiscard]] std::span<const Setting> all() const { return settings_; }
  /// Returns the `config_file` that was passed to `load`.
  [[nodiscard]] const std::string& config_file() const { return config_file_; }

  /// Returns the name, effective value and origin of every setting, one per line. Secrets are masked.
  [[nodiscard]] std::string describe() const;

 private:
  struct KafkaConfig {
    std::string text;
    Origin origin;
  };

  [[nodiscard]] const Setting& setting_at(std::ptrdiff_t offset) const;

  std::vector<Setting> settings_;
  std::map<std::string, KafkaConfig> kafka_config_;
  std::string config_file_;
};

}  // namespace deltadrop::app
