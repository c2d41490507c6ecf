#include "access/keys.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "core/ascii.hpp"
#include "core/split.hpp"
#include "core/text.hpp"
#include "io/file.hpp"
#include "io/lock_file.hpp"
#include "io/sha256.hpp"

namespace deltadrop::access {
namespace {

constexpr std::string_view kPrefix = "dd_";
constexpr std::size_t kIdDigits = 8;
constexpr std::size_t kSecretDigits = 64;
constexpr std::size_t kCheckDigits = 8;
constexpr std::size_t kKeySize = kPrefix.size() + kIdDigits + 1 + kSecretDigits + 1 + kCheckDigits;
constexpr std::size_t kNameBytesMax = 100;
constexpr std::chrono::milliseconds kDiskPatience{250};
constexpr std::string_view kNone = "-";
constexpr std::string_view kMarkerText =
    "Requests to this server need an API key. Remove this file only to allow requests without one.\n";
constexpr std::string_view kHeading =
    "# Keys of Deltadrop: id, SHA-256, role, companies, created, expires, revoked, name. Use `deltadrop "
    "keys`.\n";

struct RoleRow {
  Role role;
  std::string_view name;
};
constexpr auto kRoles =
    std::to_array<RoleRow>({{Role::upload, "upload"}, {Role::read, "read"}, {Role::admin, "admin"}});

Result<std::string> random_hex(std::size_t digits) {
  std::array<unsigned char, kSecretDigits / 2> bytes{};
  const auto count = digits / 2;
  if (::getrandom(bytes.data(), count, 0) != static_cast<ssize_t>(count)) {
    return io::system_error("take random bytes from", "the system", errno);
  }
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

std::string check_digits(std::string_view text) {
  return io::sha256_of(text).to_hex().substr(0, kCheckDigits);
}

std::string_view bytes_of(const Sha256& sum) {
  return {reinterpret_cast<const char*>(sum.bytes.data()), sum.bytes.size()};
}

/// The time does not depend on where the hashes differ.
bool equal_in_constant_time(const Sha256& a, const Sha256& b) {
  return io::equal_in_constant_time(bytes_of(a), bytes_of(b));
}

bool is_pattern(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || c == '.' || c == '_' || c == '-' || c == '*';
  });
}

std::string time_text(const std::optional<Timestamp>& time) {
  return time ? time->to_string() : std::string(kNone);
}

Result<std::optional<Timestamp>> parse_time(std::string_view text) {
  if (text == kNone) return std::optional<Timestamp>();
  DD_TRY(const auto time, Timestamp::parse(text));
  return std::optional(time);
}

std::string line_of(const Key& key) {
  return fmt::format(
      "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", key.id, key.hash.to_hex(), to_string(key.role),
      key.companies.empty() ? std::string(kNone) : fmt::format("{}", fmt::join(key.companies, ",")),
      key.created_at.to_string(), time_text(key.expires_at), time_text(key.revoked_at), key.name);
}

Result<Key> parse_line(std::string_view line) {
  const auto fields = split(line, '\t');
  if (fields.size() != 8) {
    return Error{ErrorCode::corrupt, "bad-keys-file", "it does not have eight tab-separated fields", ""};
  }
  Key key;
  key.id = fields[0];
  DD_TRY(key.hash, Sha256::parse(fields[1]));
  DD_TRY(key.role, parse_role(fields[2]));
  if (fields[3] != kNone) {
    for (const auto company : split(fields[3], ',')) key.companies.emplace_back(company);
  }
  DD_TRY(key.created_at, Timestamp::parse(fields[4]));
  DD_TRY(key.expires_at, parse_time(fields[5]));
  DD_TRY(key.revoked_at, parse_time(fields[6]));
  key.name = fields[7];
  return key;
}

Result<void> write_keys(const std::filesystem::path& file, const std::vector<Key>& keys) {
  std::string text(kHeading);
  for (const auto& key : keys) text += line_of(key);
  return io::write_file_durably(file, text, 0600);
}

/// Locks the file: with two commands at once, the key of one would be lost.
Result<io::LockFile> lock(const std::filesystem::path& file) {
  return io::LockFile::take(file.string() + ".lock");
}

Result<void> check_wish(const KeyWish& wish) {
  for (const auto& pattern : wish.companies) {
    if (is_pattern(pattern)) continue;
    return Error{ErrorCode::invalid_input, "bad-pattern",
                 fmt::format("{} is not a company pattern", quoted_for_message(pattern)),
                 "use the characters of a company name (letters, digits and . _ -), and * for any text"};
  }
  const bool printable = std::none_of(wish.name.begin(), wish.name.end(), is_control);
  if (printable && wish.name.size() <= kNameBytesMax) return success();
  return Error{ErrorCode::invalid_input, "bad-key-name",
               fmt::format("{} is not a key name", quoted_for_message(wish.name)),
               "use up to 100 bytes without control characters"};
}

}  // namespace

std::string_view to_string(Role role) {
  return std::find_if(kRoles.begin(), kRoles.end(), [&](const auto& row) { return row.role == role; })->name;
}

Result<Role> parse_role(std::string_view text) {
  for (const auto& row : kRoles) {
    if (row.name == text) return row.role;
  }
  return Error{ErrorCode::invalid_input, "bad-role",
               fmt::format("{} is not a role", quoted_for_message(text)), "use upload, read or admin"};
}

bool matches_pattern(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool Key::allows(std::string_view company) const {
  return companies.empty() || std::any_of(companies.begin(), companies.end(), [&](const auto& pattern) {
           return matches_pattern(pattern, company);
         });
}

bool is_well_formed_key(std::string_view text) {
  if (text.size() != kKeySize || !text.starts_with(kPrefix)) return false;
  const auto body = text.size() - kCheckDigits - 1;
  return text[body] == '_' && check_digits(text.substr(0, body)) == text.substr(body + 1);
}

Result<std::vector<Key>> read_keys(const std::filesystem::path& file) {
  std::vector<Key> keys;
  const auto read = io::read_whole_file(file);
  if (read.has_error() && read.error().code == ErrorCode::not_found) return keys;
  DD_TRY(const auto text, read);
  int number = 0;
  for (const auto line : split(text, '\n')) {
    ++number;
    if (line.empty() || line.front() == '#') continue;
    auto key = parse_line(line);
    if (key.has_error()) {
      return Error{ErrorCode::corrupt, "bad-keys-file",
                   fmt::format("{} line {} is not a key: {}", file.string(), number, key.error().message),
                   "restore the file from a backup, or remove that line"};
    }
    keys.push_back(std::move(key).value());
  }
  return keys;
}

Result<MadeKey> create_key(const std::filesystem::path& file, const KeyWish& wish, Timestamp now) {
  DD_TRY(check_wish(wish));
  DD_TRY(const auto held, lock(file));
  DD_TRY(auto keys, read_keys(file));
  MadeKey made;
  DD_TRY(made.key.id, random_hex(kIdDigits));
  DD_TRY(const auto secret, random_hex(kSecretDigits));
  made.secret = fmt::format("{}{}_{}", kPrefix, made.key.id, secret);
  made.secret += "_" + check_digits(made.secret);
  made.key.hash = io::sha256_of(made.secret);
  made.key.role = wish.role;
  made.key.companies = wish.companies;
  made.key.created_at = now;
  made.key.expires_at = wish.expires_at;
  made.key.name = wish.name;
  keys.push_back(made.key);
  DD_TRY(write_keys(file, keys));
  return made;
}

Result<Key> revoke_key(const std::filesystem::path& file, std::string_view id, Timestamp now) {
  DD_TRY(const auto held, lock(file));
  DD_TRY(auto keys, read_keys(file));
  for (auto& key : keys) {
    if (key.id != id) continue;
    if (!key.revoked_at) key.revoked_at = now;
    const Key revoked = key;
    DD_TRY(write_keys(file, keys));
    return revoked;
  }
  return Error{ErrorCode::not_found, "no-such-key", fmt::format("there is no key {}", quoted_for_message(id)),
               "list the ids with `deltadrop keys list`"};
}

namespace {

Error keys_missing(const KeysPaths& paths) {
  return {
      ErrorCode::unavailable, "keys-missing",
      fmt::format("the keys file {} is missing or empty, but this server requires keys", paths.file.string()),
      fmt::format("restore it from a backup or create a key with `deltadrop keys create`; to allow requests "
                  "without keys again, remove {}",
                  paths.required_marker.string())};
}

bool is_marked(const KeysPaths& paths) {
  std::error_code failed;
  const bool marked = std::filesystem::exists(paths.required_marker, failed);
  return marked || failed;
}

}  // namespace

Result<bool> keys_are_required(const KeysPaths& paths) {
  DD_TRY(const auto keys, read_keys(paths.file));
  if (!keys.empty()) return true;
  if (is_marked(paths)) return keys_missing(paths);
  return false;
}

KeyRing::KeyRing(KeysPaths paths)
    : paths_(std::move(paths)), probe_(kDiskPatience, std::chrono::steady_clock::duration::max()) {}

Result<bool> KeyRing::has_keys() {
  DD_TRY(refresh());
  const std::lock_guard lock(mutex_);
  if (!keys_.empty()) return true;
  if (marked_) return keys_missing(paths_);
  return false;
}

Result<std::optional<Key>> KeyRing::find(std::string_view secret, Timestamp now,
                                         std::optional<Key>* unusable) {
  DD_TRY(refresh());
  std::optional<Key> found;
  if (!is_well_formed_key(secret)) return found;
  const std::lock_guard lock(mutex_);
  const auto hash = io::sha256_of(secret);
  for (const auto& key : keys_) {
    if (equal_in_constant_time(key.hash, hash) && key.usable(now)) found = key;
    if (unusable != nullptr && !key.usable(now) && equal_in_constant_time(key.hash, hash)) *unusable = key;
  }
  return found;
}

Result<void> KeyRing::refresh() {
  auto seen = probe_.look([this] { return look(); });
  if (seen.answer) return std::move(*seen.answer);
  return Error{ErrorCode::unavailable, "keys-not-there",
               "the disk of KEYS_FILE does not respond, and the keys have not been read before",
               "check the disk of KEYS_FILE"};
}

Result<void> KeyRing::look() {
  std::error_code error;
  std::optional<Stamp> now;
  Stamp stamp;
  stamp.written = std::filesystem::last_write_time(paths_.file, error);
  if (!error) stamp.size = std::filesystem::file_size(paths_.file, error);
  if (!error) now = stamp;
  if (seen_ && *seen_ == now) return success();
  DD_TRY(auto keys, read_keys(paths_.file));
  bool marked = is_marked(paths_);
  if (!keys.empty() && !marked) {
    DD_TRY(io::write_file_durably(paths_.required_marker, kMarkerText));
    marked = true;
  }
  // Set it only after a successful read: each request retries a file that cannot be read.
  seen_ = now;
  const std::lock_guard lock(mutex_);
  keys_ = std::move(keys);
  // If someone removes the marker while the server runs, the server must be restarted.
  marked_ = marked_ || marked;
  return success();
}

}  // namespace deltadrop::access
