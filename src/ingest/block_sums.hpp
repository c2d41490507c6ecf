#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"

namespace deltadrop::ingest {

/// The size of the blocks in which a file is read, compared and sent.
inline constexpr std::size_t kBlockBytes = std::size_t{256} << 10;

/// The XXH3 hash of each block of a file, made while the file's SHA-256 was right. Later reads of a part of
/// the file are compared with them. A range request need not hash the whole file again, and a byte that has
/// changed since is noticed.
using Sums = std::vector<std::uint64_t>;

std::uint64_t sum_of_block(std::string_view bytes);

/// Keeps the sums of recently read files. Bounded. Thread-safe.
class BlockSums {
 public:
  using Found = Result<std::shared_ptr<const Sums>>;
  /// Returns the sums of this upload's file, and calls `make` if they are not cached. Concurrent callers for
  /// the same file wait for the first. Failures are not cached.
  Found get(const UploadId& upload, const std::function<Result<Sums>()>& make);
  /// Drops the sums of a file that was found damaged.
  void forget(const UploadId& upload);

 private:
  struct Entry {
    std::mutex making;
    std::shared_ptr<const Sums> sums;  ///< under `making`
    std::size_t blocks = 0;            ///< under mutex_
    std::list<UploadId>::iterator used;
  };
  void make_room();

  std::mutex mutex_;
  std::map<UploadId, std::shared_ptr<Entry>> entries_;
  std::list<UploadId> by_use_;  ///< most recently used first
  std::size_t blocks_ = 0;
};

}  // namespace deltadrop::ingest
