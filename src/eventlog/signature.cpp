#include "eventlog/signature.hpp"

#include <fmt/format.h>

#include "io/sha256.hpp"

namespace deltadrop::eventlog {
namespace {

/// Signs the key's length too, so that no byte can move between key and value.
std::string signed_text(std::string_view key, std::string_view value) {
  std::string text = fmt::format("{}:", key.size());
  text.reserve(text.size() + key.size() + value.size());
  text += key;
  text += value;
  return text;
}

}  // namespace

std::string Signatures::of(std::string_view key, std::string_view value) const {
  return io::hmac_sha256_of(keys_.front(), signed_text(key, value)).to_hex();
}

bool Signatures::are_valid(std::string_view signature, std::string_view key, std::string_view value) const {
  const std::string text = signed_text(key, value);
  bool valid = false;
  // Try every key, so that the time does not reveal which one matches.
  for (const auto& each : keys_) {
    valid |= io::equal_in_constant_time(io::hmac_sha256_of(each, text).to_hex(), signature);
  }
  return valid;
}

}  // namespace deltadrop::eventlog
