#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Message signatures, so that only holders of a shared key can publish events. docs/event-format.md defines
/// the format.
namespace deltadrop::eventlog {

inline constexpr const char* kSignatureHeader = "signature";

/// Immutable and therefore thread-safe.
class Signatures {
 public:
  /// The first key signs; all of them verify. Without keys, signing is disabled.
  explicit Signatures(std::vector<std::string> keys) : keys_(std::move(keys)) {}

  [[nodiscard]] bool enabled() const { return !keys_.empty(); }
  /// Returns the signature of a message under the first key. Call it only if enabled().
  [[nodiscard]] std::string of(std::string_view key, std::string_view value) const;
  /// Returns whether `signature` is valid for the message under one of the keys.
  [[nodiscard]] bool are_valid(std::string_view signature, std::string_view key,
                               std::string_view value) const;

 private:
  std::vector<std::string> keys_;
};

}  // namespace deltadrop::eventlog
