#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/result.hpp"
#include "io/time_zone.hpp"

/// Types of settings. A type has `read`, whose Error does not name the setting, and `write`, whose output
/// `read` accepts. A type with secrets has `masked`, which returns the text without them.
namespace deltadrop::app {

/// A host and a port to listen on.
struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;

  [[nodiscard]] bool loopback() const;
  bool operator==(const ListenAddress&) const = default;
};

/// Parses "127.0.0.1:8000", "[::1]:8000", ":8000" and "8000" (both on 127.0.0.1), or "localhost:8000". Fails
/// with invalid_input "bad-setting", like the functions below.
Result<ListenAddress> parse_listen_address(std::string_view text);
/// Parses "250ms", "20s", "5m", "24h" or "30d"; a bare number is in seconds.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
/// Parses "1000000", "64KiB", "1MiB", "5GiB" or "1TiB". Returns bytes.
Result<std::uint64_t> parse_bytes(std::string_view text);

/// Returns invalid_input "bad-setting" with a message such as: "soon" is not a duration.
Error bad_value(std::string_view text, std::string_view expected);

struct TextType {
  static Result<std::string> read(std::string_view text) { return std::string(text); }
  static std::string write(const std::string& value) { return value; }
};

/// A PostgreSQL connection string.
struct ConnectionStringType : TextType {
  static std::string masked(const std::string& text);
};

/// Comma-separated secrets of at least 32 bytes.
struct SecretsType {
  static Result<std::vector<std::string>> read(std::string_view text);
  static std::string write(const std::vector<std::string>& value);
  static std::string masked(const std::string& text);
};

struct FlagType {
  static Result<bool> read(std::string_view text);
  static std::string write(bool value);
};

/// A whole number of at least 1.
struct CountType {
  bool or_default = false;  ///< also accepts -1, which means the server's default

  [[nodiscard]] Result<std::int64_t> read(std::string_view text) const;
  static std::string write(std::int64_t value);
};

struct FractionType {
  static Result<double> read(std::string_view text);
  static std::string write(double value);
};

struct BytesType {
  std::uint64_t max = std::numeric_limits<std::uint64_t>::max();

  [[nodiscard]] Result<std::uint64_t> read(std::string_view text) const;
  static std::string write(std::uint64_t value);
};

struct DurationType {
  bool or_ever = false;  ///< also accepts -1, which means forever

  [[nodiscard]] Result<std::chrono::milliseconds> read(std::string_view text) const;
  static std::string write(std::chrono::milliseconds value);
};

/// "UTC" or a time zone of the IANA database.
struct TimeZoneType {
  static Result<io::TimeZone> read(std::string_view text);
  static std::string write(const io::TimeZone& value) { return value.name(); }
};

struct AddressType {
  static Result<ListenAddress> read(std::string_view text) { return parse_listen_address(text); }
  static std::string write(const ListenAddress& value);
};

template <class Value>
struct Choice {
  std::string_view word;
  Value value;
};

/// One of several words. If two words have the same value, `write` returns the first.
template <class Value>
struct ChoiceType {
  std::span<const Choice<Value>> choices;

  [[nodiscard]] Result<Value> read(std::string_view text) const {
    std::string words;
    for (const auto& choice : choices) {
      if (choice.word == text) return choice.value;
      words.append(words.empty() ? "" : "|").append(choice.word);
    }
    return bad_value(text, "one of " + words);
  }
  [[nodiscard]] std::string write(Value value) const {
    for (const auto& choice : choices) {
      if (choice.value == value) return std::string(choice.word);
    }
    return "";
  }
};

}  // namespace deltadrop::app
