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

/// Configuration: each setting has one name, which is its environment variable, its key in a --config file
/// and, in lower case with hyphens, its flag. A flag beats the environment, which beats the file, which beats
/// the default.
///
/// Each setting is declared in one line of settings.cpp, and sets a member of the struct of its concern:
/// often a module's own Options. Its default is that member's initialiser.
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
  std::string allowed_hosts;  ///< as given: names with commas between them, "*" or nothing
};

struct AccessSettings {
  std::string keys_file;  ///< `keys` in the DATA_DIR unless given
  bool require_keys = false;
};

enum class Origin : std::uint8_t { by_default, file, environment, flag };
/// "default", "file", "environment", "flag"
std::string_view to_string(Origin origin);

/// A setting and where its value comes from.
struct Setting {
  std::string_view name;  ///< "DATA_DIR"
  std::string_view help;
  bool is_flag = false;  ///< true where its command-line option stands alone
  Origin origin = Origin::by_default;
  bool given = false;      ///< by a flag, the environment or the file, and not as an empty text
  std::string shown = {};  ///< the effective value, as it was given; secrets masked
  /// Where its members are in a Settings, in bytes from the beginning.
  std::vector<std::ptrdiff_t> offsets = {};

  /// "--data-dir"
  [[nodiscard]] std::string option_name() const;
};

/// The names and helps of every setting, in the order of docs/settings.md.
std::span<const Setting> all_settings();
/// Whether there is a setting of this name.
bool is_setting(std::string_view name);

/// KAFKA_CONFIG_SASL_USERNAME=app sets librdkafka's property sasl.username.
inline constexpr std::string_view kKafkaConfigPrefix = "KAFKA_CONFIG_";

class Settings {
 public:
  using Lookup = std::function<std::optional<std::string>(std::string_view name)>;

  /// By setting name.
  using Values = std::map<std::string, std::string>;

  /// What differs from command to command, or cannot be looked up by its name.
  struct More {
    std::function<void(Settings& defaults)> set_defaults = {};  ///< those that a command has of its own
    Values kafka_config = {};                                   ///< the environment's KAFKA_CONFIG_ variables
  };

  /// `config_file` may be empty. Every value is checked here; the Error names the setting, its value and
  /// where it came from.
  static Result<Settings> load(const Values& flags, const Lookup& environment, const std::string& config_file,
                               const More& more);
  static Result<Settings> load(const Values& flags, const Lookup& environment,
                               const std::string& config_file) {
    return load(flags, environment, config_file, {});
  }

  DataDirSettings data_dir;
  io::TimeZone time_zone;  ///< of dates without a time
  ListenSettings listen;
  AccessSettings access;
  LogOptions logging;
  ingest::Options ingest;
  http::ServerOptions http;  ///< its limits; `listen` and `access` are not yet in it
  api::FormLimits form;
  eventlog::kafka::Options kafka;
  history::postgres::Options postgres;
  consume::Options consume;
  lake::Options lake;  ///< its folder is `parquet` in the DATA_DIR unless given

  /// The setting of a member of this object: `settings.setting_of(settings.data_dir.path).origin`. The object
  /// must come from `load`.
  template <class Member>
  [[nodiscard]] const Setting& setting_of(const Member& member) const {
    return setting_at(reinterpret_cast<const char*>(&member) - reinterpret_cast<const char*>(this));
  }
  /// As all_settings, with the effective values and where they come from.
  [[nodiscard]] std::span<const Setting> all() const { return settings_; }
  /// As `load` was given it.
  [[nodiscard]] const std::string& config_file() const { return config_file_; }

  /// Name, effective value and origin of every setting, a line each; secrets masked.
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
