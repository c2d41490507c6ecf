#include "xlsx/shared_strings.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace deltadrop::xlsx {
namespace {

/// The number of strings per group. Only the offset of a group is stored; a lookup walks inside the group.
constexpr std::uint64_t kGroup = 8;
constexpr std::uint64_t kLengthBytesMax = 10;

/// Reads a length in LEB128 and advances `at`.
std::uint64_t read_length(const char*& at) {
  std::uint64_t length = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<std::uint8_t>(*at++);
    length |= std::uint64_t{byte & 0x7FU} << shift;
    if ((byte & 0x80U) == 0) return length;
  }
}

}  // namespace

void SharedStrings::reserve(std::uint64_t bytes) {
  if (bytes <= capacity_) return;
  const std::uint64_t wanted = std::max({bytes, capacity_ + capacity_ / 2, std::uint64_t{1} << 16});
  char* old = bytes_.release();
  auto* grown = static_cast<char*>(std::realloc(old, wanted));
  bytes_.reset(grown != nullptr ? grown : old);
  if (grown == nullptr) throw std::bad_alloc();
  capacity_ = wanted;
}

bool SharedStrings::add(std::string_view text) {
  // While it grows, the list of groups takes up to three times its size.
  const std::uint64_t groups_bytes = 3 * sizeof(std::uint64_t) * (groups_.size() + 1);
  if (used_ + kLengthBytesMax + text.size() + groups_bytes > bytes_max_) return false;
  reserve(used_ + kLengthBytesMax + text.size());
  if (size_ % kGroup == 0) groups_.push_back(used_);
  std::uint64_t length = text.size();
  while (length >= 0x80) {
    bytes_.get()[used_++] = static_cast<char>(0x80U | (length & 0x7FU));
    length >>= 7;
  }
  bytes_.get()[used_++] = static_cast<char>(length);
  if (!text.empty()) std::memcpy(bytes_.get() + used_, text.data(), text.size());
  used_ += text.size();
  ++size_;
  return true;
}

std::optional<std::string_view> SharedStrings::at(std::uint64_t index) const {
  if (index >= size_) return std::nullopt;
  const char* at = bytes_.get() + groups_[index / kGroup];
  std::uint64_t length = read_length(at);
  for (std::uint64_t i = index % kGroup; i > 0; --i) {
    at += length;
    length = read_length(at);
  }
  return std::string_view(at, length);
}

}  // namespace deltadrop::xlsx
