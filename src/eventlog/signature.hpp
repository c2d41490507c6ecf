#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Signatures of messages, so that only those who share a key can publish events. docs/event-format.md has
/// the format.
namespace deltadrop::eventlog {

inline constexpr const char* kSignatureHeader = "signature";

/// Thread-safe: it never changes.
class Signatures {
 public:
  /// The first key signs, all of them verify. Without keys nothing is signed and everything is valid.
  explicit Signatures(std::vector<std::string> keys) : keys_(std::move(keys)) {}

  [[nodiscard]] bool enabled() const { return !keys_.empty(); }
  /// The signature of a message, under the first key.
  [[nodiscard]] std::string of(std::string_view key, std::string_view value) const;
  /// Whether `signature` is that of the message under one of the keys.
  [[nodiscard]] bool are_valid(std::string_view signature, std::string_view key,
                               std::string_view value) const;

 private:
  std::vector<std::string> keys_;
};

}  // namespace deltadrop::eventlog
