#include "ingest/spool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "io/write_back.hpp"

namespace deltadrop::ingest {
namespace {

constexpr std::uint64_t kRoomCheckBytes = std::uint64_t{8} << 20;
constexpr std::uint64_t kRatioFreeBytes = std::uint64_t{1} << 20;

/// Writeback starts each time this many bytes are written. A smaller file is left to its sync.
constexpr std::uint64_t kWriteBackBytes = std::uint64_t{8} << 20;

}  // namespace

SpoolFile::SpoolFile(io::File file, const SpoolLimits& limits)
    : path_(file.path()), file_(std::move(file)), limits_(limits) {}

SpoolFile::~SpoolFile() {
  // An accepted or held file has been renamed, so its path is free. If the removal fails, the next start
  // empties the spool.
  [[maybe_unused]] const auto removed = io::remove_file(path_);
}

Result<std::unique_ptr<SpoolFile>> SpoolFile::create(const io::fs::path& path, const SpoolLimits& limits) {
  DD_TRY(auto file, io::File::create(path));
  std::unique_ptr<SpoolFile> spool(new SpoolFile(std::move(file), limits));
  DD_TRY(spool->check_room());
  return spool;
}

Result<void> SpoolFile::write(std::span<const std::byte> bytes) {
  if (failure_) return *failure_;
  auto taken = take(bytes);
  if (!taken.has_value()) failure_ = taken.error();
  return taken;
}

Result<void> SpoolFile::take(std::span<const std::byte> bytes) {
  received_ += bytes.size();
  if (expander_ == nullptr) {
    const std::size_t count = std::min(bytes.size(), kMagicBytes - magic_size_);
    std::copy_n(bytes.begin(), count, magic_.begin() + static_cast<std::ptrdiff_t>(magic_size_));
    magic_size_ += count;
    bytes = bytes.subspan(count);
    if (magic_size_ < kMagicBytes) return success();
    expander_ = make_expander(magic_);
    DD_TRY(expand(magic_));
  }
  if (bytes.empty()) return success();
  return expand(bytes);
}

Result<void> SpoolFile::expand(std::span<const std::byte> bytes) {
  return expander_->write(bytes, [this](std::span<const std::byte> expanded) { return store(expanded); });
}

Result<void> SpoolFile::store(std::span<const std::byte> expanded) {
  if (expanded_ < first_.size()) {
    const std::size_t count = std::min<std::size_t>(expanded.size(), first_.size() - expanded_);
    std::copy_n(expanded.begin(), count, first_.begin() + static_cast<std::ptrdiff_t>(expanded_));
  }
  expanded_ += expanded.size();
  if (expanded_ > limits_.bytes_max) {
    return Error{ErrorCode::invalid_input, "too-large",
                 fmt::format("the file is larger than {} bytes", limits_.bytes_max),
                 "split it into several tables, or raise the limit on an upload's size"};
  }
  if (expanded_ > kRatioFreeBytes &&
      static_cast<double>(expanded_) > limits_.expansion_ratio_max * static_cast<double>(received_)) {
    return Error{ErrorCode::invalid_input, "bad-compression",
                 fmt::format("{} received bytes expand to more than {} bytes, over {} times as many",
                             received_, expanded_, limits_.expansion_ratio_max),
                 "send the file uncompressed"};
  }
  if (expanded_ - room_checked_at_ >= kRoomCheckBytes) {
    DD_TRY(check_room());
  }
  hasher_.update(expanded);
  if (expanded_ <= limits_.kept_bytes_max) {
    kept_.append(reinterpret_cast<const char*>(expanded.data()), expanded.size());
  }
  DD_TRY(file_.write(expanded));
  // Start writeback while the rest is received and compared, so that the sync before acceptance is short.
  if (expanded_ - written_back_ >= kWriteBackBytes) {
    io::start_write_back(file_, written_back_, expanded_ - written_back_);
    written_back_ = expanded_;
  }
  return success();
}

/// Checks that the disk reserve is still free. It is checked repeatedly, because others write too.
Result<void> SpoolFile::check_room() {
  room_checked_at_ = expanded_;
  if (limits_.disk_reserve == 0) return success();
  DD_TRY(const auto free_bytes, io::free_bytes(path_.parent_path()));
  if (free_bytes >= limits_.disk_reserve) return success();
  return Error{ErrorCode::unavailable, "disk-full",
               fmt::format("the disk of {} has {} bytes left, {} are kept in reserve",
                           path_.parent_path().string(), free_bytes, limits_.disk_reserve),
               "make room, or lower DISK_RESERVE"};
}

Result<void> SpoolFile::finish() {
  if (failure_) return *failure_;
  if (expander_ == nullptr) {
    const auto all = std::span<const std::byte>(magic_).first(magic_size_);
    expander_ = make_expander(all);
    DD_TRY(expand(all));
  }
  DD_TRY(expander_->finish());
  DD_TRY(file_.close());
  sha256_ = hasher_.finish();
  return success();
}

}  // namespace deltadrop::ingest
