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

/// Receives the bytes of a file in order. If it fails, the file fails with its error.
using ByteSink = std::function<Result<void>(std::string_view bytes)>;

/// Returns unused memory of Arrow and the C library to the system. Takes some milliseconds.
void release_unused_memory();

/// Writes one Parquet file of events of one type, of one upload or of several versions. Equal events result
/// in equal bytes. Memory: the rows of one row group, at most about 64 MiB of values plus their encoded form.
/// Not thread-safe.
class ParquetFile {
 public:
  /// Each of `columns` becomes old_<name> and new_<name>. `columns` must outlive the file and keep its
  /// length. `notations` are the upload's. For a file of several versions, `versions` is their range and
  /// `upload` the first one with such events.
  static Result<ParquetFile> create(ByteSink sink, const UploadFacts& upload, const Notations& notations,
                                    TableColumns& columns,
                                    const std::optional<VersionRange>& versions = std::nullopt);
  ParquetFile(ParquetFile&&) noexcept;
  ParquetFile& operator=(ParquetFile&&) noexcept;
  /// The bytes of an unfinished file are unreadable.
  ~ParquetFile();

  /// Sets the upload of the events that follow: a later version of the table.
  void next_upload(const UploadFacts& upload, const Notations& notations);
  /// Appends an event. Events of an upload arrive in (key_value, seq) order. A value that does not fit its
  /// column's type widens `columns`. The file is then useless, and later calls only widen further as their
  /// values require. Fails with corrupt, type "lake-event", if the event belongs to another upload or has an
  /// unknown column. Also fails if the sink fails.
  Result<void> append(const Event& event);
  /// Returns true if all values had their columns' types.
  [[nodiscard]] bool fits() const;
  /// Writes the footer of a file that fits. After a failure of this or `append`, the object must not be used.
  Result<void> finish();

  [[nodiscard]] std::int64_t rows() const;

 private:
  struct State;
  explicit ParquetFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace deltadrop::lake
