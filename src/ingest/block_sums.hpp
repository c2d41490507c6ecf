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

/// A file is read, compared and sent in blocks of this size.
inline constexpr std::size_t kBlockBytes = std::size_t{256} << 10;

/// XXH3 of each block of a file whose SHA-256 was right when they were made. A part of the file that is read
/// later is compared with them, so that each range request need not hash the whole file again, and no byte
/// that has changed since is taken for the file's, however it changed.
using Sums = std::vector<std::uint64_t>;

std::uint64_t sum_of_block(std::string_view bytes);

/// The sums of files that were read lately. Bounded. Thread-safe.
class BlockSums {
 public:
  using Found = Result<std::shared_ptr<const Sums>>;
  /// The sums of this upload's file, made where there are none; who asks meanwhile waits for them. A failure
  /// is not kept.
  Found get(const UploadId& upload, const std::function<Result<Sums>()>& make);
  /// After the file was found damaged.
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
  std::list<UploadId> by_use_;  ///< the latest first
  std::size_t blocks_ = 0;
};

}  // namespace deltadrop::ingest
