#include "csv/structure.hpp"
#include "csv/structure_kernel.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Compiled for AVX-512BW, carry-less multiplication, BMI and POPCNT (src/csv/CMakeLists.txt); only
// avx512_structural_scan may be called on any machine.
namespace deltadrop::csv {

#if defined(__x86_64__)

namespace {

class Avx512Block {
 public:
  explicit Avx512Block(const char* at) : bytes_(_mm512_loadu_si512(at)) {}
  Avx512Block(const char* at, std::uint64_t length)
      : bytes_(_mm512_maskz_loadu_epi8(bits_below(static_cast<unsigned>(length)), at)) {}

  [[nodiscard]] std::uint64_t equal_to(char byte) const {
    return _mm512_cmpeq_epi8_mask(bytes_, _mm512_set1_epi8(byte));
  }
  [[nodiscard]] std::uint64_t unlike(const Avx512Block& other) const {
    return _mm512_cmpneq_epi8_mask(bytes_, other.bytes_);
  }

  [[nodiscard]] std::uint64_t at_most_space() const {
    return _mm512_cmple_epu8_mask(bytes_, _mm512_set1_epi8(' '));
  }

  static std::uint64_t prefix_xor(std::uint64_t bits) { return prefix_xor_by_clmul(bits); }

 private:
  __m512i bytes_;
};

}  // namespace

const StructuralScan* avx512_structural_scan() {
  static constexpr StructuralScan kScan = structural_scan_by<Avx512Block>();
  const bool here = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                    __builtin_cpu_supports("pclmul") != 0 && __builtin_cpu_supports("bmi") != 0 &&
                    __builtin_cpu_supports("popcnt") != 0;
  return here ? &kScan : nullptr;
}

#else

const StructuralScan* avx512_structural_scan() { return nullptr; }

#endif

}  // namespace deltadrop::csv
