#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

namespace deltadrop::diff {

/// Allocates large blocks on huge pages if the system has them, because accesses to a large hash table are
/// random and would each touch another page. Allocates small blocks with operator new.
template <class T>
struct HugePageAllocator {
  using value_type = T;

  HugePageAllocator() = default;
  template <class U>
  explicit HugePageAllocator(const HugePageAllocator<U>& /*other*/) {}

  T* allocate(std::size_t count) {
    const std::size_t bytes = count * sizeof(T);
    if (bytes < kWorthHugePages) return static_cast<T*>(::operator new(bytes));
    const std::size_t whole_pages = (bytes + kHugePage - 1) / kHugePage * kHugePage;
    void* const memory = std::aligned_alloc(kHugePage, whole_pages);
    if (memory == nullptr) throw std::bad_alloc();
    // This is advice; if it fails, the pages are small.
    static_cast<void>(::madvise(memory, whole_pages, MADV_HUGEPAGE));
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, std::size_t count) {
    if (count * sizeof(T) < kWorthHugePages) {
      ::operator delete(memory);
    } else {
      std::free(memory);
    }
  }

  bool operator==(const HugePageAllocator& /*other*/) const { return true; }

 private:
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;
  static constexpr std::size_t kWorthHugePages = 4 * kHugePage;
};

template <class T>
using HugeVector = std::vector<T, HugePageAllocator<T>>;

}  // namespace deltadrop::diff
