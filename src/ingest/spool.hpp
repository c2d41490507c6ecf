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

/// A file in the spool folder that grows as bytes come, hashed on the way. Memory is bounded: nothing of a
/// large file is kept. Destroying one whose file was not moved away removes the file. Use from one thread.
class SpoolFile {
 public:
  static Result<std::unique_ptr<SpoolFile>> create(const io::fs::path& path, const SpoolLimits& limits);
  SpoolFile(const SpoolFile&) = delete;
  SpoolFile& operator=(const SpoolFile&) = delete;
  ~SpoolFile();

  /// As Reception::write.
  Result<void> write(std::span<const std::byte> bytes);

  /// The input is over: the file is whole and closed, though not yet synced. Once.
  Result<void> finish();
  /// After finish().
  [[nodiscard]] const Sha256& sha256() const { return sha256_; }
  [[nodiscard]] std::int64_t bytes() const { return static_cast<std::int64_t>(expanded_); }
  /// All of a small file's.
  [[nodiscard]] std::optional<std::string_view> kept_bytes() const {
    if (expanded_ > limits_.kept_bytes_max || limits_.kept_bytes_max == 0) return std::nullopt;
    return kept_;
  }
  /// Up to 8 of them, expanded.
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
  std::uint64_t written_back_ = 0;  ///< handed to the disk already
  std::string kept_;
  std::array<std::byte, 8> first_{};
  std::uint64_t room_checked_at_ = 0;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::optional<Error> failure_;
};

}  // namespace deltadrop::ingest
