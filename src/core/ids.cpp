#include "core/ids.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <span>

#include "core/ascii.hpp"
#include "core/text.hpp"

namespace deltadrop {
namespace {

/// SHA-1 by OpenSSL, which uses the processor's SHA instructions. Keep one object per thread: fetching the
/// algorithm costs more than one hash.
class Sha1 {
 public:
  Sha1() : algorithm_(EVP_MD_fetch(nullptr, "SHA1", nullptr)), context_(EVP_MD_CTX_new()) {
    must(algorithm_ != nullptr && context_ != nullptr);
  }
  Sha1(const Sha1&) = delete;
  Sha1& operator=(const Sha1&) = delete;
  ~Sha1() {
    EVP_MD_CTX_free(context_);
    EVP_MD_free(algorithm_);
  }

  std::array<std::uint8_t, 20> of(std::span<const std::uint8_t> head, std::string_view tail) {
    std::array<std::uint8_t, 20> sum{};
    must(EVP_DigestInit_ex2(context_, algorithm_, nullptr) == 1);
    must(EVP_DigestUpdate(context_, head.data(), head.size()) == 1);
    must(EVP_DigestUpdate(context_, tail.data(), tail.size()) == 1);
    must(EVP_DigestFinal_ex(context_, sum.data(), nullptr) == 1);
    return sum;
  }

 private:
  /// These calls fail only if memory runs out or if OpenSSL was built without SHA-1.
  static void must(bool done) {
    if (!done) std::abort();
  }

  EVP_MD* algorithm_;
  EVP_MD_CTX* context_;
};

bool hyphen_follows(std::size_t byte) { return byte == 3 || byte == 5 || byte == 7 || byte == 9; }

Error bad_id(std::string_view text, std::string_view expected) {
  return Error{ErrorCode::invalid_input, "bad-id",
               fmt::format("{} is not {}", quoted_for_message(text), expected), "check the id"};
}

}  // namespace

std::array<char, 36> Uuid::to_chars() const {
  std::array<char, 36> text{};
  std::size_t at = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    text[at++] = hex_digit(bytes[i] >> 4U);
    text[at++] = hex_digit(bytes[i]);
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

Result<ArchiveId> ArchiveId::parse(std::string_view text) {
  DD_TRY(auto id, Uuid::parse(text));
  return ArchiveId{id};
}

Result<EventId> EventId::parse(std::string_view text) {
  DD_TRY(auto id, Uuid::parse(text));
  return EventId{id};
}

/// UUIDv5 (RFC 9562, section 5.5): the namespace is the upload id; the name is the seq in decimal.
EventId EventId::of(const UploadId& upload, Seq seq) {
  thread_local Sha1 sha1;
  const fmt::format_int name(seq.value);
  const auto sum = sha1.of(upload.bytes, {name.data(), name.size()});
  EventId id;
  std::copy_n(sum.begin(), id.bytes.size(), id.bytes.begin());
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0F) | 0x50);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3F) | 0x80);
  return id;
}

std::string Sha256::to_hex() const {
  std::string out;
  out.reserve(64);
  for (const auto b : bytes) {
    out += hex_digit(b >> 4U);
    out += hex_digit(b);
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
