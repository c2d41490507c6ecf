#include "core/ids.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid.hpp>

namespace deltadrop {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

std::optional<std::uint8_t> hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

bool hyphen_follows(std::size_t byte) { return byte == 3 || byte == 5 || byte == 7 || byte == 9; }

Error bad_id(std::string_view text, std::string_view expected) {
  return Error{ErrorCode::invalid_input, "bad-id", fmt::format("\"{}\" is not {}", text, expected),
               "check the id"};
}

}  // namespace

std::array<char, 36> Uuid::to_chars() const {
  std::array<char, 36> text{};
  std::size_t at = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    text[at++] = kHexDigits[bytes[i] >> 4];
    text[at++] = kHexDigits[bytes[i] & 15];
    if (hyphen_follows(i)) text[at++] = '-';
  }
  return text;
}

std::string Uuid::to_string() const {
  const auto text = to_chars();
  return {text.data(), text.size()};
}

Result<Uuid> Uuid::parse(std::string_view text) {
  Uuid id;
  std::size_t at = 0;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    if (at + 2 > text.size()) return bad_id(text, "a UUID");
    const auto high = hex_value(text[at]);
    const auto low = hex_value(text[at + 1]);
    if (!high || !low) return bad_id(text, "a UUID");
    id.bytes[i] = static_cast<std::uint8_t>(*high << 4 | *low);
    at += 2;
    if (!hyphen_follows(i)) continue;
    if (at >= text.size() || text[at] != '-') return bad_id(text, "a UUID");
    ++at;
  }
  if (at != text.size()) return bad_id(text, "a UUID");
  return id;
}

Result<UploadId> UploadId::parse(std::string_view text) {
  DD_TRY(auto id, Uuid::parse(text));
  return UploadId{id};
}

Result<EventId> EventId::parse(std::string_view text) {
  DD_TRY(auto id, Uuid::parse(text));
  return EventId{id};
}

EventId EventId::of(const UploadId& upload, Seq seq) {
  boost::uuids::uuid name_space;
  std::copy(upload.bytes.begin(), upload.bytes.end(), name_space.begin());
  const auto made = boost::uuids::name_generator_sha1(name_space)(std::to_string(seq.value));
  EventId id;
  std::copy(made.begin(), made.end(), id.bytes.begin());
  return id;
}

std::string Sha256::to_hex() const {
  std::string out;
  out.reserve(64);
  for (const auto b : bytes) {
    out += kHexDigits[b >> 4];
    out += kHexDigits[b & 15];
  }
  return out;
}

Result<Sha256> Sha256::parse(std::string_view hex) {
  Sha256 sum;
  if (hex.size() != 64) return bad_id(hex, "a SHA-256");
  for (std::size_t i = 0; i < sum.bytes.size(); ++i) {
    const auto high = hex_value(hex[2 * i]);
    const auto low = hex_value(hex[2 * i + 1]);
    if (!high || !low) return bad_id(hex, "a SHA-256");
    sum.bytes[i] = static_cast<std::uint8_t>(*high << 4 | *low);
  }
  return sum;
}

std::string file_id_of(std::string_view company_id, const Sha256& sha256) {
  return fmt::format("{}_{}", company_id, sha256.to_hex().substr(0, 8));
}

}  // namespace deltadrop
