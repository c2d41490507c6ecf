#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "core/strong.hpp"

namespace deltadrop {

/// 16 bytes of a UUID (RFC 9562), in network order; byte order is text order.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;
  /// 36 lower-case characters.
  [[nodiscard]] std::string to_string() const;
  /// What to_string gives.
  [[nodiscard]] std::array<char, 36> to_chars() const;
  /// Any case. Fails with invalid_input, type "bad-id".
  static Result<Uuid> parse(std::string_view text);
};

/// Names an upload; a UUIDv7, made once when the upload is first held or accepted.
struct UploadId : Uuid {
  static Result<UploadId> parse(std::string_view text);
};

/// Names an archive (the DATA_DIR of one `serve` or `dev`, and its copies); made once, at its first start.
struct ArchiveId : Uuid {
  static Result<ArchiveId> parse(std::string_view text);
};

/// Names an event: UUIDv5 (RFC 9562, SHA-1) in the namespace of its upload, of its seq in decimal.
struct EventId : Uuid {
  static EventId of(const UploadId& upload, Seq seq);
  static Result<EventId> parse(std::string_view text);
};

/// SHA-256 of a file's expanded bytes.
struct Sha256 {
  std::array<std::uint8_t, 32> bytes{};

  auto operator<=>(const Sha256&) const = default;
  /// 64 lower-case hex digits.
  [[nodiscard]] std::string to_hex() const;
  static Result<Sha256> parse(std::string_view hex);
};

/// `company_id` + "_" + first 8 hex digits of the SHA-256, as in `so-financials_a1b2c3d4`.
std::string file_id_of(std::string_view company_id, const Sha256& sha256);

}  // namespace deltadrop

template <>
struct std::hash<deltadrop::UploadId> {
  std::size_t operator()(const deltadrop::UploadId& id) const noexcept {
    return std::hash<std::string_view>{}(
        std::string_view(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()));
  }
};
