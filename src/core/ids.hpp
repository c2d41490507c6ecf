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

/// A UUID (RFC 9562): 16 bytes in network order. Comparing the bytes orders UUIDs as their text does.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;
  /// 36 characters in lower case.
  [[nodiscard]] std::string to_string() const;
  /// The characters of to_string, without an allocation.
  [[nodiscard]] std::array<char, 36> to_chars() const;
  /// Accepts upper and lower case. Fails with invalid_input, type "bad-id".
  static Result<Uuid> parse(std::string_view text);
};

/// Identifies an upload: a UUIDv7, generated once, when the upload is first held or accepted.
struct UploadId : Uuid {
  static Result<UploadId> parse(std::string_view text);
};

/// Identifies an archive (the DATA_DIR of one `serve` or `dev` and its copies). Generated once, at the first
/// start.
struct ArchiveId : Uuid {
  static Result<ArchiveId> parse(std::string_view text);
};

/// Identifies an event: a UUIDv5 (RFC 9562, SHA-1) whose namespace is the upload id and whose name is the seq
/// in decimal.
struct EventId : Uuid {
  static EventId of(const UploadId& upload, Seq seq);
  static Result<EventId> parse(std::string_view text);
};

/// The SHA-256 of a file's expanded bytes.
struct Sha256 {
  std::array<std::uint8_t, 32> bytes{};

  auto operator<=>(const Sha256&) const = default;
  /// 64 hex digits in lower case.
  [[nodiscard]] std::string to_hex() const;
  static Result<Sha256> parse(std::string_view hex);
};

/// Returns `company_id` + "_" + the first 8 hex digits of the SHA-256, as in `so-financials_a1b2c3d4`.
std::string file_id_of(std::string_view company_id, const Sha256& sha256);

}  // namespace deltadrop

template <>
struct std::hash<deltadrop::UploadId> {
  std::size_t operator()(const deltadrop::UploadId& id) const noexcept {
    return std::hash<std::string_view>{}(
        std::string_view(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()));
  }
};
