#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "history/history_store.hpp"

namespace deltadrop::lake {

/// One Parquet file of events of one type of one upload, being written. Equal events give equal bytes.
/// Memory: the rows of one row group, at most about 64 MiB of values and their encoded form. Not thread-safe.
class ParquetFile {
 public:
  /// `columns`: what the table has held, in byte order of their names; each gets old_<name> and new_<name>.
  /// Fails with conflict, type "file-exists", when there is a file of that path.
  static Result<ParquetFile> create(const std::filesystem::path& path, const UploadFacts& upload,
                                    std::span<const history::LakeColumn> columns);
  ParquetFile(ParquetFile&&) noexcept;
  ParquetFile& operator=(ParquetFile&&) noexcept;
  /// A file that is not finished is left as it is: unreadable.
  ~ParquetFile();

  /// Events come in the order (key_value, seq). Fails with corrupt, type "lake-event", when the event belongs
  /// to another upload or has a column that the file does not, and as io::File::write.
  Result<void> append(const Event& event);
  /// Writes the footer, syncs and closes. After a failure of this or `append` nothing more may be done with
  /// it.
  Result<void> finish();

  [[nodiscard]] std::int64_t rows() const;

 private:
  struct State;
  explicit ParquetFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace deltadrop::lake
