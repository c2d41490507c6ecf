#include "csv/structure.hpp"
#include "csv/structure_kernel.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Compiled for AVX2, carry-less multiplication, BMI and POPCNT (src/csv/CMakeLists.txt); only
// avx2_structural_scan may be called on any machine.
namespace deltadrop::csv {

#if defined(__x86_64__)

namespace {

class Avx2Block {
 public:
  explicit Avx2Block(const char* at)
      : low_(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at))),
        high_(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 32))) {}
  Avx2Block(const char* at, std::uint64_t length) {
    alignas(32) char padded[kBlockBytes] = {};
    __builtin_memcpy(padded, at, length);
    low_ = _mm256_load_si256(reinterpret_cast<const __m256i*>(padded));
    high_ = _mm256_load_si256(reinterpret_cast<const __m256i*>(padded + 32));
  }

  [[nodiscard]] std::uint64_t equal_to(char byte) const {
    const __m256i pattern = _mm256_set1_epi8(byte);
    return bits_of(_mm256_cmpeq_epi8(low_, pattern), _mm256_cmpeq_epi8(high_, pattern));
  }
  [[nodiscard]] std::uint64_t unlike(const Avx2Block& other) const {
    const __m256i low = _mm256_cmpeq_epi8(low_, other.low_);
    const __m256i high = _mm256_cmpeq_epi8(high_, other.high_);
    return ~bits_of(low, high);
  }

  [[nodiscard]] std::uint64_t at_most_space() const {
    const __m256i space = _mm256_set1_epi8(' ');
    return bits_of(_mm256_cmpeq_epi8(_mm256_min_epu8(low_, space), low_),
                   _mm256_cmpeq_epi8(_mm256_min_epu8(high_, space), high_));
  }

  static std::uint64_t prefix_xor(std::uint64_t bits) { return prefix_xor_by_clmul(bits); }

 private:
  static std::uint64_t bits_of(__m256i low, __m256i high) {
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(low)) |
           static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm256_movemask_epi8(high))) << 32;
  }

  __m256i low_;
  __m256i high_;
};

}  // namespace

const StructuralScan* avx2_structural_scan() {
  static constexpr StructuralScan kScan = structural_scan_by<Avx2Block>();
  const bool here = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("pclmul") != 0 &&
                    __builtin_cpu_supports("bmi") != 0 && __builtin_cpu_supports("popcnt") != 0;
  return here ? &kScan : nullptr;
}

#else

const StructuralScan* avx2_structural_scan() { return nullptr; }

#endif

}  // namespace deltadrop::csv
