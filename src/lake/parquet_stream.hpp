#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include <optional>
#include <string>

#include "core/result.hpp"
#include "lake/parquet_file.hpp"

namespace deltadrop::lake {

/// The created_by text of every file. It replaces the library's version, which would make the bytes of equal
/// events differ. The number is the version of the format in docs/lake.md.
inline constexpr const char* kCreatedBy = "deltadrop version 1.0.0";

/// Passes Parquet's bytes to a sink and keeps the first Error, which Arrow's Status cannot carry.
class SinkStream final : public arrow::io::OutputStream {
 public:
  explicit SinkStream(ByteSink sink);

  arrow::Status Write(const void* data, std::int64_t size) override;
  arrow::Status Flush() override;
  arrow::Result<std::int64_t> Tell() const override { return position_; }
  arrow::Status Close() override;
  [[nodiscard]] bool closed() const override { return closed_; }

  /// Discards all later bytes: Parquet's destructor would otherwise write a footer.
  void abandon();
  /// Converts `status`, the result of a call that wrote to this stream, to an Error.
  [[nodiscard]] Result<void> checked(const arrow::Status& status) const;

 private:
  arrow::Status keep(const Result<void>& outcome);
  [[nodiscard]] arrow::Status status() const;

  ByteSink sink_;
  std::string buffer_;
  std::int64_t position_ = 0;
  bool closed_ = false;
  std::optional<Error> error_;
};

}  // namespace deltadrop::lake
