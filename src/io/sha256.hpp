#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "core/ids.hpp"

namespace deltadrop::io {

/// Computes the SHA-256 (FIPS 180-4) of bytes that arrive in pieces.
class Sha256Hasher {
 public:
  Sha256Hasher();
  ~Sha256Hasher();
  Sha256Hasher(Sha256Hasher&&) noexcept;
  Sha256Hasher& operator=(Sha256Hasher&&) noexcept;

  void update(std::span<const std::byte> bytes);
  /// Returns the hash. Do not call any method afterwards.
  Sha256 finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Sha256 sha256_of(std::string_view bytes);

/// The HMAC-SHA-256 (RFC 2104) of `text` under `key`.
Sha256 hmac_sha256_of(std::string_view key, std::string_view text);
/// Takes the same time wherever the texts differ, so that a comparison with a secret does not reveal how much
/// of a guess is right.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace deltadrop::io
