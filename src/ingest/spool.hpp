#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "ingest/expander.hpp"
#include "io/file.hpp"
#include "io/sha256.hpp"

namespace deltadrop::ingest {

struct SpoolLimits {
  std::uint64_t bytes_max = 0;     ///< of the expanded bytes
  double expansion_ratio_max = 0;  ///< expanded over received bytes, past the first MiB
  std::size_t kept_bytes_max = 0;  ///< a file of at most this size is kept in memory too
  std::uint64_t disk_reserve = 0;  ///< bytes that stay free on the file system
};

/// A file in the spool folder that grows as bytes arrive and is hashed at the same time. Memory is bounded:
/// it keeps the bytes of small files only. The destructor removes the file unless it was moved away. Use it
/// from one thread.
class SpoolFile {
 public:
  static Result<std::unique_ptr<SpoolFile>> create(const io::fs::path& path, const SpoolLimits& limits);
  SpoolFile(const SpoolFile&) = delete;
  SpoolFile& operator=(const SpoolFile&) = delete;
  ~SpoolFile();

  /// Does the same as Reception::write.
  Result<void> write(std::span<const std::byte> bytes);

  /// Ends the input. The file is then complete and closed, but not synced. Call it once.
  Result<void> finish();
  /// Valid after finish().
  [[nodiscard]] const Sha256& sha256() const { return sha256_; }
  [[nodiscard]] std::int64_t bytes() const { return static_cast<std::int64_t>(expanded_); }
  /// Returns all bytes of a small file; nothing for a larger one.
  [[nodiscard]] std::optional<std::string_view> kept_bytes() const {
    if (expanded_ > limits_.kept_bytes_max || limits_.kept_bytes_max == 0) return std::nullopt;
    return kept_;
  }
  /// Returns the first bytes, up to 8, expanded.
  [[nodiscard]] std::span<const std::byte> first_bytes() const {
    return std::span(first_).first(std::min<std::uint64_t>(expanded_, first_.size()));
  }
  [[nodiscard]] const io::fs::path& path() const { return path_; }
  [[nodiscard]] std::chrono::steady_clock::time_point begun() const { return begun_; }

 private:
  SpoolFile(io::File file, const SpoolLimits& limits);
  Result<void> take(std::span<const std::byte> bytes);
  Result<void> expand(std::span<const std::byte> bytes);
  Result<void> store(std::span<const std::byte> expanded);
  Result<void> check_room();

  io::fs::path path_;
  io::File file_;
  SpoolLimits limits_;
  io::Sha256Hasher hasher_;
  Sha256 sha256_;
  std::array<std::byte, kMagicBytes> magic_{};
  std::size_t magic_size_ = 0;
  std::unique_ptr<Expander> expander_;
  std::uint64_t received_ = 0;
  std::uint64_t expanded_ = 0;
  std::uint64_t written_back_ = 0;  ///< bytes whose writeback has been started
  std::string kept_;
  std::array<std::byte, 8> first_{};
  std::uint64_t room_checked_at_ = 0;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::optional<Error> failure_;
};

}  // namespace deltadrop::ingest
