#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "core/result.hpp"
#include "lake/layout.hpp"
#include "lake/notations.hpp"
#include "lake/table_columns.hpp"

namespace deltadrop::lake {

/// Takes the bytes of a file in their order. What it fails with, the file fails with.
using ByteSink = std::function<Result<void>(std::string_view bytes)>;

/// Gives memory that Arrow and the C library keep for later back to the system. Takes some milliseconds.
void release_unused_memory();

/// One Parquet file of events of one type, of one upload or of several versions, being written. Equal events
/// give equal bytes. Memory: the rows of one row group, at most about 64 MiB of values and their encoded
/// form. Not thread-safe.
class ParquetFile {
 public:
  /// Each of `columns` gets old_<name> and new_<name>. They must outlive the file, and keep their number.
  /// `notations`: of the upload. `versions`: of a file of several, of which `upload` is the first with such
  /// events.
  static Result<ParquetFile> create(ByteSink sink, const UploadFacts& upload, const Notations& notations,
                                    TableColumns& columns,
                                    const std::optional<VersionRange>& versions = std::nullopt);
  ParquetFile(ParquetFile&&) noexcept;
  ParquetFile& operator=(ParquetFile&&) noexcept;
  /// The bytes of a file that is not finished are unreadable.
  ~ParquetFile();

  /// The events that follow are of this upload, a later version of the table.
  void next_upload(const UploadFacts& upload, const Notations& notations);
  /// Events of an upload come in the order (key_value, seq). A value that its column's type does not hold
  /// widens `columns`; from then on the file is of no use, and this only widens further where values need it.
  /// Fails with corrupt, type "lake-event", when the event belongs to another upload or has a column that the
  /// file does not, and as the sink.
  Result<void> append(const Event& event);
  /// Whether all values were of their columns' types.
  [[nodiscard]] bool fits() const;
  /// For a file that fits. Writes the footer. After a failure of this or `append` nothing
  /// more may be done with it.
  Result<void> finish();

  [[nodiscard]] std::int64_t rows() const;

 private:
  struct State;
  explicit ParquetFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace deltadrop::lake
