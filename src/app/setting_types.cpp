#include "app/setting_types.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "core/table_ref.hpp"
#include "core/text.hpp"
#include "history/postgres_history.hpp"

namespace deltadrop::app {
namespace {

constexpr std::string_view kNone = "-1";

/// A number, which may have a decimal point, and the unit after it.
struct Measured {
  double number = 0;
  std::string_view unit;
};

std::optional<Measured> measured(std::string_view text) {
  Measured out;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out.number);
  if (error != std::errc{} || out.number < 0) return std::nullopt;
  out.unit = text.substr(static_cast<std::size_t>(end - text.data()));
  return out;
}

Result<std::int64_t> parse_count(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1) {
    return bad_value(text, "a whole number from 1");
  }
  return value;
}

}  // namespace

Error bad_value(std::string_view text, std::string_view expected) {
  return {ErrorCode::invalid_input, "bad-setting",
          fmt::format("{} is not {}", quoted_for_message(text), expected), ""};
}

bool ListenAddress::loopback() const {
  return host == "::1" || host == "localhost" || host.starts_with("127.");
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto colon = text.rfind(':');
  std::string_view host = colon == std::string_view::npos ? "" : text.substr(0, colon);
  const std::string_view port = colon == std::string_view::npos ? text : text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  ListenAddress out{host.empty() ? "127.0.0.1" : std::string(host), 0};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (port.empty() || error != std::errc{} || end != port.data() + port.size()) {
    return bad_value(text, "an address such as 127.0.0.1:8000");
  }
  return out;
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, double>, 6> kUnits = {
      {{"", 1e3}, {"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}}};
  if (const auto parsed = measured(text)) {
    for (const auto& [unit, unit_ms] : kUnits) {
      const double total_ms = parsed->number * unit_ms;
      if (unit == parsed->unit && total_ms < 1e15)
        return std::chrono::milliseconds(static_cast<std::int64_t>(total_ms));
    }
  }
  return bad_value(text, "a duration such as 30, 500ms, 10s, 5m, 24h or 30d");
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, int>, 5> kUnits = {
      {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}}};
  if (const auto parsed = measured(text)) {
    for (const auto& [unit, shift] : kUnits) {
      const double total = parsed->number * static_cast<double>(std::uint64_t{1} << shift);
      if (unit == parsed->unit && total >= 1 && total < 9e18) return static_cast<std::uint64_t>(total);
    }
  }
  return bad_value(text, "a size such as 1000000, 64KiB, 1MiB or 5GiB");
}

std::string ConnectionStringType::masked(const std::string& text) {
  return history::postgres::masked_url(text);
}

// The error message must not contain the secrets.
Result<std::vector<std::string>> SecretsType::read(std::string_view text) {
  constexpr std::size_t kSecretBytesMin = 32;
  std::vector<std::string> secrets;
  for (std::size_t at = 0; !text.empty() && at <= text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    secrets.emplace_back(text.substr(at, end - at));
    if (secrets.back().size() < kSecretBytesMin) {
      return Error{ErrorCode::invalid_input, "bad-setting",
                   fmt::format("secret {} has {}, fewer than {}", secrets.size(),
                               counted(secrets.back().size(), "byte"), kSecretBytesMin),
                   ""};
    }
    at = end + 1;
  }
  return secrets;
}

std::string SecretsType::write(const std::vector<std::string>& value) {
  return fmt::format("{}", fmt::join(value, ","));
}

Result<io::TimeZone> TimeZoneType::read(std::string_view text) {
  auto found = io::TimeZone::find(text);
  if (found.has_value()) return found;
  return bad_value(
      text, "a time zone of this machine's database (package tzdata); use a name such as Europe/Zurich");
}

std::string SecretsType::masked(const std::string& text) { return text.empty() ? "" : "***"; }

Result<bool> FlagType::read(std::string_view text) {
  const auto lower = ascii_lower(text);
  if (lower == "true" || lower == "1" || lower == "yes") return true;
  if (lower == "false" || lower == "0" || lower == "no") return false;
  return bad_value(text, "true or false");
}

std::string FlagType::write(bool value) { return value ? "true" : "false"; }

Result<std::int64_t> CountType::read(std::string_view text) const {
  if (!or_default) return parse_count(text);
  if (text == kNone) return -1;
  if (auto value = parse_count(text)) return value;
  return bad_value(text, "a whole number from 1, or -1");
}

std::string CountType::write(std::int64_t value) { return std::to_string(value); }

Result<double> FractionType::read(std::string_view text) {
  const auto parsed = measured(text);
  if (!parsed || !parsed->unit.empty() || parsed->number > 1) return bad_value(text, "a number from 0 to 1");
  return parsed->number;
}

std::string FractionType::write(double value) { return fmt::format("{}", value); }

Result<std::uint64_t> BytesType::read(std::string_view text) const {
  DD_TRY(const auto bytes, parse_bytes(text));
  if (bytes > max) return bad_value(text, fmt::format("a size of at most {}", write(max)));
  return bytes;
}

std::string BytesType::write(std::uint64_t value) {
  static constexpr std::array<std::pair<std::string_view, int>, 4> kUnits = {
      {{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}}};
  for (const auto& [unit, shift] : kUnits) {
    const auto number = value >> shift;
    if (number > 0 && number << shift == value) return fmt::format("{}{}", number, unit);
  }
  return std::to_string(value);
}

Result<std::chrono::milliseconds> DurationType::read(std::string_view text) const {
  if (!or_ever) return parse_duration(text);
  if (text == kNone) return std::chrono::milliseconds(-1);
  if (auto value = parse_duration(text)) return value;
  return bad_value(text, "a duration such as 12h or 30d, or -1");
}

std::string DurationType::write(std::chrono::milliseconds value) {
  struct Unit {
    std::string_view name;
    std::int64_t ms;
    std::int64_t number_min;  ///< the minimum number: a day is written as 24h, and a minute as 60s
  };
  static constexpr std::array<Unit, 4> kUnits = {
      {{"d", 86'400'000, 2}, {"h", 3'600'000, 1}, {"m", 60'000, 2}, {"s", 1'000, 1}}};
  const std::int64_t total_ms = value.count();
  if (total_ms < 0) return std::string(kNone);
  for (const auto& unit : kUnits) {
    const auto number = total_ms / unit.ms;
    if (number >= unit.number_min && number * unit.ms == total_ms) {
      return fmt::format("{}{}", number, unit.name);
    }
  }
  return fmt::format("{}ms", total_ms);
}

std::string AddressType::write(const ListenAddress& value) {
  const bool is_ipv6 = value.host.find(':') != std::string::npos;
  return is_ipv6 ? fmt::format("[{}]:{}", value.host, value.port)
                 : fmt::format("{}:{}", value.host, value.port);
}

}  // namespace deltadrop::app
