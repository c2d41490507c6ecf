#include "csv/structure.hpp"

#include <bit>

#include "csv/structure_kernel.hpp"

namespace deltadrop::csv {
namespace {

static_assert(std::endian::native == std::endian::little, "bit i of a block is byte i");

/// Reads eight bytes at a time in general-purpose registers.
class PortableBlock {
 public:
  explicit PortableBlock(const char* at) { __builtin_memcpy(words_, at, sizeof words_); }
  PortableBlock(const char* at, std::uint64_t length) { __builtin_memcpy(words_, at, length); }

  [[nodiscard]] std::uint64_t equal_to(char byte) const {
    const std::uint64_t pattern = kOnes * static_cast<unsigned char>(byte);
    std::uint64_t bits = 0;
    for (unsigned i = 0; i < 8; ++i) bits |= zero_bytes(words_[i] ^ pattern) << (8 * i);
    return bits;
  }
  [[nodiscard]] std::uint64_t unlike(const PortableBlock& other) const {
    std::uint64_t same = 0;
    for (unsigned i = 0; i < 8; ++i) same |= zero_bytes(words_[i] ^ other.words_[i]) << (8 * i);
    return ~same;
  }

  [[nodiscard]] std::uint64_t at_most_space() const {
    std::uint64_t more = 0;
    for (unsigned i = 0; i < 8; ++i) {
      // The high bit of each byte is set if the byte is greater than a space.
      const std::uint64_t greater = ((words_[i] & kOnes * 0x7F) + kOnes * 0x5F) | words_[i];
      more |= (((greater & kOnes * 0x80) >> 7) * 0x0102040810204080) >> 56 << (8 * i);
    }
    return ~more;
  }

  static std::uint64_t prefix_xor(std::uint64_t bits) { return prefix_xor_by_shifts(bits); }

 private:
  static constexpr std::uint64_t kOnes = 0x0101010101010101;

  /// Returns a mask in which bit i is set if byte i is zero.
  static std::uint64_t zero_bytes(std::uint64_t word) {
    constexpr std::uint64_t kLow = kOnes * 0x7F;
    // The high bit of each byte is set if and only if the byte is zero.
    const std::uint64_t zero = ~(((word & kLow) + kLow) | word | kLow);
    // The multiplication collects the eight bits in the highest byte.
    return ((zero >> 7) * 0x0102040810204080) >> 56;
  }

  std::uint64_t words_[8] = {};
};

}  // namespace

const StructuralScan& portable_structural_scan() {
  static constexpr StructuralScan kScan = structural_scan_by<PortableBlock>();
  return kScan;
}

const StructuralScan& structural_scan() {
  static const StructuralScan& fastest = []() -> const StructuralScan& {
    for (const auto* scan :
         {avx512_structural_scan(), avx2_structural_scan(), sse2_structural_scan(), neon_structural_scan()}) {
      if (scan != nullptr) return *scan;
    }
    return portable_structural_scan();
  }();
  return fastest;
}

}  // namespace deltadrop::csv
