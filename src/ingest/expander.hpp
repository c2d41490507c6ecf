#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "core/result.hpp"

namespace deltadrop::ingest {

/// Takes expanded bytes; views live during the call only.
using ByteSink = std::function<Result<void>(std::span<const std::byte>)>;

/// Expands one compressed stream that comes in pieces, in bounded memory. Use from one thread.
class Expander {
 public:
  virtual ~Expander() = default;
  /// Gives what these bytes expand to, in blocks, to `sink`. invalid_input "bad-compression", or the sink's
  /// error.
  virtual Result<void> write(std::span<const std::byte> bytes, const ByteSink& sink) = 0;
  /// The input is over. invalid_input "bad-compression" when the stream is not.
  virtual Result<void> finish() = 0;
};

/// How many bytes `make_expander` must see to tell a format, unless the input is shorter.
inline constexpr std::size_t kMagicBytes = 4;

/// By the first bytes of the input: gzip (RFC 1952, also of several members), zstd (RFC 8878, also of several
/// frames, windows up to 8 MiB), else the bytes as they are.
std::unique_ptr<Expander> make_expander(std::span<const std::byte> first_bytes);

}  // namespace deltadrop::ingest
