#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

#include "io/file.hpp"

namespace deltadrop::io {

/// A file's bytes, mapped read-only. The bytes stay readable after the file's name is gone. An empty file
/// maps to an empty view.
///
/// A file that somebody cuts off while it is mapped does not end the process: what is gone reads as NUL, and
/// `check_unchanged` says so. Not thread-safe, but its bytes are.
class MappedFile {
 public:
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  static Result<MappedFile> open(const fs::path& path);

  [[nodiscard]] const File& file() const { return file_; }
  [[nodiscard]] std::string_view bytes() const { return {static_cast<const char*>(data_), size_}; }
  /// Call it behind the last look at the bytes. Fails with unavailable, type "file-changed", where the file
  /// has another size than when it was opened, or bytes were missing when they were read: what was read of
  /// it means nothing. (Its times say nothing: whoever moves a file may set them.)
  [[nodiscard]] Result<void> check_unchanged() const;

 private:
  void unmap();

  void* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t guard_ = 0;  ///< its place among the guarded mappings
  File file_;
};

}  // namespace deltadrop::io
