#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

#include "io/file.hpp"

namespace deltadrop::io {

/// A file's bytes, mapped read-only. They stay readable after the file is removed. An empty file gives an
/// empty view.
///
/// If the file is truncated while mapped, missing bytes read as NUL, and `check_unchanged` reports it. The
/// object is not thread-safe, but any thread may read its bytes.
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
  /// Call it after the last read of the bytes. Fails with unavailable, type "file-changed", if the file's
  /// size has changed since it was opened or if bytes were missing during a read; discard everything read
  /// from it then. (It does not check the file's times: moving a file may set them.)
  [[nodiscard]] Result<void> check_unchanged() const;

 private:
  void unmap();

  void* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t guard_ = 0;  ///< the index of its slot among the guarded mappings
  File file_;
};

}  // namespace deltadrop::io
