#include "csv/scan.hpp"

#include <cstring>

#include "csv/structure.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace deltadrop::csv {
namespace {

#if defined(__x86_64__)

__attribute__((target("avx2,popcnt,bmi"))) const char* find_stop_avx2(const char* at, const char* end,
                                                                      char delimiter,
                                                                      std::uint64_t& delimiters) {
  const __m256i line_feed = _mm256_set1_epi8('\n');
  const __m256i carriage_return = _mm256_set1_epi8('\r');
  const __m256i quote = _mm256_set1_epi8('"');
  const __m256i separator = _mm256_set1_epi8(delimiter);
  while (end - at >= 32) {
    const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    const __m256i line_end =
        _mm256_or_si256(_mm256_cmpeq_epi8(block, line_feed), _mm256_cmpeq_epi8(block, carriage_return));
    const __m256i stop = _mm256_or_si256(line_end, _mm256_cmpeq_epi8(block, quote));
    const auto stops = static_cast<std::uint32_t>(_mm256_movemask_epi8(stop));
    const auto separators =
        static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(block, separator)));
    if (stops != 0) {
      const std::uint32_t before_stop = (stops & -stops) - 1;
      delimiters += static_cast<std::uint64_t>(_mm_popcnt_u32(separators & before_stop));
      return at + __builtin_ctz(stops);
    }
    delimiters += static_cast<std::uint64_t>(_mm_popcnt_u32(separators));
    at += 32;
  }
  return find_stop_bytewise(at, end, delimiter, delimiters);
}

#endif

}  // namespace

const char* find_stop_bytewise(const char* at, const char* end, char delimiter, std::uint64_t& delimiters) {
  for (; at < end; ++at) {
    if (*at == '\n' || *at == '\r' || *at == '"') return at;
    if (*at == delimiter) ++delimiters;
  }
  return end;
}

FindStop find_stop_for_this_cpu() {
#if defined(__x86_64__)
  static const bool has_avx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi");
  if (has_avx2) return find_stop_avx2;
#endif
  return find_stop_bytewise;
}

RowScanner::RowScanner(std::string_view text, char delimiter) : RowScanner(text, delimiter, 0, Line(1)) {}

RowScanner::RowScanner(std::string_view text, char delimiter, std::uint64_t offset, Line line)
    : begin_(text.data()),
      at_(text.data() + offset),
      end_(text.data() + text.size()),
      line_(line.value),
      find_stop_(find_stop_for_this_cpu()),
      delimiter_(delimiter) {}

void RowScanner::take_line_end() {
  if (*at_ == '\r' && at_ + 1 < end_ && at_[1] == '\n') ++at_;
  ++at_;
  ++line_;
}

void RowScanner::skip_empty_lines() {
  while (at_ < end_ && (*at_ == '\n' || *at_ == '\r')) take_line_end();
}

/// At an opening quote: goes behind the closing one, or to the end.
void RowScanner::scan_quoted(Row& row) {
  const char* const start = at_++;
  while (true) {
    const auto* quote = static_cast<const char*>(std::memchr(at_, '"', static_cast<std::size_t>(end_ - at_)));
    if (quote == nullptr) {
      at_ = end_;
      row.fault = RowFault::unclosed_quote;
      row.fault_at = static_cast<std::size_t>(start - row.bytes.data());
      return;
    }
    at_ = quote + 1;
    if (at_ == end_ || *at_ != '"') break;
    ++at_;
  }
  line_ += static_cast<std::int64_t>(
      structural_scan().count_line_ends({start, static_cast<std::size_t>(at_ - start)}));
  const bool field_ends = at_ == end_ || *at_ == delimiter_ || *at_ == '\n' || *at_ == '\r';
  if (!field_ends && row.fault == RowFault::none) {
    row.fault = RowFault::text_after_quote;
    row.fault_at = static_cast<std::size_t>(at_ - row.bytes.data());
  }
}

bool RowScanner::next(Row& row) {
  skip_empty_lines();
  if (at_ == end_) return false;
  const char* const start = at_;
  row = Row{std::string_view(start, static_cast<std::size_t>(end_ - start)),
            static_cast<std::uint64_t>(start - begin_),
            1,
            Line(line_),
            RowFault::none,
            0};
  while (true) {
    at_ = find_stop_(at_, end_, delimiter_, row.fields);
    if (at_ == end_ || *at_ != '"') break;
    if (at_ == start || at_[-1] == delimiter_) {
      scan_quoted(row);
    } else {
      ++at_;
    }
  }
  row.bytes = std::string_view(start, static_cast<std::size_t>(at_ - start));
  if (at_ < end_) take_line_end();
  return true;
}

}  // namespace deltadrop::csv
