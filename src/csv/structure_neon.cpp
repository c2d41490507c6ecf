#include "csv/structure.hpp"
#include "csv/structure_kernel.hpp"

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

// Every 64-bit Arm processor has NEON, so this needs no compiler flags and no check at run time.
namespace deltadrop::csv {

#if defined(__aarch64__)

namespace {

class NeonBlock {
 public:
  explicit NeonBlock(const char* at) : parts_(vld1q_u8_x4(reinterpret_cast<const std::uint8_t*>(at))) {}
  NeonBlock(const char* at, std::uint64_t length) {
    alignas(16) std::uint8_t padded[kBlockBytes] = {};
    __builtin_memcpy(padded, at, length);
    parts_ = vld1q_u8_x4(padded);
  }

  [[nodiscard]] std::uint64_t equal_to(char byte) const {
    const uint8x16_t pattern = vdupq_n_u8(static_cast<std::uint8_t>(byte));
    return bits_of(vceqq_u8(parts_.val[0], pattern), vceqq_u8(parts_.val[1], pattern),
                   vceqq_u8(parts_.val[2], pattern), vceqq_u8(parts_.val[3], pattern));
  }
  [[nodiscard]] std::uint64_t unlike(const NeonBlock& other) const {
    return ~bits_of(
        vceqq_u8(parts_.val[0], other.parts_.val[0]), vceqq_u8(parts_.val[1], other.parts_.val[1]),
        vceqq_u8(parts_.val[2], other.parts_.val[2]), vceqq_u8(parts_.val[3], other.parts_.val[3]));
  }

  [[nodiscard]] std::uint64_t at_most_space() const {
    const uint8x16_t space = vdupq_n_u8(' ');
    return bits_of(vcleq_u8(parts_.val[0], space), vcleq_u8(parts_.val[1], space),
                   vcleq_u8(parts_.val[2], space), vcleq_u8(parts_.val[3], space));
  }

  static std::uint64_t prefix_xor(std::uint64_t bits) { return prefix_xor_by_shifts(bits); }

 private:
  /// Replaces the movemask that NEON lacks: each byte keeps the bit of its position modulo eight, and three
  /// pairwise additions combine the bytes.
  static std::uint64_t bits_of(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d) {
    constexpr std::uint8_t kPlaces[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t places = vld1q_u8(kPlaces);
    const uint8x16_t low = vpaddq_u8(vandq_u8(a, places), vandq_u8(b, places));
    const uint8x16_t high = vpaddq_u8(vandq_u8(c, places), vandq_u8(d, places));
    const uint8x16_t pairs = vpaddq_u8(low, high);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(pairs, pairs)), 0);
  }

  uint8x16x4_t parts_;
};

}  // namespace

const StructuralScan* neon_structural_scan() {
  static constexpr StructuralScan kScan = structural_scan_by<NeonBlock>();
  return &kScan;
}

#else

const StructuralScan* neon_structural_scan() { return nullptr; }

#endif

}  // namespace deltadrop::csv
