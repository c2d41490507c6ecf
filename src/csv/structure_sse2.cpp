#include "csv/structure.hpp"
#include "csv/structure_kernel.hpp"

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

// Every x86-64 processor has SSE2, so this needs no compiler flags and no check at run time.
namespace deltadrop::csv {

#if defined(__x86_64__)

namespace {

class Sse2Block {
 public:
  explicit Sse2Block(const char* at) {
    for (unsigned i = 0; i < 4; ++i)
      parts_[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + std::size_t{16} * i));
  }
  Sse2Block(const char* at, std::uint64_t length) {
    alignas(16) char padded[kBlockBytes] = {};
    __builtin_memcpy(padded, at, length);
    for (unsigned i = 0; i < 4; ++i)
      parts_[i] = _mm_load_si128(reinterpret_cast<const __m128i*>(padded + std::size_t{16} * i));
  }

  [[nodiscard]] std::uint64_t equal_to(char byte) const {
    const __m128i pattern = _mm_set1_epi8(byte);
    std::uint64_t bits = 0;
    for (unsigned i = 0; i < 4; ++i) bits |= bits_of(_mm_cmpeq_epi8(parts_[i], pattern)) << (16 * i);
    return bits;
  }
  [[nodiscard]] std::uint64_t unlike(const Sse2Block& other) const {
    std::uint64_t same = 0;
    for (unsigned i = 0; i < 4; ++i) same |= bits_of(_mm_cmpeq_epi8(parts_[i], other.parts_[i])) << (16 * i);
    return ~same;
  }

  [[nodiscard]] std::uint64_t at_most_space() const {
    const __m128i space = _mm_set1_epi8(' ');
    std::uint64_t bits = 0;
    for (unsigned i = 0; i < 4; ++i) {
      bits |= bits_of(_mm_cmpeq_epi8(_mm_min_epu8(parts_[i], space), parts_[i])) << (16 * i);
    }
    return bits;
  }

  static std::uint64_t prefix_xor(std::uint64_t bits) { return prefix_xor_by_shifts(bits); }

 private:
  static std::uint64_t bits_of(__m128i bytes) { return static_cast<std::uint32_t>(_mm_movemask_epi8(bytes)); }

  __m128i parts_[4];
};

}  // namespace

const StructuralScan* sse2_structural_scan() {
  static constexpr StructuralScan kScan = structural_scan_by<Sse2Block>();
  return &kScan;
}

#else

const StructuralScan* sse2_structural_scan() { return nullptr; }

#endif

}  // namespace deltadrop::csv
