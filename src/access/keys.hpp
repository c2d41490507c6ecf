#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"
#include "core/timestamp.hpp"
#include "io/probe.hpp"

/// API keys: the secrets that clients send, and the file that stores their hashes. See
/// docs/decisions/0016-keys-and-tls.md.
namespace deltadrop::access {

enum class Role : std::uint8_t {
  upload,  ///< sends files; follows, releases and discards uploads
  read,    ///< reads everything
  admin,   ///< both of the above, and operator actions
};
std::string_view to_string(Role role);
/// Fails with invalid_input, type "bad-role".
Result<Role> parse_role(std::string_view text);

/// A key as the file stores it. The secret itself is not stored anywhere.
struct Key {
  std::string id;  ///< 8 hex digits, which the key also contains
  Sha256 hash;     ///< of the complete key
  Role role = Role::read;
  std::vector<std::string> companies;  ///< patterns with `*`; empty means all
  Timestamp created_at;
  std::optional<Timestamp> expires_at;
  std::optional<Timestamp> revoked_at;
  std::string name;  ///< the holder's name, for people

  [[nodiscard]] bool usable(Timestamp now) const { return !revoked_at && (!expires_at || now < *expires_at); }
  /// Returns whether the key may access this company.
  [[nodiscard]] bool allows(std::string_view company) const;
};

/// Returns whether `pattern` matches all of `text`. `*` matches any text.
bool matches_pattern(std::string_view pattern, std::string_view text);

/// Returns whether `text` has the form "dd_<id>_<64 hex digits>_<8 hex digits>". The last 8 digits are the
/// start of the SHA-256 of the text before their underscore, so a mistyped or leaked key can be recognised
/// without the keys file.
bool is_well_formed_key(std::string_view text);

struct KeyWish {
  Role role = Role::read;
  std::vector<std::string> companies;
  std::optional<Timestamp> expires_at;
  std::string name;
};

struct MadeKey {
  Key key;
  std::string secret;  ///< shown once
};

/// Returns the keys in a file, or none if the file does not exist. Fails with corrupt, type "bad-keys-file".
Result<std::vector<Key>> read_keys(const std::filesystem::path& file);
/// Adds a key. Fails with conflict if another command is changing the file; with invalid_input, type
/// "bad-pattern" or "bad-key-name".
Result<MadeKey> create_key(const std::filesystem::path& file, const KeyWish& wish, Timestamp now);
/// Marks a key as revoked. It stays in the file, so that a file whose keys are all revoked still requires a
/// key. Fails with not_found, type "no-such-key".
Result<Key> revoke_key(const std::filesystem::path& file, std::string_view id, Timestamp now);

/// The files of the keys.
struct KeysPaths {
  std::filesystem::path file;
  /// Created by the first server that finds a key in `file`. While it exists, requests need a key even if
  /// `file` is missing or empty.
  std::filesystem::path required_marker;
};

/// Returns whether requests need a key. Fails with unavailable, type "keys-missing", if the marker exists but
/// there are no keys; otherwise fails like read_keys.
Result<bool> keys_are_required(const KeysPaths& paths);

/// The keys of a file. Reads it again when it changes. While its disk does not respond, uses the keys that
/// were read last. Thread-safe.
class KeyRing {
 public:
  explicit KeyRing(KeysPaths paths);

  /// Returns whether requests need a key: true once there has been a key, across restarts, whatever happens
  /// to the file. Fails like keys_are_required; the caller must then reject every request.
  Result<bool> has_keys();
  /// Returns the usable key with this secret. Compares every hash, each in constant time. `unusable`, if not
  /// null, receives the key if it has expired or was revoked.
  Result<std::optional<Key>> find(std::string_view secret, Timestamp now,
                                  std::optional<Key>* unusable = nullptr);

 private:
  struct Stamp {
    std::filesystem::file_time_type written;
    std::uintmax_t size = 0;
    bool operator==(const Stamp&) const = default;
  };
  /// Fails with unavailable, type "keys-not-there", if the keys were never read.
  Result<void> refresh();
  /// Reads the file if it changed. Runs on the probe's thread.
  Result<void> look();

  const KeysPaths paths_;
  /// The stamp of the file at the last read. An empty inner value means that there was no file. Only the
  /// probe's thread uses it.
  std::optional<std::optional<Stamp>> seen_;
  std::mutex mutex_;  ///< protects the next two members
  std::vector<Key> keys_;
  bool marked_ = false;
  io::Probe<Result<void>> probe_;  ///< last, because it uses the other members
};

}  // namespace deltadrop::access
