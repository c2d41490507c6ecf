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

/// API keys: what a client shows, and the file that knows them. docs/decisions/0016-keys-and-tls.md.
namespace deltadrop::access {

enum class Role : std::uint8_t {
  upload,  ///< sends files, and follows, releases and discards uploads
  read,    ///< reads everything
  admin,   ///< both, and what is for the operator
};
std::string_view to_string(Role role);
/// invalid_input "bad-role".
Result<Role> parse_role(std::string_view text);

/// A key as the file knows it; the secret itself is nowhere.
struct Key {
  std::string id;  ///< 8 hex digits, also in the key
  Sha256 hash;     ///< of the whole key
  Role role = Role::read;
  std::vector<std::string> companies;  ///< patterns with `*`; empty: all
  Timestamp created_at;
  std::optional<Timestamp> expires_at;
  std::optional<Timestamp> revoked_at;
  std::string name;  ///< of who has it; for people

  [[nodiscard]] bool usable(Timestamp now) const { return !revoked_at && (!expires_at || now < *expires_at); }
  /// Whether it may touch this company.
  [[nodiscard]] bool allows(std::string_view company) const;
};

/// Whether `text` is matched by a pattern in which `*` is any text.
bool matches_pattern(std::string_view pattern, std::string_view text);

/// "dd_<id>_<64 hex digits>_<8 hex digits>": the last are the start of the SHA-256 of what is before them, so
/// that a mistyped key, or one in a leaked text, is told without any file.
bool is_well_formed_key(std::string_view text);

struct KeyWish {
  Role role = Role::read;
  std::vector<std::string> companies;
  std::optional<Timestamp> expires_at;
  std::string name;
};

struct MadeKey {
  Key key;
  std::string secret;  ///< to be shown once
};

/// The keys in a file; none where there is no file. corrupt "bad-keys-file".
Result<std::vector<Key>> read_keys(const std::filesystem::path& file);
/// Adds a key. conflict while another command changes the file; invalid_input "bad-pattern", "bad-key-name".
Result<MadeKey> create_key(const std::filesystem::path& file, const KeyWish& wish, Timestamp now);
/// It stays in the file, so that a file whose keys are all revoked still asks for one. not_found
/// "no-such-key".
Result<Key> revoke_key(const std::filesystem::path& file, std::string_view id, Timestamp now);

/// Where the keys are.
struct KeysPaths {
  std::filesystem::path file;
  /// Made by the first server that finds a key in `file`. While it exists, requests need a key, even if
  /// `file` is missing or empty.
  std::filesystem::path required_marker;
};

/// Whether requests need a key. unavailable "keys-missing": the marker exists, and there are no keys; as
/// read_keys otherwise.
Result<bool> keys_are_required(const KeysPaths& paths);

/// The keys of a file, read again when it changes. While its disk does not answer, those that were read
/// before are used. Thread-safe.
class KeyRing {
 public:
  explicit KeyRing(KeysPaths paths);

  /// Whether requests need a key: from the first key on, across restarts, whatever becomes of the file. Fails
  /// as keys_are_required does, and then nobody may be let in.
  Result<bool> has_keys();
  /// The usable key that a client shows. Every hash is compared, each in constant time. `unusable`, if not
  /// null, takes the key that is shown where it has expired or was revoked.
  Result<std::optional<Key>> find(std::string_view secret, Timestamp now,
                                  std::optional<Key>* unusable = nullptr);

 private:
  struct Stamp {
    std::filesystem::file_time_type written;
    std::uintmax_t size = 0;
    bool operator==(const Stamp&) const = default;
  };
  /// unavailable "keys-not-there" where nothing was ever read.
  Result<void> refresh();
  /// On the probe's thread.
  Result<void> look();

  const KeysPaths paths_;
  /// The file as it was last read; none inside: there was no file. By the probe's thread.
  std::optional<std::optional<Stamp>> seen_;
  std::mutex mutex_;  ///< of the two below
  std::vector<Key> keys_;
  bool marked_ = false;
  io::Probe<Result<void>> probe_;  ///< last: it uses the others
};

}  // namespace deltadrop::access
