#include "ingest/expander.hpp"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <string>
#include <vector>

namespace deltadrop::ingest {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{256} << 10;
/// RFC 8878 section 3.1.1.1.2 recommends this limit for decoders. Without it a file could choose how much
/// memory it needs.
constexpr int kZstdWindowLogMax = 23;

Error bad_compression(std::string_view format, std::string_view reason) {
  return {ErrorCode::invalid_input, "bad-compression",
          fmt::format("the {} data is damaged: {}", format, reason),
          "compress the file again, or send it as it is"};
}

class Plain final : public Expander {
 public:
  Result<void> write(std::span<const std::byte> bytes, const ByteSink& sink) override { return sink(bytes); }
  Result<void> finish() override { return success(); }
};

class Gzip final : public Expander {
 public:
  Gzip() : block_(kBlockBytes) { ready_ = inflateInit2(&stream_, kWindowBits) == Z_OK; }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  ~Gzip() override { inflateEnd(&stream_); }

  Result<void> write(std::span<const std::byte> bytes, const ByteSink& sink) override {
    if (!ready_)
      return Error{ErrorCode::unavailable, "out-of-memory", "no memory to expand gzip", "try again"};
    // zlib counts input in 32 bits.
    constexpr std::size_t kPieceBytes = std::size_t{1} << 30;
    while (!bytes.empty()) {
      const auto piece = bytes.first(std::min(bytes.size(), kPieceBytes));
      DD_TRY(expand(piece, sink));
      bytes = bytes.subspan(piece.size());
    }
    return success();
  }

  Result<void> finish() override {
    if (!between_members_) return bad_compression("gzip", "it ends too early");
    return success();
  }

 private:
  static constexpr int kWindowBits = 15 + 16;  // the largest window, gzip header expected

  Result<void> expand(std::span<const std::byte> bytes, const ByteSink& sink) {
    // zlib's input pointer is not const, but zlib does not write to the input.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    bool output_full = false;
    while (stream_.avail_in > 0 || output_full) {
      if (between_members_ && !start_member()) return success();
      stream_.next_out = reinterpret_cast<Bytef*>(block_.data());
      stream_.avail_out = static_cast<uInt>(block_.size());
      const int code = inflate(&stream_, Z_NO_FLUSH);
      if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
        return bad_compression("gzip", stream_.msg != nullptr ? stream_.msg : "it does not expand");
      }
      const std::size_t made = block_.size() - stream_.avail_out;
      if (made > 0) {
        DD_TRY(sink(std::span(block_).first(made)));
      }
      between_members_ = code == Z_STREAM_END;
      output_full = !between_members_ && stream_.avail_out == 0;
    }
    return success();
  }

  /// Returns false if only zero padding is left, which tape archives put after the last member.
  bool start_member() {
    while (stream_.avail_in > 0 && *stream_.next_in == 0) {
      ++stream_.next_in;
      --stream_.avail_in;
    }
    if (stream_.avail_in == 0) return false;
    inflateReset(&stream_);
    between_members_ = false;
    return true;
  }

  z_stream stream_{};
  std::vector<std::byte> block_;
  bool ready_ = false;
  bool between_members_ = false;
};

class Zstd final : public Expander {
 public:
  Zstd() : context_(ZSTD_createDCtx()), block_(kBlockBytes) {
    ready_ = context_ != nullptr &&
             ZSTD_isError(ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kZstdWindowLogMax)) == 0;
  }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;
  ~Zstd() override { ZSTD_freeDCtx(context_); }

  Result<void> write(std::span<const std::byte> bytes, const ByteSink& sink) override {
    if (!ready_)
      return Error{ErrorCode::unavailable, "out-of-memory", "no memory to expand zstd", "try again"};
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    bool output_full = false;
    while (input.pos < input.size || output_full) {
      ZSTD_outBuffer output{block_.data(), block_.size(), 0};
      const std::size_t hint = ZSTD_decompressStream(context_, &output, &input);
      if (ZSTD_isError(hint) != 0) return bad_compression("zstd", reason_of(hint));
      if (output.pos > 0) {
        DD_TRY(sink(std::span(block_).first(output.pos)));
      }
      whole_ = hint == 0;
      output_full = !whole_ && output.pos == output.size;
    }
    return success();
  }

  Result<void> finish() override {
    if (!whole_) return bad_compression("zstd", "it ends too early");
    return success();
  }

 private:
  static std::string reason_of(std::size_t code) {
    std::string reason = ZSTD_getErrorName(code);
    if (reason.find("too much memory") != std::string::npos) {
      reason += " (windows up to 8 MiB are taken: zstd -19 or less, without --long)";
    }
    return reason;
  }

  ZSTD_DCtx* context_;
  std::vector<std::byte> block_;
  bool ready_ = false;
  bool whole_ = false;
};

bool starts_with(std::span<const std::byte> bytes, std::initializer_list<unsigned> magic) {
  return bytes.size() >= magic.size() &&
         std::equal(magic.begin(), magic.end(), bytes.begin(), [](unsigned expected, std::byte found) {
           return static_cast<std::byte>(expected) == found;
         });
}

}  // namespace

std::unique_ptr<Expander> make_expander(std::span<const std::byte> first_bytes) {
  if (starts_with(first_bytes, {0x1F, 0x8B, 0x08})) return std::make_unique<Gzip>();
  if (starts_with(first_bytes, {0x28, 0xB5, 0x2F, 0xFD})) return std::make_unique<Zstd>();
  return std::make_unique<Plain>();
}

}  // namespace deltadrop::ingest
