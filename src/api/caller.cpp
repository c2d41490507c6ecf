#include "api/caller.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "core/number.hpp"
#include "core/table_ref.hpp"
#include "core/text.hpp"
#include "http/head.hpp"
#include "http/preconditions.hpp"

namespace deltadrop::api {
namespace {

constexpr std::size_t kKeyBytesMax = 255;
constexpr std::int64_t kWaitSecondsMax = 3600;

Error bad_key(std::string_view value) {
  return {
      ErrorCode::invalid_input, "bad-idempotency-key",
      fmt::format("Idempotency-Key cannot be {}", quoted_for_message(value)),
      fmt::format("send one key of 1 to {} printable ASCII characters, such as a UUID; quotes around it are "
                  "not part of it",
                  kKeyBytesMax)};
}

/// Parses an RFC 8941 string, or the bare token that most clients send.
Result<std::string> parse_key(std::string_view value) {
  std::string key;
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    const auto inner = value.substr(1, value.size() - 2);
    for (std::size_t i = 0; i < inner.size(); ++i) {
      if (inner[i] == '"') return bad_key(value);
      if (inner[i] == '\\') {
        ++i;
        if (i == inner.size() || (inner[i] != '"' && inner[i] != '\\')) return bad_key(value);
      }
      key += inner[i];
    }
  } else {
    key = value;
    if (key.find_first_of("\", ") != std::string::npos) return bad_key(value);
  }
  const bool printable = std::all_of(key.begin(), key.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
  if (key.empty() || key.size() > kKeyBytesMax || !printable) return bad_key(value);
  return key;
}

/// Removes the next element from `rest` and returns it. Separators inside quoted strings do not count.
std::string_view take_element(std::string_view& rest, char separator) {
  bool quoted = false;
  std::size_t i = 0;
  for (; i < rest.size(); ++i) {
    if (rest[i] == '\\' && quoted) {
      ++i;
    } else if (rest[i] == '"') {
      quoted = !quoted;
    } else if (rest[i] == separator && !quoted) {
      break;
    }
  }
  const auto element = trim_blanks(rest.substr(0, i));
  rest = i < rest.size() ? rest.substr(i + 1) : std::string_view{};
  return element;
}

struct Preferences {
  bool respond_async = false;
  std::optional<std::int64_t> wait_seconds;
};

void read_preference(std::string_view text, Preferences& preferences) {
  // Parameters of the preference follow a semicolon.
  std::string_view rest = take_element(text, ';');
  const auto name = ascii_lower(take_element(rest, '='));
  auto value = trim_blanks(rest);
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
    value = value.substr(1, value.size() - 2);
  if (name == "respond-async") preferences.respond_async = true;
  if (name != "wait" || preferences.wait_seconds) return;
  const auto seconds = parse_integer<std::int64_t>(value);
  if (seconds && *seconds >= 0) preferences.wait_seconds = std::min(*seconds, kWaitSecondsMax);
}

/// Returns the files that the entity tags name. A tag that is not a SHA-256 matches no file.
std::optional<ingest::FileSet> files_of(const std::optional<http::EntityTags>& tags) {
  if (!tags) return std::nullopt;
  ingest::FileSet files{tags->any, {}};
  for (const auto& tag : tags->opaque) {
    const auto parsed = Sha256::parse(tag);
    if (parsed.has_value()) files.sha256s.push_back(parsed.value());
  }
  return files;
}

}  // namespace

Result<ingest::Caller> caller_of(const http::Request& request) {
  ingest::Caller caller;
  caller.request_id = request.id;
  caller.stop = request.stop;
  if (request.key) {
    auto companies = request.key->companies;
    std::sort(companies.begin(), companies.end());
    caller.key_scope = fmt::format("{}", fmt::join(companies, ","));
  }
  const auto keys = request.all_headers("idempotency-key");
  if (keys.size() > 1) return bad_key(keys[1]);
  if (!keys.empty()) {
    DD_TRY(caller.idempotency_key, parse_key(trim_blanks(keys.front())));
  }
  Preferences preferences;
  for (const auto& field : request.all_headers("prefer")) {
    for (std::string_view rest = field; !rest.empty();) read_preference(take_element(rest, ','), preferences);
  }
  if (preferences.respond_async) {
    caller.publish_wait = std::chrono::seconds(preferences.wait_seconds.value_or(0));
  }
  return caller;
}

ingest::Precondition precondition_of(const http::Request& request) {
  return {files_of(http::if_match(request)), files_of(http::if_none_match(request))};
}

void note_caller(http::Response& response, const ingest::Caller& caller, const ingest::UploadReport& report) {
  if (caller.publish_wait && response.status == 202) {
    response.headers.emplace_back("Preference-Applied", "respond-async");
  }
  if (report.replayed) response.headers.emplace_back("Idempotency-Replayed", "true");
}

}  // namespace deltadrop::api
