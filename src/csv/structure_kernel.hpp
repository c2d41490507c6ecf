#pragma once

#include "csv/structure.hpp"

#if defined(__PCLMUL__)
#include <immintrin.h>
#endif

// The structural scan for one instruction set; `Block` reads 64 bytes at a time. One source file for each
// instruction set includes this and is compiled for it. Library functions compiled here could be linked into
// code for other machines, so this header calls none.
namespace deltadrop::csv {
namespace {

constexpr std::uint64_t kBlockBytes = 64;

inline std::uint64_t bits_below(unsigned count) {
  return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

inline std::uint64_t count_bits(std::uint64_t bits) {
  return static_cast<std::uint64_t>(__builtin_popcountll(bits));
}

/// Returns the prefix XOR: bit i is the exclusive or of bits 0 to i.
inline std::uint64_t prefix_xor_by_shifts(std::uint64_t bits) {
  for (unsigned step = 1; step < 64; step *= 2) bits ^= bits << step;
  return bits;
}

#if defined(__PCLMUL__)
/// Returns the same with one instruction.
inline std::uint64_t prefix_xor_by_clmul(std::uint64_t bits) {
  const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<long long>(bits)),
                                               _mm_set1_epi8(static_cast<char>(0xFF)), 0);
  return static_cast<std::uint64_t>(_mm_cvtsi128_si64(product));
}
#endif

/// The state that one block passes to the next.
struct Carry {
  std::uint64_t inside_quotes = 0;  ///< all ones if a quoted field continues
  std::uint64_t closed_quote = 0;   ///< 1 if the last byte closed a quote
  std::uint64_t field_start = 1;    ///< 1 if a field may start at the next byte
  std::uint64_t line_end = 1;       ///< 1 if the last byte was a line end outside quotes
  std::uint64_t carriage_return = 0;
};

/// Bit masks of a block; bit i describes byte i.
struct Structure {
  std::uint64_t line_feeds = 0;   ///< outside quotes
  std::uint64_t record_ends = 0;  ///< the first line end after each record
  std::uint64_t delimiters = 0;   ///< outside quotes
  std::uint64_t doubled = 0;      ///< quotes after a closing quote
  std::uint64_t broken = 0;       ///< quotes that parity does not explain, and the bytes after them
  std::uint64_t line_ends = 0;    ///< LF and CR outside quotes
  std::uint64_t empty_lines = 0;  ///< the line ends of empty lines
  std::uint64_t quotes = 0;
  std::uint64_t any_line_ends =
      0;  ///< one bit for each LF, CR and CRLF, inside and outside quotes; CRLF at its LF
  std::uint64_t behind_lone_return = 0;  ///< bytes other than LF after a CR outside quotes
};

template <class Block>
inline Structure structure_of(const Block& block, char delimiter, Carry& carry) {
  const std::uint64_t line_feeds = block.equal_to('\n');
  const std::uint64_t returns = block.equal_to('\r');
  const std::uint64_t quotes = block.equal_to('"');
  Structure found;
  std::uint64_t inside = carry.inside_quotes;
  std::uint64_t line_ends = line_feeds | returns;
  if ((quotes | carry.inside_quotes | carry.closed_quote) != 0) {
    // `inside` covers the bytes from an opening quote up to the one before its closing quote.
    inside ^= Block::prefix_xor(quotes);
    const std::uint64_t opening = quotes & inside;
    const std::uint64_t closing = quotes & ~inside;
    found.delimiters = block.equal_to(delimiter) & ~inside;
    line_ends &= ~inside;
    const std::uint64_t separators = found.delimiters | line_ends;
    const std::uint64_t may_open =
        (separators << 1) | carry.field_start | (closing << 1) | carry.closed_quote;
    const std::uint64_t behind_closing = (closing << 1) | carry.closed_quote;
    found.doubled = opening & behind_closing;
    found.broken = (opening & ~may_open) | (behind_closing & ~(separators | opening));
    carry.inside_quotes = static_cast<std::uint64_t>(static_cast<std::int64_t>(inside) >> 63);
    carry.closed_quote = closing >> 63;
    carry.field_start = separators >> 63;
  } else {
    found.delimiters = block.equal_to(delimiter);
    carry.closed_quote = 0;
    carry.field_start = (found.delimiters | line_ends) >> 63;
  }
  found.line_feeds = line_feeds & line_ends;
  found.line_ends = line_ends;
  found.quotes = quotes;
  const std::uint64_t behind_line_end = (line_ends << 1) | carry.line_end;
  found.record_ends = line_ends & ~behind_line_end;
  carry.line_end = line_ends >> 63;
  // A CR counts if the byte after it is not LF. That byte may be in the next block.
  const std::uint64_t after_return = (returns << 1) | carry.carriage_return;
  found.empty_lines = line_ends & behind_line_end & ~(line_feeds & after_return);
  const std::uint64_t behind_return = after_return & ~line_feeds;
  found.any_line_ends = line_feeds | behind_return;
  found.behind_lone_return = behind_return & behind_line_end;
  carry.carriage_return = returns >> 63;
  return found;
}

/// Finds records that may not be rows, block by block.
template <class Block>
class NotRowSearch {
 public:
  explicit NotRowSearch(const NotRows& wanted) : wanted_(wanted) {}

  /// Returns a mask with one bit in each record of the block that may not be a row: at its start or at its
  /// end. `left` is the number of bytes from `at`, the block's position, to the text's end.
  std::uint64_t find(const Block& block, const Structure& found, const char* at, std::uint64_t left) {
    const std::uint64_t starts = ((found.line_ends << 1) | line_end_) & ~found.line_ends;
    line_end_ = found.line_ends >> 63;
    // Adding a start to a run of blank bytes carries to the byte after the run. If that byte is the record's
    // end, the record has only blank bytes.
    const std::uint64_t blank = (found.delimiters | found.quotes | block.at_most_space()) & ~found.line_ends;
    std::uint64_t sum = 0;
    const bool carried = __builtin_add_overflow(blank, starts, &sum);
    const bool carried_again = __builtin_add_overflow(sum, blank_so_far_, &sum);
    blank_so_far_ = carried || carried_again ? 1 : 0;
    std::uint64_t suspects = (sum & ~blank & found.record_ends) | found.empty_lines;
    for (std::uint64_t like = starts & block.equal_to(wanted_.header_first); like != 0; like &= like - 1) {
      const auto place = static_cast<std::uint64_t>(__builtin_ctzll(like));
      if (place + 8 > left || begins_as_header(at + place)) suspects |= like & (~like + 1);
    }
    return suspects;
  }

 private:
  [[nodiscard]] bool begins_as_header(const char* record) const {
    std::uint64_t start = 0;
    __builtin_memcpy(&start, record, sizeof start);
    return ((start ^ wanted_.header_start) & wanted_.header_mask) == 0;
  }

  const NotRows wanted_;
  std::uint64_t line_end_ = 1;
  std::uint64_t blank_so_far_ = 0;  ///< 1 if the record that continues has only blank bytes so far
};

template <class Block>
EqualStretch find_equal_stretch(std::string_view text_a, std::string_view text_b, char delimiter,
                                const NotRows& not_rows) {
  NotRowSearch<Block> search(not_rows);
  const char* const a = text_a.data();
  const char* const b = text_b.data();
  const std::uint64_t length = text_a.size() < text_b.size() ? text_a.size() : text_b.size();
  EqualStretch best;
  EqualStretch all;
  Carry carry;
  std::uint64_t at = 0;
  while (at < length) {
    const std::uint64_t left = length - at;
    const Block block = left >= kBlockBytes ? Block(a + at) : Block(a + at, left);
    std::uint64_t unlike = left >= kBlockBytes
                               ? block.unlike(Block(b + at))
                               : block.unlike(Block(b + at, left)) | ~bits_below(static_cast<unsigned>(left));
    const Structure found = structure_of(block, delimiter, carry);
    // A CR that ends a line also ends the search. Without a line feed, the search would run to the end of the
    // texts and start again after each record.
    unlike |= found.broken | found.behind_lone_return;
    if (not_rows.looked_for) unlike |= search.find(block, found, a + at, left);
    std::uint64_t line_feeds = found.line_feeds;
    if (unlike != 0) line_feeds &= (unlike & (~unlike + 1)) - 1;
    if (line_feeds != 0) {
      const auto behind = static_cast<unsigned>(64 - __builtin_clzll(line_feeds));
      const std::uint64_t taken = bits_below(behind);
      best.bytes = at + behind;
      best.records = all.records + count_bits(found.record_ends & taken);
      best.line_ends = all.line_ends + count_bits(found.any_line_ends & taken);
    }
    if (unlike != 0) break;
    all.records += count_bits(found.record_ends);
    all.line_ends += count_bits(found.any_line_ends);
    at += kBlockBytes;
  }
  return best;
}

template <class Block>
std::uint64_t count_line_ends(std::string_view bytes) {
  const char* const text = bytes.data();
  const std::uint64_t length = bytes.size();
  std::uint64_t count = 0;
  std::uint64_t carriage_return = 0;
  for (std::uint64_t at = 0; at < length; at += kBlockBytes) {
    const std::uint64_t left = length - at;
    const Block block = left >= kBlockBytes ? Block(text + at) : Block(text + at, left);
    const std::uint64_t line_feeds = block.equal_to('\n');
    const std::uint64_t returns = block.equal_to('\r');
    // A lone CR counts at the byte after it, as in any_line_ends.
    count += count_bits(line_feeds | (((returns << 1) | carriage_return) & ~line_feeds));
    carriage_return = returns >> 63;
  }
  // A CR at the very end of a whole block has no byte after it.
  return count + carriage_return;
}

template <class Block>
const char* find_stop(const char* at, const char* end, char delimiter, std::uint64_t& delimiters) {
  while (at < end) {
    const auto left = static_cast<std::uint64_t>(end - at);
    const Block block = left >= kBlockBytes ? Block(at) : Block(at, left);
    const std::uint64_t stops = block.equal_to('\n') | block.equal_to('\r') | block.equal_to('"');
    const std::uint64_t separators = block.equal_to(delimiter);
    if (stops != 0) {
      delimiters += count_bits(separators & ((stops & (~stops + 1)) - 1));
      return at + __builtin_ctzll(stops);
    }
    delimiters += count_bits(separators);
    at += left >= kBlockBytes ? kBlockBytes : left;
  }
  return end;
}

template <class Block>
RecordEnd find_record_end(const char* text, const char* text_end, char delimiter) {
  const auto length = static_cast<std::uint64_t>(text_end - text);
  RecordEnd found;
  Carry carry;
  // A record starts here, so the first byte is not an empty line's end.
  carry.line_end = 0;
  for (std::uint64_t at = 0; at < length; at += kBlockBytes) {
    const std::uint64_t left = length - at;
    const Block block = left >= kBlockBytes ? Block(text + at) : Block(text + at, left);
    const Structure structure = structure_of(block, delimiter, carry);
    std::uint64_t mine = bits_below(left >= kBlockBytes ? 64 : static_cast<unsigned>(left));
    const std::uint64_t ends = structure.record_ends & mine;
    if (ends != 0) mine = (ends & (~ends + 1)) - 1;
    if ((structure.broken & mine) != 0) return {};
    found.delimiters += count_bits(structure.delimiters & mine);
    found.line_ends += count_bits(structure.any_line_ends & mine);
    if (ends != 0) {
      found.at = text + at + __builtin_ctzll(ends);
      return found;
    }
  }
  if (carry.inside_quotes == 0) found.at = text_end;
  return found;
}

template <class Block>
std::size_t find_delimiters(std::string_view record, char delimiter, std::uint32_t* places, std::size_t max) {
  const char* const text = record.data();
  const std::uint64_t length = record.size();
  std::size_t count = 0;
  Carry carry;
  for (std::uint64_t at = 0; at < length; at += kBlockBytes) {
    const std::uint64_t left = length - at;
    const Block block = left >= kBlockBytes ? Block(text + at) : Block(text + at, left);
    const Structure found = structure_of(block, delimiter, carry);
    // Bytes after the record's end do not count, so a quote that closes there is not followed by text.
    const std::uint64_t inside_record = bits_below(left >= kBlockBytes ? 64 : static_cast<unsigned>(left));
    if (((found.broken | found.doubled) & inside_record) != 0) return kNotPlain;
    std::uint64_t delimiters = found.delimiters;
    if (count + count_bits(delimiters) > max) return kNotPlain;
    for (; delimiters != 0; delimiters &= delimiters - 1) {
      places[count++] =
          static_cast<std::uint32_t>(at + static_cast<std::uint64_t>(__builtin_ctzll(delimiters)));
    }
  }
  return carry.inside_quotes == 0 ? count : kNotPlain;
}

template <class Block>
constexpr StructuralScan structural_scan_by() {
  return {find_equal_stretch<Block>, count_line_ends<Block>, find_stop<Block>, find_record_end<Block>,
          find_delimiters<Block>};
}

}  // namespace
}  // namespace deltadrop::csv
