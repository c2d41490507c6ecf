#include "io/mapped_file.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>

namespace deltadrop::io {
namespace {

/// A mapping, as the signal handler reads it. The handler must not take locks.
struct Guarded {
  std::atomic<std::uintptr_t> begin = 0;  ///< 0 means that the slot is free
  std::atomic<std::size_t> size = 0;
  std::atomic<bool> filled = false;  ///< zeros replaced missing bytes
};

constexpr std::size_t kGuardedMax = 16'384;
std::array<Guarded, kGuardedMax> guarded;
std::atomic<std::size_t> next_guard = 0;
std::uintptr_t page_size = 0;
struct sigaction action_before{};

/// Maps zero pages over missing pages, so that the interrupted read continues. On Linux, mmap is a bare
/// system call and therefore safe here.
void fill_what_is_gone(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  // A signal that another process sends has no address.
  const auto at = info->si_code > 0 ? reinterpret_cast<std::uintptr_t>(info->si_addr) : 0;
  for (Guarded& one : guarded) {
    const std::uintptr_t begin = one.begin.load(std::memory_order_acquire);
    const std::size_t size = one.size.load(std::memory_order_acquire);
    if (begin == 0 || at < begin || at >= begin + size) continue;
    // If another mapping took the slot meanwhile, `size` may be that mapping's.
    if (one.begin.load(std::memory_order_acquire) != begin) continue;
    const std::uintptr_t page = at & ~(page_size - 1);
    void* const filled = ::mmap(reinterpret_cast<void*>(page), begin + size - page, PROT_READ,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    errno = saved_errno;
    if (filled == MAP_FAILED) break;
    one.filled.store(true, std::memory_order_release);
    return;
  }
  // The address is not ours: do what the previous handler would do.
  if ((action_before.sa_flags & SA_SIGINFO) != 0) {
    action_before.sa_sigaction(signal, info, context);
  } else {
    ::sigaction(signal, &action_before, nullptr);
    ::raise(signal);
  }
}

void guard_against_cut_off_files() {
  static const bool installed = [] {
    page_size = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    struct sigaction action{};
    action.sa_sigaction = fill_what_is_gone;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
    return ::sigaction(SIGBUS, &action, &action_before) == 0;
  }();
  static_cast<void>(installed);
}

/// Returns the index of the mapping's slot, or kGuardedMax if all slots are taken.
std::size_t guard(void* data, std::size_t size) {
  guard_against_cut_off_files();
  const auto begin = reinterpret_cast<std::uintptr_t>(data);
  for (std::size_t tried = 0; tried < kGuardedMax; ++tried) {
    const std::size_t place = next_guard.fetch_add(1, std::memory_order_relaxed) % kGuardedMax;
    std::uintptr_t free = 0;
    if (!guarded[place].begin.compare_exchange_strong(free, begin, std::memory_order_acq_rel)) continue;
    guarded[place].filled.store(false, std::memory_order_release);
    guarded[place].size.store(size, std::memory_order_release);
    return place;
  }
  return kGuardedMax;
}

}  // namespace

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      guard_(other.guard_),
      file_(std::move(other.file_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    unmap();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    guard_ = other.guard_;
    file_ = std::move(other.file_);
  }
  return *this;
}

MappedFile::~MappedFile() { unmap(); }

void MappedFile::unmap() {
  if (data_ == nullptr) return;
  guarded[guard_].size.store(0, std::memory_order_release);
  guarded[guard_].begin.store(0, std::memory_order_release);
  ::munmap(data_, size_);
  data_ = nullptr;
}

Result<MappedFile> MappedFile::open(const fs::path& path) {
  MappedFile mapped;
  DD_TRY(mapped.file_, File::open_to_read(path));
  struct stat status{};
  if (::fstat(mapped.file_.descriptor(), &status) != 0) return system_error("stat", path, errno);
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return mapped;
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, mapped.file_.descriptor(), 0);
  if (data == MAP_FAILED) return system_error("map", path, errno);
  const std::size_t place = guard(data, size);
  if (place == kGuardedMax) {
    ::munmap(data, size);
    return Error{ErrorCode::unavailable, "too-many-files",
                 fmt::format("cannot map {}: {} files are mapped", path.string(), kGuardedMax),
                 "wait until some uploads have finished, then retry"};
  }
  mapped.data_ = data;
  mapped.size_ = size;
  mapped.guard_ = place;
  return mapped;
}

Result<void> MappedFile::check_unchanged() const {
  if (file_.descriptor() < 0) return success();
  struct stat status{};
  if (::fstat(file_.descriptor(), &status) != 0) return system_error("stat", file_.path(), errno);
  const auto size = static_cast<std::size_t>(status.st_size);
  const bool filled = data_ != nullptr && guarded[guard_].filled.load(std::memory_order_acquire);
  if (size == size_ && !filled) return success();
  return Error{ErrorCode::unavailable, "file-changed",
               fmt::format("{} changed while it was read: it had {} bytes and now has {}",
                           file_.path().string(), size_, size),
               "wait until it is completely written, or use a copy"};
}

}  // namespace deltadrop::io
