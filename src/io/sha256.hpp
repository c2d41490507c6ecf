#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "core/ids.hpp"

namespace deltadrop::io {

/// SHA-256 (FIPS 180-4) of bytes that come in pieces.
class Sha256Hasher {
 public:
  Sha256Hasher();
  ~Sha256Hasher();
  Sha256Hasher(Sha256Hasher&&) noexcept;
  Sha256Hasher& operator=(Sha256Hasher&&) noexcept;

  void update(std::span<const std::byte> bytes);
  /// Ends the hash; further calls are a bug.
  Sha256 finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Sha256 sha256_of(std::string_view bytes);

/// HMAC (RFC 2104) with SHA-256 of `text` under `key`.
Sha256 hmac_sha256_of(std::string_view key, std::string_view text);
/// Takes as long wherever they differ: what is compared with a secret must not tell how much of it was
/// guessed.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace deltadrop::io
