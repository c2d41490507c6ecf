#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "access/keys.hpp"
#include "core/result.hpp"

/// Configuration: each setting has one name, which is its environment variable, its key in a --config file
/// and, in lower case with hyphens, its flag. A flag beats the environment, which beats the file, which beats
/// the default.
namespace deltadrop::app {

enum class SettingKind : std::uint8_t {
  text,
  folder,
  count,
  count_or_default,  ///< -1: what the server does by itself
  bytes,
  bytes_to_1mib,  ///< what a connection keeps in memory
  fraction,
  duration,
  duration_or_ever,  ///< -1: for ever
  address,
  choice,
  flag,
  secrets  ///< with commas between them; never shown
};

struct Setting {
  std::string_view name;  ///< "DATA_DIR"
  SettingKind kind;
  std::string_view default_text;
  std::string_view help;
  std::string_view choices = "";  ///< of a choice, separated by "|"
  bool secret = false;            ///< passwords in it are masked when it is shown

  /// "--data-dir"
  [[nodiscard]] std::string option_name() const;
};

/// Every setting, in the order of the README's table.
std::span<const Setting> all_settings();

/// KAFKA_CONFIG_SASL_USERNAME=app sets librdkafka's property sasl.username.
inline constexpr std::string_view kKafkaConfigPrefix = "KAFKA_CONFIG_";

/// A host and a port to listen on.
struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;

  [[nodiscard]] bool loopback() const;
  bool operator==(const ListenAddress&) const = default;
};

/// "127.0.0.1:8000", "[::1]:8000", ":8000" and "8000" (both on 127.0.0.1), "localhost:8000".
Result<ListenAddress> parse_listen_address(std::string_view text);
/// "250ms", "20s", "5m", "24h", "30d"; a bare number is seconds.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
/// "1000000", "64KiB", "1MiB", "5GiB", "1TiB".
Result<std::uint64_t> parse_bytes(std::string_view text);

class Settings {
 public:
  using Lookup = std::function<std::optional<std::string>(std::string_view name)>;

  /// By setting name.
  using Values = std::map<std::string, std::string>;

  /// What differs from command to command, or cannot be looked up by its name.
  struct More {
    Values defaults = {};      ///< of a command, instead of the setting's own
    Values kafka_config = {};  ///< the environment's KAFKA_CONFIG_ variables
  };

  /// `config_file` may be empty. Every value is checked here; the Error names the setting, its value and
  /// where it came from.
  static Result<Settings> load(const Values& flags, const Lookup& environment, const std::string& config_file,
                               const More& more);
  static Result<Settings> load(const Values& flags, const Lookup& environment,
                               const std::string& config_file) {
    return load(flags, environment, config_file, {});
  }

  [[nodiscard]] const std::string& text(std::string_view name) const;
  [[nodiscard]] std::int64_t count(std::string_view name) const;
  [[nodiscard]] std::uint64_t bytes(std::string_view name) const;
  [[nodiscard]] double fraction(std::string_view name) const;
  [[nodiscard]] std::chrono::milliseconds duration(std::string_view name) const;
  [[nodiscard]] ListenAddress address(std::string_view name) const;
  [[nodiscard]] bool flag(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> secrets(std::string_view name) const;
  /// PARQUET_DIR, which is `parquet` under DATA_DIR unless given.
  [[nodiscard]] std::string parquet_dir() const;
  /// KEYS_FILE, which is `keys` under DATA_DIR unless given.
  [[nodiscard]] std::string keys_file() const;
  /// The keys file and the marker of its use, which is in DATA_DIR, so that neither a lost file nor another
  /// KEYS_FILE opens the API; without a DATA_DIR (`consume`) it is beside the keys file.
  [[nodiscard]] access::KeysPaths keys_paths() const;
  /// librdkafka's properties, as the KAFKA_CONFIG_ settings have them.
  [[nodiscard]] std::map<std::string, std::string> kafka_properties() const;
  /// "flag", "environment", "file" or "default"
  [[nodiscard]] const std::string& origin(std::string_view name) const;
  /// As `load` was given it.
  [[nodiscard]] const std::string& config_file() const { return config_file_; }

  /// The effective value as it may be shown: secrets masked.
  [[nodiscard]] std::string shown(const Setting& setting) const;
  /// Name, effective value and origin of every setting, a line each; secrets masked.
  [[nodiscard]] std::string describe() const;

 private:
  struct Value {
    std::string text;
    std::string origin;
  };
  std::map<std::string, Value, std::less<>> values_;
  std::map<std::string, Value> kafka_config_;
  std::string config_file_;
};

}  // namespace deltadrop::app
