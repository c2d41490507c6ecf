#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "core/result.hpp"

namespace deltadrop::ingest {

/// Receives expanded bytes. The view is valid only during the call.
using ByteSink = std::function<Result<void>(std::span<const std::byte>)>;

/// Expands one compressed stream that arrives in pieces, in bounded memory. Use it from one thread.
class Expander {
 public:
  virtual ~Expander() = default;
  /// Expands these bytes and passes the result to `sink` in blocks. Fails with invalid_input, type
  /// "bad-compression", or with the sink's error.
  virtual Result<void> write(std::span<const std::byte> bytes, const ByteSink& sink) = 0;
  /// Ends the input. Fails with invalid_input, type "bad-compression", if the stream is incomplete.
  virtual Result<void> finish() = 0;
};

/// The number of bytes that `make_expander` needs to detect a format, unless the input is shorter.
inline constexpr std::size_t kMagicBytes = 4;

/// Returns the expander for the format that the first bytes of the input show: gzip (RFC 1952, also with
/// several members) or zstd (RFC 8878, also with several frames, windows up to 8 MiB). Otherwise it returns
/// one that passes the bytes through.
std::unique_ptr<Expander> make_expander(std::span<const std::byte> first_bytes);

}  // namespace deltadrop::ingest
