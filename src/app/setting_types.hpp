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

/// How the value of a setting is read from text and written as text. A type has `read`, whose Error does not
/// name the setting, and `write`, whose text `read` reads back. One that holds secrets has `masked`: the text
/// as it may be shown.
namespace deltadrop::app {

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

/// "soon" is not a duration
Error bad_value(std::string_view text, std::string_view expected);

struct TextType {
  static Result<std::string> read(std::string_view text) { return std::string(text); }
  static std::string write(const std::string& value) { return value; }
};

/// A connection string of PostgreSQL.
struct ConnectionStringType : TextType {
  static std::string masked(const std::string& text);
};

/// Secrets of at least 32 bytes, with commas between them.
struct SecretsType {
  static Result<std::vector<std::string>> read(std::string_view text);
  static std::string write(const std::vector<std::string>& value);
  static std::string masked(const std::string& text);
};

struct FlagType {
  static Result<bool> read(std::string_view text);
  static std::string write(bool value);
};

/// A whole number from 1.
struct CountType {
  bool or_default = false;  ///< -1 too: what the server does by itself

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
  bool or_ever = false;  ///< -1 too: for ever

  [[nodiscard]] Result<std::chrono::milliseconds> read(std::string_view text) const;
  static std::string write(std::chrono::milliseconds value);
};

/// "UTC", or a zone of the IANA database.
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

/// One of some words. Two words may have the same value, which is written as the first.
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
